// JSON texts over a stream socket between the daemon and one of its children: a length (uint32, the
// machine's byte order), then the text. The daemon's side never blocks and never trusts the child.
#ifndef TUNERD_WORKER_FRAME_H
#define TUNERD_WORKER_FRAME_H

#include "common/json.h"

enum { FRAME_MAX = 8 << 20 };

struct frame_reader {
    unsigned char *bytes;
    size_t len, capacity;
};
void frame_reader_init(struct frame_reader *reader);
void frame_reader_fini(struct frame_reader *reader);

enum frame_status {
    FRAME_READY,  // *out has a tree, the caller's
    FRAME_WAIT,   // nothing whole is there (non-blocking sockets only)
    FRAME_END,    // the other side has closed
    FRAME_BROKEN, // too long, not JSON, a broken socket or no memory: give the child up
};
enum frame_status frame_read(struct frame_reader *reader, int socket, cJSON **out);

// Sends a tree and deletes it; blocks on a blocking socket. E_IO when the other side is gone or a
// non-blocking socket has no room; E_LIMIT above FRAME_MAX; E_MEMORY.
enum code frame_write(int socket, cJSON *tree, struct error *err);

#endif
