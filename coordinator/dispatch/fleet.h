// The workers, as the coordinator knows them.
#ifndef TUNERD_COORDINATOR_DISPATCH_FLEET_H
#define TUNERD_COORDINATOR_DISPATCH_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/json.h"
#include "coordinator/store/rows.h"

#define uthash_fatal(message) abort()
#include <uthash.h>

enum worker_state {
    WORKER_CONNECTED,
    WORKER_PAUSED, // it says why it takes no work
    WORKER_DRAINING,
    WORKER_GONE,
    WORKER_STATES
};
extern const char *const worker_state_names[WORKER_STATES];

enum { THROUGHPUT_MINUTES = 5 };

struct worker {
    char id[65];
    char *name, *host, *version, *cpu;
    char *trouble; // why it is paused; NULL: it is not
    int slots;
    int busy; // leases held or ending
    int fetching;
    enum worker_state state;
    bool said_hello; // to this process
    bool has_news;
    int64_t first_seen_ms, last_seen_ms;
    double last_s;
    int64_t executions;            // completed
    int ended[THROUGHPUT_MINUTES]; // executions that ended, by minute
    int64_t minute;                // of ended[minute % THROUGHPUT_MINUTES]
    UT_hash_handle hh;
};

struct fleet {
    struct worker *workers;
    int slots, busy; // of the connected ones
};

struct worker *fleet_find(const struct fleet *fleet, const char *id);
struct worker *fleet_add(struct fleet *fleet, const char *id);
void fleet_clear(struct fleet *fleet);
// Changes slots or state, keeping the sums.
void fleet_set(struct fleet *fleet, struct worker *worker, int slots, enum worker_state state);
void fleet_occupy(struct fleet *fleet, struct worker *worker, int slots); // ±
void fleet_count_execution(struct worker *worker, double now);
double fleet_throughput(const struct worker *worker, double now); // executions a minute
// The connected worker with the most free slots; NULL: all are busy.
struct worker *fleet_free_worker(const struct fleet *fleet);
void fleet_row(const struct worker *worker, struct worker_row *row);

#endif
