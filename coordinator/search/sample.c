#include "coordinator/search/sample.h"

#include <math.h>
#include <stdlib.h>

#include "coordinator/search/gp/kernel.h"
#include "coordinator/search/gp/linalg.h"

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

// Of the first `count` results at most SAMPLE_MAX: a quarter the best, a half those nearest to
// the best of all, the rest any. Returns their number; index ascends.
static int choose(const struct domain *domain, const struct results *results, int count, int *index)
{
    enum { BEST = SAMPLE_MAX / 4, NEAR = SAMPLE_MAX / 2 };
    if (count <= SAMPLE_MAX) {
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
    for (int i = 0; i < SAMPLE_MAX; i++)
        index[i] = keyed[i].index;
    free(keyed);
    qsort(index, SAMPLE_MAX, sizeof *index, by_index);
    return SAMPLE_MAX;
}

void sample_fini(struct sample *sample)
{
    free(sample->memory);
    free(sample->index);
    *sample = (struct sample){0};
}

enum code sample_init(struct sample *sample, const struct domain *domain,
                      const struct results *results, int count)
{
    *sample = (struct sample){0};
    sample->index = malloc(((size_t)count + SAMPLE_MAX) * sizeof *sample->index);
    if (!sample->index)
        return E_MEMORY;
    int n = sample->n = choose(domain, results, count, sample->index);
    int ldx = linalg_ld(n);
    double *at = malloc(((size_t)domain->nmodel + 4) * (size_t)ldx * sizeof *at);
    if (n == 0 || !at) {
        free(at);
        sample_fini(sample);
        return E_MEMORY;
    }
    sample->memory = at;
    sample->z = at, at += ldx;
    sample->slope = at, at += ldx;
    sample->known = at, at += ldx;
    sample->stage = at, at += ldx;
    sample->xt = at;
    for (int i = 0; i < n; i++)
        kernel_store(domain, results->unit[sample->index[i]], i, sample->xt, ldx);
    sample->data = (struct gp_data){.domain = domain,
                                    .n = n,
                                    .ldx = ldx,
                                    .xt = sample->xt,
                                    .z = sample->z,
                                    .known = sample->known};
    for (int i = 0; i < n; i++) {
        sample->stage[i] = results->stage ? results->stage[sample->index[i]] : 0;
        if (sample->stage[i] > 0)
            sample->data.stage = sample->stage;
    }
    return OK;
}

// Outcomes by one transform over all `count` results, of which the sample takes its own; a rank has
// the slope that the plain scale has there.
enum code sample_transform(struct sample *sample, const struct results *results, int count,
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

double sample_median(const struct results *results, int count)
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

// The slope dz/dloss at the best result: what makes improvements of different scales comparable.
double sample_slope_at_best(const struct sample *sample, const struct results *results)
{
    for (int i = 0; i < sample->n; i++)
        if (sample->index[i] == results->best && sample->slope[i] > 0)
            return sample->slope[i];
    return 1;
}

double sample_best(const struct sample *sample, const struct results *results)
{
    for (int i = 0; i < sample->n; i++)
        if (sample->index[i] == results->best)
            return sample->z[i];
    return 0;
}
