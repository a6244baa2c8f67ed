#include "coordinator/search/surrogate.h"

#include <math.h>
#include <stdlib.h>

#include "coordinator/search/feasibility.h"
#include "coordinator/search/sample.h"

static const struct variant {
    enum outcome_kind outcome;
    const struct gp_prior *prior;
} variants[] = {
    {OUTCOME_HALF_RANK, &gp_prior_optuna},
    {OUTCOME_HALF_RANK, &gp_prior_dimension},
    {OUTCOME_PLAIN, &gp_prior_optuna},
};
enum { VARIANTS = sizeof variants / sizeof *variants };
_Static_assert(VARIANTS + SOURCES_MAX <= ACQUISITION_MEMBERS, "room for every model");
// What stands on a source.
static const struct variant on_source = {OUTCOME_HALF_RANK, &gp_prior_optuna};

static const struct variant *variant_of(int v)
{
    return v < VARIANTS ? &variants[v] : &on_source;
}

static int count_variants(const struct surrogate *s)
{
    return VARIANTS + s->sources.n;
}

void surrogate_init(struct surrogate *s, const struct domain *domain)
{
    *s = (struct surrogate){.domain = domain};
}

static void drop_processes(struct surrogate *s)
{
    acquisition_fini(&s->acquisition);
    for (int m = 0; m < s->nmembers; m++)
        gp_fini(&s->members[m]);
    gp_fini(&s->feasible);
    s->nmembers = 0;
    free(s->outlooks);
    s->outlooks = NULL;
    s->noutlooks = 0;
}

void surrogate_fini(struct surrogate *s)
{
    drop_processes(s);
    sources_fini(&s->sources);
}

// Sum over the better half of log p(loss_i | the others), in the scale of the loss.
static double evidence(struct gp_fit *fit, const struct sample *sample,
                       const struct results *results, double median, const double *theta)
{
    double *density = malloc((size_t)sample->n * sizeof *density), sum = 0;
    if (!density || gp_fit_leave_one_out(fit, theta, density)) {
        free(density);
        return -INFINITY;
    }
    for (int i = 0; i < sample->n; i++)
        if (results->loss[sample->index[i]] <= median && sample->slope[i] > 0)
            sum += density[i] + log(sample->slope[i]);
    free(density);
    return sum;
}

static void normalise(double *log_weight, int n)
{
    double most = -INFINITY, total = 0;
    for (int v = 0; v < n; v++)
        most = fmax(most, log_weight[v]);
    for (int v = 0; v < n; v++) {
        log_weight[v] = isfinite(most) ? log_weight[v] - most : 0;
        total += exp(log_weight[v]);
    }
    for (int v = 0; v < n; v++)
        log_weight[v] -= log(total);
}

// The sample's outcomes for one variant. What stands on a source learns the difference to its mean, by
// the factor given, or found when it is NULL.
static enum code prepare(struct surrogate *s, struct sample *sample, const struct results *results,
                         int count, int v, const double *factor)
{
    enum code code = sample_transform(sample, results, count, variant_of(v)->outcome);
    if (code || v < VARIANTS)
        return code;
    double *mean = malloc((size_t)sample->n * sizeof *mean);
    if (!mean)
        return E_MEMORY;
    for (int i = 0; i < sample->n; i++)
        mean[i] = gp_mean(&s->sources.gps[v - VARIANTS], results->unit[sample->index[i]]);
    if (!factor)
        s->fit.base_factor[v] = sources_factor(sample->n, sample->z, mean);
    for (int i = 0; i < sample->n; i++)
        sample->z[i] -= s->fit.base_factor[v] * mean[i];
    free(mean);
    return OK;
}

// Refits at a mark: from the parameters that `fit` holds, or from nothing.
static enum code refit(struct surrogate *s, const struct results *results, int count, bool afresh)
{
    struct sample sample;
    enum code code = sample_init(&sample, s->domain, results, count);
    if (code)
        return code;
    struct gp_fit *fit = gp_fit_new(&sample.data);
    double median = sample_median(results, count);
    for (int v = 0; fit && v < count_variants(s); v++) {
        struct gp_params *params = &s->fit.params[v];
        code = prepare(s, &sample, results, count, v, NULL);
        if (code)
            break;
        if (afresh)
            gp_params_default(params, s->domain->nmodel);
        if (isnan(gp_fit_minimise(fit, variant_of(v)->prior, 0, params)))
            gp_params_default(params, s->domain->nmodel);
        s->fit.log_weight[v] = evidence(fit, &sample, results, median, params->theta);
    }
    normalise(s->fit.log_weight, count_variants(s));
    s->fit.count = count;
    if (!fit)
        code = E_MEMORY;
    gp_fit_free(fit);
    sample_fini(&sample);
    return code;
}

static int next_mark(int count)
{
    return count + 1 + (count < SAMPLE_MAX ? count / 16 : count / 4);
}

int surrogate_mark(int count)
{
    int mark = 1;
    while (next_mark(mark) <= count)
        mark = next_mark(mark);
    return mark;
}

// Parameters of results that change: those of their last mark.
static enum code fit_basis(struct surrogate *s, const struct results *results)
{
    if (s->fit.count == results->mark)
        return OK;
    enum code code = refit(s, results->basis, results->basis->n, true);
    s->fit.count = code ? 0 : results->mark;
    return code;
}

// Brings the parameters to the last mark that `count` results have reached.
static enum code advance(struct surrogate *s, const struct results *results, int count)
{
    enum { AFRESH = 8 };
    int marks[AFRESH] = {0}, number = 0, mark = 1, first = 0;

