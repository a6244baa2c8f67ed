// Server-sent events taken apart as they come (WHATWG HTML, 9.2.6), with a bound on what one may hold.
#ifndef TUNERD_COORDINATOR_CTL_SSE_H
#define TUNERD_COORDINATOR_CTL_SSE_H

#include <stdbool.h>
#include <stddef.h>

enum { SSE_MAX = 4 << 20 };

struct sse {
    char *line; // owned: the line being read
    size_t len, room;
    bool skip_lf;
    char *data; // owned: data lines of the event being read, joined by LF
    size_t data_len, data_room;
    char event[64];
    long long id, pending_id; // id of the last event dispatched; -1: none yet
    bool failed;              // an event above SSE_MAX, or no memory
    // Called at the blank line that ends an event; data is NULL for one without.
    void (*dispatch)(void *context, const char *event, const char *data);
    void *context;
};

void sse_init(struct sse *sse, void (*dispatch)(void *, const char *, const char *), void *context);
void sse_fini(struct sse *sse);
void sse_feed(struct sse *sse, const char *bytes, size_t len);
// Forgets a half event, for a new connection; keeps the id.
void sse_reset(struct sse *sse);

#endif
