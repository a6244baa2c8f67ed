// One lease on this worker: an execution from the job's arrival until everything it has to say is
// acknowledged.
//
//             files, data, a free slot         child gone
//   WAITING ───────────────────────> RUNNING ────────────> SETTLING ──last ack──> (dropped)
//      │  ^                          │   │                     │
//      │  └──── fork server died ────┘   │ abandoned           │ expired
//      │                                 v                     │
//      └────────────> (dropped) <──── ABANDONED      (dropped) <┘
//           unknown            child gone
#ifndef TUNERD_WORKER_TASK_H
#define TUNERD_WORKER_TASK_H

#include "worker/cache.h"
#include "worker/child.h"
#include "worker/outbox.h"

enum task_state { TASK_WAITING, TASK_RUNNING, TASK_SETTLING, TASK_ABANDONED };

struct task {
    struct task *next;
    enum task_state state;
    cJSON *job; // the whole message
    char lease[65];
    int attempt;
    char data_key[65]; // of its prepared data set
    struct outbox outbox;
    double quiet_since; // nothing acknowledged since, while something is in flight
    struct child child;
    int epochs;         // the last one told to the coordinator
    int64_t first_ping; // the first ping that listed it, 0: none yet
    bool fresh;         // its lease is known to be good
    int reruns;         // times it started again after the fork server died
    struct error disk;  // not OK: what it had to write the cache does not take
    bool proved;        // it completed, and has left what it had to leave
};

// Takes the job. NULL: E_MEMORY.
struct task *task_new(cJSON *job, bool fresh, struct error *err);
void task_free(struct task *task);

// Starts the child. E_BUSY, E_IO: try again; otherwise a result says what went wrong.
enum code task_start(struct task *task, struct spawner *spawner, const struct cache *cache,
                     double memory, double now, double patience_s, struct error *err);
// Ends it without a child: the result is what is left to say. "cancelled", when nobody asked for it, gives
// the work back.
void task_end(struct task *task, const char *state, const char *reason, const char *error);
// Reads what the child says. True when there was something to tell the coordinator.
bool task_read(struct task *task, const struct cache *cache, double now);
// The child has gone: adds a result if it sent none itself.
void task_exited(struct task *task, const struct cache *cache, int status, double now);
// The child died with the fork server, for no fault of its own: it starts again, the same from the same
// seed, without telling anything twice; but a few times only, since it may be what kills the server.
void task_orphaned(struct task *task, const struct cache *cache, double now);
// Nothing runs and nothing is left to say: drop it.
bool task_is_over(const struct task *task);
// Nobody wants its result any more. False when nothing runs and it can be dropped at once.
bool task_abandon(struct task *task);

#endif
