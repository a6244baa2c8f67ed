// One curl handle for exchanges, reused; a stream has one of its own, so that exchanges can happen
// meanwhile.
#include "coordinator/ctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANSWER_MAX = 256 << 20, TOKEN_MAX = 512 };

struct client {
    CURL *curl;
    char *server;                       // without a / at its end
    char authorization[TOKEN_MAX + 32]; // the whole header line; "" without token
    char error[CURL_ERROR_SIZE];
};

struct bytes {
    char *data;
    size_t len;
};

static bool read_token(struct client *client, const char *path)
{
    char token[TOKEN_MAX + 2];
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(token, 1, sizeof token - 1, file) : 0;
    bool failed = !file || ferror(file);
    if (failed)
        fprintf(stderr, "tunerctl: cannot read the token file %s: %s\n", path, strerror(errno));
    if (file)
        fclose(file);
    while (len > 0 && (token[len - 1] == '\n' || token[len - 1] == '\r' || token[len - 1] == ' '))
        len--;
    token[len] = '\0';
    if (!failed && (len == 0 || len > TOKEN_MAX || strlen(token) != len)) {
        fprintf(stderr, "tunerctl: there is no token in %s\n", path);
        failed = true;
    }
    snprintf(client->authorization, sizeof client->authorization, "Authorization: Bearer %s",
             token);
    return !failed;
}

struct client *client_new(const char *server, const char *token_file)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 ||
        !(client->curl = curl_easy_init()) || !(client->server = strdup(server))) {
        fprintf(stderr, "tunerctl: out of memory\n");
        client_free(client);
        return NULL;
    }
    for (size_t len = strlen(server); len > 0 && client->server[len - 1] == '/'; len--)
        client->server[len - 1] = '\0';
    if (token_file && !read_token(client, token_file)) {
        client_free(client);
        return NULL;
    }
    return client;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    free(client->server);
    free(client);
}

static void set_url(CURL *curl, const struct client *client, const char *path)
{
    char *url = NULL;
    if (asprintf(&url, "%s/api/v1%s", client->server, path) >= 0)
        curl_easy_setopt(curl, CURLOPT_URL, url);
    free(url);
}

// What every exchange has; the header list must live until it is over.
static struct curl_slist *prepare(struct client *client, CURL *curl, const char *method,
                                  const char *path)
{
    curl_easy_reset(curl);
    set_url(curl, client, path);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tunerctl/" TUNERD_VERSION);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
    client->error[0] = '\0';
    struct curl_slist *headers = NULL;
    if (client->authorization[0])
        headers = curl_slist_append(headers, client->authorization);
    return headers;
}

static size_t gather(char *data, size_t size, size_t n, void *context)
{
    struct bytes *bytes = context;
    size_t len = size * n;
    if (len > ANSWER_MAX - bytes->len)
        return 0;
    char *more = realloc(bytes->data, bytes->len + len + 1);
    if (!more)
        return 0;
    memcpy(more + bytes->len, data, len);
    bytes->data = more;
    bytes->len += len;
    more[bytes->len] = '\0';
    return len;
}

// An answer with an error: its words, and those of every place when there are several.
static void tell_problem(long status, const struct bytes *bytes)
{
    struct error err;
    cJSON *problem = bytes->data ? json_read(bytes->data, bytes->len, NULL, &err) : NULL;
    const char *detail = json_string_or(problem, "detail", NULL);
    const cJSON *fault, *faults = json_member(problem, "errors");
    if (!detail)
        fprintf(stderr, "tunerctl: the coordinator answered with status %ld\n", status);
    else if (cJSON_GetArraySize(faults) < 2)
        fprintf(stderr, "tunerctl: %s\n", detail);
    else
        fprintf(stderr, "tunerctl: %d faults\n", cJSON_GetArraySize(faults));
    cJSON_ArrayForEach(fault, faults)
    {
        const char *place = json_string_or(fault, "pointer", NULL);
        const char *what = json_string_or(fault, "detail", "");
        if (place && *place)
            fprintf(stderr, "  at %s: %s\n", place, what);
        else if (cJSON_GetArraySize(faults) > 1)
            fprintf(stderr, "  %s\n", what);
    }
    cJSON_Delete(problem);
}

