#include "coordinator/search/results.h"

#include <math.h>
#include <stdlib.h>

static const double LOSS_MAX = 1e150; // its square is finite

void results_fini(struct results *results)
{
    free(results->memory);
    *results = (struct results){0};
}

static bool has_loss(const struct search_trial *trial)
{
    return (trial->state == SEARCH_COMPLETED || trial->state == SEARCH_PRUNED) &&
           isfinite(trial->loss);
}

// A trial that completed without a number to show for it counts as failed.
static bool has_failed(const struct search_trial *trial)
{
    return trial->state == SEARCH_FAILED || trial->state == SEARCH_INFEASIBLE ||
           (trial->state == SEARCH_COMPLETED && !isfinite(trial->loss));
}

// The variance of one execution, pooled over all trials that ran more than one; 0 without any.
static double pooled_variance(const struct history *history)
{
    double sum = 0, freedom = 0;
    for (int i = 0; i < history->n; i++) {
        const struct search_trial *trial = &history->trials[i];
        if (has_loss(trial) && trial->executions > 1 && isfinite(trial->variance)) {
            sum += trial->variance * (trial->executions - 1);
            freedom += trial->executions - 1;
        }
    }
    return freedom > 0 ? sum / freedom : 0;
}

static void add_ended(struct results *results, const struct search_trial *trial, double pooled)
{
    if (has_loss(trial)) {
        int i = results->n++;
        results->unit[i] = trial->unit;
        results->loss[i] = fmin(LOSS_MAX, fmax(-LOSS_MAX, trial->loss));
        results->variance[i] = trial->executions > 0 ? pooled / trial->executions : 0;
        if (results->best < 0 || results->loss[i] < results->loss[results->best])
            results->best = i;
    } else if (has_failed(trial)) {
        results->failed[results->nfailed++] = trial->unit;
    }
}

enum code results_of(struct results *results, const struct history *history, const int *told,
                     int ntold)
{
    size_t most = (size_t)history->n + 1;
    *results = (struct results){.best = -1};
    double *at = malloc(most * (2 * sizeof(double) + 3 * sizeof(double *)));
    if (!at)
        return E_MEMORY;
    results->memory = at;
    results->loss = at;
    results->variance = at + most;
    results->unit = (const double **)(void *)(at + 2 * most);
    results->failed = results->unit + most;
    results->running = results->failed + most;

    double pooled = pooled_variance(history);
    for (int t = 0; t < ntold; t++)
        if (told[t] < history->n)
            add_ended(results, &history->trials[told[t]], pooled);
    for (int i = 0; i < history->n; i++)
        if (history->trials[i].state == SEARCH_RUNNING)
            results->running[results->nrunning++] = history->trials[i].unit;
    return OK;
}

enum code told_add(struct told *told, int index)
{
    if (told->n == told->room) {
        int room = told->room ? 2 * told->room : 64;
        int *order = realloc(told->order, (size_t)room * sizeof *order);
        if (!order)
            return E_MEMORY;
        told->order = order;
        told->room = room;
    }
    told->order[told->n++] = index;
    return OK;
}

void told_fini(struct told *told)
{
    free(told->order);
    *told = (struct told){0};
}
