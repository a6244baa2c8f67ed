// …/export: all trials, streamed in pieces, each read in a short snapshot of its own.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/http/view.h"

enum { TRIALS_A_PIECE = 256 };

struct export
{
    struct readers *readers;
    int64_t study, number; // the last trial sent; -1: none
    bool begun;
    int nnames;
    char **names; // of the hyperparameters, in the space's order
};

static const char select_piece[] = "SELECT " TRIAL_COLUMNS " FROM trials WHERE study_id = ?1 "
                                   "AND number > ?2 ORDER BY number LIMIT ?3";

static void drop(void *state)
{
    struct export *e = state;
    for (int i = 0; i < e->nnames; i++)
        free(e->names[i]);
    free(e->names);
    free(e);
}

static enum fill fill_json(void *state, struct buf *out)
{
    struct export *e = state;
    struct error err;
    int n = 0;
    struct reader *reader = reader_take(e->readers);
    sqlite3_stmt *row =
        reader_query(reader, select_piece, "iii", e->study, e->number, (int64_t)TRIALS_A_PIECE);
    buf_put(out, e->begun ? "" : "[");
    for (e->begun = true; reader_step(reader, row); n++) {
        buf_put(out, e->number >= 0 ? ",\n" : "\n");
        view_trial(row, out);
        buf_put(out, "}");
        e->number = sqlite3_column_int64(row, 0);
    }
    enum code code = reader_result(reader, &err);
    reader_give(e->readers, reader);
    if (n < TRIALS_A_PIECE)
        buf_put(out, "\n]\n");
    return code ? FILL_BROKEN : n < TRIALS_A_PIECE ? FILL_DONE : FILL_MORE;
}

// A column's value as CSV: exact text for numbers, nothing for NULL.
static void put_field(sqlite3_stmt *row, int column, bool is_time, struct buf *out)
{
    int type = sqlite3_column_type(row, column);
    char number[32];
    if (type == SQLITE_INTEGER && is_time) {
        time_rfc3339(sqlite3_column_int64(row, column), number);
        buf_put(out, number);
    } else if (type == SQLITE_INTEGER) {
        buf_json_integer(out, sqlite3_column_int64(row, column));
    } else if (type == SQLITE_FLOAT) {
        buf_json_number(out, sqlite3_column_double(row, column));
    } else if (type == SQLITE_TEXT) {
        buf_csv_field(out, (const char *)sqlite3_column_text(row, column),
                      (size_t)sqlite3_column_bytes(row, column));
    }
}

static int name_index(const struct export *e, const char *name)
{
    for (int i = 0; i < e->nnames; i++)
        if (strcmp(e->names[i], name) == 0)
            return i;
    return -1;
}

// The active hyperparameters in the space's order. SQLite takes the JSON apart, which keeps integers of
// 64 bits whole.
static void put_hyperparameters(struct export *e, struct reader *reader, const char *json,
                                struct buf *fields, struct buf *out)
{
    sqlite3_stmt *row =
        reader_query(reader,
                     "SELECT key, CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' "
                     "ELSE atom END FROM json_each(?1)",
                     "s", json);
    for (int i = 0; i < e->nnames; i++)
        buf_clear(&fields[i]);
    while (reader_step(reader, row)) {
        int i = name_index(e, (const char *)sqlite3_column_text(row, 0));
        if (i >= 0)
            put_field(row, 1, false, &fields[i]);
    }
    for (int i = 0; i < e->nnames; i++) {
        buf_put(out, ",");
        if (fields[i].len)
            buf_bytes(out, fields[i].data, fields[i].len);
        out->failed = out->failed || fields[i].failed;
    }
}

static void put_heading(const struct export *e, struct buf *out)
{
    buf_put(out, "number,state,score,best_epoch,created_at,started_at,ended_at,reason");
    for (int i = 0; i < e->nnames; i++) {
        buf_put(out, ",");
        buf_csv_field(out, e->names[i], strlen(e->names[i]));
    }
    buf_put(out, "\r\n");
}

