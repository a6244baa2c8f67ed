// The ring holds the newest events ready to send. A stream that has fallen behind it catches up from the
// store, piece by piece, so that a slow client costs neither memory nor other clients' time.
#include "coordinator/http/notifier.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RING = 2048, PIECE = 32 << 10, CATCH_UP = 256, TICK_MS = 500, PAUSE_MS = 20 };

struct slot {
    int64_t seq, study; // study 0: of none
    char *text;
    size_t len;
};

struct notifier {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct readers *readers;
    struct clients *clients;
    int64_t newest; // told by the core
    int64_t ringed; // newest sequence number the ring has taken in or passed over
    int64_t floor;  // everything above it and up to `ringed` is in the ring
    struct slot ring[RING];
    int first, count;
    struct stream *waiting;
    bool ended, stopping;
};

void event_put(sqlite3_stmt *row, struct buf *out)
{
    buf_printf(out, "id: %lld\nevent: %s\ndata: ", (long long)sqlite3_column_int64(row, 0),
               (const char *)sqlite3_column_text(row, 1));
    buf_bytes(out, sqlite3_column_text(row, 2), (size_t)sqlite3_column_bytes(row, 2));
    buf_put(out, "\n\n");
}

enum code events_range(struct reader *reader, int64_t *oldest, int64_t *newest, struct error *err)
{
    sqlite3_stmt *row = reader_query(reader,
                                     "SELECT (SELECT min(seq) FROM events), "
                                     "(SELECT seq FROM sqlite_sequence WHERE name = 'events')",
                                     "");
    *oldest = *newest = 0;
    if (reader_step(reader, row)) {
        *oldest = sqlite3_column_int64(row, 0);
        *newest = sqlite3_column_int64(row, 1);
    }
    return reader_result(reader, err);
}

static void ring_push(struct notifier *n, struct slot slot)
{
    if (n->count == RING) {
        struct slot *oldest = &n->ring[n->first];
        n->floor = oldest->seq;
        free(oldest->text);
        n->first = (n->first + 1) % RING;
        n->count--;
    }
    n->ring[(n->first + n->count++) % RING] = slot;
    n->ringed = slot.seq;
}

// Without memory for an event the ring begins anew behind it; the store still has it.
static void ring_restart(struct notifier *n, int64_t floor)
{
    for (; n->count > 0; n->count--, n->first = (n->first + 1) % RING)
        free(n->ring[n->first].text);
    n->floor = n->ringed = floor;
}

// Reads what came after `ringed` into the ring. Called with the lock, which it gives up while reading.
static void take_in(struct notifier *n)
{
    int64_t from = n->ringed, newest = n->newest;
    pthread_mutex_unlock(&n->lock);
    struct slot *slots = calloc(CATCH_UP, sizeof *slots);
    struct reader *reader = reader_take(n->readers);
    struct error err;
    int count = 0;
    bool failed = !slots;
    sqlite3_stmt *row = reader_query(
        reader, "SELECT seq, kind, body, study_id FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        "ii", from, (int64_t)CATCH_UP);
    while (!failed && count < CATCH_UP && reader_step(reader, row)) {
        struct buf text;
        buf_init(&text, 16 << 20);
        event_put(row, &text);
        struct slot *slot = &slots[count++];
        *slot = (struct slot){.seq = sqlite3_column_int64(row, 0),
                              .study = sqlite3_column_int64(row, 3)};
        slot->text = buf_take(&text, &slot->len);
        failed = !slot->text;
    }
    failed = reader_result(reader, &err) != OK || failed;
    reader_give(n->readers, reader);
    pthread_mutex_lock(&n->lock);
    for (int i = 0; i < count && !failed; i++)
        ring_push(n, slots[i]);
    if (failed) {
        for (int i = 0; i < count; i++)
            free(slots[i].text);
        ring_restart(n, newest);
    } else if (count < CATCH_UP && n->ringed < newest) {
        n->ringed = newest;
    }
    free(slots);
}

static void link_stream(struct notifier *n, struct stream *stream)
{
    stream->waiting = true;
    stream->previous = NULL;
    stream->next = n->waiting;
    if (n->waiting)
        n->waiting->previous = stream;
    n->waiting = stream;
}

static void unlink_stream(struct notifier *n, struct stream *stream)
{
    if (!stream->waiting)
        return;
    if (stream->previous)
        stream->previous->next = stream->next;
    else
        n->waiting = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
    stream->waiting = false;
}

static bool concerns(const struct notifier *n, const struct stream *stream)
{
    if (stream->last < n->floor)
        return true;
    for (int i = n->count - 1; i >= 0; i--) {
        const struct slot *slot = &n->ring[(n->first + i) % RING];
        if (slot->seq <= stream->last)
            return false;
        if (!stream->study || slot->study == stream->study)
            return true;
    }
    return false;
}

static void wake(struct notifier *n, int64_t now)
{
    for (struct stream *s = n->waiting, *next; s; s = next) {
        next = s->next;
        if (!n->ended && s->comment_due_ms > now && !concerns(n, s))
            continue;
        unlink_stream(n, s);
        MHD_resume_connection(s->connection);
    }
}

static void wait_ms(struct notifier *n, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&n->changed, &n->lock, &until);
}

