// The search algorithms behind one table. A library: no clock, no files, no threads, no study; all
// randomness from the caller's generator, so that every decision can be recomputed.
//
// Every algorithm minimises `loss` (a maximised score negated). A point is unit[space->n] as
// space_to_unit() gives it: in [0,1], NaN where inactive. In a history it is always
// space_to_unit(the trial's values), never a proposal's own array, so that a history read back from a
// store is the same to the bit.
//
// Life of a search object:
//
//     search_new ──▶ given(i) / tell(i) in the order the study decided ──▶ search_free
//                        ask() at any moment in between
//
// What ask() answers depends on three things only: the history, the order in which its trials were
// told, and the generator. It may keep results of its own arithmetic in the state, but those never
// change an answer: an object made anew and fed the same given() and tell() calls answers the same.
// The history of a call holds exactly what was given and told to that object.
//
// One object is used by one thread at a time. Who wants to ask beside the core keeps two: one on the
// core for report() and planned(), one on the asking thread, both fed alike.
//
// A list of proposals is in order of value and good only from its head: proposal k counts on 0..k-1
// having been given first. When something else was given since it was asked for (another list, a
// user's point), ask again.
#ifndef TUNERD_COORDINATOR_SEARCH_SEARCH_H
#define TUNERD_COORDINATOR_SEARCH_SEARCH_H

#include "common/study_spec.h"

enum search_state {
    SEARCH_RUNNING,   // or queued
    SEARCH_COMPLETED, // reached the epochs its proposal asked for
    SEARCH_PRUNED,    // report() stopped it
    SEARCH_FAILED,
    SEARCH_INFEASIBLE,
    SEARCH_CANCELLED,
};

// All that a search knows of a trial.
struct search_trial {
    int number; // as in the study
    enum search_state state;
    double *unit;       // [space->n]
    double loss;        // completed, pruned: mean over executions; else NaN
    double variance;    // of the executions' losses (divided by executions - 1); 0 with one
    int executions;     // that the mean is over
    int epochs;         // reached
    int ncurve;         // of the first execution
    double *curve;      // [ncurve] loss after each epoch 1, 2, …; NaN where there was none
    int bracket, round; // as last proposed (a trial that goes on moves to its next round); -1
    int parent;         // number of the trial it was promoted from; -1
    bool own;           // proposed here; false: a user's point
    int source;         // in history.prior: index of its study in warm_start_from; else -1
};

struct history {
    const struct space *space;
    int n;
    const struct search_trial *trials; // [n] by number, oldest first
    int nprior;                        // completed trials of the studies of warm_start_from, mapped
    const struct search_trial *prior;  // [nprior] into this space; the same in every call
    int64_t max_trials;                // as it is now (PATCH changes it); -1: none
};

struct proposal {
    double *unit;      // [space->n], owned by the search object, valid until its next ask()
    int epochs;        // train up to this epoch; 0: the study's own
    int initial_epoch; // epochs already behind the parent's checkpoint
    int executions; // train so many of the trial's executions, those trained before included; 0: all
    int parent;     // trial whose weights, optimizer state and epoch it continues; -1 Its
        // hyperparameters are the parent's own values, not those of `unit`, which may
        // differ in the last bit.
    bool continues; // the parent itself goes on to `epochs`, under its own number: no new trial,
                    // nothing off max_trials (ASHA). given() names the parent's index, its state
                    // running again; it is told again at the end. False: a new trial.
    int bracket, round;
    char why[200];   // for people, becomes origin.reason: "log EI -2.31 over 14 results"
    const char *how; // origin.kind: "random", "grid", "quasi_random", "model", "promotion",
                     // "warm_start"
};

enum ask_status {
    ASK_POINTS,    // proposals written, at least one
    ASK_WAIT,      // results first
    ASK_EXHAUSTED, // every point of the space has been given
    ASK_DONE,      // the algorithm is finished (brackets)
};

struct search_ops {
    const char *name;  // as in the study document
    size_t state_size; // allocated and zeroed by search_new()
    // A list of proposals stays as good when results arrive (random, grid): it is used up before
    // another is asked for. Otherwise each result renews the list.
    bool ignores_results;
    // E_RANGE at the argument's pointer, E_MEMORY. The spec outlives the search.
    enum code (*init)(void *state, const struct study_spec *spec, struct error *err);
    void (*fini)(void *state);
    // Up to `max` (>= 1) proposals, none equal to a trial in `history` (rounds of a bracket aside).
    // May take long (a model is fitted). ASK_WAIT with *count 0 also when memory runs out.
    enum ask_status (*ask)(void *state, const struct history *history, struct rng *rng, int max,
                           struct proposal *out, int *count);
    // Trial `index` of history came to be, whoever proposed it (or goes on: `continues`). Cheap.
    void (*given)(void *state, const struct history *history, int index);
    // Trial `index` of history ended (any state but running). Cheap.
    void (*tell)(void *state, const struct history *history, int index);
    // Trial `index`, running, has this loss after `epoch` (also the last of its curve): true when it
    // should stop now, to be told as pruned. Cheap.
    bool (*report)(void *state, const struct history *history, int index, int epoch, double loss);
    // How many trials there will be in all, for spaces large enough; -1: as max_trials says.
    int64_t (*planned)(const void *state);
    // Whether it may propose trials that go on (`continues`) after max_trials have been given; it then
    // says by ASK_DONE when there are none left. NULL: never.
    bool (*outlasts_budget)(const void *state);
};

extern const struct search_ops *const searches[]; // ends with NULL
const struct search_ops *search_find(const char *name);

// One search with its state.
struct search {
    const struct search_ops *ops;
    void *state;
};
// Errors: E_UNKNOWN at /tuner/type, E_RANGE at an argument, E_MEMORY. `spec` is kept by reference.
enum code search_new(struct search *search, const struct study_spec *spec, struct error *err);
void search_free(struct search *search);

#endif
