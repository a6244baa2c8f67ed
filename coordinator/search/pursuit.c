// What Auto does with trainings that can be cut short: at every moment the step that improves the result
// most an epoch, be it a new configuration or a trial that goes on to its next level.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/search/configurations.h"
#include "coordinator/search/registry.h"
#include "coordinator/search/worth.h"

struct pursuit {
    struct plain plain;
    struct configurations configurations;
};

// Points of the first, quasi-random part: short looks, together no dearer than one training to the end; few
// when earlier studies have looked already. 0: the usual number.
static int first_looks(const struct study_spec *spec)
{
    enum { USUAL = 10, MOST = 24, WARM = 4 };
    if (spec->tuner.nwarm_start > 0)
        return WARM;
    int64_t looks = spec->epochs < MOST ? spec->epochs : MOST, trials = spec->tuner.max_trials;
    if (trials > 0 && looks > trials * 2 / 5)
        looks = trials * 2 / 5;
    return looks > USUAL ? (int)looks : 0;
}

static enum code pursuit_init(void *state, const struct study_spec *spec, struct error *err)
{
    struct pursuit *p = state;
    struct levels *levels = &p->configurations.levels;

    plain_init(state, spec, err);
    for (int64_t epochs = 1; epochs < spec->epochs; epochs *= 3)
        levels->epochs[levels->n++] = (int)epochs;
    levels->epochs[levels->n++] = (int)spec->epochs;
    levels->executions = study_spec_executions(spec);
    if (levels->executions > 1) // who gets to the end is trained again
        levels->epochs[levels->n++] = (int)spec->epochs;
    return configurations_init(&p->configurations, spec, first_looks(spec), err);
}

static void pursuit_fini(void *state)
{
    configurations_fini(&((struct pursuit *)state)->configurations);
    plain_fini(state);
}

// One ask: what there is to choose from.
struct choice {
    struct pursuit *pursuit;
    const struct history *history;
    struct prospects prospects;
    bool *given; // [prospects.n] goes on already
    struct arm *arms;
    int *items; // of the arms in the prospects
    int narms, news, count;
    struct outset outset;
    struct proposal *out;
};

static bool may_go_on(const struct choice *c, int i)
{
    const struct prospect *item = &c->prospects.items[i];
    const struct search_trial *trial = &c->history->trials[item->index];
    return !c->given[i] && trial->state == SEARCH_COMPLETED && trial->own && item->level >= 0 &&
           item->level + 1 < c->pursuit->configurations.levels.n;
}

// What the trial is ahead by. A loss in hand stays, unless it may yet be a matter of luck.
static double ahead_of_best(const struct choice *c, const struct prospect *item)
{
    bool in_hand = c->outset.levels->executions <= 1;
    return (in_hand ? fmin(item->end, item->loss) : item->end) - c->prospects.best;
}

static void collect_arms(struct choice *c)
{
    c->narms = 0;
    for (int i = 0; i < c->prospects.n; i++)
        if (may_go_on(c, i)) {
            const struct prospect *item = &c->prospects.items[i];
            c->items[c->narms] = i;
            c->arms[c->narms++] =
                (struct arm){.level = item->level, .ahead = ahead_of_best(c, item)};
        }
}

static void propose_on(struct choice *c, int i, struct proposal *out)
{
    const struct prospect *item = &c->prospects.items[i];
    const struct search_trial *trial = &c->history->trials[item->index];
    const struct levels *levels = &c->pursuit->configurations.levels;
    struct slate *slate = &c->pursuit->plain.slate;
    double *unit = slate_next(slate);

    memcpy(unit, trial->unit, (size_t)c->history->space->n * sizeof *unit);
    slate->n++;
    c->given[i] = true;
    *out = (struct proposal){.unit = unit,
                             .parent = trial->number,
                             .continues = true,
                             .initial_epoch = levels->epochs[item->level],
                             .epochs = levels->epochs[item->level + 1],
                             .executions = level_executions(levels, item->level + 1),
                             .bracket = 0,
                             .round = item->level + 1,
                             .how = "promotion"};
    snprintf(out->why, sizeof out->why, "foreseen to end at %.4g, to beat is %.4g", item->end,
             c->prospects.best);
}

