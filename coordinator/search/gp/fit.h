// The hyperparameters of a Gaussian process by maximum a posteriori (MAP), in logarithms, with analytic
// gradients: theta = [log w_1 … log w_d, log s, log v], v the variance of the noise.
//     -log p(z | theta) = 1/2 z' K^-1 z + 1/2 log |K| + n/2 log 2 pi,  K = k(X, X) + diag(v + known)
//     d/dtheta = 1/2 sum_ij W_ij dK_ij/dtheta,  W = K^-1 - a a',  a = K^-1 z
// (Rasmussen & Williams 2006, 5.8 and 5.9).
// Trainings that stand at different stages share what they have in common: between two that are `apart`
// steps from each other k is multiplied by e^(-forget apart) (an Ornstein-Uhlenbeck process along the
// training), theta then ends with log forget ~ N(-1.2, 0.8).
#ifndef TUNERD_COORDINATOR_SEARCH_GP_FIT_H
#define TUNERD_COORDINATOR_SEARCH_GP_FIT_H

#include "coordinator/search/domain.h"

struct gp_data {
    const struct domain *domain;
    int n, ldx;          // ldx >= n, a multiple of 4
    const double *xt;    // [nmodel][ldx], kernel.h
    const double *z;     // [n] outcomes, mean about 0, deviation about 1
    const double *known; // [n] variance known beforehand, added to v; or NULL
    const double *stage; // [n] steps short of the end of a training; NULL: all ended
};

// A prior density of theta: returns -log p and adds its gradient. w and l as in kernel.h.
struct gp_prior {
    const char *name;
    double (*penalty)(int d, const double *theta, double *gradient);
};
// Optuna's (_gp/prior.py): -log p = sum_j 0.1 (l_j^2 + l_j^-2) + s - log s + 30 v - 0.1 log v.
extern const struct gp_prior gp_prior_optuna;
// log l ~ N(log(0.25 sqrt d), 0.8), s and v as above: longer scales where there are more of them.
extern const struct gp_prior gp_prior_dimension;

enum { GP_DIM_MAX = 500 }; // coordinates a model takes

struct gp_params {
    int d;
    double theta[GP_DIM_MAX + 3]; // the last with stages only
};
// w = 1, s = 1, v = 0.01, where a fit starts that knows nothing better.
void gp_params_default(struct gp_params *params, int d);

// Work space of a fit: pairwise distances and matrices. Make anew for other data.
struct gp_fit;
struct gp_fit *gp_fit_new(const struct gp_data *data); // NULL: out of memory
void gp_fit_free(struct gp_fit *fit);

// The function that is minimised, and its gradient [d + 2], with stages [d + 3]. NaN when K has no factor.
double gp_fit_value(struct gp_fit *fit, const struct gp_prior *prior, const double *theta,
                    double *gradient);
// From params to the minimum; returns its value. evaluations: at most (0: the usual 60).
double gp_fit_minimise(struct gp_fit *fit, const struct gp_prior *prior, int evaluations,
                       struct gp_params *params);
// Leave-one-out densities of the last parameters minimised: log N(z_i; mu_-i, var_-i) (R & W 5.10).
// E_INTERNAL when K has no factor.
enum code gp_fit_leave_one_out(struct gp_fit *fit, const double *theta, double *log_density);

#endif
