// The ROUTER socket workers connect to. Sending never blocks: what a peer cannot take now is dropped, and
// the protocol's acknowledgements and leases make up for it.
#ifndef TUNERD_COORDINATOR_DISPATCH_ROUTER_H
#define TUNERD_COORDINATOR_DISPATCH_ROUTER_H

#include <stddef.h>

#include "common/error.h"
#include "coordinator/dispatch/gate.h"

struct router;

// Binds; guarded by keys when `files` names both. Errors: E_RANGE (not an endpoint), E_IO (taken), E_DENIED:
// beyond loopback without keys, or one of the two files only; those of gate_open().
enum code router_open(const char *endpoint, const struct gate_files *files, struct router **out,
                      struct error *err);
void router_close(struct router *router);
// Becomes readable when there may be something: then receive until there is nothing. After every receive
// and send the readiness has to be looked at anew: router_has_input().
int router_fd(const struct router *router);
bool router_has_input(struct router *router);

struct router_message {
    char worker[65]; // routing id; "" when it is none of ours
    char user[256];  // whose key it came under; "" without keys
    const char *header;
    size_t header_len;
    const void *payload;
    size_t payload_len;
    void *frames; // the message's own memory
};
// False: nothing there. A message that is not of two frames, or of a key that was struck off, is skipped. Release with router_release().
bool router_receive(struct router *router, struct router_message *message);
void router_release(struct router_message *message);
// E_NOT_FOUND: the peer is not connected; E_BUSY: its queue is full.
enum code router_send(struct router *router, const char *worker, const char *header,
                      size_t header_len, const void *payload, size_t payload_len);

#endif