static int put_rows(struct export *e, struct reader *reader, struct buf *fields, struct buf *out)
{
    static const int columns[] = {0, 1, 3, 4, 8, 9, 10, 5};
    sqlite3_stmt *row =
        reader_query(reader, select_piece, "iii", e->study, e->number, (int64_t)TRIALS_A_PIECE);
    int n = 0;
    for (; reader_step(reader, row); n++) {
        for (int i = 0; i < 8; i++) {
            buf_put(out, i ? "," : "");
            put_field(row, columns[i], columns[i] >= 8, out);
        }
        put_hyperparameters(e, reader, (const char *)sqlite3_column_text(row, 2), fields, out);
        buf_put(out, "\r\n");
        e->number = sqlite3_column_int64(row, 0);
    }
    return n;
}

static enum fill fill_csv(void *state, struct buf *out)
{
    struct export *e = state;
    struct error err;
    struct buf *fields = calloc((size_t)e->nnames + 1, sizeof *fields);
    if (!fields)
        return FILL_BROKEN;
    for (int i = 0; i < e->nnames; i++)
        buf_init(&fields[i], 1 << 20);
    if (!e->begun)
        put_heading(e, out);
    e->begun = true;
    struct reader *reader = reader_take(e->readers);
    reader_snapshot(reader);
    int n = put_rows(e, reader, fields, out);
    enum code code = reader_result(reader, &err);
    reader_give(e->readers, reader);
    for (int i = 0; i < e->nnames; i++)
        buf_fini(&fields[i]);
    free(fields);
    return code ? FILL_BROKEN : n < TRIALS_A_PIECE ? FILL_DONE : FILL_MORE;
}

static enum code read_names(struct export *e, struct reader *reader, struct error *err)
{
    sqlite3_stmt *row = reader_query(reader,
                                     "SELECT json_array_length(s.space), h.value ->> '$.name' FROM "
                                     "studies s, json_each(s.space) h "
                                     "WHERE s.id = ?1 ORDER BY h.key",
                                     "i", e->study);
    while (reader_step(reader, row)) {
        if (!e->names) {
            e->names = calloc((size_t)sqlite3_column_int64(row, 0), sizeof *e->names);
            if (!e->names)
                return fail(err, E_MEMORY, "", "out of memory");
        }
        const char *name = (const char *)sqlite3_column_text(row, 1);
        e->names[e->nnames] = strdup(name ? name : "");
        if (!e->names[e->nnames])
            return fail(err, E_MEMORY, "", "out of memory");
        e->nnames++;
    }
    return reader_result(reader, err);
}

static const struct format {
    const char *name, *type, *extension;
    struct producer producer;
} formats[] = {
    {"csv", "text/csv; charset=utf-8", "csv", {fill_csv, drop}},
    {"json", "application/json", "json", {fill_json, drop}},
};

void study_export(struct request *request)
{
    struct error err;
    const char *wanted = uri_parameter(&request->uri, "format");
    const struct format *format = &formats[0];
    while (wanted && format < formats + 2 && strcmp(format->name, wanted) != 0)
        format++;
    if (format == formats + 2) {
        reply_fail(request, 400, E_UNKNOWN, "?format", "format is '%.20s'; give csv or json",
                   wanted);
        return;
    }
    struct export *e = calloc(1, sizeof *e);
    if (!e) {
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
        return;
    }
    *e = (struct export){.readers = request->http->readers, .number = -1};
    struct reader *reader = reader_take(e->readers);
    enum code code = view_study_id(reader, request->arguments[0], &e->study, NULL, &err);
    if (code == OK)
        code = read_names(e, reader, &err);
    reader_give(e->readers, reader);
    if (code) {
        reply_error(request, 0, &err);
        drop(e);
        return;
    }
    reply_produced(request, format->type, MHD_SIZE_UNKNOWN, &format->producer, e);
    char disposition[200];
    snprintf(disposition, sizeof disposition, "attachment; filename=\"%.128s.%s\"",
             request->arguments[0], format->extension);
    reply_header(request, "Content-Disposition", disposition);
}
