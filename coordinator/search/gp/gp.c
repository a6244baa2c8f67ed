#include "coordinator/search/gp/gp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/search/gp/kernel.h"
#include "coordinator/search/gp/linalg.h"

static const double VARIANCE_MIN = 1e-12;

static bool allocate(struct gp *gp)
{
    size_t d = (size_t)gp->domain->nmodel, ldx = (size_t)gp->ldx, max = (size_t)gp->max;
    double *at = calloc((d + 6) * ldx + max * (size_t)gp->ld + max, sizeof *at);
    if (!at)
        return false;
    gp->memory = at;
    gp->xt = at, at += d * ldx;
    gp->k = at, at += ldx;
    gp->slope = at, at += ldx;
    gp->t = at, at += ldx;
    gp->alpha = at, at += ldx;
    gp->stage = at, at += ldx;
    gp->kept = at, at += ldx;
    gp->mean = at, at += max;
    gp->l = at;
    return true;
}

static double *row_of(const struct gp *gp, int i)
{
    return gp->l + (size_t)i * (size_t)gp->ld;
}

// What is left of n covariances with a trial at this stage.
static void forget(const struct gp *gp, double stage, int n, double *k, double *kept)
{
    for (int i = 0; i < n; i++)
        kept[i] = -gp->forget * fabs(stage - gp->stage[i]);
    linalg_exp_negative(n, kept);
    for (int i = 0; i < n; i++)
        k[i] *= kept[i];
}

// The same of those with a trial that has ended.
static void forget_at_end(const struct gp *gp, int n, double *k)
{
    for (int i = 0; i < n; i++)
        k[i] *= gp->kept[i];
}

// Column i of xt as a unit array.
static void column_point(const struct gp *gp, int i, double *x)
{
    for (int c = 0; c < gp->domain->nmodel; c++)
        x[gp->domain->model[c]] = gp->xt[(size_t)c * (size_t)gp->ldx + (size_t)i];
}

// Row i of K up to the diagonal, from the columns of xt.
static void covariance_row(struct gp *gp, int i, double *x, double *row)
{
    column_point(gp, i, x);
    kernel_row(gp->domain, gp->w, gp->s, x, i, gp->xt, gp->ldx, row, NULL);
    if (gp->forget > 0)
        forget(gp, gp->stage[i], i, row, gp->t);
}

static bool factorise(struct gp *gp, const double *known, double *x)
{
    double jitter = 0;
    for (int tries = 0; tries<6; tries++, jitter = jitter> 0 ? 10 * jitter : 1e-8) {
        for (int i = 0; i < gp->n; i++) {
            covariance_row(gp, i, x, row_of(gp, i));
            row_of(gp, i)[i] = gp->s + gp->v + gp->s * jitter + (known ? known[i] : 0);
        }
        if (linalg_cholesky(gp->n, 0, gp->l, gp->ld))
            return true;
    }
    return false;
}

enum code gp_init(struct gp *gp, const struct gp_data *data, const struct gp_params *params,
                  int extra)
{
    int n = data->n, d = data->domain->nmodel;
    *gp = (struct gp){.domain = data->domain, .results = n, .n = n, .max = n + extra};
    gp->ld = gp->ldx = linalg_ld(gp->max);
    double *x = calloc((size_t)data->domain->n + 1, sizeof *x);
    if (!x || !allocate(gp)) {
        free(x);
        return E_MEMORY;
    }
    for (int c = 0; c < d; c++) {
        gp->w[c] = exp(params->theta[c]);
        memcpy(gp->xt + (size_t)c * (size_t)gp->ldx, data->xt + (size_t)c * (size_t)data->ldx,
               (size_t)n * sizeof *gp->xt);
    }
    gp->s = exp(params->theta[d]);
    gp->v = exp(params->theta[d + 1]);
    gp->forget = data->stage ? exp(params->theta[d + 2]) : 0;
    for (int i = 0; i < gp->max; i++) {
        gp->stage[i] = data->stage && i < n ? data->stage[i] : 0;
        gp->kept[i] = 1;
    }
    if (gp->forget > 0)
        forget(gp, 0, n, gp->kept, gp->t);
    if (!factorise(gp, data->known, x)) {
        free(x);
        gp_fini(gp);
        return E_INTERNAL;
    }
    memcpy(gp->alpha, data->z, (size_t)n * sizeof *gp->alpha);
    linalg_solve_lower(n, gp->l, gp->ld, 1, gp->alpha, gp->ldx);
    linalg_solve_upper(n, gp->l, gp->ld, gp->alpha);
    for (int i = 0; i < n; i++) {
        if (gp->stage[i] > 0) {
            column_point(gp, i, x);
            gp->mean[i] = gp_mean(gp, x);
        } else { // K alpha = z, and the noise is the difference
            gp->mean[i] = data->z[i] - (gp->v + (data->known ? data->known[i] : 0)) * gp->alpha[i];
        }
    }
    free(x);
    return OK;
}

