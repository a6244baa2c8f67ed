// One request from its first header to its end, as libmicrohttpd calls us.
#include <stdlib.h>
#include <string.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/server.h"

enum { BODY_S = 30, NEXT_REQUEST_S = 75, SLOWEST_UPLOAD = 64 << 10 };

void *request_begin(void *context, const char *target, struct MHD_Connection *connection)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->http = context;
    request->connection = connection;
    request->client = client_of(connection);
    request->target = strdup(target);
    buf_init(&request->body, BODY_MAX);
    return request;
}

void request_end(void *context, struct MHD_Connection *connection, void **state,
                 enum MHD_RequestTerminationCode why)
{
    struct request *request = *state;
    (void)context;
    (void)connection;
    (void)why;
    if (!request)
        return;
    client_deadline(request->client, NEXT_REQUEST_S);
    if (request->route && request->route->sink)
        request->route->sink->drop(request);
    if (request->response)
        MHD_destroy_response(request->response);
    answer_free(request->answer);
    buf_fini(&request->body);
    uri_fini(&request->uri);
    free(request->target);
    free(request);
    *state = NULL;
}

static enum MHD_Result send_answer(struct request *request)
{
    if (!request->response)
        reply_fail(request, 0, E_INTERNAL, "", "no answer was made");
    if (!request->response)
        return MHD_NO;
    if (request->distrusted)
        reply_header(request, "Connection", "close");
    request->phase = REQUEST_ANSWERED;
    atomic_fetch_add(&request->http->answered[request->status / 100 % 6], 1);
    return MHD_queue_response(request->connection, (unsigned)request->status, request->response);
}

static enum MHD_Result first_call(struct request *request, const char *version)
{
    request->phase = REQUEST_BODY;
    bool good = request_check(request, version);
    if (good && request->route->sink)
        request->route->sink->begin(request);
    request->refused = request->response != NULL;
    const struct headers *h = &request->headers;
    bool waits = h->expect || h->content_length > DISCARD_MAX;
    if (request->refused && (request->distrusted || waits)) {
        request->distrusted = true; // its body, if it comes after all, is not read
        return send_answer(request);
    }
    int64_t slow = h->content_length > 0 ? h->content_length / SLOWEST_UPLOAD : 0;
    client_deadline(request->client, BODY_S + (int)(slow < 86400 ? slow : 86400));
    return MHD_YES;
}

static enum MHD_Result take_body(struct request *request, const char *bytes, size_t len)
{
    request->received += (int64_t)len;
    if (request->response)
        return request->received > DISCARD_MAX ? MHD_NO : MHD_YES;
    if (request->route->sink) {
        if (request->headers.chunked)
            client_deadline(request->client, BODY_S);
        request->route->sink->data(request, bytes, len);
    } else {
        buf_bytes(&request->body, bytes, len);
        if (request->body.failed)
            reply_fail(request, 0, E_LIMIT, "", "the body has more than %d bytes; send fewer",
                       BODY_MAX);
    }
    return MHD_YES;
}

static void give_answer(struct request *request)
{
    struct answer *answer = request->answer;
    if (!answer)
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
    else if (answer->faults)
        reply_faults(request, answer->status, answer->faults);
    else if (answer->status == 204)
        reply_empty(request, 204);
    else if (request->route->answered)
        request->route->answered(request);
    else if (answer->body) {
        reply_bytes(request, answer->status, "application/json", answer->body,
                    strlen(answer->body));
        answer->body = NULL;
    }
    if (answer && answer->location)
        reply_header(request, "Location", answer->location);
}

enum MHD_Result request_handle(void *context, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_len, void **state)
{
    struct request *request = *state;
    (void)context;
    (void)connection;
    (void)url;
    if (!request || !request->target)
        return MHD_NO;
    if (request->phase == REQUEST_NEW) {
        request->method = method;
        return first_call(request, version);
    }
    if (*upload_len) {
        size_t len = *upload_len;
        *upload_len = 0;
        return take_body(request, upload, len);
    }
    if (request->phase == REQUEST_SUBMITTED) {
        give_answer(request);
    } else if (!request->response) {
        client_deadline(request->client, ANSWER_S);
        request->route->handle(request);
        if (request->phase == REQUEST_SUBMITTED)
            return MHD_YES;
    }
    return send_answer(request);
}

cJSON *request_json(struct request *request)
{
    struct error err;
    const char *text = request->body.data ? request->body.data : "";
    size_t len = request->body.len;
    if (request->route->body == BODY_EMPTY && len == 0)
        return cJSON_CreateObject();
    if (len == 0) {
        reply_fail(request, 400, E_SYNTAX, "", "the body is empty; send a JSON document");
        return NULL;
    }
    cJSON *document = json_read(text, len, NULL, &err);
    if (!document)
        reply_error(request, 0, &err);
    return document;
}

bool request_trial(struct request *request, int64_t *number)
{
    const char *text = request->arguments[1];
    size_t len = strlen(text);
    if (len > 9 || strspn(text, "0123456789") != len || (len > 1 && text[0] == '0')) {
        reply_fail(request, 0, E_NOT_FOUND, "", "'%.40s' is no trial number; they count from 0",
                   text);
        return false;
    }
    *number = 0;
    for (size_t i = 0; i < len; i++)
        *number = *number * 10 + (text[i] - '0');
    return true;
}
