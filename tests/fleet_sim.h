// A fleet in one process, on a simulated clock: the coordinator's real state machines, dispatch and store
// (a file in memory), with model workers that speak schema/protocol.md over a network that delays, doubles
// and loses messages, and with every fault there is: workers that die or freeze, a coordinator that is
// killed, transactions that fail. All from one seed.
#ifndef TUNERD_TESTS_FLEET_SIM_H
#define TUNERD_TESTS_FLEET_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/rng.h"

struct faults_wanted {     // chances; per simulated second where not said
    double lose_message;   // each message
    double double_message; // each message
    double late_message;   // each message: seconds instead of milliseconds
    double worker_dies, worker_freezes;
    double coordinator_dies;
    double commit_fails; // each commit
    double trial_fails;  // each execution, by itself
    double ends_itself;  // each epoch: a callback ends the training
    double pause;
    double search_s; // what the search takes; 0: it answers at once
};

struct fleet_sim;
struct fleet_sim *fleet_sim_new(uint64_t seed, int workers, int slots,
                                const struct faults_wanted *faults);
void fleet_sim_free(struct fleet_sim *sim);

// Creates a study from its document (JSON text).
void fleet_sim_submit(struct fleet_sim *sim, const char *document);
// Changes a study's max_trials.
void fleet_sim_patch(struct fleet_sim *sim, const char *study, int64_t max_trials);
// Runs until all studies have ended; false when they have not after `limit_s` simulated seconds.
bool fleet_sim_run(struct fleet_sim *sim, double limit_s);
// Lets time pass.
void fleet_sim_pass(struct fleet_sim *sim, double seconds);
// The first column of the first row of a query on the store; -1 for no row.
int64_t fleet_sim_query(struct fleet_sim *sim, const char *sql);
// Where its store is.
const char *fleet_sim_dir(const struct fleet_sim *sim);
// Slots the coordinator believes taken.
int fleet_sim_busy(const struct fleet_sim *sim);

// What was acknowledged to workers and what the store holds of it.
struct fleet_sim_ledger {
    int acknowledged; // epochs
    int missing;      // of them, that the store has not (of attempts that were not called off)
    int coordinator_deaths, worker_deaths, failed_commits, jobs;
};
struct fleet_sim_ledger fleet_sim_ledger(struct fleet_sim *sim);

#endif
