// The search algorithms behind one table. A library: no clock, no files, no threads, no study; all
// randomness from a seed, so that every decision can be recomputed from the results before it.
//
// Every algorithm minimises `loss` (a maximised score negated). Points are unit[space->n] as
// space_to_unit() gives them: NaN where inactive.
#ifndef TUNERD_COORDINATOR_SEARCH_SEARCH_H
#define TUNERD_COORDINATOR_SEARCH_SEARCH_H

#include "common/study_spec.h"

enum search_state { SEARCH_RUNNING, SEARCH_COMPLETED, SEARCH_PRUNED, SEARCH_FAILED, SEARCH_INFEASIBLE, SEARCH_CANCELLED };

// All that a search knows of a trial.
struct search_trial {
    int number;  // as in the study
    enum search_state state;
    double *unit;        // [space->n]
    double loss;         // completed, pruned: mean over executions; else NaN
    double variance;     // of the executions' losses; 0 with one
    int executions;      // that the mean is over
    int epochs;          // reached
    int ncurve;          // best loss after each epoch so far, of the first execution
    double *curve;
    int bracket, round;  // as proposed; -1
    int parent;          // trial it was promoted from; -1
    bool own;            // false: a user's point, or one of warm_start_from
};

struct history {
    const struct space *space;
    int n;
    const struct search_trial *trials;  // by number, oldest first
};

struct proposal {
    double *unit;  // [space->n], owned by the search object, valid until its next call
    int epochs;    // train up to this epoch; 0: the study's own
    int initial_epoch;  // epochs already behind the parent's checkpoint
    int parent;         // trial whose weights, optimizer state and epoch it continues; -1
    int bracket, round;
    char why[200];  // for people, becomes origin.reason: "log EI 0.31 over 14 results"
    const char *how;  // origin.kind: "random", "grid", "quasi_random", "model", "promotion", "user"
};

enum ask_status {
    ASK_POINTS,     // proposals written
    ASK_WAIT,       // results first
    ASK_EXHAUSTED,  // every point of the space has been given
    ASK_DONE,       // the algorithm is finished (grid, brackets)
};

struct search_ops {
    const char *name;   // as in the study document
    size_t state_size;  // allocated and zeroed by search_new()
    enum code (*init)(void *state, const struct study_spec *spec, struct error *err);
    void (*fini)(void *state);
    // Up to `max` proposals that are good together, none equal to a trial in `history` (rounds of a
    // bracket aside). May take long; called on a thread of its own. Changes nothing that replay needs:
    // a proposal counts only once given.
    enum ask_status (*ask)(void *state, const struct history *history, struct rng *rng, int max,
                           struct proposal *out, int *count);
    // A proposal became trial `index` of history.
    void (*given)(void *state, const struct history *history, int index);
    // Trial `index` of history ended (any state but running).
    void (*tell)(void *state, const struct history *history, int index);
    // An epoch's loss of a running trial: true when it should stop now (it will be told as pruned).
    // NULL: never. Cheap.
    bool (*report)(void *state, const struct history *history, int index, int epoch, double loss);
    // How many trials there will be in all; -1: as many as max_trials says.
    int64_t (*planned)(const void *state);
};

extern const struct search_ops *const searches[];  // ends with NULL
const struct search_ops *search_find(const char *name);

// One search with its state. Errors of search_new: E_UNKNOWN at /tuner/type, E_RANGE, E_MEMORY.
struct search {
    const struct search_ops *ops;
    void *state;
};
enum code search_new(struct search *search, const struct study_spec *spec, struct error *err);
void search_free(struct search *search);

#endif