// A new configuration into *out; false when there is none.
static bool propose_new(struct choice *c, struct rng *rng, struct proposal *out, bool *used_up)
{
    struct pursuit *p = c->pursuit;
    if (configurations_propose(&p->configurations, &p->plain, c->history, rng, 1, out, used_up) < 1)
        return false;
    out->bracket = 0;
    out->round = 0;
    out->epochs = p->configurations.levels.epochs[0];
    out->executions = level_executions(&p->configurations.levels, 0);
    return true;
}

static bool room_for_new(const struct choice *c)
{
    int64_t most = c->history->max_trials;
    return most < 0 || c->history->n + c->news < most;
}

// Whether a trial may still end better than the best so far: as the model sees it, and if those before it
// gained on the way anything that could be enough. The model is surer than it should be where losses are
// flat, and a study that ends too soon costs more than a few epochs: only the hopeless are left.
static bool may_win(const struct choice *c, const struct prospect *item)
{
    const double one_in_a_thousand = 3, never = 6; // deviations
    double best = c->prospects.best;
    return item->end - one_in_a_thousand * sqrt(item->variance) < best &&
           prospects_reach(&c->prospects, c->outset.levels, item, never) < best;
}

static void drop_unlikely(struct choice *c)
{
    int n = 0;
    for (int i = 0; i < c->narms; i++)
        if (may_win(c, &c->prospects.items[c->items[i]])) {
            c->arms[n] = c->arms[i];
            c->items[n++] = c->items[i];
        }
    c->narms = n;
}

static bool any_running(const struct history *history)
{
    for (int i = 0; i < history->n; i++)
        if (history->trials[i].state == SEARCH_RUNNING)
            return true;
    return false;
}

static int leading_arm(const struct choice *c)
{
    int best = -1;
    for (int i = 0; i < c->narms; i++)
        if (best < 0 || c->arms[i].ahead < c->arms[best].ahead)
            best = i;
    return best;
}

static bool any_at_the_end(const struct choice *c)
{
    for (int i = 0; i < c->prospects.n; i++)
        if (c->prospects.items[i].level + 1 == c->pursuit->configurations.levels.n)
            return true;
    return false;
}

// When nobody is likely to improve and none was trained to the end, the leader is; -1: no need.
static int leader(struct choice *c)
{
    if (c->count > 0 || any_running(c->history) || any_at_the_end(c))
        return -1;
    collect_arms(c);
    return leading_arm(c);
}

// Where only the last level has all executions nothing is in hand before one trial has come to it: the leader
// goes on first, level by level, unless another is on its way already.
static int pilot(const struct choice *c)
{
    int arm = leading_arm(c), round = 0;
    if (arm < 0 || c->outset.levels->executions <= 1 || any_at_the_end(c))
        return -1;
    for (int i = 0; i < c->history->n; i++)
        if (c->history->trials[i].state == SEARCH_RUNNING && c->history->trials[i].round > round)
            round = c->history->trials[i].round;
    for (int i = 0; i < c->count; i++)
        round = c->out[i].round > round ? c->out[i].round : round;
    return c->arms[arm].level + 1 > round ? arm : -1;
}

// A new configuration is to be had: whether it is the one to take. A point of the model's competes with
// the trials that may go on; the first ones, of a quasi-random set, come before all.
static bool takes_new(struct choice *c, int *chosen)
{
    const struct foreseen *foreseen = &c->pursuit->configurations.proposer.foreseen;

    *chosen = -1;
    if (!foreseen->known)
        return true;
    c->arms[c->narms] = (struct arm){
        .level = -1, .ahead = foreseen->loss - c->prospects.best, .variance = foreseen->variance};
    *chosen = worth_choose(&c->outset, c->narms + 1, c->arms);
    return *chosen < 0 || *chosen == c->narms;
}

// One of the trials that max_trials leaves costs the more the fewer there are.
static double trial_price(const struct choice *c)
{
    double most = (double)c->history->max_trials;
    double used = most > 0 ? fmin(1, (c->history->n + c->news) / most) : 0;
    return 0.1 + 0.9 * pow(used, 4);
}

