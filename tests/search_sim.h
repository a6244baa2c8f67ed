// A study without coordinator or workers: trainings are formulas, workers are counted, time is the order
// of events, drawn from a seed. Drives any search through its whole life and can replay it.
#ifndef TUNERD_TESTS_SEARCH_SIM_H
#define TUNERD_TESTS_SEARCH_SIM_H

#include "coordinator/search/search.h"

struct sim_decision {
    bool told; // else given
    int index;
    struct search_trial trial; // as it was then (its arrays are shared)
};
struct sim {
    struct study_spec spec;
    struct search search;
    struct history history;
    struct search_trial *trials, *prior;
    int *target;     // epochs each trial is to reach
    int *executions; // that it is to be trained then
    int room, workers, running;
    int ndecisions, decisions_room;
    struct sim_decision *decisions;
    struct rng rng;
    uint64_t asks;
    int most_idle;        // workers that ever waited while the search was not done
    int64_t epochs;       // trained in all
    bool users_point;     // a random one of a user's own is given first
    double failures;      // share of the points at which trainings fail
    double nan_losses;    // share whose loss is NaN
    enum ask_status last; // of the last ask
    // Loss after `epoch` of a point; NULL: a bowl that falls with the epochs.
    double (*loss)(const struct sim *sim, const double *unit, int epoch);
};

// A study of `type` over the parameters (JSON list); change sim->spec.tuner, then sim_start().
void sim_init(struct sim *sim, const char *type, const char *parameters, uint64_t seed);
void sim_start(struct sim *sim, int workers);
// Before that: results of an earlier study at `n` random points of the space.
void sim_start_from(struct sim *sim, int n);
void sim_fini(struct sim *sim);

// Asks for up to `max` and gives them out; returns how many.
int sim_ask(struct sim *sim, int max);
// One epoch of a running trial, drawn; told when it ends. False when none runs.
bool sim_event(struct sim *sim);
// Keeps all workers busy until the search is done or `most` trials were given.
void sim_run(struct sim *sim, int most);
// Asks the search and one made anew from the decisions the same: fails the test unless they agree.
void sim_check_replay(struct sim *sim, int max);

// Index of the completed trial with the least loss; -1.
int sim_best(const struct sim *sim);

#endif