static enum ctl_exit judge(struct client *client, CURL *curl, CURLcode rc,
                           const struct bytes *bytes, int *status)
{
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    if (status)
        *status = (int)code;
    if (rc != CURLE_OK && code < 400) {
        fprintf(stderr, "tunerctl: no connection to %s: %s\n", client->server,
                client->error[0] ? client->error : curl_easy_strerror(rc));
        return CTL_NO_CONNECTION;
    }
    if (code < 400)
        return CTL_OK;
    tell_problem(code, bytes);
    return CTL_REFUSED;
}

static CURLcode exchange(struct client *client, const char *method, const char *path,
                         const char *body, struct bytes *bytes)
{
    struct curl_slist *headers = prepare(client, client->curl, method, path);
    if (body) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
        headers = curl_slist_append(headers, "Expect:");
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    }
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, gather);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, bytes);
    CURLcode rc = curl_easy_perform(client->curl);
    curl_slist_free_all(headers);
    return rc;
}

enum ctl_exit client_call(struct client *client, const char *method, const char *path,
                          const char *body, char **text, int *status)
{
    struct bytes bytes = {NULL, 0};
    CURLcode rc = exchange(client, method, path, body, &bytes);
    enum ctl_exit result = judge(client, client->curl, rc, &bytes, status);
    if (result == CTL_OK && text)
        *text = bytes.data;
    else
        free(bytes.data);
    return result;
}

static enum ctl_exit read_tree(const char *text, cJSON **tree)
{
    static const struct json_limits limits = {ANSWER_MAX, 128, 50000000};
    struct error err;
    *tree = text ? json_read(text, strlen(text), &limits, &err) : NULL;
    if (*tree)
        return CTL_OK;
    fprintf(stderr, "tunerctl: the answer is not the JSON that was expected; is this a "
                    "coordinator?\n");
    return CTL_REFUSED;
}

enum ctl_exit client_json(struct client *client, const char *method, const char *path,
                          const char *body, cJSON **tree)
{
    char *text = NULL;
    enum ctl_exit result = client_call(client, method, path, body, &text, NULL);
    if (result == CTL_OK)
        result = read_tree(text, tree);
    free(text);
    return result;
}

enum ctl_exit client_find(struct client *client, const char *path, cJSON **tree)
{
    struct bytes bytes = {NULL, 0};
    long status = 0;
    CURLcode rc = exchange(client, "GET", path, NULL, &bytes);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    enum ctl_exit result = CTL_OK;
    *tree = NULL;
    if (rc != CURLE_OK || status != 404)
        result = judge(client, client->curl, rc, &bytes, NULL);
    if (result == CTL_OK && status != 404)
        result = read_tree(bytes.data, tree);
    free(bytes.data);
    return result;
}

static int show_upload(void *context, curl_off_t down, curl_off_t got, curl_off_t up,
                       curl_off_t sent)
{
    (void)down;
    (void)got;
    if (up > 0 && isatty(STDERR_FILENO))
        fprintf(stderr, "\r%s: %3d %%\033[K", (const char *)context, (int)(100 * sent / up));
    return 0;
}

enum ctl_exit client_upload(struct client *client, const char *path, const char *file)
{
    struct bytes bytes = {NULL, 0};
    struct stat st;
    FILE *in = fopen(file, "re");
    if (!in || fstat(fileno(in), &st) != 0 || !S_ISREG(st.st_mode)) {
        fprintf(stderr, "tunerctl: cannot read %s: %s\n", file,
                in ? "not a regular file" : strerror(errno));
        if (in)
            fclose(in);
        return CTL_USAGE;
    }
    struct curl_slist *headers = prepare(client, client->curl, "PUT", path);
    headers = curl_slist_append(headers, "Content-Type: application/octet-stream");
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(client->curl, CURLOPT_READDATA, in);
    curl_easy_setopt(client->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, gather);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &bytes);
    curl_easy_setopt(client->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(client->curl, CURLOPT_XFERINFOFUNCTION, show_upload);
    curl_easy_setopt(client->curl, CURLOPT_XFERINFODATA, file);
    CURLcode rc = curl_easy_perform(client->curl);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
    enum ctl_exit result = judge(client, client->curl, rc, &bytes, NULL);
    curl_slist_free_all(headers);
    free(bytes.data);
    fclose(in);
    return result;
}

