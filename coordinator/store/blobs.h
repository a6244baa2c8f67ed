// The part of blobs that needs the store's own connection.
#ifndef TUNERD_COORDINATOR_STORE_BLOBS_H
#define TUNERD_COORDINATOR_STORE_BLOBS_H

#include <sqlite3.h>

// Removes files of state_dir/blobs that no row names and that are older than ten minutes, and what has
// been arriving in state_dir/incoming for more than a day. Returns how many blobs went.
int blobs_collect(sqlite3 *db, const char *state_dir);

#endif
