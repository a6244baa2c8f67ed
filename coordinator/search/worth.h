// What it is worth to train on, when one may stop at every level.
//
// A trial that stands at level k, foreseen to end at a loss of d above the best so far (below: negative),
// may take the next step for its epochs or be left for good. A step moves what is foreseen by a normal
// deviation s_k. With a price p for an epoch the value is
//     V_K(d) = max(0, -d),  V_k(d) = max(0, E V_k+1(d + s_k e) - p (cost_k+1 - cost_k)),  e ~ N(0, 1).
// The highest price at which it is still worth something is the improvement an epoch brings, if one
// stops at the right time (an index by that price: Weitzman 1979; Xie et al. 2024 for a search).
#ifndef TUNERD_COORDINATOR_SEARCH_WORTH_H
#define TUNERD_COORDINATOR_SEARCH_WORTH_H

#include "coordinator/search/prospects.h"

struct arm {
    int level;       // reached; -1: a new trial
    double ahead;    // d
    double variance; // of a new trial's d
};
struct outset {
    const struct levels *levels;
    double known[LEVELS_MAX]; // share of an end's variance that a loss there tells; last 1
    double variance;          // of an end, but for the trial's own losses
    double length;            // epochs that a training has at most
    double luck;              // variance of what training again adds at the last level; 0: as known
    double trial;             // what a new trial costs beside its epochs, in full trainings
};
// Index of the arm worth the highest price; -1 when there is none that a price above 0 is worth.
int worth_choose(const struct outset *outset, int n, const struct arm *arms);

#endif