// What the model makes of the trials, once it has seen the results.
static void look_out(struct choice *c)
{
    const struct surrogate *s = &c->pursuit->configurations.proposer.surrogate;
    const struct levels *levels = c->outset.levels;
    int result = 0, count = 0;
    double sum = 0;

    for (int k = 0; k < levels->n; k++)
        c->outset.known[k] = exp(-2 * s->forget * level_stage(levels, k));
    for (int i = 0; i < c->prospects.n; i++) {
        struct prospect *item = &c->prospects.items[i];
        if (item->followed || result == s->noutlooks)
            continue;
        const struct outlook *outlook = &s->outlooks[result++];
        if (item->level < 0 || item->level == levels->n - 1)
            continue;
        item->end = outlook->loss;
        item->variance = outlook->variance;
        if (!isfinite(item->end))
            continue;
        sum += outlook->variance / (1 - c->outset.known[item->level]);
        count++;
    }
    c->outset.variance = count > 0 ? sum / count : 0;
}

// The next proposal; false when there is none.
static bool propose_one(struct choice *c, struct rng *rng, bool *used_up)
{
    struct configurations *configurations = &c->pursuit->configurations;
    struct plain *plain = &c->pursuit->plain;
    struct proposal *out = &c->out[c->count];
    int chosen, before = plain->slate.n;

    c->outset.trial = trial_price(c);
    c->outset.length = c->prospects.length;
    // a mean over n less one of the n
    c->outset.luck = c->prospects.luck * (1 - 1.0 / fmax(1, c->outset.levels->executions));
    bool fresh = !*used_up && room_for_new(c) && propose_new(c, rng, out, used_up);
    if (fresh ? configurations->proposer.foreseen.known
              : configurations_learn(configurations, plain, c->history))
        look_out(c);
    collect_arms(c);
    bool looks = fresh && !configurations->proposer.foreseen.known;
    chosen = looks ? -1 : pilot(c);
    if (chosen < 0) {
        drop_unlikely(c);
        if (fresh && takes_new(c, &chosen)) {
            c->news++;
            return true;
        }
        if (!fresh) {
            chosen = worth_choose(&c->outset, c->narms, c->arms);
            chosen = chosen < 0 ? leader(c) : chosen;
        }
    }
    if (chosen < 0)
        return false;
    plain->slate.n = before; // the place of a point not taken
    propose_on(c, c->items[chosen], out);
    return true;
}

static enum ask_status pursuit_ask(void *state, const struct history *history, struct rng *rng,
                                   int max, struct proposal *out, int *count)
{
    struct pursuit *p = state;
    struct choice c = {.pursuit = p,
                       .history = history,
                       .outset = {.levels = &p->configurations.levels},
                       .out = out};
    bool used_up = false;

    *count = 0;
    if (slate_begin(&p->plain.slate, history, max) ||
        prospects_of(&c.prospects, &p->configurations.levels, history, &p->plain.told,
                     p->plain.told.n))
        return ASK_WAIT;
    size_t room = (size_t)c.prospects.n + 1;
    c.given = calloc(room, sizeof *c.given);
    c.arms = calloc(room, sizeof *c.arms);
    c.items = calloc(room, sizeof *c.items);
    while (c.given && c.arms && c.items && c.count < max && propose_one(&c, rng, &used_up))
        c.count++;
    free(c.given);
    free(c.arms);
    free(c.items);
    prospects_fini(&c.prospects);
    *count = c.count;
    if (c.count > 0)
        return ASK_POINTS;
    if (any_running(history))
        return ASK_WAIT;
    return used_up ? ASK_EXHAUSTED : ASK_DONE;
}

static bool pursuit_outlasts_budget(const void *state)
{
    (void)state;
    return true;
}

const struct search_ops search_pursuit = {
    .name = "Auto",
    .state_size = sizeof(struct pursuit),
    .init = pursuit_init,
    .fini = pursuit_fini,
    .ask = pursuit_ask,
    .outlasts_budget = pursuit_outlasts_budget,
    .given = plain_given,
    .tell = plain_tell,
    .report = plain_report,
    .planned = plain_planned,
};
