// A search object with the history it was told: decisions go in, in their order, and the object answers
// ask(), report() and planned() on exactly that history. Two tapes fed the same decisions answer the same;
// the core keeps one (report, planned), the advisor's thread another (ask).
#ifndef TUNERD_COORDINATOR_STUDY_TAPE_H
#define TUNERD_COORDINATOR_STUDY_TAPE_H

#include "coordinator/search/search.h"

// What a study decided: that a trial was given, or told to have ended.
struct decision {
    int64_t seq;
    bool told;
    int trial;
    int epochs;               // given: to train to; told: reached
    int64_t basis_seq;        // given: what the search knew when it proposed this,
    int64_t basis_count;      // how many it was asked for (0: no search made it),
    int64_t basis_index;      // which of them it is,
    int64_t basis_max_trials; // and max_trials then
    enum search_state state;
    double loss, variance;
    int executions; // given: to train; told: that the loss is the mean of
};

// What a given trial is, beside the decision.
struct tape_point {
    const struct value *values; // [space->n]
    int bracket, round, parent;
    bool own;
};

struct tape {
    struct search search;
    struct history history;
    int cap, prior_cap;
    struct search_trial *trials; // [history.n]
    struct search_trial *prior;  // [history.nprior]
};

// Errors as search_new(). `spec` outlives the tape.
enum code tape_init(struct tape *tape, const struct study_spec *spec, struct error *err);
void tape_fini(struct tape *tape);

void tape_given(struct tape *tape, const struct decision *decision, const struct tape_point *point);
// curve: [ncurve] losses of the first execution, copied.
void tape_told(struct tape *tape, const struct decision *decision, const double *curve, int ncurve);
// The loss after an epoch of a running trial; true when it should stop.
bool tape_report(struct tape *tape, int trial, int epoch, double loss);

#endif