static void *run(void *context)
{
    struct notifier *n = context;
    int64_t swept = 0;
    pthread_mutex_lock(&n->lock);
    while (!n->stopping) {
        if (n->newest > n->ringed)
            take_in(n);
        int64_t now = clock_ms();
        wake(n, now);
        if (now - swept >= TICK_MS) {
            swept = now;
            pthread_mutex_unlock(&n->lock);
            clients_sweep(n->clients, now);
            pthread_mutex_lock(&n->lock);
        }
        // a short pause gathers a burst of commits into one waking
        if (!n->stopping && !n->ended)
            wait_ms(n, n->newest > n->ringed ? PAUSE_MS : TICK_MS);
        else if (!n->stopping)
            wait_ms(n, PAUSE_MS);
    }
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

enum code notifier_start(struct readers *readers, struct clients *clients, struct notifier **out,
                         struct error *err)
{
    struct notifier *n = calloc(1, sizeof *n);
    if (!n)
        return fail(err, E_MEMORY, "", "out of memory");
    n->readers = readers;
    n->clients = clients;
    int64_t oldest, newest;
    struct reader *reader = reader_take(readers);
    enum code code = events_range(reader, &oldest, &newest, err);
    reader_give(readers, reader);
    n->newest = n->ringed = n->floor = newest;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&n->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&n->lock, NULL);
    if (code == OK && pthread_create(&n->thread, NULL, run, n) != 0)
        code = fail(err, E_INTERNAL, "", "no thread for the event streams");
    if (code) {
        free(n);
        return code;
    }
    *out = n;
    return OK;
}

void notifier_end_streams(struct notifier *n)
{
    pthread_mutex_lock(&n->lock);
    n->ended = true;
    wake(n, clock_ms());
    pthread_mutex_unlock(&n->lock);
}

void notifier_stop(struct notifier *n)
{
    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    n->stopping = true;
    pthread_cond_signal(&n->changed);
    pthread_mutex_unlock(&n->lock);
    pthread_join(n->thread, NULL);
    ring_restart(n, 0);
    pthread_cond_destroy(&n->changed);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

void notifier_news(void *context, int64_t newest)
{
    struct notifier *n = context;
    pthread_mutex_lock(&n->lock);
    if (newest > n->newest)
        n->newest = newest;
    pthread_cond_signal(&n->changed);
    pthread_mutex_unlock(&n->lock);
}

static bool copy_from_ring(struct notifier *n, struct stream *stream, struct buf *out)
{
    size_t before = out->len;
    int low = 0, high = n->count; // the first slot after stream->last, by halving
    while (low < high) {
        int middle = (low + high) / 2;
        if (n->ring[(n->first + middle) % RING].seq <= stream->last)
            low = middle + 1;
        else
            high = middle;
    }
    for (int i = low; i < n->count && out->len - before < PIECE; i++) {
        const struct slot *slot = &n->ring[(n->first + i) % RING];
        if (!stream->study || slot->study == stream->study)
            buf_bytes(out, slot->text, slot->len);
        stream->last = slot->seq;
    }
    if (out->len == before && stream->last < n->ringed)
        stream->last = n->ringed;
    return out->len > before;
}

// What the ring no longer has. False on failure.
static bool copy_from_store(struct notifier *n, struct stream *stream, struct buf *out)
{
    struct error err;
    size_t before = out->len;
    int rows = 0;
    int64_t goal = n->floor;
    pthread_mutex_unlock(&n->lock);
    struct reader *reader = reader_take(n->readers);
    sqlite3_stmt *row = reader_query(
        reader,
        stream->study ? "SELECT seq, kind, body FROM events WHERE seq > ?1 AND seq <= ?3 "
                        "AND study_id = ?4 ORDER BY seq LIMIT ?2"
                      : "SELECT seq, kind, body FROM events WHERE seq > ?1 AND seq <= ?3 "
                        "AND ?4 = 0 ORDER BY seq LIMIT ?2",
        "iiii", stream->last, (int64_t)CATCH_UP, goal, stream->study);
    for (; out->len - before < PIECE && reader_step(reader, row); rows++) {
        event_put(row, out);
        stream->last = sqlite3_column_int64(row, 0);
    }
    bool good = reader_result(reader, &err) == OK;
    reader_give(n->readers, reader);
    if (rows < CATCH_UP && out->len - before < PIECE)
        stream->last = goal;
    pthread_mutex_lock(&n->lock);
    return good;
}

enum stream_state notifier_next(struct notifier *n, struct stream *stream, struct buf *out)
{
    size_t before = out->len;
    enum stream_state state = STREAM_MORE;
    pthread_mutex_lock(&n->lock);
    while (state == STREAM_MORE && out->len == before) {
        int64_t now = clock_ms();
        if (n->ended) {
            state = STREAM_ENDED;
        } else if (stream->last < n->floor) {
            state = copy_from_store(n, stream, out) ? STREAM_MORE : STREAM_BROKEN;
        } else if (copy_from_ring(n, stream, out)) {
            break;
        } else if (stream->comment_due_ms <= now) {
            buf_put(out, ": still here\n\n");
        } else {
            link_stream(n, stream);
            MHD_suspend_connection(stream->connection);
            state = STREAM_WAITS;
        }
    }
    if (state == STREAM_MORE)
        stream->comment_due_ms = clock_ms() + KEEP_ALIVE_S * 1000;
    pthread_mutex_unlock(&n->lock);
    return state;
}

void notifier_leave(struct notifier *n, struct stream *stream)
{
    pthread_mutex_lock(&n->lock);
    unlink_stream(n, stream);
    pthread_mutex_unlock(&n->lock);
}
