// An ensemble of Gaussian processes over the results of a study: different outcome transforms and
// priors, and one that stands on each study of warm_start_from, weighted by how well each foretells the
// better half of the results left out one at a time.
//
// Hyperparameters are refitted at marks (at every result first, later each time their number has grown
// by a sixteenth, beyond what a process takes by a quarter) and handed on from mark to mark; every
// eighth mark starts from nothing. So they are a function of the results in order, whatever was asked
// meanwhile, and a search made anew has them again after at most eight fits.
#ifndef TUNERD_COORDINATOR_SEARCH_SURROGATE_H
#define TUNERD_COORDINATOR_SEARCH_SURROGATE_H

#include "coordinator/search/gp/acquisition.h"
#include "coordinator/search/results.h"
#include "coordinator/search/sources.h"

struct surrogate_fit {
    int count; // results of the mark it belongs to; 0: none
    struct gp_params params[ACQUISITION_MEMBERS];
    double log_weight[ACQUISITION_MEMBERS];
    double base_factor[ACQUISITION_MEMBERS]; // of those that stand on a source
};
struct surrogate {
    const struct domain *domain;
    struct surrogate_fit fit;
    struct sources sources;
    struct gp members[ACQUISITION_MEMBERS], feasible;
    int nmembers;
    struct acquisition acquisition;
    // Where trainings may stop at several levels: what the results so far and all others say each will end
    // with, by the member of the greatest weight, and what a step short of the end it forgets (gp/fit.h).
    int noutlooks;
    struct outlook {
        double loss, variance; // INFINITY where the sample lacks the result
    } * outlooks;              // [noutlooks] by result
    double forget;
};
void surrogate_init(struct surrogate *s, const struct domain *domain);
void surrogate_fini(struct surrogate *s);

// The last mark that `count` results have reached.
int surrogate_mark(int count);
// Conditions the ensemble on the results (at least one) and on what runs, with room for `extra` more
// points to be believed; s->acquisition is ready then. E_MEMORY, E_INTERNAL.
enum code surrogate_condition(struct surrogate *s, const struct results *results, int extra);
// The loss foreseen at a point by the member of the greatest weight, and its variance, noise included;
// after conditioning. False when there is no member.
bool surrogate_predict(struct surrogate *s, const double *unit, double *loss, double *variance);
// A point was proposed: all members believe in it.
void surrogate_believe(struct surrogate *s, const double *unit);

#endif
