// GET …/events: server-sent events (schema/events.md).
#include <stdlib.h>
#include <string.h>

#include "coordinator/http/notifier.h"
#include "coordinator/http/page.h"
#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/http/view.h"

enum { STREAMS_MAX = 4096 };

struct subscription {
    struct stream stream;
    struct http *http;
    struct buf text;
    size_t sent;
};

static ssize_t send_events(void *context, uint64_t position, char *out, size_t max)
{
    struct subscription *s = context;
    (void)position;
    if (s->sent == s->text.len) {
        buf_clear(&s->text);
        s->sent = 0;
        enum stream_state state = notifier_next(s->http->notifier, &s->stream, &s->text);
        if (state == STREAM_ENDED)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (state == STREAM_BROKEN || s->text.failed)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (state == STREAM_WAITS)
            return 0;
    }
    size_t len = s->text.len - s->sent < max ? s->text.len - s->sent : max;
    memcpy(out, s->text.data + s->sent, len);
    s->sent += len;
    return (ssize_t)len;
}

// False when there are too many, or the server is stopping.
static bool count_in(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    bool room = http->streams < STREAMS_MAX && !http->stopping;
    http->streams += room;
    pthread_mutex_unlock(&http->lock);
    return room;
}

static void count_out(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    if (--http->streams == 0)
        pthread_cond_broadcast(&http->idle);
    pthread_mutex_unlock(&http->lock);
}

static void end(void *context)
{
    struct subscription *s = context;
    notifier_leave(s->http->notifier, &s->stream);
    count_out(s->http);
    buf_fini(&s->text);
    free(s);
}

// Where to begin: Last-Event-ID, else ?since, else now (-1). False with an answer given.
static bool read_since(struct request *request, int64_t *since)
{
    const char *id = request->headers.last_event_id;
    if (!id || !*id)
        return page_integer(request, "since", -1, 0, INT64_C(999999999999999), since);
    size_t len = strlen(id);
    if (len > 15 || strspn(id, "0123456789") != len) {
        reply_fail(request, 400, E_RANGE, "#Last-Event-ID",
                   "Last-Event-ID is '%.40s'; send the id of an event", id);
        return false;
    }
    for (*since = 0; *id; id++)
        *since = *since * 10 + (*id - '0');
    return true;
}

// Sets the place to begin at and what to say first: the number reached, or that too old a one was asked
// for, so that the client reads everything anew.
static enum code open_at(struct subscription *s, struct reader *reader, int64_t since,
                         struct error *err)
{
    int64_t oldest, newest;
    enum code code = events_range(reader, &oldest, &newest, err);
    if (code)
        return code;
    bool lost = since > newest || (since >= 0 && since < newest && (!oldest || since < oldest - 1));
    s->stream.last = since < 0 || lost ? newest : since;
    buf_put(&s->text, "retry: 2000\n");
    buf_printf(&s->text, "id: %lld\n", (long long)s->stream.last);
    if (lost)
        buf_printf(&s->text, "event: reset\ndata: {\"oldest\":%lld}\n", (long long)oldest);
    buf_put(&s->text, "\n");
    return OK;
}

static void subscribe(struct request *request, const char *study)
{
    int64_t since;
    struct error err;
    enum code code = OK;
    if (!read_since(request, &since))
        return;
    if (!count_in(request->http)) {
        reply_fail(request, 0, E_RATE, "", "%d event streams are open; share one", STREAMS_MAX);
        return;
    }
    struct subscription *s = calloc(1, sizeof *s);
    if (!s) {
        count_out(request->http);
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
        return;
    }
    s->http = request->http;
    s->stream.connection = request->connection;
    s->stream.comment_due_ms = clock_ms() + KEEP_ALIVE_S * 1000;
    buf_init(&s->text, 32 << 20);
    struct reader *reader = reader_take(request->http->readers);
    reader_snapshot(reader);
    if (study)
        code = view_study_id(reader, study, &s->stream.study, NULL, &err);
    if (code == OK)
        code = open_at(s, reader, since, &err);
    reader_give(request->http->readers, reader);
    struct MHD_Response *response =
        code ? NULL
             : MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, send_events, s, end);
    if (!response) {
        end(s);
        reply_error(request, 0, code ? &err : &(struct error){E_MEMORY, "", "out of memory"});
        return;
    }
    client_deadline(request->client, 0);
    reply_response(request, 200, "text/event-stream", response);
    reply_header(request, "X-Accel-Buffering", "no");
}

void events_all(struct request *request)
{
    subscribe(request, NULL);
}

void events_study(struct request *request)
{
    subscribe(request, request->arguments[0]);
}
