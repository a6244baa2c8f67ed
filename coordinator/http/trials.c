// …/trials: list in any order, show, add, and ask-and-tell.
#include <stdlib.h>
#include <string.h>

#include "coordinator/http/page.h"
#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/http/view.h"

// What may be sorted by, and where it stands in TRIAL_COLUMNS.
static const struct sort_field {
    const char *name;
    int column;
} sort_fields[] = {
    {"number", 0},     {"score", 3},      {"state", 1},     {"best_epoch", 4},
    {"created_at", 8}, {"started_at", 9}, {"ended_at", 10},
};
enum { NFIELDS = sizeof sort_fields / sizeof sort_fields[0], KEYS_MAX = 5 };

struct order {
    int n;
    struct key {
        const struct sort_field *field;
        bool down;
    } keys[KEYS_MAX]; // the last is always the number, so that no two trials are equal
};

static const struct sort_field *find_field(const char *name, size_t len)
{
    for (int i = 0; i < NFIELDS; i++)
        if (strlen(sort_fields[i].name) == len && memcmp(sort_fields[i].name, name, len) == 0)
            return &sort_fields[i];
    return NULL;
}

// from: what is not known, or NULL: too many.
static void refuse_order(struct request *request, const char *from)
{
    if (from)
        reply_fail(request, 400, E_UNKNOWN, "?sort",
                   "trials cannot be sorted by '%.40s'; by number, score, state, best_epoch, "
                   "created_at, started_at or ended_at, with a minus for the other way round",
                   from);
    else
        reply_fail(request, 400, E_RANGE, "?sort", "sort names more than %d fields", KEYS_MAX - 1);
}

static bool read_order(struct request *request, struct order *order)
{
    const char *sort = uri_parameter(&request->uri, "sort");
    bool has_number = false;
    *order = (struct order){0};
    for (const char *from = sort && *sort ? sort : NULL; from;) {
        size_t len = strcspn(from, ",");
        bool down = *from == '-';
        const struct sort_field *field = find_field(from + down, len - down);
        if (!field || order->n == KEYS_MAX - 1) {
            refuse_order(request, field ? NULL : from);
            return false;
        }
        has_number = has_number || field == &sort_fields[0];
        order->keys[order->n++] = (struct key){field, down};
        from = from[len] ? from + len + 1 : NULL;
    }
    if (!has_number)
        order->keys[order->n++] = (struct key){&sort_fields[0], false};
    return true;
}

// Rows after the one with these keys, NULLs last: k1 after v1, or k1 equal and (k2 after v2, or …).
static void put_after(struct buf *sql, const struct order *order, const cJSON *keys)
{
    buf_put(sql, " AND (");
    for (int i = 0; i < order->n; i++) {
        const char *name = order->keys[i].field->name;
        if (cJSON_IsNull(cJSON_GetArrayItem(keys, i)))
            buf_put(sql, "0");
        else
            buf_printf(sql, "(%s %s ?%d OR %s IS NULL)", name, order->keys[i].down ? "<" : ">",
                       i + 2, name);
        if (i + 1 < order->n)
            buf_printf(sql, " OR (%s IS ?%d AND (", name, i + 2);
    }
    for (int i = 0; i + 1 < order->n; i++)
        buf_put(sql, "))");
    buf_put(sql, ")");
}

static void put_sql(struct buf *sql, const struct order *order, const char *states,
                    const cJSON *keys, int64_t size)
{
    buf_printf(sql, "SELECT " TRIAL_COLUMNS " FROM trials WHERE study_id = ?1%s", states);
    if (keys)
        put_after(sql, order, keys);
    buf_put(sql, " ORDER BY ");
    for (int i = 0; i < order->n; i++)
        buf_printf(sql, "%s%s %s NULLS LAST", i ? ", " : "", order->keys[i].field->name,
                   order->keys[i].down ? "DESC" : "ASC");
    buf_printf(sql, " LIMIT %lld", (long long)size + 1);
    buf_bytes(sql, "", 1);
}

static bool bind_keys(sqlite3_stmt *statement, int64_t study, const cJSON *keys)
{
    const cJSON *key;
    int rc = sqlite3_bind_int64(statement, 1, study), column = 2;
    cJSON_ArrayForEach(key, keys)
    {
        if (rc == SQLITE_OK && cJSON_IsString(key))
            rc = sqlite3_bind_text(statement, column, key->valuestring, -1, SQLITE_TRANSIENT);
        else if (rc == SQLITE_OK && cJSON_IsNumber(key))
            rc = sqlite3_bind_double(statement, column, key->valuedouble);
        column++;
    }
    return rc == SQLITE_OK;
}

static cJSON *keys_of(sqlite3_stmt *row, const struct order *order)
{
    cJSON *keys = cJSON_CreateArray();
    for (int i = 0; keys && i < order->n; i++) {
        int column = order->keys[i].field->column, type = sqlite3_column_type(row, column);
        cJSON *key = type == SQLITE_NULL ? cJSON_CreateNull()
                     : type == SQLITE_TEXT
                         ? cJSON_CreateString((const char *)sqlite3_column_text(row, column))
                         : cJSON_CreateNumber(sqlite3_column_double(row, column));
        if (!key || !cJSON_AddItemToArray(keys, key)) {
            cJSON_Delete(key);
            cJSON_Delete(keys);
            keys = NULL;
        }
    }
    return keys;
}

