#include "coordinator/search/prospects.h"

#include <math.h>
#include <stdlib.h>

#include "coordinator/search/curve.h"

// best[i * n + k] is the loss of item i at level k; NaN where it has not come.
struct table {
    int n;
    double *best;
};

static int parent_of(const struct history *history, int index)
{
    int number = history->trials[index].parent;
    for (int i = index - 1; number >= 0 && i >= 0; i--)
        if (history->trials[i].number == number)
            return i;
    return -1;
}

static double best_until(const struct history *history, int index, int epochs)
{
    double best = NAN;
    for (int i = index; i >= 0; i = parent_of(history, i)) {
        const struct search_trial *trial = &history->trials[i];
        best =
            fmin(best, curve_best(epochs < trial->ncurve ? epochs : trial->ncurve, trial->curve));
    }
    return best;
}

static int level_meant(const struct levels *levels, const struct search_trial *trial, int round)
{
    int level = levels->bracketed ? levels->n - 1 - trial->bracket + round : round;
    return level < 0 ? 0 : level < levels->n ? level : levels->n - 1;
}

static int level_reached(const struct levels *levels, const struct search_trial *trial,
                         const struct told_entry *entry)
{
    int level = -1;
    while (level + 1 < levels->n && levels->epochs[level + 1] <= entry->epochs)
        level++;
    if (entry->ok && (entry->round < 0 || level < level_meant(levels, trial, entry->round)))
        return levels->n - 1; // nothing was to follow, or a callback ended it
    return level;
}

