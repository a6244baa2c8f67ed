// The data of one Gaussian process: of the results of a study as many as it can take, transformed.
#ifndef TUNERD_COORDINATOR_SEARCH_SAMPLE_H
#define TUNERD_COORDINATOR_SEARCH_SAMPLE_H

#include "coordinator/search/gp/fit.h"
#include "coordinator/search/gp/outcome.h"
#include "coordinator/search/results.h"

enum { SAMPLE_MAX = 256 }; // results a process takes

struct sample {
    int n, *index; // [n] into results, ascending
    double *xt, *z, *slope, *known, *stage;
    struct gp_data data; // points to the arrays above
    void *memory;
};
// Of the first `count` results all, or SAMPLE_MAX: a quarter the best, a half those nearest to the best
// of all, the rest any. A function of the results alone. E_MEMORY.
enum code sample_init(struct sample *sample, const struct domain *domain,
                      const struct results *results, int count);
void sample_fini(struct sample *sample);
// Fills z, known and slope (outcome.h) by one transform over all `count` results; a known variance is
// scaled by the slope, where the outcome is a rank by the steepest there is. E_MEMORY.
enum code sample_transform(struct sample *sample, const struct results *results, int count,
                           enum outcome_kind kind);
// dz/dloss at the best result: what makes improvements of different scales comparable.
double sample_slope_at_best(const struct sample *sample, const struct results *results);
// z of the best result; 0 when the sample lacks it.
double sample_best(const struct sample *sample, const struct results *results);
// Median loss of the first `count` results.
double sample_median(const struct results *results, int count);

#endif