    while (next_mark(mark) <= count) {
        mark = next_mark(mark);
        number++;
        marks[number % AFRESH] = mark;
    }
    if (number < AFRESH)
        marks[0] = 1;
    int last = number % AFRESH;
    for (int k = 0; k <= last; k++)
        if (marks[k] == s->fit.count)
            first = k + 1;
    for (int k = first; k <= last; k++) {
        enum code code = refit(s, results, marks[k], k == 0);
        if (code) {
            s->fit.count = 0;
            return code;
        }
    }
    return OK;
}

// The least outcome the model believes in at any result.
static double best_mean(const struct gp *gp, const struct sample *sample,
                        const struct results *results, struct gp *base, double factor)
{
    double best = INFINITY;
    for (int i = 0; i < gp->results; i++) {
        double under = base ? factor * gp_mean(base, results->unit[sample->index[i]]) : 0;
        best = fmin(best, gp->mean[i] + under);
    }
    return best;
}

// The member of the greatest weight; NULL without any.
static const struct acquisition_member *leading(const struct surrogate *s)
{
    const struct acquisition_member *m = NULL;
    for (int k = 0; k < s->nmembers; k++) {
        const struct acquisition_member *one = &s->acquisition.members[k];
        if (!m || one->log_weight + log(one->slope) > m->log_weight + log(m->slope))
            m = one;
    }
    return m;
}

// Where the trials are heading, in the eyes of one member.
static enum code look_out(struct surrogate *s, const struct sample *sample,
                          const struct results *results, const struct acquisition_member *m)
{
    double mean, var;
    s->outlooks = malloc((size_t)results->n * sizeof *s->outlooks);
    if (!s->outlooks)
        return E_MEMORY;
    s->noutlooks = results->n;
    s->forget = m->gp->forget;
    for (int i = 0; i < results->n; i++)
        s->outlooks[i] = (struct outlook){.loss = INFINITY};
    for (int i = 0; i < sample->n; i++) {
        const double *unit = results->unit[sample->index[i]];
        gp_outlook(m->gp, i, unit, &mean, &var);
        if (m->base)
            mean += m->base_factor * gp_mean(m->base, unit);
        s->outlooks[sample->index[i]] = (struct outlook){
            .loss = m->anchor + (mean - m->at) / m->slope, .variance = var / (m->slope * m->slope)};
    }
    return OK;
}

static enum code build_members(struct surrogate *s, const struct results *results, int extra)
{
    struct sample sample;
    enum code code = sample_init(&sample, s->domain, results, results->n);
    if (code)
        return code;
    for (int v = 0; !code && v < count_variants(s); v++) {
        if (s->fit.log_weight[v] < log(0.02))
            continue;
        struct gp *gp = &s->members[s->nmembers];
        struct gp *base = v < VARIANTS ? NULL : &s->sources.gps[v - VARIANTS];
        double factor = base ? s->fit.base_factor[v] : 0;
        code = prepare(s, &sample, results, results->n, v, &factor);
        if (!code)
            code = gp_init(gp, &sample.data, &s->fit.params[v], extra);
        if (code)
            break;
        double slope = sample_slope_at_best(&sample, results);
        const double *leader = results->unit[results->best];
        s->acquisition.members[s->nmembers++] = (struct acquisition_member){
            .gp = gp,
            .base = base,
            .base_factor = factor,
            .best = best_mean(gp, &sample, results, base, factor),
            .log_weight = s->fit.log_weight[v] - log(slope),
            .slope = slope,
            .anchor = results->loss[results->best],
            .at = sample_best(&sample, results) + (base ? factor * gp_mean(base, leader) : 0)};
    }
    const struct acquisition_member *m = code || !results->basis ? NULL : leading(s);
    if (m)
        code = look_out(s, &sample, results, m);
    sample_fini(&sample);
    return code;
}

enum code surrogate_condition(struct surrogate *s, const struct results *results, int extra)
{
    drop_processes(s);
    s->acquisition.domain = s->domain;
    enum code code = sources_make(&s->sources, s->domain, results);
    if (!code)
        code = results->basis ? fit_basis(s, results) : advance(s, results, results->n);
    if (!code)
        code = build_members(s, results, results->nrunning + extra);
    s->acquisition.nmembers = s->nmembers;
    if (!code && results->nfailed > 0) {
        code = feasibility_init(&s->feasible, &s->acquisition.threshold, s->domain, results);
        s->acquisition.feasible = &s->feasible;
    }
    if (!code)
        code = acquisition_init(&s->acquisition);
    if (code) {
        drop_processes(s);
        return code;
    }
    for (int i = 0; i < results->nrunning; i++)
        surrogate_believe(s, results->running[i]);
    return OK;
}

void surrogate_believe(struct surrogate *s, const double *unit)
{
    for (int m = 0; m < s->nmembers; m++)
        gp_believe(&s->members[m], unit);
}

bool surrogate_predict(struct surrogate *s, const double *unit, double *loss, double *variance)
{
    const struct acquisition_member *m = leading(s);
    double mean, var;
    if (!m)
        return false;
    gp_predict(m->gp, 1, unit, s->acquisition.scratch, &mean, &var);
    if (m->base)
        mean += m->base_factor * gp_mean(m->base, unit);
    *loss = m->anchor + (mean - m->at) / m->slope;
    *variance = (var + m->gp->v) / (m->slope * m->slope);
    return true;
}
