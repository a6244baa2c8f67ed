// Where trainings that stand at different epochs are heading: every trial's loss at the last level, as
// far as the trials that went on tell.
//
// A level is a number of epochs at which trials may end for a while. From one level to the next a loss
// (the best so far) falls by
//     gain = g + c (loss - m),   g, c by least squares over the trials that took the step, m their mean,
// c shrunk towards one half, 0 <= c < 1: with c = 0 trials go on side by side, and a loss of no meaning at
// a low level (c near 1) foretells no more than the mean. What is left over is the step's variance; it starts
// from that of losses half as far apart as the better half of the trials at that level.
#ifndef TUNERD_COORDINATOR_SEARCH_PROSPECTS_H
#define TUNERD_COORDINATOR_SEARCH_PROSPECTS_H

#include "coordinator/search/results.h"

enum { LEVELS_MAX = 64 };
struct levels {
    int n;
    int epochs[LEVELS_MAX]; // ascending
    bool bracketed;         // round r of bracket b ends at level n - 1 - b + r; else at level r
};

struct prospect {
    int index;     // in the history
    int level;     // the last it reached; n - 1 also when its training is over; -1: none
    bool followed; // a later trial continues it
    double loss;   // so far
    double end;    // foreseen at the last level
    double variance;
};
struct step_gain {
    int pairs; // trials that took it
    double gain, slope, centre, variance;
};
struct prospects {
    int n; // of the trials told that completed or were pruned, in the order in which they first were
    struct prospect *items;
    struct step_gain steps[LEVELS_MAX]; // from level k to k + 1
    double best;                        // least loss so far of all; INFINITY
};
// As things were after the first `ntold` entries of told. E_MEMORY.
enum code prospects_of(struct prospects *prospects, const struct levels *levels,
                       const struct history *history, const struct told *told, int ntold);
void prospects_fini(struct prospects *prospects);

// The same as results for a model, at the last level. E_MEMORY.
enum code prospects_results(const struct prospects *prospects, struct results *results,
                            const struct history *history, const struct told *told, int ntold,
                            const struct slate *slate);

#endif
