// The best point of an acquisition function over a mixed, conditional space: many points first (a
// scrambled Sobol set, and sprays round the best results), then from the best of them climbs that take
// turns in gradient steps over the numbers and exchanges of one discrete coordinate. Nothing is relaxed
// and rounded at the end: a rounded point is valued before it is taken.
#ifndef TUNERD_COORDINATOR_SEARCH_GP_MAXIMISE_H
#define TUNERD_COORDINATOR_SEARCH_GP_MAXIMISE_H

#include "coordinator/search/gp/acquisition.h"
#include "coordinator/search/points.h"

struct maximise {
    struct acquisition *acquisition;
    const struct domain *domain;
    const struct point_set *seen; // never proposed again
    int nbest;
    const double *const *best; // [nbest] unit arrays of good results, the best first
    const double *fill;        // [domain->n] for coordinates that become active (domain_proper)
    struct value *values;      // [domain->n] scratch
    int candidates, climbs;    // how hard to try
};
// The point found to x: [domain->n], proper and outside `seen`; *value of it. False when every point
// met was seen already, or memory ran out.
bool maximise(const struct maximise *task, struct rng *rng, double *x, double *value);

#endif
