// ASHA, asynchronous successive halving (Li et al. 2020): trials compete at rungs of
// min_epochs factor^k epochs, and the best 1/factor of a rung go on to the next, without waiting.
//
// promotion  a trial ends at its rung and goes on later, under its own number, once it is among the best
//            1/factor of all that reached it; else a new configuration starts
// stopping   every trial is meant to go all the way; at each rung it stops unless it is among the best
//            1/factor of those that came so far before it (the first always goes on)

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/search/configurations.h"
#include "coordinator/search/curve.h"
#include "coordinator/search/registry.h"

struct asha_search {
    struct plain plain;
    bool promotion;
    int factor;
    struct configurations configurations; // its levels are the rungs
};

static enum code check(const struct tuner_spec *tuner, struct error *err)
{
    if (tuner->max_epochs < 1 || tuner->max_epochs > 1000000)
        return fail(err, E_RANGE, "/tuner/max_epochs", "max_epochs is %lld; use 1 to 1000000",
                    (long long)tuner->max_epochs);
    if (tuner->min_epochs < 1 || tuner->min_epochs > tuner->max_epochs)
        return fail(err, E_RANGE, "/tuner/min_epochs",
                    "min_epochs is %lld; use 1 to max_epochs, %lld", (long long)tuner->min_epochs,
                    (long long)tuner->max_epochs);
    if (tuner->factor < 2 || tuner->factor > 1000)
        return fail(err, E_RANGE, "/tuner/factor", "factor is %lld; use 2 to 1000",
                    (long long)tuner->factor);
    return OK;
}

static enum code asha_init(void *state, const struct study_spec *spec, struct error *err)
{
    struct asha_search *a = state;
    struct configurations *c = &a->configurations;
    enum code code = check(&spec->tuner, err);

    plain_init(state, spec, err);
    if (code)
        return code;
    a->promotion = spec->tuner.asha_promotion;
    a->factor = (int)spec->tuner.factor;
    for (int64_t r = spec->tuner.min_epochs; r < spec->tuner.max_epochs; r *= a->factor)
        c->levels.epochs[c->levels.n++] = (int)r;
    c->levels.epochs[c->levels.n++] = (int)spec->tuner.max_epochs;
    if (a->promotion)
        c->levels.executions = study_spec_executions(spec);
    return configurations_init(c, spec, 0, err);
}

static void asha_fini(void *state)
{
    configurations_fini(&((struct asha_search *)state)->configurations);
    plain_fini(state);
}

// ---- promotion ----

// Where each trial stands.
struct standing {
    bool running, live; // live: completed its last round with a loss
    int rung;           // the last it completed; -1: none
};

static struct standing *standings_of(const struct asha_search *a, const struct history *history)
{
    const struct told *told = &a->plain.told;
    struct standing *s = calloc((size_t)history->n + 1, sizeof *s);
    for (int i = 0; s && i < history->n; i++) {
        const struct search_trial *trial = &history->trials[i];
        s[i] = (struct standing){.running = trial->state == SEARCH_RUNNING,
                                 .live = trial->state == SEARCH_COMPLETED && isfinite(trial->loss),
                                 .rung = -1};
    }
    for (int t = 0; s && t < told->n; t++) {
        const struct told_entry *entry = &told->entries[t];
        if (entry->ok && entry->round > s[entry->index].rung)
            s[entry->index].rung = entry->round;
    }
    return s;
}

struct ranked {
    double loss;
    int index;
};

static int by_loss(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    if (a->loss != b->loss)
        return a->loss < b->loss ? -1 : 1;
    return a->index - b->index;
}

// All trials that completed rung k, with their losses there, best first.
static int rank_rung(const struct asha_search *a, int k, struct ranked *out)
{
    const struct told *told = &a->plain.told;
    int n = 0;
    for (int t = 0; t < told->n; t++)
        if (told->entries[t].ok && told->entries[t].round == k && isfinite(told->entries[t].loss))
            out[n++] = (struct ranked){told->entries[t].loss, told->entries[t].index};
    qsort(out, (size_t)n, sizeof *out, by_loss);
    return n;
}

// The trial to go on, -1: none; its next rung to *rung. From the top rung down, so that those nearest
// the end come first.
static int promotable(const struct asha_search *a, const struct standing *s, struct ranked *ranked,
                      int *rung)
{
    for (int k = a->configurations.levels.n - 2; k >= 0; k--) {
        int n = rank_rung(a, k, ranked);
        for (int i = 0; i < n / a->factor; i++) {
            const struct standing *one = &s[ranked[i].index];
            if (one->rung == k && one->live && !one->running) {
                *rung = k + 1;
                return ranked[i].index;
            }
        }
    }
    return -1;
}

// When nothing else is left to do and nobody reached the last rung, the leader goes on.
static int leader(const struct asha_search *a, const struct history *history,
                  const struct standing *s, struct ranked *ranked, int *rung)
{
    int top = a->configurations.levels.n - 1;
    for (int i = 0; i < history->n; i++)
        if (s[i].running || s[i].rung == top)
            return -1;
    for (int k = top - 1; k >= 0; k--) {
        int n = rank_rung(a, k, ranked);
        for (int i = 0; i < n; i++)
            if (s[ranked[i].index].rung == k && s[ranked[i].index].live) {
                *rung = k + 1;
                return ranked[i].index;
            }
    }
    return -1;
}

