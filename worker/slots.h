// All leases on this worker and the slots they run in: takes what the coordinator says, starts what is
// ready while a slot is free, and has the outboxes sent. Times are handed in.
#ifndef TUNERD_WORKER_SLOTS_H
#define TUNERD_WORKER_SLOTS_H

#include "worker/disk.h"
#include "worker/fetch.h"
#include "worker/prepare.h"
#include "worker/task.h"

struct slots {
    int count;
    double memory;     // bytes a training may take beside the mapped data; 0: no limit
    double patience_s; // how long a child may give no sign of life
    const struct cache *cache;
    struct spawner *spawner;
    struct fetches *fetches;
    struct preparations preparations;
    struct disk disk;
    bool disk_news; // the coordinator is to hear of it before any result
    struct task *first;
    bool draining;    // take nothing new, start nothing
    double looked_at; // the last step
    bool ready;       // something has changed: waiting tasks are worth a look
};

void slots_init(struct slots *slots); // the fields above `preparations` are set
void slots_fini(struct slots *slots);

// ---- the coordinator's messages ----
// fresh: the job cannot have lain in a buffer while we stood still. Takes the message.
void slots_job(struct slots *slots, cJSON *job, bool fresh);
void slots_stop(struct slots *slots, const cJSON *message);
void slots_expired(struct slots *slots, const cJSON *message);
void slots_ack(struct slots *slots, const cJSON *message, double now);
void slots_pong(struct slots *slots, const cJSON *message);
// A new connection: all that is unacknowledged is sent again.
void slots_rejoined(struct slots *slots);

// ---- what hello and ping tell (struct link_options) ----
int slots_free(void *slots);
void slots_list_held(void *slots, cJSON *array);
void slots_list_running(void *slots, cJSON *array, int64_t ping);
const char *slots_trouble(void *slots); // why it takes no work; "": it does

// ---- children ----
void slots_news(struct slots *slots, enum spawner_event event, const struct spawner_news *news,
                double now);
void slots_lost(struct slots *slots, double now); // the fork server died

// Reads all children, kills silent ones, starts what can start.
void slots_step(struct slots *slots, double now);
// Sends what the outboxes give; what is without an ack for patience_s is sent again.
void slots_send(struct slots *slots, struct link *link, double now, double patience_s,
                unsigned char *payload);
// When a child's or an ack's time is up next, or the disk is to be looked at; INFINITY: never.
double slots_due(const struct slots *slots, double patience_s);
// Every child gets that much more time: this process stood still.
void slots_forgive(struct slots *slots, double gap_s);
// Sockets of running children, at most `max`; gives how many.
int slots_sockets(const struct slots *slots, int *out, int max);

// Draining: drops what has not started. Giving up: drops everything, kills what runs.
void slots_drain(struct slots *slots);
void slots_give_up(struct slots *slots);
bool slots_empty(const struct slots *slots);

#endif
