#include "coordinator/search/results.h"

#include <math.h>
#include <stdlib.h>

#include "coordinator/search/curve.h"

static const double LOSS_MAX = 1e150; // its square is finite

enum code told_add(struct told *told, const struct search_trial *trial, int index)
{
    if (told->n == told->room) {
        int room = told->room ? 2 * told->room : 64;
        struct told_entry *entries = realloc(told->entries, (size_t)room * sizeof *entries);
        if (!entries)
            return E_MEMORY;
        told->entries = entries;
        told->room = room;
    }
    told->entries[told->n++] = (struct told_entry){.index = index,
                                                   .epochs = trial->epochs,
                                                   .executions = trial->executions,
                                                   .round = trial->round,
                                                   .ok = trial->state == SEARCH_COMPLETED,
                                                   .loss = trial->loss};
    return OK;
}

void told_fini(struct told *told)
{
    free(told->entries);
    *told = (struct told){0};
}

void results_fini(struct results *results)
{
    free(results->memory);
    *results = (struct results){0};
}

double pool_with(struct pool *pool, const struct search_trial *trial)
{
    if (isfinite(trial->loss) && trial->executions > 1 && isfinite(trial->variance)) {
        pool->sum += trial->variance * (trial->executions - 1);
        pool->freedom += trial->executions - 1;
    }
    return pool->freedom > 0 ? pool->sum / pool->freedom : 0;
}

// What trainings gained after epoch k, for curves too short to be extrapolated: over the trials so far
// that completed.
struct gains {
    struct gain {
        double n, sum, square;
    } after[CURVE_MIN];
};

static void gains_add(struct gains *gains, const struct search_trial *trial)
{
    double end = curve_best(trial->ncurve, trial->curve);
    for (int k = 1; k < CURVE_MIN && k < trial->ncurve; k++) {
        double gain = curve_best(k, trial->curve) - end;
        if (!isfinite(gain))
            continue;
        gains->after[k].n++;
        gains->after[k].sum += gain;
        gains->after[k].square += gain * gain;
    }
}

struct measured {
    double loss, variance;
};

// Of a trial that was stopped, what it was heading for.
static struct measured at_end(const struct search_trial *trial, const struct told_entry *entry,
                              double spread, int epochs, const struct gains *gains)
{
    enum { GAINS_MIN = 3 };
    double loss, variance;
    if (trial->state != SEARCH_PRUNED || trial->ncurve >= epochs || trial->ncurve < 1)
        return (struct measured){entry->loss, spread};
    if (curve_extrapolate(trial->ncurve, trial->curve, epochs, &loss, &variance))
        return (struct measured){fmin(loss, entry->loss), spread + variance};
    int k = trial->ncurve < CURVE_MIN ? trial->ncurve : CURVE_MIN - 1;
    const struct gain *gain = &gains->after[k];
    if (gain->n < GAINS_MIN)
        return (struct measured){entry->loss, spread};
    double mean = gain->sum / gain->n;
    variance = fmax(0, gain->square - gain->n * mean * mean) / (gain->n - 1);
    return (struct measured){entry->loss - mean, spread + variance};
}

static bool has_failed(const struct search_trial *trial)
{
    return trial->state == SEARCH_FAILED || trial->state == SEARCH_INFEASIBLE ||
           (trial->state == SEARCH_COMPLETED && !isfinite(trial->loss));
}

static enum code allocate(struct results *results, const struct history *history,
                          const struct told *told, const struct slate *slate)
{
    size_t most = (size_t)told->n + (size_t)history->n + (size_t)slate->n + 1;
    *results = (struct results){.best = -1};
    double *at = malloc(most * (3 * sizeof(double) + 3 * sizeof(double *)));
    if (!at)
        return E_MEMORY;
    results->memory = at;
    results->loss = at;
    results->variance = at + most;
    results->stage = at + 2 * most;
    results->unit = (const double **)(void *)(at + 3 * most);
    results->failed = results->unit + most;
    results->running = results->failed + most;
    return OK;
}

static void add(struct results *results, const double *unit, struct measured measured)
{
    int i = results->n++;
    results->unit[i] = unit;
    results->loss[i] = fmin(LOSS_MAX, fmax(-LOSS_MAX, measured.loss));
    results->variance[i] = measured.variance;
    results->stage[i] = 0;
    if (results->best < 0 || results->loss[i] < results->loss[results->best])
        results->best = i;
}

enum code results_of(struct results *results, const struct history *history,
                     const struct told *told, const struct slate *slate, int epochs)
{
    bool *taken = calloc((size_t)history->n + 1, sizeof *taken);
    if (!taken || allocate(results, history, told, slate)) {
        free(taken);
        return E_MEMORY;
    }
    results->nprior = history->nprior;
    results->prior = history->prior;
    struct pool pool = {0};
    struct gains gains = {0};
    int longest = epochs;
    for (int t = 0; t < told->n; t++) {
        const struct told_entry *entry = &told->entries[t];
        const struct search_trial *trial = &history->trials[entry->index];
        if (entry->index >= history->n || taken[entry->index])
            continue;
        if (has_failed(trial)) {
            results->failed[results->nfailed++] = trial->unit;
            taken[entry->index] = true;
            continue;
        }
        double spread = pool_with(&pool, trial) / (trial->executions > 0 ? trial->executions : 1);
        struct measured measured = at_end(trial, entry, spread, longest, &gains);
        if (!isfinite(measured.loss))
            continue;
        if (entry->ok)
            gains_add(&gains, trial);
        if (entry->ok && epochs == 0 && trial->ncurve > longest)
            longest = trial->ncurve;
        add(results, trial->unit, measured);
        taken[entry->index] = true;
    }
    for (int i = 0; i < history->n; i++)
        if (history->trials[i].state == SEARCH_RUNNING && !taken[i])
            results->running[results->nrunning++] = history->trials[i].unit;
    for (int k = 0; k < slate->n; k++)
        results->running[results->nrunning++] = slate->units + (size_t)k * (size_t)slate->dims;
    free(taken);
    return OK;
}
