#include "coordinator/search/proposer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/search/gp/maximise.h"

enum {
    INITIAL = 10,
    BEST = 6, // results that candidates are sprayed round
    CLIMBS = 6,
};

enum code proposer_init(struct proposer *proposer, const struct study_spec *spec, int initial,
                        struct error *err)
{
    const struct space *space = &spec->space;
    *proposer = (struct proposer){.space = space, .initial = initial};
    if (initial <= 0) {
        int64_t third = spec->tuner.max_trials / 3;
        proposer->initial =
            spec->tuner.max_trials > 0 && third < INITIAL ? (int)(third > 2 ? third : 2) : INITIAL;
    }
    proposer->sobol = malloc(sizeof *proposer->sobol);
    proposer->fill = calloc((size_t)space->n + 1, sizeof *proposer->fill);
    if (!proposer->sobol || !proposer->fill || domain_init(&proposer->domain, space))
        return fail(err, E_MEMORY, "", "out of memory for the search");
    sobol_init(proposer->sobol, space->n, rng_mix(spec->seed, 0x50b01) | 1);
    surrogate_init(&proposer->surrogate, &proposer->domain);
    return OK;
}

void proposer_fini(struct proposer *proposer)
{
    surrogate_fini(&proposer->surrogate);
    domain_fini(&proposer->domain);
    free(proposer->sobol);
    free(proposer->fill);
    *proposer = (struct proposer){0};
}

bool proposer_spread(struct proposer *proposer, uint32_t from, struct rng *rng, struct slate *slate)
{
    enum { TRIES = 256 };
    double *unit = slate_next(slate);
    for (uint32_t t = 0; t < TRIES; t++) {
        sobol_point(proposer->sobol, from + t, unit);
        point_proper(proposer->space, unit, slate->values);
        if (!point_set_has(&slate->seen, proposer->space, unit))
            return true;
    }
    return point_random(proposer->space, &slate->seen, rng, slate->values, unit);
}

struct ranked {
    double loss;
    int index;
};

static int by_loss(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->loss != y->loss)
        return x->loss < y->loss ? -1 : 1;
    return x->index - y->index;
}

// The best results first; and for every coordinate the value it has in the best result where it is
// active, else the middle.
static int rank_results(struct proposer *proposer, const struct results *results,
                        const double *best[BEST])
{
    struct ranked *ranked = malloc(((size_t)results->n + 1) * sizeof *ranked);
    int n = proposer->space->n, count = results->n < BEST ? results->n : BEST;

    for (int j = 0; j < n; j++)
        proposer->fill[j] = NAN;
    if (!ranked)
        count = 0;
    for (int i = 0; ranked && i < results->n; i++)
        ranked[i] = (struct ranked){results->loss[i], i};
    if (ranked)
        qsort(ranked, (size_t)results->n, sizeof *ranked, by_loss);
    for (int i = 0; ranked && i < results->n; i++) {
        const double *unit = results->unit[ranked[i].index];
        if (i < count)
            best[i] = unit;
        for (int j = 0; j < n; j++)
            if (isnan(proposer->fill[j]))
                proposer->fill[j] = unit[j];
    }
    for (int j = 0; j < n; j++)
        if (isnan(proposer->fill[j]))
            proposer->fill[j] = 0.5;
    free(ranked);
    return count;
}

// As many candidates as a bounded number of operations allows (each costs n^2 of them a member).
static int candidates_for(const struct proposer *proposer)
{
    const struct surrogate *s = &proposer->surrogate;
    double n = s->members[0].n, each = (n * n + 100 * n) * s->nmembers;
    return (int)fmin(1500, fmax(200, 3e7 / each));
}

static int model_points(struct proposer *proposer, const struct results *results, struct rng *rng,
                        struct slate *slate, int max, struct proposal *out)
{
    const double *best[BEST];
    int count = 0;

    if (surrogate_condition(&proposer->surrogate, results, max))
        return 0;
    struct maximise task = {.acquisition = &proposer->surrogate.acquisition,
                            .domain = &proposer->domain,
                            .seen = &slate->near,
                            .nbest = rank_results(proposer, results, best),
                            .best = best,
                            .fill = proposer->fill,
                            .values = slate->values,
                            .candidates = candidates_for(proposer),
                            .climbs = CLIMBS};
    while (count < max) {
        double value, *unit = slate_next(slate);
        if (!maximise(&task, rng, unit, &value) ||
            slate_take(slate, proposer->space, &out[count], "model", "log EI %.2f over %d results",
                       value, results->n))
            break;
        struct foreseen *foreseen = &proposer->foreseen;
        foreseen->known =
            surrogate_predict(&proposer->surrogate, unit, &foreseen->loss, &foreseen->variance);
        surrogate_believe(&proposer->surrogate, unit);
        count++;
    }
    return count;
}

// One of the best points of the studies of warm_start_from, new here; goes on from *rank.
static bool recall(struct proposer *proposer, const struct results *results, struct slate *slate,
                   int *rank)
{
    for (int index; (index = sources_best(results, *rank)) >= 0; ++*rank) {
        const double *unit = results->prior[index].unit;
        if (point_set_has(&slate->near, proposer->space, unit))
            continue;
        memcpy(slate_next(slate), unit, (size_t)proposer->space->n * sizeof *unit);
        return true;
    }
    return false;
}

int proposer_propose(struct proposer *proposer, const struct results *results, int given,
                     struct rng *rng, struct slate *slate, int max, struct proposal *out,
                     bool *exhausted)
{
    int rank = 0, count = 0, needed = proposer->initial / 2 > 1 ? proposer->initial / 2 : 1;
    bool model = results->n >= needed && proposer->domain.nmodel > 0;

    *exhausted = false;
    proposer->foreseen.known = false;
    while (count < max) {
        if (model && given + count >= proposer->initial) {
            int more = model_points(proposer, results, rng, slate, max - count, out + count);
            count += more;
            model = false; // what is missing, chance gives
            continue;
        }
        if (given + count < proposer->initial / 2 && recall(proposer, results, slate, &rank)) {
            if (slate_take(slate, proposer->space, &out[count], "warm_start",
                           "among the best of an earlier study"))
                break;
            count++;
            continue;
        }
        if (!proposer_spread(proposer, (uint32_t)(given + count), rng, slate)) {
            *exhausted = true;
            break;
        }
        if (slate_take(slate, proposer->space, &out[count], "quasi_random",
                       "point %d of a quasi-random set, %d results so far", given + count + 1,
                       results->n))
            break;
        count++;
    }
    return count;
}
