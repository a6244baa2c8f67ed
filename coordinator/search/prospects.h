// Where trainings that stand at different epochs are heading.
//
// A level is a number of epochs at which trials may end for a while. At level k the losses (the best so
// far) of all trials would have a mean m_k and a deviation s_k. At the first level these are seen: the
// median, and how far the better half is from it. On they are carried by those that took the step:
//     gain = g + c (loss - m),  m_k+1 = m_k - gain(m_k),  s_k+1^2 = (1 - c)^2 s_k^2 + v
// g, c by least squares in which the bad count less, m their mean, v what is left over, c shrunk towards
// one half, 0 <= c < 1. That holds although only the good go on, for it is by their losses that they do
// (Little & Rubin 2002, chapter 7: data missing in steps).
//
// Where the last level has more executions than those before it, the losses of the first one make up the
// levels before it, and the step to the last leads to their mean: to what luck does not last.
//
// A loss y at level k stands for m_last + (y - m_k) s_last / s_k at the end, as far down the list. How
// little that foretells there, the model finds out by itself (gp/fit.h: stages).
#ifndef TUNERD_COORDINATOR_SEARCH_PROSPECTS_H
#define TUNERD_COORDINATOR_SEARCH_PROSPECTS_H

#include "coordinator/search/results.h"

enum { LEVELS_MAX = 64 };
struct levels {
    int n;
    int epochs[LEVELS_MAX]; // ascending
    int executions; // of a trial at the last level, one at those before it; 0: the same at all
    bool bracketed; // round r of bracket b ends at level n - 1 - b + r; else at level r
};

struct prospect {
    int index;       // in the history
    int epochs;      // reached
    int executions;  // that the loss is the mean over
    int level;       // the last it reached; n - 1 also when its training is over; -1: none
    bool followed;   // a later trial continues it
    double loss;     // so far
    double end;      // what stands for it at the last level
    double variance; // of it, once a model knows (pursuit.c)
    double stage;    // level_stage() of its level
};
struct step_gain {
    int pairs; // trials that took it
    double gain, slope, centre, variance;
};
struct prospects {
    int n; // of the trials told that completed or were pruned, in the order in which they first were
    struct prospect *items;
    struct step_gain steps[LEVELS_MAX];             // from level k to k + 1
    double mean[LEVELS_MAX], deviation[LEVELS_MAX]; // m_k, s_k
    double length; // epochs of trainings that came to their end, the mean; INFINITY: none did
    double luck;   // variance of one execution about its trial's mean, pooled; 0: not known
    // The loss to beat, INFINITY without any: the least so far. When only the last level has all
    // executions, of those there; while there are none, what a trial comes to in the mean.
    double best;
};
// Whether it is the last one, where trials are trained again.
bool level_is_again(const struct levels *levels, int level);
// How many executions a proposal for the level asks for, and their epochs together when a training has
// `length` at most.
int level_executions(const struct levels *levels, int level);
double level_cost(const struct levels *levels, int level, double length);
// How many times the cost of a level must be tripled for that of the last.
double level_stage(const struct levels *levels, int level);
// As things were after the first `ntold` entries of told. E_MEMORY.
enum code prospects_of(struct prospects *prospects, const struct levels *levels,
                       const struct history *history, const struct told *told, int ntold);
void prospects_fini(struct prospects *prospects);

// Where the steps of the others would lead the trial from where it stands, `luck` deviations below what is
// to be expected.
double prospects_reach(const struct prospects *prospects, const struct levels *levels,
                       const struct prospect *item, double luck);

// The same as results for a model. E_MEMORY.
enum code prospects_results(const struct prospects *prospects, struct results *results,
                            const struct history *history, const struct told *told, int ntold,
                            const struct slate *slate);

#endif
