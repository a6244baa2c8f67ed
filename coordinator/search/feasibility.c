#include "coordinator/search/feasibility.h"

#include <math.h>
#include <stdlib.h>

#include "coordinator/search/gp/kernel.h"
#include "coordinator/search/gp/linalg.h"
#include "coordinator/search/sample.h"

enum code feasibility_init(struct gp *gp, double *threshold, const struct domain *domain,
                           const struct results *results)
{
    int good = results->n, n = good + results->nfailed;
    if (n > SAMPLE_MAX) { // all failures if they fit, and the latest results
        good = results->nfailed < SAMPLE_MAX ? SAMPLE_MAX - results->nfailed : 0;
        n = good + (results->nfailed < SAMPLE_MAX ? results->nfailed : SAMPLE_MAX);
    }
    int failed = n - good, ldx = linalg_ld(n);
    double *xt = malloc(((size_t)domain->nmodel + 1) * (size_t)ldx * sizeof *xt);
    if (!xt)
        return E_MEMORY;
    double *z = xt + (size_t)domain->nmodel * (size_t)ldx;
    // One success more than seen, so that a study whose first trials all fail goes on looking.
    double mean = (good + 1.0 - failed) / (n + 1.0), deviation = sqrt(1 - mean * mean);
    for (int i = 0; i < n; i++) {
        kernel_store(domain,
                     i < good ? results->unit[results->n - good + i]
                              : results->failed[results->nfailed - failed + i - good],
                     i, xt, ldx);
        z[i] = ((i < good ? 1 : -1) - mean) / deviation;
    }
    struct gp_data data = {.domain = domain, .n = n, .ldx = ldx, .xt = xt, .z = z};
    struct gp_params params;
    gp_params_default(&params, domain->nmodel);
    struct gp_fit *fit = gp_fit_new(&data);
    enum code code = fit ? OK : E_MEMORY;
    if (fit && isnan(gp_fit_minimise(fit, &gp_prior_optuna, 30, &params)))
        gp_params_default(&params, domain->nmodel);
    gp_fit_free(fit);
    if (!code)
        code = gp_init(gp, &data, &params, 0);
    free(xt);
    *threshold = -mean / deviation;
    return code;
}
