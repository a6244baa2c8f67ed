// What a model learns from: the trials of a history as numbers. Losses of completed and pruned trials,
// points that failed, points that run.
#ifndef TUNERD_COORDINATOR_SEARCH_RESULTS_H
#define TUNERD_COORDINATOR_SEARCH_RESULTS_H

#include "coordinator/search/search.h"

struct results {
    int n;
    const double **unit; // [n] borrowed from the history
    double *loss;        // [n] finite
    double *variance;    // [n] of the loss as known beforehand: pooled over executions, or of an
                         // extrapolated curve; 0: not known
    int nfailed;
    const double **failed; // failed and infeasible points
    int nrunning;
    const double **running;
    int best;     // index of the least loss; -1
    void *memory; // all arrays
};

// `told`: [ntold] indices into the history in the order they ended; results and failures keep it.
// E_MEMORY.
enum code results_of(struct results *results, const struct history *history, const int *told,
                     int ntold);
void results_fini(struct results *results);

// The order in which trials ended, kept by every search that models: given() and tell() go here.
struct told {
    int n, room;
    int *order;
};
enum code told_add(struct told *told, int index);
void told_fini(struct told *told);

#endif
