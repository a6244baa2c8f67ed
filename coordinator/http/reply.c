// Answers and the headers that all of them carry.
#include "coordinator/http/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The dashboard's policy, and good for every other answer too.
static const char content_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

void reply_read(struct request *request, struct reader *reader, int status, enum code code,
                const struct error *err, struct buf *text)
{
    reader_give(request->http->readers, reader);
    if (code)
        reply_error(request, 0, err);
    else
        reply_text(request, status, text);
}

void reply_header(struct request *request, const char *name, const char *value)
{
    if (request->response)
        MHD_add_response_header(request->response, name, value);
}

void reply_response(struct request *request, int status, const char *type,
                    struct MHD_Response *response)
{
    if (!response || request->response) {
        if (response)
            MHD_destroy_response(response);
        return;
    }
    request->response = response;
    request->status = status;
    if (type)
        reply_header(request, "Content-Type", type);
    reply_header(request, "Cache-Control", "no-store");
    reply_header(request, "Content-Security-Policy", content_policy);
    reply_header(request, "X-Content-Type-Options", "nosniff");
    reply_header(request, "Referrer-Policy", "no-referrer");
    reply_header(request, "Cross-Origin-Resource-Policy", "same-origin");
}

void reply_bytes(struct request *request, int status, const char *type, char *bytes, size_t len)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(bytes);
    reply_response(request, status, type, response);
}

void reply_static(struct request *request, int status, const char *type, const void *bytes,
                  size_t len)
{
    // the library takes a non-const pointer but only reads with MHD_RESPMEM_PERSISTENT
    reply_response(
        request, status, type,
        MHD_create_response_from_buffer(len, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT));
}

void reply_empty(struct request *request, int status)
{
    reply_static(request, status, NULL, "", 0);
}

void reply_text(struct request *request, int status, struct buf *text)
{
    size_t len = 0;
    char *bytes = buf_take(text, &len);
    if (bytes)
        reply_bytes(request, status, "application/json", bytes, len);
    else
        reply_fail(request, 0, E_MEMORY, "", "the answer is too large for memory; ask for less");
}

static void put_place(struct buf *text, const char *pointer)
{
    const char *kind = pointer[0] == '?' ? "parameter" : pointer[0] == '#' ? "header" : "pointer";
    buf_printf(text, "\"%s\":", kind);
    buf_json_string(text, pointer + (pointer[0] == '?' || pointer[0] == '#'));
}

static void put_problem(struct buf *text, int status, int count, const struct error *items)
{
    const struct error *first = &items[0];
    buf_printf(text, "{\"type\":\"urn:tunerd:error:%s\",\"title\":", code_name(first->code));
    buf_json_string(text, code_title(first->code));
    buf_printf(text, ",\"status\":%d,\"detail\":", status);
    if (count == 1) {
        buf_json_string(text, first->message);
    } else {
        char detail[sizeof first->message + 64];
        snprintf(detail, sizeof detail, "%d faults%s; the first: %s", count,
                 count > FAULTS_MAX ? " (not all are listed)" : "", first->message);
        buf_json_string(text, detail);
    }
    buf_put(text, ",\"errors\":[");
    for (int i = 0; i < count && i < FAULTS_MAX; i++) {
        buf_put(text, i ? ",{" : "{");
        put_place(text, items[i].pointer);
        buf_put(text, ",\"detail\":");
        buf_json_string(text, items[i].message);
        buf_put(text, "}");
    }
    buf_put(text, "]}");
}

static void reply_problem(struct request *request, int status, int count, const struct error *items)
{
    static const char no_memory[] = "{\"type\":\"urn:tunerd:error:memory\",\"title\":\"Out of "
                                    "memory\",\"status\":500,\"detail\":\"out of memory\","
                                    "\"errors\":[]}";
    struct buf text;
    buf_init(&text, 1 << 20);
    put_problem(&text, status, count, items);
    size_t len = 0;
    char *bytes = buf_take(&text, &len);
    if (bytes)
        reply_bytes(request, status, "application/problem+json", bytes, len);
    else
        reply_static(request, 500, "application/problem+json", no_memory, sizeof no_memory - 1);
    if (status == 503 || status == 429)
        reply_header(request, "Retry-After", "1");
}

void reply_faults(struct request *request, int status, const struct faults *faults)
{
    if (faults->count > 0 && faults->items)
        reply_problem(request, status ? status : code_http_status(faults->items[0].code),
                      faults->count, faults->items);
    else
        reply_fail(request, status, E_INTERNAL, "", "refused without a reason");
}

void reply_error(struct request *request, int status, const struct error *err)
{
    reply_problem(request, status ? status : code_http_status(err->code), 1, err);
}

void reply_fail(struct request *request, int status, enum code code, const char *pointer,
                const char *format, ...)
{
    struct error err = {.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(err.message, sizeof err.message, format, args);
    va_end(args);
    snprintf(err.pointer, sizeof err.pointer, "%s", pointer);
    reply_error(request, status, &err);
}

struct production {
    const struct producer *producer;
    void *state;
    struct client *client;
    struct buf text;
    size_t sent;
    enum fill last;
};

static ssize_t produce(void *context, uint64_t position, char *out, size_t max)
{
    struct production *p = context;
    (void)position;
    client_deadline(p->client, 60);
    while (p->sent == p->text.len) {
        if (p->last == FILL_DONE)
            return MHD_CONTENT_READER_END_OF_STREAM;
        buf_clear(&p->text);
        p->sent = 0;
        p->last = p->producer->fill(p->state, &p->text);
        if (p->last == FILL_BROKEN || p->text.failed)
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t len = p->text.len - p->sent < max ? p->text.len - p->sent : max;
    memcpy(out, p->text.data + p->sent, len);
    p->sent += len;
    return (ssize_t)len;
}

static void production_free(void *context)
{
    struct production *p = context;
    if (p->producer->drop)
        p->producer->drop(p->state);
    buf_fini(&p->text);
    free(p);
}

void reply_produced(struct request *request, const char *type, uint64_t size,
                    const struct producer *producer, void *state)
{
    struct production *p = calloc(1, sizeof *p);
    if (!p) {
        producer->drop(state);
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
        return;
    }
    *p = (struct production){.producer = producer, .state = state, .client = request->client};
    buf_init(&p->text, ANSWER_MAX);
    struct MHD_Response *response =
        MHD_create_response_from_callback(size, 16384, produce, p, production_free);
    if (!response) {
        production_free(p);
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
        return;
    }
    reply_response(request, 200, type, response);
}
