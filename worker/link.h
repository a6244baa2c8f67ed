// The worker's connection to its coordinator (schema/protocol.md): a DEALER socket that says hello, pings,
// and is thrown away and made anew whenever it falls silent, so that `hello` is the first message of every
// connection. Times are seconds of a monotonic clock, handed in.
//
//              ┌──────────── silence, disconnect, no welcome ────────────┐
//              v                                                         │
//   APART ──retry_at──> CONNECTING ──hello … welcome──> JOINED ──pings───┤
//     ^                      │ refused                    │ refused      │
//     └──────────────────────┴────────── waits ───────────┴──────────────┘
#ifndef TUNERD_WORKER_LINK_H
#define TUNERD_WORKER_LINK_H

#include <zmq.h>

#include "common/keys.h"
#include "common/wire.h"

struct link_keys { // CURVE; given is false: plain
    bool given;
    struct key_pair own;
    struct key_pair coordinator; // its public key
};

struct link_options {
    const char *endpoint;
    const char *worker; // id
    const char *name;
    const char *cpu;
    int slots;
    const struct link_keys *keys;
    // What hello and ping tell of the worker. list() adds to an array: {"lease", "attempt"} objects for
    // hello; ids for the ping of that number.
    void *context;
    int (*free_slots)(void *context);
    void (*list_held)(void *context, cJSON *array);
    void (*list_running)(void *context, cJSON *array, int64_t ping);
    const char *(*trouble)(void *context); // why it takes no work; "": it does
};

enum link_state { LINK_APART, LINK_CONNECTING, LINK_JOINED };

struct link {
    struct link_options options;
    void *zmq, *socket, *monitor;
    enum link_state state;
    double heartbeat_s, lease_s;
    double retry_at;    // APART: when to connect; CONNECTING: when to give up
    double next_ping;   // JOINED
    double heard;       // JOINED: the last message
    double complain_at; // bad messages are logged once a second at most
    int failures;       // attempts since the last welcome
    int64_t pings;      // number of the last ping
    char host[256];
};

struct link_message {
    cJSON *header;
    zmq_msg_t payload;
};

enum code link_init(struct link *link, const struct link_options *options, struct error *err);
void link_fini(struct link *link);

// Does what is due: connects, gives up, pings. Call before every poll; link_due() is when the next thing
// is. link_poll_items() fills two items (absent sockets: fd -1) and says nothing of what came.
void link_step(struct link *link, double now);
double link_due(const struct link *link);
void link_poll_items(const struct link *link, zmq_pollitem_t items[2]);

// The next message that holds; what does not is logged and dropped. `welcome`, `pong` and `refused` have
// been acted upon and are given too. False when there is none. Then link_message_close().
bool link_receive(struct link *link, double now, struct link_message *message);
void link_message_close(struct link_message *message);

// Sends a header (deleted) or its text, with a payload. False when not joined or the socket is full: keep it.
bool link_send(struct link *link, cJSON *header, const void *payload, size_t len);
bool link_send_text(struct link *link, const char *header, size_t header_len, const void *payload,
                    size_t len);

// Pings with the next link_step(): what it tells has changed.
void link_ping_soon(struct link *link);
// Pings now: after this process stood still for `gap_s`, which counts as no silence of the coordinator's.
void link_recover(struct link *link, double now, double gap_s);
// Says bye and waits at most a second for it to leave.
void link_bye(struct link *link);

#endif
