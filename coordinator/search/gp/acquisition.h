// The value of trying a point next: the logarithm of the expected improvement on the best result, over
// an ensemble of models, times the probability that the trial does not fail.
//     a(x) = log sum_m exp(g_m + log EI_m(x)) + log Phi((mu_f(x) - t) / sd_f(x))
#ifndef TUNERD_COORDINATOR_SEARCH_GP_ACQUISITION_H
#define TUNERD_COORDINATOR_SEARCH_GP_ACQUISITION_H

#include "coordinator/search/gp/gp.h"

enum { ACQUISITION_MEMBERS = 8, ACQUISITION_BATCH = 32 };

struct acquisition {
    const struct domain *domain;
    int nmembers;
    struct acquisition_member {
        struct gp *gp;
        struct gp *base; // or NULL: gp models the difference to base_factor times its mean
        double base_factor;
        double best;       // improvement on this outcome
        double log_weight; // g_m: the model's weight, and its scale
        double slope;      // dz/dloss at the best result
        double anchor, at; // the best result's loss, and its z
    } members[ACQUISITION_MEMBERS];
    struct gp *feasible; // of z: 1 where a trial completed, lower where it failed; or NULL
    double threshold;    // t
    double *scratch;     // [ACQUISITION_BATCH][largest ldx]
    double *slopes;      // [6][domain->n]
    void *memory;
};
// After the members are in place. E_MEMORY. The processes stay the caller's.
enum code acquisition_init(struct acquisition *a);
void acquisition_fini(struct acquisition *a);

// m points, unit arrays [m][domain->n].
void acquisition_values(struct acquisition *a, int m, const double *x, double *out);
// One point and its gradient [domain->n] by the unit; 0 for categories and inactive coordinates.
double acquisition_slope(struct acquisition *a, const double *x, double *gradient);

#endif
