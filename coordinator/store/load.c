// Reading whole tables back into rows, at start and after a failed transaction.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"
#include "coordinator/store/store.h"

static void read_column(sqlite3_stmt *stmt, int at, const struct column *column, void *row)
{
    bool null = sqlite3_column_type(stmt, at) == SQLITE_NULL;
    switch (column->type) {
    case COLUMN_INTEGER:
        *row_integer(column, row) = null ? ROW_NULL : sqlite3_column_int64(stmt, at);
        break;
    case COLUMN_REAL:
        *row_real(column, row) = null ? NAN : sqlite3_column_double(stmt, at);
        break;
    case COLUMN_TEXT:
        *row_text(column, row) = null ? NULL : (const char *)sqlite3_column_text(stmt, at);
        break;
    }
}

static char *select_sql(const struct table *table, const char *rest)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = alloc_sure(open_memstream(&text, &size));
    for (int i = 0; i < table->ncolumns; i++)
        fprintf(out, "%s%s", i ? ", " : "SELECT ", table->columns[i].name);
    fprintf(out, " FROM %s %s", table->name, rest);
    if (fclose(out))
        free(text), text = NULL;
    return alloc_sure(text);
}

enum code store_load(sqlite3 *db, enum row_table which, const char *rest, store_each each,
                     void *context, struct error *err)
{
    const struct table *table = &row_tables[which];
    char *sql = select_sql(table, rest);
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    free(sql);
    enum code code = OK;
    if (rc != SQLITE_OK)
        return fail(err, E_STORE, "", "cannot read %s: %s", table->name, sqlite3_errmsg(db));

    while (!code && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        _Alignas(16) char row[ROW_BYTES_MAX] = {0};
        for (int i = 0; i < table->ncolumns; i++)
            read_column(stmt, i, &table->columns[i], row);
        code = each(context, row, err);
    }
    if (!code && rc != SQLITE_DONE)
        code = fail(err, E_STORE, "", "cannot read %s: %s", table->name, sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    return code;
}

// The first column of the first row, or `missing` when there is none.
static enum code read_first(sqlite3 *db, const char *sql, const char *argument, sqlite3_stmt **out,
                            bool *found, struct error *err)
{
    if (sqlite3_prepare_v2(db, sql, -1, out, NULL) != SQLITE_OK)
        return fail(err, E_STORE, "", "cannot read the store: %s", sqlite3_errmsg(db));
    if (argument)
        sqlite3_bind_text(*out, 1, argument, -1, SQLITE_STATIC);
    int rc = sqlite3_step(*out);
    *found = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return OK;
    sqlite3_finalize(*out);
    return fail(err, E_STORE, "", "cannot read the store: %s", sqlite3_errmsg(db));
}

enum code store_last_id(sqlite3 *db, const char *table, int64_t *out, struct error *err)
{
    sqlite3_stmt *stmt;
    bool found;
    enum code code = read_first(db, "SELECT seq FROM sqlite_sequence WHERE name = ?1", table, &stmt,
                                &found, err);
    if (code)
        return code;
    *out = found ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return OK;
}

enum code store_id(sqlite3 *db, char out[33], struct error *err)
{
    sqlite3_stmt *stmt;
    bool found;
    enum code code = read_first(db, "SELECT id FROM store", NULL, &stmt, &found, err);
    if (code)
        return code;
    if (found)
        snprintf(out, 33, "%s", (const char *)sqlite3_column_text(stmt, 0));
    else
        code = fail(err, E_STORE, "", "the store has no id; it is not one of tunerd");
    sqlite3_finalize(stmt);
    return code;
}
