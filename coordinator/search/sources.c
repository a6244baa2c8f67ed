#include "coordinator/search/sources.h"

#include <math.h>
#include <stdlib.h>

#include "coordinator/search/sample.h"

enum { RESULTS_MIN = 3 };

// The results of one study as the results of a study of its own.
static enum code results_of_source(struct results *out, const struct results *results, int source)
{
    size_t most = (size_t)results->nprior + 1;
    *out = (struct results){.best = -1};
    double *at = calloc(most, 2 * sizeof(double) + sizeof(double *));
    if (!at)
        return E_MEMORY;
    out->memory = at;
    out->loss = at;
    out->variance = at + most;
    out->unit = (const double **)(void *)(at + 2 * most);
    for (int i = 0; i < results->nprior; i++) {
        const struct search_trial *trial = &results->prior[i];
        if (trial->source != source || !isfinite(trial->loss) || fabs(trial->loss) > 1e150)
            continue;
        out->unit[out->n] = trial->unit;
        out->loss[out->n] = trial->loss;
        if (out->best < 0 || trial->loss < out->loss[out->best])
            out->best = out->n;
        out->n++;
    }
    return OK;
}

static enum code make_one(struct sources *sources, const struct domain *domain,
                          const struct results *of)
{
    struct sample sample;
    struct gp_params params;
    enum code code = sample_init(&sample, domain, of, of->n);
    if (code)
        return code;
    code = sample_transform(&sample, of, of->n, OUTCOME_HALF_RANK);
    struct gp_fit *fit = code ? NULL : gp_fit_new(&sample.data);
    gp_params_default(&params, domain->nmodel);
    if (fit && isnan(gp_fit_minimise(fit, &gp_prior_optuna, 0, &params)))
        gp_params_default(&params, domain->nmodel);
    if (fit)
        code = gp_init(&sources->gps[sources->n], &sample.data, &params, 0);
    if (fit && !code)
        sources->n++;
    gp_fit_free(fit);
    sample_fini(&sample);
    return fit ? code : E_MEMORY;
}

enum code sources_make(struct sources *sources, const struct domain *domain,
                       const struct results *results)
{
    int last = -1;
    for (int i = 0; i < results->nprior; i++)
        last = results->prior[i].source > last ? results->prior[i].source : last;
    for (int k = 0; k <= last && sources->n < SOURCES_MAX && !sources->made; k++) {
        struct results of;
        enum code code = results_of_source(&of, results, k);
        if (!code && of.n >= RESULTS_MIN)
            code = make_one(sources, domain, &of);
        results_fini(&of);
        if (code) {
            sources_fini(sources);
            return code;
        }
    }
    sources->made = true;
    return OK;
}

void sources_fini(struct sources *sources)
{
    for (int k = 0; k < sources->n; k++)
        gp_fini(&sources->gps[k]);
    *sources = (struct sources){0};
}

double sources_factor(int n, const double *z, const double *m)
{
    const double alike = 2;
    double zm = alike, mm = alike;
    for (int i = 0; i < n; i++) {
        zm += z[i] * m[i];
        mm += m[i] * m[i];
    }
    return fmax(0, zm / mm);
}

// How many of the same study are better; earlier ones first among equals.
static int rank_in_source(const struct results *results, int index)
{
    const struct search_trial *own = &results->prior[index];
    int rank = 0;
    for (int i = 0; i < results->nprior; i++) {
        const struct search_trial *other = &results->prior[i];
        rank += other->source == own->source && isfinite(other->loss) &&
                (other->loss < own->loss || (other->loss == own->loss && i < index));
    }
    return rank;
}

int sources_best(const struct results *results, int rank)
{
    int last = -1;
    for (int i = 0; i < results->nprior; i++)
        last = results->prior[i].source > last ? results->prior[i].source : last;
    for (int i = 0; last >= 0 && i < results->nprior; i++)
        if (results->prior[i].source == rank % (last + 1) && isfinite(results->prior[i].loss) &&
            rank_in_source(results, i) == rank / (last + 1))
            return i;
    return -1;
}
