// One request from its first header to its end, as libmicrohttpd calls us.
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/server.h"

enum { BODY_S = 30, ANSWER_S = 60, NEXT_REQUEST_S = 75, SLOWEST_UPLOAD = 64 << 10 };

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

struct lines {
    struct header items[HEADERS_MAX + 1];
    size_t n;
};

static enum MHD_Result add_line(void *context, enum MHD_ValueKind kind, const char *name,
                                size_t name_len, const char *value, size_t value_len)
{
    struct lines *lines = context;
    (void)kind;
    if (lines->n == HEADERS_MAX + 1)
        return MHD_NO;
    lines->items[lines->n++] =
        (struct header){name, value ? value : "", name_len, value ? value_len : 0};
    return MHD_YES;
}

// Framing and addresses that cannot be trusted end the connection: what follows might not be a request.
static bool check_envelope(struct request *request, const char *version)
{
    struct lines lines = {.n = 0};
    struct error err;
    int status = 400;
    MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, add_line, &lines);
    request->distrusted = true;
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0) {
        reply_fail(request, 505, E_SYNTAX, "", "%.20s is not spoken here; use HTTP/1.1", version);
        return false;
    }
    if (headers_check(lines.items, lines.n, &request->headers, &status, &err)) {
        reply_error(request, status, &err);
        return false;
    }
    if (access_check_host(&request->http->access, request->headers.host, &err) ||
        access_check_origin(&request->http->access, request->headers.origin, &err) ||
        uri_parse(request->target, &request->uri, &err)) {
        reply_error(request, 0, &err);
        return false;
    }
    request->distrusted = false;
    return true;
}

static bool find_route(struct request *request)
{
    char allowed[64];
    const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
    request->route = route_find(method, &request->uri, request->arguments, allowed);
    if (!request->route && allowed[0]) {
        reply_fail(request, 405, E_METHOD, "", "%.20s is not possible here; %s %s", request->method,
                   allowed, strchr(allowed, ',') ? "are" : "is");
        reply_header(request, "Allow", allowed);
    } else if (!request->route) {
        size_t path = strcspn(request->target, "?");
        reply_fail(request, 0, E_NOT_FOUND, "",
                   "nothing is at %.*s; /openapi.json lists what there is",
                   (int)(path < 200 ? path : 200), request->target);
    }
    return request->route != NULL;
}

static bool check_token(struct request *request)
{
    if (request->route->open ||
        access_token_holds(&request->http->access, request->headers.authorization))
        return true;
    reply_fail(request, 0, E_TOKEN, "#Authorization",
               "%s; send 'Authorization: Bearer TOKEN' with the "
               "token of the coordinator's --token-file",
               request->headers.authorization ? "this is not the token" : "a token is needed");
    reply_header(request, "WWW-Authenticate", "Bearer realm=\"tunerd\"");
    return false;
}

static bool check_parameters(struct request *request)
{
    struct faults faults;
    faults_init(&faults);
    for (int i = 0; i < request->uri.nparameters; i++) {
        const char *name = request->uri.parameters[i].name;
        const char *const *known = request->route->parameters;
        while (known && *known && strcmp(*known, name) != 0)
            known++;
        if (!known || !*known) {
            char where[128];
            snprintf(where, sizeof where, "?%s", name);
            fault(&faults, E_UNKNOWN, where, "there is no query parameter '%.80s' here", name);
        }
    }
    bool good = faults.count == 0;
    if (!good)
        reply_faults(request, 400, &faults);
    faults_fini(&faults);
    return good;
}

static bool is_json_type(const char *type)
{
    static const char json[] = "application/json";
    size_t len = sizeof json - 1;
    if (!type || strncasecmp(type, json, len) != 0)
        return false;
    const char *rest = type + len + strspn(type + len, " \t");
    if (*rest == '\0')
        return true;
    if (*rest != ';')
        return false;
    rest += 1 + strspn(rest + 1, " \t");
    return strcasecmp(rest, "charset=utf-8") == 0 || strcasecmp(rest, "charset=\"utf-8\"") == 0;
}