void gp_fini(struct gp *gp)
{
    free(gp->memory);
    *gp = (struct gp){0};
}

bool gp_believe(struct gp *gp, const double *x)
{
    int n = gp->n;
    if (n == gp->max)
        return false;
    double *row = row_of(gp, n);
    kernel_row(gp->domain, gp->w, gp->s, x, n, gp->xt, gp->ldx, row, NULL);
    forget_at_end(gp, n, row);
    row[n] = gp->s + gp->v;
    if (!linalg_cholesky(n + 1, n, gp->l, gp->ld))
        return false;
    kernel_store(gp->domain, x, n, gp->xt, gp->ldx);
    gp->n++;
    return true;
}

void gp_predict(const struct gp *gp, int m, const double *x, double *scratch, double *mean,
                double *var)
{
    for (int c = 0; c < m; c++) {
        double *k = scratch + (size_t)c * (size_t)gp->ldx;
        kernel_row(gp->domain, gp->w, gp->s, x + (size_t)c * (size_t)gp->domain->n, gp->n, gp->xt,
                   gp->ldx, k, NULL);
        forget_at_end(gp, gp->n, k);
        mean[c] = linalg_dot(gp->results, k, gp->alpha);
    }
    linalg_solve_lower(gp->n, gp->l, gp->ld, m, scratch, gp->ldx);
    for (int c = 0; c < m; c++) {
        const double *v = scratch + (size_t)c * (size_t)gp->ldx;
        var[c] = fmax(VARIANCE_MIN, gp->s - linalg_dot(gp->n, v, v));
    }
}

void gp_outlook(const struct gp *gp, int i, const double *x, double *mean, double *var)
{
    int n = gp->results;
    kernel_row(gp->domain, gp->w, gp->s, x, n, gp->xt, gp->ldx, gp->k, NULL);
    forget_at_end(gp, n, gp->k);
    gp->k[i] += gp->v * gp->kept[i];
    *mean = linalg_dot(n, gp->k, gp->alpha);
    linalg_solve_lower(n, gp->l, gp->ld, 1, gp->k, gp->ldx);
    *var = fmax(VARIANCE_MIN, gp->s + gp->v - linalg_dot(n, gp->k, gp->k));
}

double gp_mean(struct gp *gp, const double *x)
{
    kernel_row(gp->domain, gp->w, gp->s, x, gp->results, gp->xt, gp->ldx, gp->k, NULL);
    forget_at_end(gp, gp->results, gp->k);
    return linalg_dot(gp->results, gp->k, gp->alpha);
}

void gp_predict_slope(struct gp *gp, const double *x, double *mean, double *var, double *dmean,
                      double *dvar)
{
    int n = gp->n;
    kernel_row(gp->domain, gp->w, gp->s, x, n, gp->xt, gp->ldx, gp->k, gp->slope);
    forget_at_end(gp, n, gp->k);
    forget_at_end(gp, n, gp->slope);
    *mean = linalg_dot(gp->results, gp->k, gp->alpha);
    memcpy(gp->t, gp->k, (size_t)n * sizeof *gp->t);
    linalg_solve_lower(n, gp->l, gp->ld, 1, gp->t, gp->ldx);
    double rest = gp->s - linalg_dot(n, gp->t, gp->t);
    *var = fmax(VARIANCE_MIN, rest);
    linalg_solve_upper(n, gp->l, gp->ld, gp->t); // K^-1 k

    memset(dmean, 0, (size_t)gp->domain->n * sizeof *dmean);
    memset(dvar, 0, (size_t)gp->domain->n * sizeof *dvar);
    for (int c = 0; c < gp->domain->nmodel; c++) {
        int j = gp->domain->model[c];
        if (gp->domain->dims[j].kind == DIM_CATEGORY || isnan(x[j]))
            continue;
        const double *column = gp->xt + (size_t)c * (size_t)gp->ldx;
        double sum_mean = 0, sum_var = 0;
        for (int i = 0; i < n; i++) {
            double step = gp->slope[i] * kernel_distance_slope(x[j], column[i]);
            sum_var += step * gp->t[i];
            if (i < gp->results)
                sum_mean += step * gp->alpha[i];
        }
        dmean[j] = gp->w[c] * sum_mean;
        dvar[j] = rest > VARIANCE_MIN ? -2 * gp->w[c] * sum_var : 0;
    }
}