struct download {
    CURL *curl;
    FILE *out;
    struct bytes problem;
};

static size_t save(char *data, size_t size, size_t n, void *context)
{
    struct download *d = context;
    long status = 0;
    curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    return status >= 400 ? gather(data, size, n, &d->problem) : fwrite(data, 1, size * n, d->out);
}

enum ctl_exit client_download(struct client *client, const char *path, FILE *out)
{
    struct download d = {client->curl, out, {NULL, 0}};
    struct curl_slist *headers = prepare(client, client->curl, "GET", path);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, save);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &d);
    CURLcode rc = curl_easy_perform(client->curl);
    enum ctl_exit result = judge(client, client->curl, rc, &d.problem, NULL);
    curl_slist_free_all(headers);
    free(d.problem.data);
    if (result == CTL_OK && fflush(out) != 0) {
        fprintf(stderr, "tunerctl: cannot write: %s\n", strerror(errno));
        result = CTL_REFUSED;
    }
    return result;
}

struct streaming {
    CURL *curl;
    const struct client_stream *stream;
    struct bytes problem;
    bool ended;
};

static size_t stream_data(char *data, size_t size, size_t n, void *context)
{
    struct streaming *s = context;
    long status = 0;
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 400)
        return gather(data, size, n, &s->problem);
    s->ended = s->ended || !s->stream->data(s->stream->context, data, size * n);
    return s->ended ? 0 : size * n;
}

static int stream_idle(void *context, curl_off_t down, curl_off_t got, curl_off_t up,
                       curl_off_t sent)
{
    struct streaming *s = context;
    (void)down;
    (void)got;
    (void)up;
    (void)sent;
    s->ended = s->ended || !s->stream->idle(s->stream->context);
    return s->ended;
}

enum ctl_exit client_stream(struct client *client, const char *path, long long after,
                            const struct client_stream *stream)
{
    struct streaming s = {curl_easy_init(), stream, {NULL, 0}, false};
    if (!s.curl)
        return CTL_NO_CONNECTION;
    struct curl_slist *headers = prepare(client, s.curl, "GET", path);
    char last[64];
    snprintf(last, sizeof last, "Last-Event-ID: %lld", after);
    if (after >= 0)
        headers = curl_slist_append(headers, last);
    curl_easy_setopt(s.curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(s.curl, CURLOPT_WRITEFUNCTION, stream_data);
    curl_easy_setopt(s.curl, CURLOPT_WRITEDATA, &s);
    curl_easy_setopt(s.curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(s.curl, CURLOPT_XFERINFOFUNCTION, stream_idle);
    curl_easy_setopt(s.curl, CURLOPT_XFERINFODATA, &s);
    // a comment line comes every ten seconds, so silence means a broken connection
    curl_easy_setopt(s.curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(s.curl, CURLOPT_LOW_SPEED_TIME, 45L);
    curl_easy_perform(s.curl);
    long status = 0;
    curl_easy_getinfo(s.curl, CURLINFO_RESPONSE_CODE, &status);
    enum ctl_exit result = s.ended ? CTL_OK : CTL_NO_CONNECTION;
    if (status >= 400 && status != 503) {
        tell_problem(status, &s.problem);
        result = CTL_REFUSED;
    }
    curl_slist_free_all(headers);
    free(s.problem.data);
    curl_easy_cleanup(s.curl);
    return result;
}

char *client_path(struct client *client, const char *format, ...)
{
    char *path = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&path, &len);
    if (!out)
        return NULL;
    va_list args;
    va_start(args, format);
    for (; *format; format++) {
        if (format[0] == '%' && format[1] == 's') {
            char *escaped = curl_easy_escape(client->curl, va_arg(args, const char *), 0);
            fputs(escaped ? escaped : "", out);
            curl_free(escaped);
            format++;
        } else {
            fputc(*format, out);
        }
    }
    va_end(args);
    if (fclose(out) != 0) {
        free(path);
        return NULL;
    }
    return path;
}
