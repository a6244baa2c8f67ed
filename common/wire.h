// The message codec between coordinator and workers: schema/protocol.md says what the messages mean.
// A message is two frames: a JSON header and a payload of bytes (often empty). No socket in here.
#ifndef TUNERD_COMMON_WIRE_H
#define TUNERD_COMMON_WIRE_H

#include "common/json.h"

enum {
    WIRE_MAJOR = 1,
    WIRE_MINOR = 0,
    WIRE_HEADER_MAX = 8 << 20,
    WIRE_CHUNK = 256 << 10,            // bytes of a data chunk
    WIRE_MESSAGE_MAX = WIRE_HEADER_MAX // ZMQ_MAXMSGSIZE on both sides
};

// A new header {"v": "1.0", "type": type}; add fields, then wire_encode(). NULL: out of memory.
cJSON *wire_message(const char *type);
// Text of the header, malloc'ed; deletes the tree. NULL: out of memory or above WIRE_HEADER_MAX.
char *wire_encode(cJSON *message, size_t *len);
// Reads a header: strict JSON, version of our major, known type with the fields protocol.md requires,
// each of its type and within its bounds. NULL: E_PROTOCOL with the reason; the error's pointer is "/v"
// when the other side speaks another version (answer it with `refused`).
cJSON *wire_decode(const void *header, size_t len, struct error *err);

#endif
