// The statements of all acts are prepared once, on first use, and bound by the tables of rows.c.

#include "coordinator/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "coordinator/alloc.h"
#include "coordinator/store/blobs.h"
#include "coordinator/store/migrate.h"

struct store {
    char *dir;
    int lock;
    sqlite3 *db;
    sqlite3_stmt *acts[ROW_TABLES][ROW_ACTS];
    sqlite3_stmt *begin, *commit, *trim_events, *trim_keys;
    int64_t events_since_trim;
};

static enum code sql_fail(sqlite3 *db, const char *doing, struct error *err)
{
    int rc = sqlite3_errcode(db);
    enum code code = rc == SQLITE_FULL ? E_LIMIT : rc == SQLITE_IOERR ? E_IO : E_STORE;
    return fail(err, code, "", "the store failed at %s: %s", doing, sqlite3_errmsg(db));
}

static enum code make_directory(const char *path, struct error *err)
{
    if (mkdir(path, 0750) && errno != EEXIST)
        return fail(err, E_IO, "", "cannot make the folder %s: %s", path, strerror(errno));
    return OK;
}

static enum code make_directories(const char *dir, struct error *err)
{
    static const char *const names[] = {"", "/blobs", "/incoming"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = alloc_format("%s%s", dir, names[i]);
        enum code code = make_directory(path, err);
        free(path);
        if (code)
            return code;
    }
    return OK;
}

// A file of our own carries the lock: opening the database's files beside SQLite would drop its locks.
static enum code take_lock(struct store *store, struct error *err)
{
    char *path = alloc_format("%s/lock", store->dir);
    store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    enum code code = OK;
    if (store->lock < 0)
        code = fail(err, E_IO, "", "cannot open %s: %s", path, strerror(errno));
    else if (flock(store->lock, LOCK_EX | LOCK_NB))
        code = fail(err, E_BUSY, "",
                    "another tunerd uses the state directory %s; stop it, or give this one another "
                    "--state-dir",
                    store->dir);
    free(path);
    return code;
}