static void take(struct prospects *p, const struct levels *levels, const struct history *history,
                 const struct told_entry *entry, int *place)
{
    const struct search_trial *trial = &history->trials[entry->index];
    bool pruned = trial->state == SEARCH_PRUNED;

    if ((!entry->ok && !pruned) || !isfinite(entry->loss))
        return;
    if (place[entry->index] < 0) {
        place[entry->index] = p->n;
        p->items[p->n++] = (struct prospect){.index = entry->index};
    }
    struct prospect *item = &p->items[place[entry->index]];
    item->level = level_reached(levels, trial, entry);
    item->loss = fmin(entry->loss, best_until(history, entry->index, entry->epochs));
    p->best = fmin(p->best, item->loss);
    int parent = parent_of(history, entry->index);
    if (parent >= 0 && place[parent] >= 0)
        p->items[place[parent]].followed = true;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// How far apart the better half of the losses at a level are: root mean square from their median; 0
// with fewer than three.
static double spread_at(const struct prospects *p, const struct table *table, int level,
                        double *scratch)
{
    int n = 0, half = 0;
    double sum = 0;
    for (int i = 0; i < p->n; i++)
        if (!p->items[i].followed && isfinite(table->best[i * table->n + level]))
            scratch[n++] = table->best[i * table->n + level];
    if (n < 3)
        return 0;
    qsort(scratch, (size_t)n, sizeof *scratch, ascending);
    double median = 0.5 * (scratch[(n - 1) / 2] + scratch[n / 2]);
    for (; half < n && scratch[half] <= median; half++)
        sum += (scratch[half] - median) * (scratch[half] - median);
    return sqrt(sum / half);
}

// The losses before and after step k of those that took it; their number.
static int pairs_of(const struct prospects *p, const struct table *table, int k, double *from,
                    double *gain)
{
    int n = 0;
    for (int i = 0; i < p->n; i++) {
        const double *best = table->best + i * table->n;
        if (p->items[i].followed || !isfinite(best[k]) || !isfinite(best[k + 1]))
            continue;
        from[n] = best[k];
        gain[n++] = best[k] - best[k + 1];
    }
    return n;
}

// spread: of the losses before it; guess: gain and variance to expect of a step nobody took yet.
static struct step_gain fit_step(int n, const double *from, const double *gain, double spread,
                                 struct step_gain guess)
{
    const double alike = 1, known = 2, steepest = 0.9; // results that the guesses count as
    struct step_gain step = guess;
    double xx = alike * spread * spread, xd = 0.5 * xx, error = known * guess.variance;

    step.pairs = n;
    if (n == 0)
        return step;
    step.gain = step.centre = 0;
    for (int i = 0; i < n; i++) {
        step.centre += from[i] / n;
        step.gain += gain[i] / n;
    }
    for (int i = 0; i < n; i++) {
        xx += (from[i] - step.centre) * (from[i] - step.centre);
        xd += (from[i] - step.centre) * (gain[i] - step.gain);
    }
    step.slope = xx > 0 ? fmin(steepest, fmax(0, xd / xx)) : 0;
    for (int i = 0; i < n; i++) {
        double miss = gain[i] - step.gain - step.slope * (from[i] - step.centre);
        error += miss * miss;
    }
    step.variance = error / (known + fmax(0, n - 1));
    return step;
}

static void fit_steps(struct prospects *p, const struct levels *levels, const struct table *table,
                      double *scratch)
{
    double spread = 0, *from = scratch, *gain = scratch + p->n;
    struct step_gain guess = {.pairs = 0};

    for (int k = 0; k + 1 < levels->n; k++) {
        double here = spread_at(p, table, k, scratch);
        spread = here > 0 ? here : spread;
        guess.variance = 0.25 * spread * spread;
        int n = pairs_of(p, table, k, from, gain);
        p->steps[k] = fit_step(n, from, gain, spread, guess);
        guess = (struct step_gain){.gain = 0.5 * p->steps[k].gain};
    }
}

// From the level it reached to the last, step by step.
static void foresee(const struct prospects *p, const struct levels *levels, struct prospect *item)
{
    item->end = item->loss;
    item->variance = 0;
    for (int k = item->level; k >= 0 && k + 1 < levels->n; k++) {
        const struct step_gain *step = &p->steps[k];
        item->end -= fmax(0, step->gain + step->slope * (item->end - step->centre));
        item->variance *= (1 - step->slope) * (1 - step->slope);
        item->variance += step->variance;
    }
}

static enum code fill(struct prospects *p, const struct levels *levels,
                      const struct history *history)
{
    struct table table = {.n = levels->n};
    double *scratch = malloc((2 * (size_t)p->n + 1) * sizeof *scratch);
    table.best = calloc((size_t)p->n * (size_t)levels->n + 1, sizeof *table.best);
    for (int i = 0; table.best && i < p->n; i++)
        for (int k = 0; k < levels->n; k++)
            table.best[i * levels->n + k] =
                k > p->items[i].level
                    ? NAN
                    : fmax(p->items[i].loss,
                           best_until(history, p->items[i].index, levels->epochs[k]));
    if (table.best && scratch) {
        fit_steps(p, levels, &table, scratch);
        for (int i = 0; i < p->n; i++)
            foresee(p, levels, &p->items[i]);
    }
    enum code code = table.best && scratch ? OK : E_MEMORY;
    free(table.best);
    free(scratch);
    return code;
}

enum code prospects_of(struct prospects *prospects, const struct levels *levels,
                       const struct history *history, const struct told *told, int ntold)
{
    *prospects = (struct prospects){.best = INFINITY};
    int *place = calloc((size_t)history->n + 1, sizeof *place);
    prospects->items = calloc((size_t)history->n + 1, sizeof *prospects->items);
    enum code code = place && prospects->items ? OK : E_MEMORY;
    for (int i = 0; !code && i < history->n; i++)
        place[i] = -1;
    for (int t = 0; !code && t < ntold; t++)
        if (told->entries[t].index < history->n)
            take(prospects, levels, history, &told->entries[t], place);
    free(place);
    if (!code)
        code = fill(prospects, levels, history);
    if (code)
        prospects_fini(prospects);
    return code;
}

void prospects_fini(struct prospects *prospects)
{
    free(prospects->items);
    prospects->items = NULL;
    prospects->n = 0;
}

enum code prospects_results(const struct prospects *prospects, struct results *results,
                            const struct history *history, const struct told *told, int ntold,
                            const struct slate *slate)
{
    const struct told part = {.n = ntold, .entries = told->entries};
    enum code code = results_of(results, history, &part, slate, 0);
    if (code)
        return code;
    int n = 0;
    results->best = -1;
    for (int i = 0; i < prospects->n; i++) {
        const struct prospect *item = &prospects->items[i];
        if (item->followed)
            continue;
        results->unit[n] = history->trials[item->index].unit;
        results->loss[n] = item->end;
        results->variance[n] = item->variance;
        if (results->best < 0 || item->end < results->loss[results->best])
            results->best = n;
        n++;
    }
    results->n = n;
    return OK;
}
