// What must hold before a request's body is read: framing, host, origin, address, route, token, query,
// type and size of the body. Each check gives the answer itself when it fails.
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/server.h"

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

bool request_check(struct request *request, const char *version)
{
    return check_envelope(request, version) && find_route(request) && check_token(request) &&
           check_open(request) && check_parameters(request) && check_body(request);
}
