#include "coordinator/search/gp/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/search/gp/kernel.h"
#include "coordinator/search/gp/lbfgs.h"
#include "coordinator/search/gp/linalg.h"

static const double NOISE_MIN = 1e-6;
static const double FORGET = -1.2, FORGET_DEVIATION = 0.8;

struct gp_fit {
    const struct gp_data *data;
    int n, d, ld;
    size_t pairs;               // (i, j < i), row by row
    double *distance;           // [d][pairs]
    double *k, *slope, *weight; // [pairs]
    double *apart, *kept;       // [pairs] steps between their stages, e^(-forget apart); or NULL
    double *l, *u;              // [n][ld]; l holds K^-1 after its use
    double *alpha;              // [ld]
    void *memory;
    const struct gp_prior *prior;
};

static double optuna_penalty(int d, const double *theta, double *g)
{
    double sum = 0;
    for (int j = 0; j < d; j++) {
        double w = exp(theta[j]);
        sum += 0.1 * (1 / w + w);
        g[j] += 0.1 * (w - 1 / w);
    }
    double s = exp(theta[d]), v = exp(theta[d + 1]);
    g[d] += s - 1;
    g[d + 1] += 30 * v - 0.1;
    return sum + s - theta[d] + 30 * v - 0.1 * theta[d + 1];
}

static double dimension_penalty(int d, const double *theta, double *g)
{
    const double deviation = 0.8;
    double sum = 0, centre = log(0.25 * sqrt(d));
    for (int j = 0; j < d; j++) {
        double t = (-0.5 * theta[j] - centre) / deviation; // log l = -1/2 log w
        sum += 0.5 * t * t;
        g[j] -= 0.5 * t / deviation;
    }
    double s = exp(theta[d]), v = exp(theta[d + 1]);
    g[d] += s - 1;
    g[d + 1] += 30 * v - 0.1;
    return sum + s - theta[d] + 30 * v - 0.1 * theta[d + 1];
}

const struct gp_prior gp_prior_optuna = {.name = "optuna", .penalty = optuna_penalty};
const struct gp_prior gp_prior_dimension = {.name = "dimension", .penalty = dimension_penalty};

void gp_params_default(struct gp_params *params, int d)
{
    params->d = d;
    for (int j = 0; j < d; j++)
        params->theta[j] = 0;
    params->theta[d] = 0;
    params->theta[d + 1] = log(0.01);
    params->theta[d + 2] = FORGET;
}

static void measure(struct gp_fit *fit)
{
    const struct gp_data *data = fit->data;
    size_t p = 0;
    for (int i = 1; fit->apart && i < fit->n; i++)
        for (int j = 0; j < i; j++)
            fit->apart[p++] = fabs(data->stage[i] - data->stage[j]);
    for (int c = 0; c < fit->d; c++) {
        const double *column = data->xt + (size_t)c * (size_t)data->ldx;
        enum dim_kind kind = data->domain->dims[data->domain->model[c]].kind;
        double *out = fit->distance + (size_t)c * fit->pairs;
        for (int i = 1; i < fit->n; i++) {
            kernel_distances(kind, column[i], i, column, out);
            out += i;
        }
    }
}

struct gp_fit *gp_fit_new(const struct gp_data *data)
{
    struct gp_fit *fit = calloc(1, sizeof *fit);
    int n = data->n, d = data->domain->nmodel, ld = linalg_ld(n);
    if (!fit || n < 1 || d > GP_DIM_MAX) {
        free(fit);
        return NULL;
    }
    size_t pairs = (size_t)n * (size_t)(n - 1) / 2, matrix = (size_t)n * (size_t)ld;
    size_t staged = data->stage ? pairs : 0;
    *fit = (struct gp_fit){.data = data, .n = n, .d = d, .ld = ld, .pairs = pairs};
    double *at =
        malloc((((size_t)d + 3) * pairs + 2 * staged + 2 * matrix + (size_t)ld) * sizeof *at);
    if (!at) {
        free(fit);
        return NULL;
    }
    fit->memory = at;
    fit->l = at, at += matrix;
    fit->u = at, at += matrix;
    fit->alpha = at, at += ld;
    fit->k = at, at += pairs;
    fit->slope = at, at += pairs;
    fit->weight = at, at += pairs;
    fit->apart = staged > 0 ? at : NULL, at += staged;
    fit->kept = at, at += staged;
    fit->distance = at;
    measure(fit);
    return fit;
}

void gp_fit_free(struct gp_fit *fit)
{
    if (fit)
        free(fit->memory);
    free(fit);
}

LINALG_FAST static void add_scaled(size_t n, double w, const double *restrict x,
                                   double *restrict sum)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += w * x[i];
}

// k := M of all pairs, slope := dM/d(r^2).
static void covariances(struct gp_fit *fit, const double *theta)
{
    memset(fit->k, 0, fit->pairs * sizeof *fit->k);
    for (int c = 0; c < fit->d; c++)
        add_scaled(fit->pairs, exp(theta[c]), fit->distance + (size_t)c * fit->pairs, fit->k);
    kernel_value_slope((int)fit->pairs, fit->k, fit->slope);
    if (!fit->apart)
        return;
    double forget = exp(theta[fit->d + 2]);
    for (size_t p = 0; p < fit->pairs; p++)
        fit->kept[p] = -forget * fit->apart[p];
    linalg_exp_negative((int)fit->pairs, fit->kept);
    for (size_t p = 0; p < fit->pairs; p++) {
        fit->k[p] *= fit->kept[p];
        fit->slope[p] *= fit->kept[p];
    }
}