static void propose_on(struct asha_search *a, const struct history *history, int index, int rung,
                       struct proposal *out)
{
    const struct search_trial *trial = &history->trials[index];
    struct slate *slate = &a->plain.slate;
    double *unit = slate_next(slate);

    memcpy(unit, trial->unit, (size_t)history->space->n * sizeof *unit);
    slate->n++;
    *out = (struct proposal){.unit = unit,
                             .parent = trial->number,
                             .continues = true,
                             .initial_epoch = a->configurations.levels.epochs[rung - 1],
                             .epochs = a->configurations.levels.epochs[rung],
                             .executions = level_executions(&a->configurations.levels, rung),
                             .bracket = 0,
                             .round = rung,
                             .how = "promotion"};
    snprintf(out->why, sizeof out->why, "among the best 1/%d after %d epochs", a->factor,
             a->configurations.levels.epochs[rung - 1]);
}

// ---- both ----

// New configurations that max_trials leaves.
static int new_left(const struct history *history)
{
    if (history->max_trials < 0)
        return INT32_MAX;
    return history->max_trials > history->n ? (int)(history->max_trials - history->n) : 0;
}

static int propose_new(struct asha_search *a, const struct history *history, struct rng *rng,
                       int max, struct proposal *out, bool *used_up)
{
    const struct configurations *c = &a->configurations;
    int count =
        configurations_propose(&a->configurations, &a->plain, history, rng, max, out, used_up);
    for (int i = 0; i < count; i++) {
        out[i].bracket = 0;
        out[i].round = a->promotion ? 0 : c->levels.n - 1;
        out[i].epochs = c->levels.epochs[out[i].round];
        out[i].executions = level_executions(&c->levels, out[i].round);
    }
    return count;
}

static bool any_running(const struct history *history)
{
    for (int i = 0; i < history->n; i++)
        if (history->trials[i].state == SEARCH_RUNNING)
            return true;
    return false;
}

static int propose_promotions(struct asha_search *a, const struct history *history, int max,
                              bool last, struct proposal *out)
{
    struct standing *s = standings_of(a, history);
    struct ranked *ranked = malloc(((size_t)a->plain.told.n + 1) * sizeof *ranked);
    int count = 0, rung = 0;

    while (s && ranked && count < max) {
        int index = promotable(a, s, ranked, &rung);
        if (index < 0 && last)
            index = leader(a, history, s, ranked, &rung);
        if (index < 0)
            break;
        propose_on(a, history, index, rung, &out[count++]);
        s[index].running = true;
    }
    free(ranked);
    free(s);
    return count;
}

static enum ask_status asha_ask(void *state, const struct history *history, struct rng *rng,
                                int max, struct proposal *out, int *count)
{
    struct asha_search *a = state;
    bool used_up = false;

    *count = 0;
    if (slate_begin(&a->plain.slate, history, max))
        return ASK_WAIT;
    if (a->promotion)
        *count = propose_promotions(a, history, max, false, out);
    int room = new_left(history);
    room = room < max - *count ? room : max - *count;
    if (room > 0)
        *count += propose_new(a, history, rng, room, out + *count, &used_up);
    if (*count == 0 && (used_up || room == 0) && a->promotion)
        *count = propose_promotions(a, history, 1, true, out);
    if (*count > 0)
        return ASK_POINTS;
    if (any_running(history))
        return ASK_WAIT;
    return used_up ? ASK_EXHAUSTED : new_left(history) == 0 ? ASK_DONE : ASK_WAIT;
}

// ---- stopping ----

static int last_reported(const struct search_trial *trial, int epoch)
{
    int e = epoch - 1;
    while (e > 0 && (e > trial->ncurve || !isfinite(trial->curve[e - 1])))
        e--;
    return e;
}

// Whether a trial may pass the rung of `epochs`: among the best 1/factor of all that reached it.
static bool passes_rung(const struct history *history, int index, int epochs, int factor)
{
    double own =
        curve_best(epochs < history->trials[index].ncurve ? epochs : history->trials[index].ncurve,
                   history->trials[index].curve);
    int n = 1, rank = 1;
    for (int i = 0; i < history->n; i++) {
        const struct search_trial *trial = &history->trials[i];
        if (i == index || !trial->own || trial->ncurve < epochs)
            continue;
        double loss = curve_best(epochs, trial->curve);
        n += isfinite(loss);
        rank += loss < own;
    }
    return n == 1 || (isfinite(own) && rank <= (n + factor - 1) / factor);
}

static bool asha_report(void *state, const struct history *history, int index, int epoch,
                        double loss)
{
    struct asha_search *a = state;
    const struct configurations *c = &a->configurations;
    const struct search_trial *trial = &history->trials[index];

    if (!a->promotion && trial->own) {
        int before = last_reported(trial, epoch); // a rung stepped over is decided late, not never
        for (int k = 0; k + 1 < c->levels.n; k++)
            if (before < c->levels.epochs[k] && c->levels.epochs[k] <= epoch &&
                !passes_rung(history, index, c->levels.epochs[k], a->factor))
                return true;
    }
    return plain_report(state, history, index, epoch, loss);
}

static bool asha_outlasts_budget(const void *state)
{
    return ((const struct asha_search *)state)->promotion;
}

const struct search_ops search_asha = {
    .name = "ASHA",
    .state_size = sizeof(struct asha_search),
    .init = asha_init,
    .fini = asha_fini,
    .ask = asha_ask,
    .outlasts_budget = asha_outlasts_budget,
    .given = plain_given,
    .tell = plain_tell,
    .report = asha_report,
    .planned = plain_planned,
};
