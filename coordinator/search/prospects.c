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
    bool repeated = levels->executions > 1;
    bool whole = !repeated || entry->executions >= levels->executions;
    int level = -1, top = whole ? levels->n - 1 : levels->n - 2;
    while (level < top && levels->epochs[level + 1] <= entry->epochs)
        level++;
    if (!entry->ok)
        return level;
    // nothing was to follow, or a callback ended it
    bool ended = entry->round < 0 || level < level_meant(levels, trial, entry->round);
    return ended || (repeated && whole) ? top : level;
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
    item->epochs = entry->epochs;
    item->executions = entry->executions;
    item->loss = entry->loss;
    int parent = parent_of(history, entry->index);
    if (parent >= 0 && place[parent] >= 0) {
        struct prospect *before = &p->items[place[parent]];
        before->followed = true;
        item->loss = fmin(item->loss, before->loss);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The losses at a level: their median (NaN without any), and how far the better half is from it, root mean
// square; 0 with fewer than three.
struct spread {
    double median, deviation;
};

static struct spread spread_at(const struct prospects *p, const struct table *table, int level,
                               double *scratch)
{
    struct spread spread = {NAN, 0};
    int n = 0, half = 0;
    double sum = 0;
    for (int i = 0; i < p->n; i++)
        if (!p->items[i].followed && isfinite(table->best[i * table->n + level]))
            scratch[n++] = table->best[i * table->n + level];
    if (n == 0)
        return spread;
    qsort(scratch, (size_t)n, sizeof *scratch, ascending);
    spread.median = 0.5 * (scratch[(n - 1) / 2] + scratch[n / 2]);
    if (n < 3)
        return spread;
    for (; half < n && scratch[half] <= spread.median; half++)
        sum += (scratch[half] - spread.median) * (scratch[half] - spread.median);
    spread.deviation = sqrt(sum / half);
    return spread;
}

struct pair {
    double from, gain, weight;
};

// The losses before step k of those that took it, and what it gained them; their number. The worse one
// stood, the less it counts: the bad differ by orders of magnitude.
static int pairs_of(const struct prospects *p, const struct table *table, int k,
                    struct spread spread, struct pair *pairs)
{
    int n = 0;
    for (int i = 0; i < p->n; i++) {
        const double *best = table->best + i * table->n;
        if (p->items[i].followed || !isfinite(best[k]) || !isfinite(best[k + 1]))
            continue;
        double far = spread.deviation > 0 ? (best[k] - spread.median) / spread.deviation : 0;
        pairs[n++] =
            (struct pair){best[k], best[k] - best[k + 1], far > 0 ? 1 / (1 + far * far) : 1};
    }
    return n;
}

// deviation: of the losses before it; guess: gain and variance to expect of a step nobody took yet.
static struct step_gain fit_step(int n, const struct pair *pairs, double deviation,
                                 struct step_gain guess)
{
    const double alike = 1, known = 2, steepest = 0.9; // results that the guesses count as
    struct step_gain step = guess;
    double xx = alike * deviation * deviation, xd = 0.5 * xx, error = known * guess.variance;
    double total = 0;

    step.pairs = n;
    for (int i = 0; i < n; i++)
        total += pairs[i].weight;
    if (!(total > 0))
        return step;
    step.gain = step.centre = 0;
    for (int i = 0; i < n; i++) {
        step.centre += pairs[i].weight * pairs[i].from / total;
        step.gain += pairs[i].weight * pairs[i].gain / total;
    }
    for (int i = 0; i < n; i++) {
        double from = pairs[i].from - step.centre;
        xx += pairs[i].weight * from * from;
        xd += pairs[i].weight * from * (pairs[i].gain - step.gain);
    }
    step.slope = xx > 0 ? fmin(steepest, fmax(0, xd / xx)) : 0;
    for (int i = 0; i < n; i++) {
        double miss = pairs[i].gain - step.gain - step.slope * (pairs[i].from - step.centre);
        error += pairs[i].weight * miss * miss;
    }
    step.variance = error / (known + fmax(0, total - 1));
    return step;
}

// What the losses of all trials would be like at every level.
static void carry(struct prospects *p, int nlevels, struct spread first)
{
    double mean = first.median, variance = first.deviation * first.deviation;
    for (int k = 0; k < nlevels; k++) {
        const struct step_gain *step = &p->steps[k];
        p->mean[k] = mean;
        p->deviation[k] = sqrt(variance);
        mean -= step->gain + step->slope * (mean - step->centre);
        variance = (1 - step->slope) * (1 - step->slope) * variance + step->variance;
    }
}

static enum code fit_steps(struct prospects *p, const struct levels *levels,
                           const struct table *table)
{
    struct step_gain guess = {.pairs = 0};
    double deviation = 0, *scratch = malloc(((size_t)p->n + 1) * sizeof *scratch);
    struct spread first = {NAN, 0};
    struct pair *pairs = malloc(((size_t)p->n + 1) * sizeof *pairs);

    for (int k = 0; scratch && pairs && k + 1 < levels->n; k++) {
        struct spread here = spread_at(p, table, k, scratch);
        deviation = here.deviation > 0 ? here.deviation : deviation;
        first = k == 0 ? here : first;
        guess.variance = 0.25 * deviation * deviation;
        if (level_is_again(levels, k + 1))
            guess.gain = 0; // training again gains nothing
        int n = pairs_of(p, table, k, here, pairs);
        p->steps[k] = fit_step(n, pairs, deviation, guess);
        guess = (struct step_gain){.gain = 0.5 * p->steps[k].gain};
    }
    enum code code = scratch && pairs ? OK : E_MEMORY;
    free(scratch);
    free(pairs);
    if (!code)
        carry(p, levels->n, first);
    return code;
}

bool level_is_again(const struct levels *levels, int level)
{
    return levels->executions > 1 && level == levels->n - 1;
}

int level_executions(const struct levels *levels, int level)
{
    return levels->executions <= 1 || level_is_again(levels, level) ? 0 : 1;
}

double level_cost(const struct levels *levels, int level, double length)
{
    int times = level_is_again(levels, level) ? levels->executions : 1;
    return fmin(levels->epochs[level], length) * times;
}

double level_stage(const struct levels *levels, int level)
{
    return log(level_cost(levels, levels->n - 1, INFINITY) / level_cost(levels, level, INFINITY)) /
           log(3);
}

static void foresee(const struct prospects *p, const struct levels *levels, struct prospect *item)
{
    int last = levels->n - 1, k = item->level < 0 ? 0 : item->level;
    item->end = item->loss;
    item->stage = level_stage(levels, k);
    if (k == last || !isfinite(p->mean[k]))
        return;
    double scale = p->deviation[k] > 0 ? p->deviation[last] / p->deviation[k] : 1;
    item->end = p->mean[last] + (item->loss - p->mean[k]) * scale;
}

// The losses of a trial level by level. Curves are those of the first execution.
static void fill_row(const struct prospect *item, const struct levels *levels,
                     const struct history *history, double *best)
{
    double shift =
        levels->executions > 1 ? 0 : item->loss - best_until(history, item->index, item->epochs);
    for (int k = 0; k < levels->n; k++) {
        double loss = best_until(history, item->index, levels->epochs[k]) + shift;
        if (!isfinite(loss) || level_is_again(levels, k))
            loss = item->loss;
        best[k] = k > item->level ? NAN : loss;
    }
}

static double length_of(const struct prospects *p, const struct levels *levels)
{
    int n = 0, end = levels->n - (levels->executions > 1 ? 2 : 1);
    double sum = 0;
    for (int i = 0; i < p->n; i++)
        if (p->items[i].level >= end && p->items[i].epochs > 0) {
            sum += p->items[i].epochs;
            n++;
        }
    return n > 0 ? sum / n : INFINITY;
}

static double luck_of(const struct prospects *p, const struct history *history)
{
    struct pool pool = {0};
    double luck = 0;
    for (int i = 0; i < p->n; i++)
        if (p->items[i].executions > 1) // then, and so it stays
            luck = pool_with(&pool, &history->trials[p->items[i].index]);
    return luck;
}

static double best_of(const struct prospects *p, const struct levels *levels)
{
    int last = levels->n - 1;
    double whole = INFINITY, all = INFINITY;
    for (int i = 0; i < p->n; i++) {
        all = fmin(all, p->items[i].loss);
        if (p->items[i].level == last)
            whole = fmin(whole, p->items[i].loss);
    }
    if (levels->executions <= 1)
        return all;
    return isfinite(whole) || !isfinite(p->mean[last]) ? whole : p->mean[last];
}

static enum code fill(struct prospects *p, const struct levels *levels,
                      const struct history *history)
{
    struct table table = {.n = levels->n};
    table.best = calloc((size_t)p->n * (size_t)levels->n + 1, sizeof *table.best);
    if (!table.best)
        return E_MEMORY;
    for (int i = 0; i < p->n; i++)
        fill_row(&p->items[i], levels, history, table.best + i * levels->n);
    enum code code = fit_steps(p, levels, &table);
    p->best = best_of(p, levels);
    p->length = length_of(p, levels);
    p->luck = luck_of(p, history);
    for (int i = 0; !code && i < p->n; i++)
        foresee(p, levels, &p->items[i]);
    free(table.best);
    return code;
}

enum code prospects_of(struct prospects *prospects, const struct levels *levels,
                       const struct history *history, const struct told *told, int ntold)
{
    *prospects = (struct prospects){.n = 0};
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

double prospects_reach(const struct prospects *prospects, const struct levels *levels,
                       const struct prospect *item, double luck)
{
    double end = item->loss, variance = 0;
    for (int k = item->level; k >= 0 && k + 1 < levels->n; k++) {
        const struct step_gain *step = &prospects->steps[k];
        end -= fmax(0, step->gain + step->slope * (end - step->centre));
        variance = (1 - step->slope) * (1 - step->slope) * variance + step->variance;
    }
    return end - luck * sqrt(variance);
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
    // for what failed and what runs; the losses follow, as the levels see them
    enum code code = results_of(results, history, &part, slate, 1);
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
        results->variance[n] = 0;
        results->stage[n] = item->stage;
        if (results->best < 0 || item->end < results->loss[results->best])
            results->best = n;
        n++;
    }
    results->n = n;
    return OK;
}
