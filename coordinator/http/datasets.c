// /api/v1/datasets: what is registered, and the generated sets that are always there.
#include <string.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/http/view.h"

static const char *const generated[] = {"blobs", "spirals", "linear"};
enum { NGENERATED = 3 };

#define DATASET_COLUMNS "name, state, source, info, created_at"

static void put_files(struct reader *reader, const char *name, struct buf *out)
{
    sqlite3_stmt *row = reader_query(
        reader, "SELECT file, sha256, size FROM dataset_files WHERE dataset = ?1 ORDER BY file",
        "s", name);
    buf_put(out, "\"files\":[");
    for (bool first = true; reader_step(reader, row); first = false) {
        buf_put(out, first ? "{\"file\":" : ",{\"file\":");
        column_string(row, 0, out);
        buf_put(out, ",\"sha256\":");
        column_string(row, 1, out);
        buf_put(out, ",\"size\":");
        column_integer(row, 2, out);
        buf_put(out, "}");
    }
    buf_put(out, "]");
}

static void put_dataset(struct reader *reader, sqlite3_stmt *row, struct buf *out)
{
    buf_put(out, "{\"name\":");
    column_string(row, 0, out);
    buf_put(out, ",\"state\":");
    column_string(row, 1, out);
    buf_put(out, ",\"source\":");
    column_json(row, 2, out);
    buf_put(out, ",\"info\":");
    column_json(row, 3, out);
    buf_put(out, ",");
    put_files(reader, (const char *)sqlite3_column_text(row, 0), out);
    buf_put(out, ",\"created_at\":");
    column_time(row, 4, out);
    buf_put(out, "}");
}

static void put_generated(const char *name, struct buf *out)
{
    buf_printf(out,
               "{\"name\":\"%s\",\"state\":\"ready\",\"source\":{\"format\":\"generated\"},"
               "\"info\":{},\"files\":[],\"created_at\":null}",
               name);
}

void datasets_list(struct request *request)
{
    struct buf out;
    struct error err;
    buf_init(&out, ANSWER_MAX);
    buf_put(&out, "{\"datasets\":[");
    for (int i = 0; i < NGENERATED; i++) {
        buf_put(&out, i ? "," : "");
        put_generated(generated[i], &out);
    }
    struct reader *reader = reader_take(request->http->readers);
    reader_snapshot(reader);
    sqlite3_stmt *row =
        reader_query(reader, "SELECT " DATASET_COLUMNS " FROM datasets ORDER BY name", "");
    while (reader_step(reader, row)) {
        buf_put(&out, ",");
        put_dataset(reader, row, &out);
    }
    enum code code = reader_result(reader, &err);
    buf_put(&out, "]}");
    reply_read(request, reader, 200, code, &err, &out);
    buf_fini(&out);
}

void dataset_get(struct request *request)
{
    const char *name = request->arguments[0];
    struct buf out;
    struct error err;
    buf_init(&out, ANSWER_MAX);
    for (int i = 0; i < NGENERATED; i++)
        if (strcmp(name, generated[i]) == 0)
            put_generated(name, &out);
    struct reader *reader = reader_take(request->http->readers);
    reader_snapshot(reader);
    sqlite3_stmt *row =
        reader_query(reader, "SELECT " DATASET_COLUMNS " FROM datasets WHERE name = ?1", "s", name);
    if (!out.len && reader_step(reader, row))
        put_dataset(reader, row, &out);
    enum code code = reader_result(reader, &err);
    if (code == OK && !out.len)
        code = fail(&err, E_NOT_FOUND, "", "there is no data set '%.128s'", name);
    reply_read(request, reader, request->answer ? request->answer->status : 200, code, &err, &out);
    buf_fini(&out);
}

void dataset_register(struct request *request)
{
    cJSON *body = request_json(request);
    if (body)
        request_command(request, COMMAND_REGISTER_DATASET, 0, body);
}

void dataset_delete(struct request *request)
{
    request_command(request, COMMAND_DELETE_DATASET, 0, NULL);
}

void dataset_answered(struct request *request)
{
    dataset_get(request);
}
