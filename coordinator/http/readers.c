// A stack of connections under a lock. Statements are found again by the address of their text.
#include "coordinator/http/readers.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "coordinator/store/store.h"

enum { KEPT_MAX = 64 };

struct reader {
    sqlite3 *db;
    struct reader *next;
    int nkept;
    struct kept {
        const char *sql;
        sqlite3_stmt *statement;
    } kept[KEPT_MAX];
    sqlite3_stmt *once;
    bool in_snapshot;
    int result; // first failure since reader_take(), an SQLite code
    char message[200];
};

struct readers {
    pthread_mutex_t lock;
    pthread_cond_t given;
    struct reader *free;
    int count;
    struct reader all[];
};

enum code readers_open(const char *state_dir, int count, struct readers **out, struct error *err)
{
    struct readers *readers = calloc(1, sizeof *readers + (size_t)count * sizeof(struct reader));
    if (!readers)
        return fail(err, E_MEMORY, "", "out of memory");
    pthread_mutex_init(&readers->lock, NULL);
    pthread_cond_init(&readers->given, NULL);
    for (; readers->count < count; readers->count++) {
        struct reader *r = &readers->all[readers->count];
        enum code code = store_reader_open(state_dir, &r->db, err);
        if (code) {
            readers_close(readers);
            return code;
        }
        r->next = readers->free;
        readers->free = r;
    }
    *out = readers;
    return OK;
}

void readers_close(struct readers *readers)
{
    if (!readers)
        return;
    for (int i = 0; i < readers->count; i++) {
        struct reader *r = &readers->all[i];
        for (int k = 0; k < r->nkept; k++)
            sqlite3_finalize(r->kept[k].statement);
        sqlite3_finalize(r->once);
        store_reader_close(r->db);
    }
    pthread_cond_destroy(&readers->given);
    pthread_mutex_destroy(&readers->lock);
    free(readers);
}

struct reader *reader_take(struct readers *readers)
{
    pthread_mutex_lock(&readers->lock);
    while (!readers->free)
        pthread_cond_wait(&readers->given, &readers->lock);
    struct reader *r = readers->free;
    readers->free = r->next;
    pthread_mutex_unlock(&readers->lock);
    r->result = SQLITE_OK;
    r->message[0] = '\0';
    return r;
}

void reader_give(struct readers *readers, struct reader *reader)
{
    for (int k = 0; k < reader->nkept; k++) {
        sqlite3_reset(reader->kept[k].statement);
        sqlite3_clear_bindings(reader->kept[k].statement);
    }
    sqlite3_finalize(reader->once);
    reader->once = NULL;
    if (reader->in_snapshot)
        sqlite3_exec(reader->db, "ROLLBACK", NULL, NULL, NULL);
    reader->in_snapshot = false;
    pthread_mutex_lock(&readers->lock);
    reader->next = readers->free;
    readers->free = reader;
    pthread_cond_signal(&readers->given);
    pthread_mutex_unlock(&readers->lock);
}

static void note_failure(struct reader *reader, int rc)
{
    if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW || reader->result != SQLITE_OK)
        return;
    reader->result = rc;
    snprintf(reader->message, sizeof reader->message, "%s", sqlite3_errmsg(reader->db));
}

void reader_snapshot(struct reader *reader)
{
    int rc = sqlite3_exec(reader->db, "BEGIN", NULL, NULL, NULL);
    reader->in_snapshot = rc == SQLITE_OK;
    note_failure(reader, rc);
}

static sqlite3_stmt *prepared(struct reader *reader, const char *sql)
{
    for (int k = 0; k < reader->nkept; k++) {
        if (reader->kept[k].sql == sql) {
            sqlite3_reset(reader->kept[k].statement);
            return reader->kept[k].statement;
        }
    }
    sqlite3_stmt *statement = NULL;
    if (reader->nkept == KEPT_MAX) {
        note_failure(reader, SQLITE_FULL);
        return NULL;
    }
    note_failure(reader, sqlite3_prepare_v3(reader->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                            &statement, NULL));
    if (statement)
        reader->kept[reader->nkept++] = (struct kept){sql, statement};
    return statement;
}

sqlite3_stmt *reader_query(struct reader *reader, const char *sql, const char *binds, ...)
{
    sqlite3_stmt *statement = prepared(reader, sql);
    va_list args;
    va_start(args, binds);
    for (int i = 0; statement && binds[i]; i++) {
        int rc = SQLITE_MISUSE;
        if (binds[i] == 's')
            rc = sqlite3_bind_text(statement, i + 1, va_arg(args, const char *), -1,
                                   SQLITE_TRANSIENT);
        else if (binds[i] == 'i')
            rc = sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
        else if (binds[i] == 'd')
            rc = sqlite3_bind_double(statement, i + 1, va_arg(args, double));
        if (rc != SQLITE_OK) {
            note_failure(reader, rc);
            statement = NULL;
        }
    }
    va_end(args);
    return statement;
}

sqlite3_stmt *reader_once(struct reader *reader, const char *sql)
{
    sqlite3_finalize(reader->once);
    reader->once = NULL;
    note_failure(reader, sqlite3_prepare_v2(reader->db, sql, -1, &reader->once, NULL));
    return reader->once;
}

bool reader_step(struct reader *reader, sqlite3_stmt *statement)
{
    if (!statement)
        return false;
    int rc = sqlite3_step(statement);
    note_failure(reader, rc);
    return rc == SQLITE_ROW;
}

sqlite3 *reader_db(struct reader *reader)
{
    return reader->db;
}

enum code reader_result(const struct reader *reader, struct error *err)
{
    if (reader->result == SQLITE_OK)
        return OK;
    return fail(err, E_STORE, "", "the store cannot be read: %s", reader->message);
}
