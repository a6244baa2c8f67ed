#include "coordinator/search/surrogate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/search/gp/kernel.h"
#include "coordinator/search/gp/linalg.h"
#include "coordinator/search/gp/outcome.h"

static const struct variant {
    enum outcome_kind outcome;
    const struct gp_prior *prior;
} variants[] = {
    {OUTCOME_HALF_RANK, &gp_prior_optuna},
    {OUTCOME_HALF_RANK, &gp_prior_dimension},
    {OUTCOME_PLAIN, &gp_prior_optuna},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

// The data of one process: a choice of results, transformed.
struct sample {
    int n, *index; // [n] into results
    double *xt, *z, *slope, *known;
    struct gp_data data;
    void *memory;
};

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
}

void surrogate_fini(struct surrogate *s)
{
    drop_processes(s);
}

struct keyed {
    double key;
    int index;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static double distance(const struct domain *domain, const double *a, const double *b)
{
    double sum = 0, d;
    for (int c = 0; c < domain->nmodel; c++) {
        int j = domain->model[c];
        kernel_distances(domain->dims[j].kind, a[j], 1, &b[j], &d);
        sum += d;
    }
    return sum;
}

static int by_index(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

// Of the first `count` results at most SURROGATE_POINTS: a quarter the best, a half those nearest to
// the best of all, the rest any. Returns their number; index ascends.
static int choose(const struct domain *domain, const struct results *results, int count, int *index)
{
    enum { BEST = SURROGATE_POINTS / 4, NEAR = SURROGATE_POINTS / 2 };
    if (count <= SURROGATE_POINTS) {
        for (int i = 0; i < count; i++)
            index[i] = i;
        return count;
    }
    struct keyed *keyed = malloc((size_t)count * sizeof *keyed);
    if (!keyed)
        return 0;
    for (int i = 0; i < count; i++)
        keyed[i] = (struct keyed){results->loss[i], i};
    qsort(keyed, (size_t)count, sizeof *keyed, by_key);
    const double *centre = results->unit[keyed[0].index];
    for (int i = BEST; i < count; i++)
        keyed[i].key = distance(domain, centre, results->unit[keyed[i].index]);
    qsort(keyed + BEST, (size_t)(count - BEST), sizeof *keyed, by_key);
    for (int i = BEST + NEAR; i < count; i++)
        keyed[i].key = (double)(rng_mix(0x5a17, (uint64_t)keyed[i].index) >> 11);
    qsort(keyed + BEST + NEAR, (size_t)(count - BEST - NEAR), sizeof *keyed, by_key);
    for (int i = 0; i < SURROGATE_POINTS; i++)
        index[i] = keyed[i].index;
    free(keyed);
    qsort(index, SURROGATE_POINTS, sizeof *index, by_index);
    return SURROGATE_POINTS;
}

static void sample_fini(struct sample *sample)
{
    free(sample->memory);
    free(sample->index);
    *sample = (struct sample){0};
}

static enum code sample_init(struct sample *sample, const struct domain *domain,
                             const struct results *results, int count)
{
    *sample = (struct sample){0};
    sample->index = malloc(((size_t)count + SURROGATE_POINTS) * sizeof *sample->index);
    if (!sample->index)
        return E_MEMORY;
    int n = sample->n = choose(domain, results, count, sample->index);
    int ldx = linalg_ld(n);
    double *at = malloc(((size_t)domain->nmodel + 3) * (size_t)ldx * sizeof *at);
    if (n == 0 || !at) {
        free(at);
        sample_fini(sample);
        return E_MEMORY;
    }
    sample->memory = at;
    sample->z = at, at += ldx;
    sample->slope = at, at += ldx;
    sample->known = at, at += ldx;
    sample->xt = at;
    for (int i = 0; i < n; i++)
        kernel_store(domain, results->unit[sample->index[i]], i, sample->xt, ldx);
    sample->data = (struct gp_data){.domain = domain,
                                    .n = n,
                                    .ldx = ldx,
                                    .xt = sample->xt,
                                    .z = sample->z,
                                    .known = sample->known};
    return OK;
}

// Outcomes by one transform over all `count` results, of which the sample takes its own; a rank has
// the slope that the plain scale has there.
static enum code sample_transform(struct sample *sample, const struct results *results, int count,
                                  enum outcome_kind kind)
{
    double *z = malloc(2 * (size_t)count * sizeof *z), steepest = 0;
    if (!z)
        return E_MEMORY;
    double *slope = z + count;
    if (!outcome_transform(kind, count, results->loss, z, slope)) {
        free(z);
        return E_MEMORY;
    }
    for (int i = 0; i < count; i++)
        steepest = isnan(slope[i]) ? steepest : fmax(steepest, fabs(slope[i]));
    for (int i = 0; i < sample->n; i++) {
        int from = sample->index[i];
        double scale = isnan(slope[from]) ? steepest : slope[from];
        sample->z[i] = z[from];
        sample->slope[i] = slope[from];
        sample->known[i] = results->variance[from] * scale * scale;
    }
    free(z);
    return OK;
}

static double median_of(const struct results *results, int count)
{
    struct keyed *keyed = malloc((size_t)count * sizeof *keyed);
    if (!keyed)
        return INFINITY;
    for (int i = 0; i < count; i++)
        keyed[i] = (struct keyed){results->loss[i], i};
    qsort(keyed, (size_t)count, sizeof *keyed, by_key);
    double median = keyed[(count - 1) / 2].key;
    free(keyed);
    return median;
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

static void normalise(double *log_weight)
{
    double most = -INFINITY, total = 0;
    for (int v = 0; v < VARIANTS; v++)
        most = fmax(most, log_weight[v]);
    for (int v = 0; v < VARIANTS; v++) {
        log_weight[v] = isfinite(most) ? log_weight[v] - most : 0;
        total += exp(log_weight[v]);
    }
    for (int v = 0; v < VARIANTS; v++)
        log_weight[v] -= log(total);
}

// Refits at a mark: from the parameters that `fit` holds, or from nothing.
static enum code refit(struct surrogate *s, const struct results *results, int count, bool afresh)
{
    struct sample sample;
    enum code code = sample_init(&sample, s->domain, results, count);
    if (code)
        return code;
    struct gp_fit *fit = gp_fit_new(&sample.data);
    double median = median_of(results, count);
    for (int v = 0; fit && v < VARIANTS; v++) {
        struct gp_params *params = &s->fit.params[v];
        code = sample_transform(&sample, results, count, variants[v].outcome);
        if (code)
            break;
        if (afresh)
            gp_params_default(params, s->domain->nmodel);
        if (isnan(gp_fit_minimise(fit, variants[v].prior, 0, params)))
            gp_params_default(params, s->domain->nmodel);
        s->fit.log_weight[v] = evidence(fit, &sample, results, median, params->theta);
    }
    normalise(s->fit.log_weight);
    s->fit.count = count;
    if (!fit)
        code = E_MEMORY;
    gp_fit_free(fit);
    sample_fini(&sample);
    return code;
}

static int next_mark(int count)
{
    return count + 1 + count / 16;
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

// The slope dz/dloss at the best result: what makes improvements of different scales comparable.
static double slope_at_best(const struct sample *sample, const struct results *results)
{
    for (int i = 0; i < sample->n; i++)
        if (sample->index[i] == results->best && sample->slope[i] > 0)
            return sample->slope[i];
    return 1;
}

static enum code build_members(struct surrogate *s, const struct results *results, int extra)
{
    struct sample sample;
    enum code code = sample_init(&sample, s->domain, results, results->n);
    if (code)
        return code;
    for (int v = 0; !code && v < VARIANTS; v++) {
        if (s->fit.log_weight[v] < log(0.02))
            continue;
        struct gp *gp = &s->members[s->nmembers];
        code = sample_transform(&sample, results, results->n, variants[v].outcome);
        if (!code)
            code = gp_init(gp, &sample.data, &s->fit.params[v], extra);
        if (code)
            break;
        double best = INFINITY;
        for (int i = 0; i < gp->results; i++)
            best = fmin(best, gp->mean[i]);
        s->acquisition.members[s->nmembers++] = (struct acquisition_member){
            .gp = gp,
            .best = best,
            .log_weight = s->fit.log_weight[v] - log(slope_at_best(&sample, results))};
    }
    sample_fini(&sample);
    return code;
}

// A process of the labels: 1 completed, -1 failed, standardised; from nothing each time, for failures
// are few.
static enum code build_feasible(struct surrogate *s, const struct results *results)
{
    int good = results->n, n = good + results->nfailed;
    if (n > SURROGATE_POINTS) { // all failures if they fit, and the latest results
        good = results->nfailed < SURROGATE_POINTS ? SURROGATE_POINTS - results->nfailed : 0;
        n = good + (results->nfailed < SURROGATE_POINTS ? results->nfailed : SURROGATE_POINTS);
    }
    int failed = n - good, ldx = linalg_ld(n);
    double *xt = malloc(((size_t)s->domain->nmodel + 1) * (size_t)ldx * sizeof *xt);
    if (!xt)
        return E_MEMORY;
    double *z = xt + (size_t)s->domain->nmodel * (size_t)ldx;
    // One success more than seen, so that a study whose first trials all fail goes on looking.
    double mean = (good + 1.0 - failed) / (n + 1.0), deviation = sqrt(1 - mean * mean);
    for (int i = 0; i < n; i++) {
        kernel_store(s->domain,
                     i < good ? results->unit[results->n - good + i]
                              : results->failed[results->nfailed - failed + i - good],
                     i, xt, ldx);
        z[i] = ((i < good ? 1 : -1) - mean) / deviation;
    }
    struct gp_data data = {.domain = s->domain, .n = n, .ldx = ldx, .xt = xt, .z = z};
    struct gp_params params;
    gp_params_default(&params, s->domain->nmodel);
    struct gp_fit *fit = gp_fit_new(&data);
    enum code code = fit ? OK : E_MEMORY;
    if (fit && isnan(gp_fit_minimise(fit, &gp_prior_optuna, 30, &params)))
        gp_params_default(&params, s->domain->nmodel);
    gp_fit_free(fit);
    if (!code)
        code = gp_init(&s->feasible, &data, &params, 0);
    free(xt);
    s->acquisition.feasible = &s->feasible;
    s->acquisition.threshold = -mean / deviation;
    return code;
}

enum code surrogate_condition(struct surrogate *s, const struct results *results, int extra)
{
    drop_processes(s);
    if (s->fit.level != results->level)
        s->fit.count = 0;
    s->fit.level = results->level;
    enum code code = advance(s, results, results->n);
    s->acquisition.domain = s->domain;
    if (!code)
        code = build_members(s, results, results->nrunning + extra);
    s->acquisition.nmembers = s->nmembers;
    if (!code && results->nfailed > 0)
        code = build_feasible(s, results);
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