static bool check_body(struct request *request)
{
    const struct headers *h = &request->headers;
    enum body_kind kind = request->route->body;
    bool has_body = h->chunked || h->content_length > 0;
    if (h->content_encoding && strcasecmp(h->content_encoding, "identity") != 0) {
        reply_fail(request, 0, E_MEDIA, "#Content-Encoding",
                   "compressed bodies are not taken; send the body as it is");
    } else if (kind == BODY_NONE && has_body) {
        reply_fail(request, 400, E_SYNTAX, "", "%s takes no body here; send none",
                   request->route->method);
    } else if ((kind == BODY_JSON || (kind == BODY_EMPTY && (has_body || h->content_type))) &&
               !is_json_type(h->content_type)) {
        reply_fail(request, 0, E_MEDIA, "#Content-Type",
                   "the body must be JSON; send 'Content-Type: application/json' (curl: --json)");
    } else if (kind != BODY_SINK && h->content_length > BODY_MAX) {
        reply_fail(request, 0, E_LIMIT, "", "the body has %lld bytes; send %d or fewer",
                   (long long)h->content_length, BODY_MAX);
    } else if (h->idempotency_key && (!*h->idempotency_key || strlen(h->idempotency_key) > 255)) {
        reply_fail(request, 400, E_SYNTAX, "#Idempotency-Key",
                   "the Idempotency-Key is empty or longer than 255 characters");
    } else {
        return true;
    }
    return false;
}

static bool check_open(struct request *request)
{
    pthread_mutex_lock(&request->http->lock);
    bool stopping = request->http->stopping;
    pthread_mutex_unlock(&request->http->lock);
    if (stopping)
        reply_fail(request, 0, E_BUSY, "", "the coordinator is stopping; try again soon");
    return !stopping;
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
    bool good = check_envelope(request, version) && find_route(request) && check_token(request) &&
                check_open(request) && check_parameters(request) && check_body(request);
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
    if (answer->faults)
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
    if (answer->location)
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

// SHA-256 over method, target and body, each ended by a NUL.
static void digest_of(const struct request *request, char out[65])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state hash;
    crypto_hash_sha256_init(&hash);
    crypto_hash_sha256_update(&hash, (const unsigned char *)request->method,
                              strlen(request->method) + 1);
    crypto_hash_sha256_update(&hash, (const unsigned char *)request->target,
                              strlen(request->target) + 1);
    if (request->body.len)
        crypto_hash_sha256_update(&hash, (const unsigned char *)request->body.data,
                                  request->body.len);
    crypto_hash_sha256_final(&hash, digest);
    sodium_bin2hex(out, 65, digest, sizeof digest);
}

static void command_free(struct command *command)
{
    free(command->name);
    cJSON_Delete(command->body);
    if (command->spec) {
        study_spec_fini(command->spec);
        free(command->spec);
    }
    free(command->idempotency_key);
    free(command);
}

// Runs on the core's thread. The request is suspended, so nobody else touches it until it is resumed;
// after that it may be gone.
static void answered(void *context, struct answer *answer)
{
    struct request *request = context;
    struct http *http = request->http;
    request->answer = answer;
    client_deadline(request->client, ANSWER_S);
    MHD_resume_connection(request->connection);
    pthread_mutex_lock(&http->lock);
    if (--http->in_flight == 0)
        pthread_cond_broadcast(&http->idle);
    pthread_mutex_unlock(&http->lock);
}

void request_submit(struct request *request, struct command *command)
{
    struct http *http = request->http;
    const char *key =
        strcmp(request->method, "POST") == 0 ? request->headers.idempotency_key : NULL;
    if (key) {
        command->idempotency_key = strdup(key);
        digest_of(request, command->digest);
    }
    pthread_mutex_lock(&http->lock);
    bool full = http->in_flight >= IN_FLIGHT_MAX, stopping = http->stopping;
    if (!full && !stopping)
        http->in_flight++;
    pthread_mutex_unlock(&http->lock);
    if (full || stopping || (key && !command->idempotency_key)) {
        if (stopping)
            reply_fail(request, 0, E_BUSY, "", "the coordinator is stopping; try again soon");
        else
            reply_fail(request, 0, E_RATE, "", "too many requests at once; try again");
        command_free(command);
        return;
    }
    request->phase = REQUEST_SUBMITTED;
    client_deadline(request->client, 0);
    MHD_suspend_connection(request->connection);
    core_submit(http->core, command, answered, request);
}

void request_command(struct request *request, enum command_kind kind, int trial, cJSON *body)
{
    struct command *command = calloc(1, sizeof *command);
    char *name = strdup(request->arguments[0]);
    if (!command || !name) {
        free(command);
        free(name);
        cJSON_Delete(body);
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
        return;
    }
    *command = (struct command){.kind = kind, .name = name, .trial = trial, .body = body};
    request_submit(request, command);
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
