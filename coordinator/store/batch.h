// What one transaction writes: rows with their acts, in order, and files that get their final name
// before it. A batch owns copies of all of it.
#ifndef TUNERD_COORDINATOR_STORE_BATCH_H
#define TUNERD_COORDINATOR_STORE_BATCH_H

#include <stdbool.h>

#include "coordinator/store/rows.h"

struct batch_item {
    enum row_table table;
    enum row_act act;
    void *row; // the table's struct, in the batch's memory
};

struct batch_file {
    char *from, *to; // synced and renamed before the transaction begins
};

struct batch_block;
struct batch {
    int n, cap;
    struct batch_item *items;
    int nfiles, files_cap;
    struct batch_file *files;
    struct batch_block *memory;
    bool collect; // rows that name blobs went: look for blobs without a name afterwards
};

struct batch *batch_new(void);
void batch_free(struct batch *batch);
bool batch_is_empty(const struct batch *batch);
void batch_add(struct batch *batch, enum row_act act, enum row_table table, const void *row);
void batch_add_file(struct batch *batch, const char *from, const char *to);

#endif
