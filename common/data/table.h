// CSV files as rows of named columns: the training file defines the columns, the test file must have
// the same. What the columns hold is found out and filled in by walks over all fields (csv_reader.c).
#ifndef TUNERD_COMMON_DATA_TABLE_H
#define TUNERD_COMMON_DATA_TABLE_H

#include "common/data/csv.h"

enum { TABLE_COLUMNS_MAX = 100000, TABLE_CLASSES_MAX = 256 };

struct column {
    char *name;
    bool text;       // some value is no number
    int ncategories; // of text: sorted
    char **categories;
    int64_t feature; // where its features begin
    int64_t width;   // how many they are
};

struct table {
    struct csv_text files[2]; // training, test (text NULL: none)
    int64_t rows[2];
    int ncolumns;
    struct column *columns;
    int target;
    bool one_hot;
    int64_t features;
    // of a target of numbers
    bool whole, seen[TABLE_CLASSES_MAX];
    int64_t classes;
    float *x[2];
    void *y[2];
};

struct table_visit {
    struct table *table;
    struct csv_scanner scanner;
    bool test;
    int64_t row;
};

typedef enum code (*table_visitor)(struct table_visit *visit, int column, struct error *err);

void table_fini(struct table *table);
// Reads the training file's header and finds the target (target NULL: by the usual names, else the last
// column). E_INVALID, E_LIMIT, E_UNKNOWN at /target.
enum code table_columns(struct table *table, const char *target, struct error *err);
// Calls the visitor for every field of a part below its header and counts the rows. Errors of the text,
// of rows of another length, and the visitor's own. A part without file is no error.
enum code table_walk(struct table *table, bool test, table_visitor visitor, struct error *err);
// E_INVALID that names file, line and column.
enum code table_fault(const struct table_visit *visit, int column, struct error *err,
                      const char *what);

#endif