static enum code quick_check(sqlite3 *db, struct error *err)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL) != SQLITE_OK)
        return sql_fail(db, "its check", err);
    enum code code = OK;
    if (sqlite3_step(stmt) != SQLITE_ROW)
        code = sql_fail(db, "its check", err);
    else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0)
        code = fail(err, E_STORE, "", "the store is damaged: %s; restore a backup",
                    (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return code;
}

static enum code open_file(struct store *store, struct error *err)
{
    char *path = alloc_format("%s/tunerd.db", store->dir);
    int rc = sqlite3_open_v2(
        path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    enum code code = OK;
    if (rc != SQLITE_OK)
        code = fail(err, E_STORE, "", "cannot open %s: %s", path, sqlite3_errstr(rc));
    free(path);
    if (code)
        return code;
    sqlite3_busy_timeout(store->db, 5000);
    if (sqlite3_exec(store->db,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0;"
                     "PRAGMA journal_size_limit = 67108864",
                     NULL, NULL, NULL) != SQLITE_OK)
        return sql_fail(store->db, "opening", err);
    code = quick_check(store->db, err);
    if (code)
        return code;
    int n;
    const struct migration *steps = migrate_steps(&n);
    return migrate_run(store->db, steps, n, err);
}

static enum code prepare_own(struct store *store, struct error *err)
{
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } own[] = {
        {&store->begin, "BEGIN IMMEDIATE"},
        {&store->commit, "COMMIT"},
        {&store->trim_events, "DELETE FROM events WHERE seq <= ?1"},
        {&store->trim_keys, "DELETE FROM idempotency WHERE created_at < ?1"},
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (sqlite3_prepare_v3(store->db, own[i].sql, -1, SQLITE_PREPARE_PERSISTENT, own[i].stmt,
                               NULL) != SQLITE_OK)
            return sql_fail(store->db, own[i].sql, err);
    return OK;
}

enum code store_open(const char *state_dir, struct store **out, struct error *err)
{
    struct store *store = alloc_zero(1, sizeof *store);
    store->dir = alloc_text(state_dir);
    store->lock = -1;
    enum code code = make_directories(state_dir, err);
    if (!code)
        code = take_lock(store, err);
    if (!code)
        code = open_file(store, err);
    if (!code)
        code = prepare_own(store, err);
    if (code) {
        store_close(store);
        return code;
    }
    *out = store;
    return OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (int table = 0; table < ROW_TABLES; table++)
        for (int act = 0; act < ROW_ACTS; act++)
            sqlite3_finalize(store->acts[table][act]);
    sqlite3_finalize(store->begin);
    sqlite3_finalize(store->commit);
    sqlite3_finalize(store->trim_events);
    sqlite3_finalize(store->trim_keys);
    sqlite3_close(store->db);
    if (store->lock >= 0)
        close(store->lock);
    free(store->dir);
    free(store);
}

static sqlite3_stmt *statement(struct store *store, const struct batch_item *item)
{
    sqlite3_stmt **stmt = &store->acts[item->table][item->act];
    if (!*stmt) {
        char *sql = row_sql(item->table, item->act);
        sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
        free(sql);
    }
    return *stmt;
}

static void bind(sqlite3_stmt *stmt, int at, const struct column *column, void *row)
{
    switch (column->type) {
    case COLUMN_INTEGER:
        if (*row_integer(column, row) == ROW_NULL)
            sqlite3_bind_null(stmt, at);
        else
            sqlite3_bind_int64(stmt, at, *row_integer(column, row));
        break;
    case COLUMN_REAL: // NaN binds as NULL
        sqlite3_bind_double(stmt, at, *row_real(column, row));
        break;
    case COLUMN_TEXT:
        sqlite3_bind_text(stmt, at, *row_text(column, row), -1, SQLITE_STATIC);
        break;
    }
}

static enum code write_item(struct store *store, const struct batch_item *item, struct error *err)
{
    const struct table *table = &row_tables[item->table];
    sqlite3_stmt *stmt = statement(store, item);
    if (!stmt)
        return sql_fail(store->db, table->name, err);
    int parameters = sqlite3_bind_parameter_count(stmt);
    for (int i = 0; i < table->ncolumns && i < parameters; i++)
        bind(stmt, i + 1, &table->columns[i], item->row);
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc == SQLITE_DONE ? OK : sql_fail(store->db, table->name, err);
}

// Now and then, inside the transaction: what is older than is promised goes.
static enum code trim(struct store *store, const struct batch *batch, struct error *err)
{
    int64_t newest = 0;
    for (int i = 0; i < batch->n; i++)
        if (batch->items[i].table == ROW_EVENT) {
            newest = ((const struct event_row *)batch->items[i].row)->seq;
            store->events_since_trim++;
        }
    if (!newest || store->events_since_trim < STORE_EVENTS_KEPT / 100)
        return OK;
    store->events_since_trim = 0;
    sqlite3_bind_int64(store->trim_events, 1, newest - STORE_EVENTS_KEPT);
    sqlite3_bind_int64(store->trim_keys, 1,
                       ((int64_t)time(NULL) - STORE_IDEMPOTENCY_DAYS * 86400) * 1000);
    int rc = sqlite3_step(store->trim_events);
    int rc_keys = rc == SQLITE_DONE ? sqlite3_step(store->trim_keys) : rc;
    sqlite3_reset(store->trim_events);
    sqlite3_reset(store->trim_keys);
    return rc_keys == SQLITE_DONE ? OK : sql_fail(store->db, "trimming", err);
}

static enum code sync_path(const char *path, int flags, struct error *err)
{
    int fd = open(path, flags | O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(err, E_IO, "", "cannot open %s: %s", path, strerror(errno));
    enum code code = OK;
    if (fsync(fd))
        code = fail(err, E_IO, "", "cannot sync %s: %s", path, strerror(errno));
    close(fd);
    return code;
}

static enum code place_files(struct store *store, const struct batch *batch, struct error *err)
{
    for (int i = 0; i < batch->nfiles; i++) {
        const struct batch_file *file = &batch->files[i];
        enum code code = sync_path(file->from, 0, err);
        if (code)
            return code;
        if (rename(file->from, file->to))
            return fail(err, E_IO, "", "cannot rename %s: %s", file->from, strerror(errno));
    }
    if (!batch->nfiles)
        return OK;
    char *blobs = alloc_format("%s/blobs", store->dir);
    enum code code = sync_path(blobs, O_DIRECTORY, err);
    free(blobs);
    return code;
}

static enum code run(sqlite3_stmt *stmt, struct store *store, const char *what, struct error *err)
{
    int rc = sqlite3_step(stmt);
    enum code code = rc == SQLITE_DONE ? OK : sql_fail(store->db, what, err);
    sqlite3_reset(stmt);
    return code;
}

enum code store_commit(struct store *store, const struct batch *batch, struct error *err)
{
    enum code code = place_files(store, batch, err);
    if (!code)
        code = run(store->begin, store, "BEGIN", err);
    if (code)
        return code;
    for (int i = 0; i < batch->n && !code; i++)
        code = write_item(store, &batch->items[i], err);
    if (!code)
        code = trim(store, batch, err);
    if (!code)
        code = run(store->commit, store, "COMMIT", err);
    if (code && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

enum code store_reader_open(const char *state_dir, sqlite3 **out, struct error *err)
{
    sqlite3 *db = NULL;
    char *path = alloc_format("%s/tunerd.db", state_dir);
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    enum code code = OK;
    if (rc != SQLITE_OK)
        code = fail(err, E_STORE, "", "cannot read %s: %s", path, sqlite3_errstr(rc));
    free(path);
    if (!code) {
        sqlite3_busy_timeout(db, 2000);
        if (sqlite3_exec(db, "PRAGMA query_only = ON; PRAGMA mmap_size = 0", NULL, NULL, NULL) !=
            SQLITE_OK)
            code = sql_fail(db, "opening", err);
    }
    if (code) {
        sqlite3_close(db);
        return code;
    }
    *out = db;
    return OK;
}

void store_reader_close(sqlite3 *reader)
{
    sqlite3_close(reader);
}

int store_collect_blobs(struct store *store)
{
    return blobs_collect(store->db, store->dir);
}
