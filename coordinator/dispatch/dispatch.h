// What the files of dispatch/ share.
#ifndef TUNERD_COORDINATOR_DISPATCH_DISPATCH_H
#define TUNERD_COORDINATOR_DISPATCH_DISPATCH_H

#include "coordinator/core_state.h"

// dispatch.c: words to a worker, at once or once the group is durable
void dispatch_send(struct core *core, const char *worker, cJSON *message);
cJSON *dispatch_lease_message(const char *type, struct lease_key key, int attempt);
void dispatch_acknowledge(struct core *core, const char *worker, struct lease_key key, int attempt,
                          int64_t seq);
void dispatch_expired(struct core *core, const char *worker, struct lease_key key, int attempt);
void dispatch_refuse(struct core *core, const char *worker, const char *reason);

// slots.c
void slot_occupy(struct core *core, const struct lease *lease, int slots); // of its holder, ±
void slot_grant(struct core *core, struct lease_key key, int attempt, const char *worker);
void slot_release(struct core *core, struct lease *lease); // the lease is over, its slot free
void slot_lose(struct core *core, struct lease *lease);    // its work goes back to the queue

// members.c
void member_hello(struct core *core, const char *id, const cJSON *message);
void member_ping(struct core *core, const char *id, const cJSON *message);
void member_gone(struct core *core, struct worker *worker, const char *why);

// reports.c: `epoch`, `checkpoint`, `model`, `result`
void report_receive(struct core *core, const char *worker, const cJSON *message,
                    const struct router_message *raw, const char *type);

#endif
