#include "coordinator/search/gp/acquisition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/search/gp/normal.h"

enum code acquisition_init(struct acquisition *a)
{
    size_t ldx = a->feasible ? (size_t)a->feasible->ldx : 0, n = (size_t)a->domain->n;
    for (int m = 0; m < a->nmembers; m++)
        ldx = (size_t)a->members[m].gp->ldx > ldx ? (size_t)a->members[m].gp->ldx : ldx;
    a->memory = calloc(ACQUISITION_BATCH * ldx + 6 * n + 1, sizeof(double));
    if (!a->memory)
        return E_MEMORY;
    a->scratch = a->memory;
    a->slopes = a->scratch + ACQUISITION_BATCH * ldx;
    return OK;
}

void acquisition_fini(struct acquisition *a)
{
    free(a->memory);
    *a = (struct acquisition){0};
}

static double log_ei(const struct acquisition_member *member, double mean, double var, double *dmu,
                     double *dvar)
{
    double sigma = sqrt(var), cdf, pdf;
    double value = log(sigma) + normal_log_improvement((member->best - mean) / sigma, &cdf, &pdf) +
                   member->log_weight;
    *dmu = -cdf / sigma;
    *dvar = pdf / sigma / (2 * sigma); // d sigma / d var = 1 / (2 sigma)
    return value;
}

static double log_add(double a, double b)
{
    double high = fmax(a, b), low = fmin(a, b);
    return isinf(high) ? high : high + log1p(exp(low - high));
}

// log Phi of the margin t = (mean - threshold) / sqrt(var + noise).
static double log_feasible(const struct acquisition *a, double mean, double var, double *dmu,
                           double *dvar)
{
    double total = var + a->feasible->v, sigma = sqrt(total), slope;
    double margin = (mean - a->threshold) / sigma;
    double value = normal_log_cdf(margin, &slope);
    *dmu = slope / sigma;
    *dvar = -0.5 * slope * margin / total;
    return value;
}

static void batch_values(struct acquisition *a, int m, const double *x, double *out)
{
    double mean[ACQUISITION_BATCH], var[ACQUISITION_BATCH], unused;

    for (int k = 0; k < a->nmembers; k++) {
        const struct acquisition_member *member = &a->members[k];
        gp_predict(member->gp, m, x, a->scratch, mean, var);
        for (int c = 0; member->base && c < m; c++)
            mean[c] +=
                member->base_factor * gp_mean(member->base, x + (size_t)c * (size_t)a->domain->n);
        for (int c = 0; c < m; c++) {
            double value = log_ei(member, mean[c], var[c], &unused, &unused);
            out[c] = k == 0 ? value : log_add(out[c], value);
        }
    }
    if (!a->feasible)
        return;
    gp_predict(a->feasible, m, x, a->scratch, mean, var);
    for (int c = 0; c < m; c++)
        out[c] += log_feasible(a, mean[c], var[c], &unused, &unused);
}

void acquisition_values(struct acquisition *a, int m, const double *x, double *out)
{
    for (int from = 0; from < m; from += ACQUISITION_BATCH) {
        int count = m - from < ACQUISITION_BATCH ? m - from : ACQUISITION_BATCH;
        batch_values(a, count, x + (size_t)from * (size_t)a->domain->n, out + from);
    }
}

// The base's share of a member's mean; its gradient is added to dmean.
static double add_base(struct acquisition *a, const struct acquisition_member *member,
                       const double *x, double *dmean)
{
    int n = a->domain->n;
    double *slope = a->slopes + 3 * n, *unused = slope + n, mean, var;
    gp_predict_slope(member->base, x, &mean, &var, slope, unused);
    for (int j = 0; j < n; j++)
        dmean[j] += member->base_factor * slope[j];
    return member->base_factor * mean;
}

double acquisition_slope(struct acquisition *a, const double *x, double *gradient)
{
    int n = a->domain->n;
    double *dmean = a->slopes, *dvar = dmean + n, *own = dvar + n;
    double value = -INFINITY, mean, var, by_mu, by_var;

    memset(gradient, 0, (size_t)n * sizeof *gradient);
    for (int k = 0; k < a->nmembers; k++) {
        gp_predict_slope(a->members[k].gp, x, &mean, &var, dmean, dvar);
        if (a->members[k].base)
            mean += add_base(a, &a->members[k], x, dmean);
        double one = log_ei(&a->members[k], mean, var, &by_mu, &by_var);
        double sum = log_add(value, one), share = exp(one - sum), rest = 1 - share;
        for (int j = 0; j < n; j++) {
            own[j] = by_mu * dmean[j] + by_var * dvar[j];
            gradient[j] = rest * gradient[j] + share * own[j];
        }
        value = sum;
    }
    if (!a->feasible)
        return value;
    gp_predict_slope(a->feasible, x, &mean, &var, dmean, dvar);
    value += log_feasible(a, mean, var, &by_mu, &by_var);
    for (int j = 0; j < n; j++)
        gradient[j] += by_mu * dmean[j] + by_var * dvar[j];
    return value;
}
