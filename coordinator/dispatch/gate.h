// Who may connect to the workers' socket when it is guarded by keys (common/keys.h): CURVE encrypts, and
// the answerer here (ZeroMQ's ZAP, RFC 27), which ZeroMQ asks at every handshake, lets in the workers of
// the list and nobody else. Without an answerer ZeroMQ would let in any key at all.
//
// The list is looked at again when its file changes. A worker that was struck off stays connected, since
// ZAP is asked at the handshake only: gate_knows() is to be asked for every message.
#ifndef TUNERD_COORDINATOR_DISPATCH_GATE_H
#define TUNERD_COORDINATOR_DISPATCH_GATE_H

#include "common/error.h"

struct gate;

struct gate_files {
    const char *key;     // the coordinator's key file
    const char *workers; // the list of allowed workers
};

// Reads both files and starts the answerer's thread in the ZeroMQ context, before anything is bound.
// Errors of keys_read() and keys_read_allowed(); E_IO.
enum code gate_open(void *context, const struct gate_files *files, struct gate **out,
                    struct error *err);
// After zmq_ctx_shutdown().
void gate_close(struct gate *gate);

// Makes an unbound socket a CURVE server.
enum code gate_guard(const struct gate *gate, void *socket, struct error *err);
// Knocks at the bound endpoint with a random key: E_INTERNAL when that gets in. Waits a few seconds at most.
enum code gate_prove(const struct gate *gate, void *context, const char *endpoint,
                     struct error *err);

// Whether the name (the connection's User-Id) is on the list now. Looks at the file once a second at most.
bool gate_knows(struct gate *gate, const char *name);

#endif
