// What one lease has to say to the coordinator, kept until acknowledged: epochs, files in chunks (a
// checkpoint, a model) and the result, numbered from 1 and sent in that order. No socket and no clock; the
// caller sends what outbox_next() gives.
//
//      add ──> unsent ──sent──> in flight ──ack──> gone
//                 ^─────rewind──────┘
#ifndef TUNERD_WORKER_OUTBOX_H
#define TUNERD_WORKER_OUTBOX_H

#include "common/wire.h"

struct outbox_entry;

struct outbox {
    char lease[65];
    int attempt;
    int last;  // number of the newest message
    int sent;  // everything up to here has been sent since the last rewind
    int acked; // everything up to here is durable at the coordinator
    struct outbox_entry *first, **end;
};

enum { OUTBOX_WINDOW = 16 }; // messages in flight: credit for bulk data

void outbox_init(struct outbox *outbox, const char *lease, int attempt);
void outbox_fini(struct outbox *outbox);

// Takes a message of wire_message() and adds lease, attempt and seq. E_PROTOCOL when it does not hold
// against the wire's tables, E_LIMIT when it is too long, E_MEMORY; then nothing is added.
enum code outbox_add(struct outbox *outbox, cJSON *message, struct error *err);
// A file as messages of `type` ("checkpoint", "model"): `size` > 0 bytes from `offset` on, read from fd
// (taken, closed when acknowledged or on an error) as chunks are sent.
struct outbox_file {
    const char *type; // a literal
    int fd;
    int64_t offset, size;
    const char *sha256;
    int epoch;
};
enum code outbox_add_file(struct outbox *outbox, const struct outbox_file *file, struct error *err);

// The next message to send: header malloc'ed, payload read into payload[WIRE_CHUNK]. False when there is
// none now or the window is full. Then outbox_sent(), unless sending failed.
struct outbox_message {
    char *header;
    size_t header_len;
    size_t payload_len;
};
bool outbox_next(const struct outbox *outbox, struct outbox_message *out, unsigned char *payload);
void outbox_sent(struct outbox *outbox);

// An ack beyond what was sent is one from before a rewind, or nonsense: it counts up to `last`.
void outbox_ack(struct outbox *outbox, int seq);
void outbox_rewind(struct outbox *outbox);
bool outbox_empty(const struct outbox *outbox);

#endif
