// A Gaussian process conditioned on results, and on trials still running.
//     mean(x) = k' K^-1 z,  var(x) = s - k' K^-1 k        (Rasmussen & Williams 2006, 2.25, 2.26)
// of the function itself, without noise, in the scale of z, at the end of a training (fit.h: stages).
#ifndef TUNERD_COORDINATOR_SEARCH_GP_GP_H
#define TUNERD_COORDINATOR_SEARCH_GP_GP_H

#include "coordinator/search/gp/fit.h"

struct gp {
    const struct domain *domain;
    int results; // points with an outcome
    int n, max;  // with those believed
    int ld, ldx;
    double w[GP_DIM_MAX], s, v;
    double forget;         // per step between stages; 0 when all have ended
    double *stage;         // [max]; what is predicted has ended, and so have those believed
    double *kept;          // [max] of a covariance with the end
    double *xt;            // [nmodel][ldx]
    double *l;             // [n][ld] factor of K
    double *alpha;         // [results] K^-1 z over the results
    double *mean;          // [results] posterior mean at the results, at the end of their trainings
    double *k, *slope, *t; // scratch [ldx]
    void *memory;
};

// Room for `extra` points to be believed. Copies the data. E_MEMORY; E_INTERNAL when K has no factor.
enum code gp_init(struct gp *gp, const struct gp_data *data, const struct gp_params *params,
                  int extra);
void gp_fini(struct gp *gp);

// A trial runs at x (unit array): its outcome is believed to be the mean there. The mean function
// stays, the variance shrinks round x. False when there is no room or x is numerically known already.
bool gp_believe(struct gp *gp, const double *x);

// m points, unit arrays [m][domain->n]. scratch: [m][ldx].
void gp_predict(const struct gp *gp, int m, const double *x, double *scratch, double *mean,
                double *var);
// The outcome that the trial of result i, at x, will end with: the function and the noise of this one
// trial, of which its stage keeps as much; and the variance.
void gp_outlook(const struct gp *gp, int i, const double *x, double *mean, double *var);
// The mean alone, at one point.
double gp_mean(struct gp *gp, const double *x);
// One point with gradients by unit for the coordinates that are numbers or grids and active at x;
// others 0. dmean, dvar: [domain->n].
void gp_predict_slope(struct gp *gp, const double *x, double *mean, double *var, double *dmean,
                      double *dvar);

#endif
