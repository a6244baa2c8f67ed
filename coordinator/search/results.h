// What a model learns from: the trials of a history as numbers. Losses of completed and pruned trials,
// points that failed, points that run.
#ifndef TUNERD_COORDINATOR_SEARCH_RESULTS_H
#define TUNERD_COORDINATOR_SEARCH_RESULTS_H

#include "coordinator/search/points.h"

// The order in which trials ended (a trial that goes on ends several times), and how far each had come.
struct told {
    int n, room;
    struct told_entry {
        int index;      // in the history
        int epochs;     // reached then
        int executions; // that the loss is the mean over
        int round;      // its round then; -1
        bool ok;        // completed
        double loss;    // then
    } * entries;
};
enum code told_add(struct told *told, const struct search_trial *trial, int index);
void told_fini(struct told *told);

// The variance of one execution about its trial's mean, pooled over the trials so far that ran more than
// one: adds a trial's and gives what is known then; 0: nothing yet.
struct pool {
    double sum, freedom;
};
double pool_with(struct pool *pool, const struct search_trial *trial);

struct results {
    int n;
    const double **unit; // [n] borrowed from the history, in the order in which they got that far
    double *loss;        // [n] finite
    double *variance;    // [n] of the loss as known beforehand: pooled over the executions of the
                         // trials up to it, or of an extrapolated curve; 0: not known
    double *stage;       // [n] of its training; 0: ended (gp/fit.h); or NULL: all ended
    int nfailed;
    const double **failed; // failed and infeasible points
    int nrunning;
    const double **running;
    int nprior;
    const struct search_trial *prior; // the history's
    int best;                         // index of the least loss; -1
    // Losses that change with what is learnt later: a model's parameters are fitted to `basis`, the
    // results as they were at `mark`. NULL where results are only ever appended.
    const struct results *basis;
    int mark;
    void *memory; // all arrays
};

// Each trial's loss as told; that of a pruned trial as it would be after `epochs` (0: as many as the
// longest training that completed before it had), by its curve, or when that is too short by what the
// trials that completed before it gained from there on. Later calls only append. What the slate has taken
// already counts as running. E_MEMORY.
enum code results_of(struct results *results, const struct history *history,
                     const struct told *told, const struct slate *slate, int epochs);
void results_fini(struct results *results);

#endif