// l := the factor of K. The noise keeps it positive; a jitter helps where rounding does not.
static bool factorise(struct gp_fit *fit, const double *theta)
{
    double s = exp(theta[fit->d]), v = exp(theta[fit->d + 1]);
    double jitter = 0;
    for (int tries = 0; tries<6; tries++, jitter = jitter> 0 ? 10 * jitter : 1e-8) {
        const double *k = fit->k;
        for (int i = 0; i < fit->n; i++) {
            double *row = fit->l + (size_t)i * (size_t)fit->ld;
            for (int j = 0; j < i; j++)
                row[j] = s * k[j];
            row[i] = s + v + s * jitter + (fit->data->known ? fit->data->known[i] : 0);
            k += i;
        }
        if (linalg_cholesky(fit->n, 0, fit->l, fit->ld))
            return true;
    }
    return false;
}

// Factor, alpha and u; returns -log p(z | theta), NaN without a factor.
static double likelihood(struct gp_fit *fit, const double *theta)
{
    int n = fit->n;
    covariances(fit, theta);
    if (!factorise(fit, theta))
        return NAN;
    double sum = 0.5 * n * log(2 * M_PI);
    memcpy(fit->alpha, fit->data->z, (size_t)n * sizeof *fit->alpha);
    linalg_solve_lower(n, fit->l, fit->ld, 1, fit->alpha, fit->ld);
    sum += 0.5 * linalg_dot(n, fit->alpha, fit->alpha);
    for (int i = 0; i < n; i++)
        sum += log(fit->l[(size_t)i * (size_t)fit->ld + (size_t)i]);
    linalg_solve_upper(n, fit->l, fit->ld, fit->alpha);
    linalg_invert_lower(n, fit->l, fit->ld, fit->u);
    return sum;
}

// The derivative by log forget, of which the prior is added and its penalty returned.
static double forget_slope(const struct gp_fit *fit, const double *theta, double *gradient)
{
    double forget = exp(theta[fit->d + 2]), s = exp(theta[fit->d]), sum = 0;
    double t = (theta[fit->d + 2] - FORGET) / FORGET_DEVIATION;
    for (size_t i = 0; i < fit->pairs; i++)
        sum += fit->apart[i] * fit->weight[i] * fit->k[i];
    *gradient = t / FORGET_DEVIATION - s * forget * sum;
    return 0.5 * t * t;
}

double gp_fit_value(struct gp_fit *fit, const struct gp_prior *prior, const double *theta,
                    double *gradient)
{
    int n = fit->n, d = fit->d;
    double value = likelihood(fit, theta), s = exp(theta[d]), trace = 0;

    memset(gradient, 0, (size_t)(d + 2) * sizeof *gradient);
    if (isnan(value))
        return NAN;
    linalg_inverse(n, fit->u, fit->ld, fit->l); // l now holds K^-1
    size_t p = 0;
    for (int i = 0; i < n; i++) {
        const double *row = fit->l + (size_t)i * (size_t)fit->ld;
        double a = fit->alpha[i];
        trace += row[i] - a * a;
        for (int j = 0; j < i; j++, p++)
            fit->weight[p] = row[j] - a * fit->alpha[j];
    }
    // Each pair stands twice in the matrix: 1/2 sum_ij = sum over pairs.
    gradient[d] = s * (linalg_dot((int)fit->pairs, fit->weight, fit->k) + 0.5 * trace);
    gradient[d + 1] = 0.5 * exp(theta[d + 1]) * trace;
    if (fit->apart)
        value += forget_slope(fit, theta, &gradient[d + 2]);
    for (size_t i = 0; i < fit->pairs; i++)
        fit->weight[i] *= s * fit->slope[i];
    for (int c = 0; c < d; c++)
        gradient[c] = exp(theta[c]) * linalg_dot((int)fit->pairs, fit->weight,
                                                 fit->distance + (size_t)c * fit->pairs);
    return value + prior->penalty(d, theta, gradient);
}

static double minimised(void *context, const double *theta, double *gradient)
{
    struct gp_fit *fit = context;
    return gp_fit_value(fit, fit->prior, theta, gradient);
}

double gp_fit_minimise(struct gp_fit *fit, const struct gp_prior *prior, int evaluations,
                       struct gp_params *params)
{
    int d = fit->d;
    double lo[GP_DIM_MAX + 3], hi[GP_DIM_MAX + 3];
    for (int j = 0; j < d; j++)
        lo[j] = log(1e-4), hi[j] = log(1e4);
    lo[d] = log(1e-3), hi[d] = log(1e3);
    lo[d + 1] = log(NOISE_MIN), hi[d + 1] = log(10);
    lo[d + 2] = log(1e-3), hi[d + 2] = log(10);
    fit->prior = prior;
    struct lbfgs_options options = {.evaluations = evaluations > 0 ? evaluations : 60,
                                    .gradient = 1e-2,
                                    .decrease = 1e-4,
                                    .step = 1};
    return lbfgs_minimise(d + 2 + (fit->apart != NULL), params->theta, lo, hi, minimised, fit,
                          &options);
}

enum code gp_fit_leave_one_out(struct gp_fit *fit, const double *theta, double *log_density)
{
    if (isnan(likelihood(fit, theta)))
        return E_INTERNAL;
    for (int i = 0; i < fit->n; i++) {
        const double *row = fit->u + (size_t)i * (size_t)fit->ld + (size_t)i;
        double precision = linalg_dot(fit->n - i, row, row); // (K^-1)_ii
        double miss = fit->alpha[i] / precision;             // z_i - mu_-i
        log_density[i] = 0.5 * (log(precision / (2 * M_PI)) - miss * miss * precision);
    }
    return OK;
}
