// Read-only connections to the store for the server's threads: as many as there are threads, each with
// its statements kept prepared. A snapshot lasts from the first row to reader_give(), which must be
// soon: an open one keeps the log from being written back.
#ifndef TUNERD_COORDINATOR_HTTP_READERS_H
#define TUNERD_COORDINATOR_HTTP_READERS_H

#include <sqlite3.h>

#include "common/error.h"

struct readers;
struct reader;

// Opens `count` connections to the store in `state_dir`. E_STORE, E_MEMORY.
enum code readers_open(const char *state_dir, int count, struct readers **out, struct error *err);
void readers_close(struct readers *readers); // NULL is fine

// Takes one, waiting while all are out. One at a time per thread.
struct reader *reader_take(struct readers *readers);
// Ends its snapshot.
void reader_give(struct readers *readers, struct reader *reader);
// Makes the statements that follow read one snapshot; reader_give() ends it.
void reader_snapshot(struct reader *reader);

// Binds and returns the prepared statement of `sql`, a string that lives on, or, with `reader_once`,
// one that is finalized by reader_give(). binds: a letter per parameter, s (const char *, may be NULL),
// i (int64_t), d (double). NULL on failure, which the reader remembers.
sqlite3_stmt *reader_query(struct reader *reader, const char *sql, const char *binds, ...);
sqlite3_stmt *reader_once(struct reader *reader, const char *sql);
// True for a row; false at the end or on failure. NULL is an end.
bool reader_step(struct reader *reader, sqlite3_stmt *statement);
// For reading by others' functions.
sqlite3 *reader_db(struct reader *reader);
// OK, or E_STORE with SQLite's words when anything failed since reader_take().
enum code reader_result(const struct reader *reader, struct error *err);

#endif
