// The server's one background thread. It reads new events from the store once, keeps the newest in a
// ring for all streams to copy from, wakes the suspended streams, sends each at least a comment line in
// KEEP_ALIVE_S, and sweeps overdue connections.
#ifndef TUNERD_COORDINATOR_HTTP_NOTIFIER_H
#define TUNERD_COORDINATOR_HTTP_NOTIFIER_H

#include <microhttpd.h>

#include "coordinator/http/buf.h"
#include "coordinator/http/clients.h"
#include "coordinator/http/readers.h"

enum { KEEP_ALIVE_S = 10 };

struct notifier;

// One subscriber; belongs to its response. Only `waiting` and the links are the notifier's.
struct stream {
    struct MHD_Connection *connection;
    int64_t study; // its id; 0: everything
    int64_t last;  // newest sequence number sent or passed over
    int64_t comment_due_ms;
    bool waiting;
    struct stream *previous, *next;
};

enum code notifier_start(struct readers *readers, struct clients *clients, struct notifier **out,
                         struct error *err);
// Wakes every stream for its end. Then notifier_stop() joins the thread and frees.
void notifier_end_streams(struct notifier *notifier);
void notifier_stop(struct notifier *notifier); // NULL is fine

// For core_on_events(); context is the notifier.
void notifier_news(void *context, int64_t newest);
// Sequence numbers of the newest and the oldest event that is kept (0 when none), from the store.
enum code events_range(struct reader *reader, int64_t *oldest, int64_t *newest, struct error *err);

// Appends the stream's next events as text/event-stream, at most about 32 KiB, or a comment line when one
// is due. STREAM_WAITS: there was nothing, and the connection has been suspended until there is.
enum stream_state { STREAM_MORE, STREAM_WAITS, STREAM_ENDED, STREAM_BROKEN };
enum stream_state notifier_next(struct notifier *notifier, struct stream *stream, struct buf *out);
// The stream is gone: forget it.
void notifier_leave(struct notifier *notifier, struct stream *stream);

// One event as text/event-stream from a row "seq, kind, body".
void event_put(sqlite3_stmt *row, struct buf *out);

#endif
