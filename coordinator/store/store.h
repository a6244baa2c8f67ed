// The store: one SQLite file (WAL, synchronous FULL) in the state directory, one connection that writes
// and checkpoints, any number of read-only ones. schema/migrations/ says what is in it.
//
//     state-dir/tunerd.db   the store          state-dir/blobs/SHA256   checkpoints, models, data set files
//     state-dir/lock        held by flock      state-dir/incoming/      files that are still arriving
#ifndef TUNERD_COORDINATOR_STORE_H
#define TUNERD_COORDINATOR_STORE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "common/error.h"
#include "coordinator/store/batch.h"

enum {
    STORE_EVENTS_KEPT = 100000,
    STORE_IDEMPOTENCY_DAYS = 2, // keys are remembered for as long
};

struct store;

// Makes the directory when there is none, takes its lock, opens, migrates and checks the file.
// Errors: E_BUSY (another daemon has it), E_STORE (damaged, or written by a newer version), E_IO.
enum code store_open(const char *state_dir, struct store **out, struct error *err);
void store_close(struct store *store);

// One transaction with all of the batch, synced. Afterwards all of it is durable or, on an error, none
// of it is in the store. E_LIMIT: the disk is full; E_IO, E_STORE: as SQLite says.
enum code store_commit(struct store *store, const struct batch *batch, struct error *err);
// Removes blobs no row names and no upload wrote in the last ten minutes. Returns how many.
int store_collect_blobs(struct store *store);

// A read-only connection to the store in state_dir, for one thread. Keep statements short and reset
// them at once: an open one keeps the log from being checkpointed.
enum code store_reader_open(const char *state_dir, sqlite3 **out, struct error *err);
void store_reader_close(sqlite3 *reader);

// Calls `each` with every row of a table, `rest` being SQL after FROM ("WHERE …", "ORDER BY …", "").
// The row's texts are valid within the call. `each` returns OK to go on.
typedef enum code (*store_each)(void *context, const void *row, struct error *err);
enum code store_load(sqlite3 *db, enum row_table table, const char *rest, store_each each,
                     void *context, struct error *err);
// The highest id a table with AUTOINCREMENT has given so far; 0 when none.
enum code store_last_id(sqlite3 *db, const char *table, int64_t *out, struct error *err);
// The store's own id, drawn when it was made.
enum code store_id(sqlite3 *db, char out[33], struct error *err);

// state_dir/blobs/<sha256>; malloc'ed. The digest is 64 lower-case hexadecimal digits: checked by
// store_is_sha256(), so that a name can never leave the folder.
char *store_blob_path(const char *state_dir, const char *sha256);
bool store_is_sha256(const char *text);

#endif
