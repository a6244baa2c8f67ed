// /api/v1/studies: submit, list, show, change.
#include <stdlib.h>
#include <string.h>

#include "coordinator/http/page.h"
#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/http/view.h"
#include "coordinator/study/check.h"

static void put_list(struct reader *reader, sqlite3_stmt *row, int64_t size, const char *scope,
                     struct buf *out)
{
    int64_t last = 0;
    int64_t n = 0;
    buf_put(out, "{\"studies\":[");
    while (reader_step(reader, row) && n++ < size) {
        buf_put(out, n > 1 ? "," : "");
        view_study(reader, row, out);
        buf_put(out, "}");
        last = sqlite3_column_int64(row, 0);
    }
    buf_put(out, "],\"next_page_token\":");
    double key = (double)last;
    if (n > size)
        page_token_put(out, scope, cJSON_CreateDoubleArray(&key, 1));
    else
        buf_put(out, "null");
    buf_put(out, "}");
}

void studies_list(struct request *request)
{
    int64_t size;
    struct buf filter, sql, out;
    cJSON *keys = NULL;
    struct error err;
    buf_init(&filter, 1024);
    buf_init(&sql, 4096);
    buf_init(&out, ANSWER_MAX);
    buf_put(&filter, "");
    if (!page_integer(request, "page_size", 100, 1, 1000, &size) ||
        !page_states(request, study_states, &filter))
        goto end;
    buf_bytes(&filter, "", 1);
    const char *states = filter.failed ? "" : filter.data;
    if (!page_token_keys(request, states, 1, &keys))
        goto end;
    double before = keys ? cJSON_GetArrayItem(keys, 0)->valuedouble : 9e15;
    buf_printf(&sql,
               "SELECT " STUDY_COLUMNS " FROM studies WHERE id < %.0f%s "
               "ORDER BY id DESC LIMIT %lld",
               before, states, (long long)size + 1);
    buf_bytes(&sql, "", 1);
    struct reader *reader = reader_take(request->http->readers);
    reader_snapshot(reader);
    put_list(reader, sql.failed ? NULL : reader_once(reader, sql.data), size, states, &out);
    enum code code = reader_result(reader, &err);
    reply_read(request, reader, 200, code, &err, &out);
end:
    cJSON_Delete(keys);
    buf_fini(&filter);
    buf_fini(&sql);
    buf_fini(&out);
}

void study_get(struct request *request)
{
    struct buf out;
    struct error err;
    buf_init(&out, ANSWER_MAX);
    struct reader *reader = reader_take(request->http->readers);
    enum code code = view_whole_study(reader, request->arguments[0], &out, &err);
    reply_read(request, reader, request->answer ? request->answer->status : 200, code, &err, &out);
    buf_fini(&out);
}

// After a command: the study as it is now.
void study_answered(struct request *request)
{
    if (!request->arguments[0] && request->answer->location) {
        const char *slash = strrchr(request->answer->location, '/');
        request->arguments[0] = slash ? slash + 1 : "";
    }
    study_get(request);
}

static bool wants_validation_only(struct request *request, bool *only)
{
    const char *value = uri_parameter(&request->uri, "validate_only");
    *only = value && strcmp(value, "true") == 0;
    if (!value || *only || strcmp(value, "false") == 0)
        return true;
    reply_fail(request, 400, E_TYPE, "?validate_only",
               "validate_only is '%.20s'; give true or false", value);
    return false;
}

// The parsed and checked study; NULL with an answer given.
static struct study_spec *read_spec(struct request *request, const cJSON *document)
{
    struct faults faults;
    faults_init(&faults);
    struct study_spec *spec = calloc(1, sizeof *spec);
    enum code code = spec ? study_spec_parse(document, spec, &faults)
                          : fault(&faults, E_MEMORY, "", "out of memory");
    if (code) {
        free(spec);
        spec = NULL;
    } else {
        struct reader *reader = reader_take(request->http->readers);
        code = study_check(reader_db(reader), spec, &faults);
        reader_give(request->http->readers, reader);
        if (code) {
            study_spec_fini(spec);
            free(spec);
            spec = NULL;
        }
    }
    if (!spec)
        reply_faults(request, code_http_status(code) >= 500 ? 0 : 422, &faults);
    faults_fini(&faults);
    return spec;
}

static void reply_valid(struct request *request, const struct study_spec *spec)
{
    struct buf out;
    buf_init(&out, ANSWER_MAX);
    cJSON *space = space_to_json(&spec->space);
    char *json = space ? json_write(space) : NULL;
    buf_put(&out, "{\"valid\":true,\"space\":");
    buf_put(&out, json ? json : "");
    buf_put(&out, "}");
    out.failed = out.failed || !json;
    reply_text(request, 200, &out);
    free(json);
    cJSON_Delete(space);
}

void studies_create(struct request *request)
{
    bool only;
    if (!wants_validation_only(request, &only))
        return;
    cJSON *document = request_json(request);
    if (!document)
        return;
    struct study_spec *spec = read_spec(request, document);
    cJSON_Delete(document);
    if (!spec)
        return;
    struct command *command = only ? NULL : calloc(1, sizeof *command);
    char *name = command ? strdup(spec->name) : NULL;
    if (name) {
        *command = (struct command){.kind = COMMAND_CREATE_STUDY, .name = name, .spec = spec};
        request_submit(request, command);
        return;
    }
    if (only)
        reply_valid(request, spec);
    else
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
    free(command);
    study_spec_fini(spec);
    free(spec);
}

static bool is_empty_object(struct request *request)
{
    cJSON *body = request_json(request);
    if (!body)
        return false;
    bool empty = cJSON_IsObject(body) && !body->child;
    if (!empty && cJSON_IsObject(body))
        reply_fail(request, 422, E_UNKNOWN, json_pointer_of("", body->child->string).text,
                   "'%.60s' is not known here; send no body", body->child->string);
    else if (!empty)
        reply_fail(request, 422, E_TYPE, "", "the body is not an object; send none");
    cJSON_Delete(body);
    return empty;
}

void study_command(struct request *request)
{
    if (request->route->body == BODY_NONE || is_empty_object(request))
        request_command(request, request->route->command, 0, NULL);
}

void study_patch(struct request *request)
{
    cJSON *body = request_json(request);
    if (body)
        request_command(request, COMMAND_PATCH_STUDY, 0, body);
}