static void put_list(struct reader *reader, sqlite3_stmt *row, const struct order *order,
                     int64_t size, const char *scope, struct buf *out)
{
    cJSON *last = NULL;
    int64_t n = 0;
    buf_put(out, "{\"trials\":[");
    while (reader_step(reader, row) && n++ < size) {
        buf_put(out, n > 1 ? "," : "");
        view_trial(row, out);
        buf_put(out, "}");
        if (n == size)
            last = keys_of(row, order);
    }
    buf_put(out, "],\"next_page_token\":");
    if (n > size) {
        page_token_put(out, scope, last);
    } else {
        cJSON_Delete(last);
        buf_put(out, "null");
    }
    buf_put(out, "}");
}

void trials_list(struct request *request)
{
    int64_t size, study;
    struct order order;
    struct buf filter, scope, sql, out;
    cJSON *keys = NULL;
    struct error err;
    buf_init(&filter, 1024);
    buf_init(&scope, 8192);
    buf_init(&sql, 8192);
    buf_init(&out, ANSWER_MAX);
    if (!page_integer(request, "page_size", 100, 1, 1000, &size) ||
        !page_states(request, trial_states, &filter) || !read_order(request, &order))
        goto end;
    buf_bytes(&filter, "", 1);
    const char *sort = uri_parameter(&request->uri, "sort");
    buf_printf(&scope, "%s|%s%s", request->arguments[0], sort ? sort : "", filter.data);
    buf_bytes(&scope, "", 1);
    if (!page_token_keys(request, scope.data, order.n, &keys))
        goto end;
    put_sql(&sql, &order, filter.data, keys, size);
    struct reader *reader = reader_take(request->http->readers);
    reader_snapshot(reader);
    enum code code = view_study_id(reader, request->arguments[0], &study, NULL, &err);
    if (code == OK) {
        sqlite3_stmt *row = reader_once(reader, sql.data);
        if (row && bind_keys(row, study, keys))
            put_list(reader, row, &order, size, scope.data, &out);
        code = reader_result(reader, &err);
    }
    reply_read(request, reader, 200, code, &err, &out);
end:
    cJSON_Delete(keys);
    buf_fini(&filter);
    buf_fini(&scope);
    buf_fini(&sql);
    buf_fini(&out);
}

static void put_executions(struct reader *reader, int64_t study, int64_t number, struct buf *out)
{
    sqlite3_stmt *row = reader_query(
        reader,
        "SELECT e.execution, e.attempt, e.state, e.worker, w.name, e.seed, e.score, e.best_epoch, "
        "e.error, e.created_at, e.started_at, e.ended_at FROM executions e "
        "LEFT JOIN workers w ON w.id = e.worker "
        "WHERE e.study_id = ?1 AND e.trial = ?2 ORDER BY e.execution, e.attempt",
        "ii", study, number);
    buf_put(out, ",\"executions\":[");
    for (bool first = true; reader_step(reader, row); first = false) {
        buf_put(out, first ? "{\"execution\":" : ",{\"execution\":");
        column_integer(row, 0, out);
        buf_put(out, ",\"attempt\":");
        column_integer(row, 1, out);
        buf_put(out, ",\"state\":");
        column_string(row, 2, out);
        buf_put(out, ",\"worker\":");
        if (sqlite3_column_type(row, 3) == SQLITE_NULL) {
            buf_put(out, "null");
        } else {
            buf_put(out, "{\"id\":");
            column_string(row, 3, out);
            buf_put(out, ",\"name\":");
            column_string(row, 4, out);
            buf_put(out, "}");
        }
        buf_put(out, ",\"seed\":");
        column_integer(row, 5, out);
        buf_put(out, ",\"score\":");
        column_number(row, 6, out);
        buf_put(out, ",\"best_epoch\":");
        column_integer(row, 7, out);
        buf_put(out, ",\"error\":");
        column_string(row, 8, out);
        buf_put(out, ",\"created_at\":");
        column_time(row, 9, out);
        buf_put(out, ",\"started_at\":");
        column_time(row, 10, out);
        buf_put(out, ",\"ended_at\":");
        column_time(row, 11, out);
        buf_put(out, "}");
    }
    buf_put(out, "]}");
}

static void show_trial(struct request *request, int64_t number, int status)
{
    struct buf out;
    struct error err;
    struct shown_trial trial;
    buf_init(&out, ANSWER_MAX);
    struct reader *reader = reader_take(request->http->readers);
    enum code code = view_trial_row(reader, request->arguments[0], number, &trial, &err);
    if (code == OK) {
        view_trial(trial.row, &out);
        put_executions(reader, trial.study, number, &out);
        code = reader_result(reader, &err);
    }
    reply_read(request, reader, status, code, &err, &out);
    buf_fini(&out);
}

void trial_get(struct request *request)
{
    int64_t number;
    if (request_trial(request, &number))
        show_trial(request, number, 200);
}

// After a command that brought {"number": N}: the trial as it is now.
void trial_answered(struct request *request)
{
    struct error err;
    const char *body = request->answer->body ? request->answer->body : "";
    cJSON *answer = json_read(body, strlen(body), NULL, &err);
    int64_t number = json_integer_or(answer, "number", -1);
    cJSON_Delete(answer);
    show_trial(request, number, request->answer->status);
}

static void submit_body(struct request *request, enum command_kind kind, int64_t trial)
{
    cJSON *body = request_json(request);
    if (body)
        request_command(request, kind, (int)trial, body);
}

void trials_add(struct request *request)
{
    submit_body(request, COMMAND_ADD_TRIAL, 0);
}

void study_suggest(struct request *request)
{
    submit_body(request, COMMAND_SUGGEST, 0);
}

void trial_command(struct request *request)
{
    int64_t number;
    if (request_trial(request, &number))
        submit_body(request, request->route->command, number);
}
