// Hyperband (Li et al. 2018) with KerasTuner's brackets, rounds and epochs (brackets.h). A trial is one
// configuration in one round; a promoted one continues from the weights of the trial it comes from.

#include <stdio.h>
#include <string.h>

#include "coordinator/search/brackets.h"
#include "coordinator/search/configurations.h"
#include "coordinator/search/registry.h"

struct hyperband_search {
    struct plain plain;
    struct bracket_plan plan;
    int iterations;
    struct configurations configurations;
};

static enum code check(const struct tuner_spec *tuner, struct error *err)
{
    if (tuner->max_epochs < 1 || tuner->max_epochs > 1000000)
        return fail(err, E_RANGE, "/tuner/max_epochs", "max_epochs is %lld; use 1 to 1000000",
                    (long long)tuner->max_epochs);
    if (tuner->factor < 2 || tuner->factor > 1000)
        return fail(err, E_RANGE, "/tuner/factor", "factor is %lld; use 2 to 1000",
                    (long long)tuner->factor);
    if (tuner->hyperband_iterations < 1 || tuner->hyperband_iterations > 10000)
        return fail(err, E_RANGE, "/tuner/hyperband_iterations",
                    "hyperband_iterations is %lld; use 1 to 10000",
                    (long long)tuner->hyperband_iterations);
    return OK;
}

static enum code hyperband_init(void *state, const struct study_spec *spec, struct error *err)
{
    struct hyperband_search *h = state;
    enum code code = check(&spec->tuner, err);

    plain_init(state, spec, err);
    if (code)
        return code;
    h->plan = bracket_plan_of((int)spec->tuner.max_epochs, (int)spec->tuner.factor);
    h->iterations = (int)spec->tuner.hyperband_iterations;
    struct configurations *c = &h->configurations;
    for (int r = 0; r < h->plan.brackets; r++)
        c->levels.epochs[c->levels.n++] = bracket_epochs(&h->plan, h->plan.brackets - 1, r);
    c->levels.bracketed = true;
    return configurations_init(c, spec, 0, err);
}

static void hyperband_fini(void *state)
{
    configurations_fini(&((struct hyperband_search *)state)->configurations);
    plain_fini(state);
}

static bool propose_new(struct hyperband_search *h, const struct history *history, struct rng *rng,
                        struct proposal *out, bool *used_up)
{
    return configurations_propose(&h->configurations, &h->plain, history, rng, 1, out, used_up) > 0;
}

static void propose_promotion(struct hyperband_search *h, const struct history *history,
                              const struct passes *passes, const struct step *step,
                              struct proposal *out)
{
    const struct pass *pass = &passes->items[step->pass];
    const struct entry *entry = &pass->rounds[step->round - 1].entries[step->from];
    const struct search_trial *parent = &history->trials[entry->index];
    struct slate *slate = &h->plain.slate;
    double *unit = slate_next(slate);

    memcpy(unit, parent->unit, (size_t)history->space->n * sizeof *unit);
    slate->n++;
    *out =
        (struct proposal){.unit = unit,
                          .parent = parent->number,
                          .initial_epoch = bracket_epochs(&h->plan, pass->bracket, step->round - 1),
                          .how = "promotion"};
    snprintf(out->why, sizeof out->why, "among the best of round %d, from trial %d",
             step->round - 1, parent->number);
}

// One more proposal; what ask() answers when there is none.
static enum ask_status propose_next(struct hyperband_search *h, const struct history *history,
                                    struct passes *passes, struct rng *rng, bool *used_up,
                                    struct proposal *out)
{
    for (;;) {
        struct step step = passes_next(passes, *used_up);
        if (step.kind == STEP_BEGIN) {
            int last = h->plan.brackets * h->iterations;
            if (passes->n >= last || *used_up) {
                if (passes_running(passes))
                    return ASK_WAIT;
                return *used_up ? ASK_EXHAUSTED : ASK_DONE;
            }
            if (passes_begin(passes, h->plan.brackets - 1 - passes->n % h->plan.brackets))
                return ASK_WAIT;
            continue;
        }
        if (step.kind == STEP_PROMOTE) {
            propose_promotion(h, history, passes, &step, out);
        } else if (!propose_new(h, history, rng, out, used_up)) {
            if (!*used_up)
                return ASK_WAIT;
            continue;
        }
        int bracket = passes->items[step.pass].bracket;
        out->bracket = bracket;
        out->round = step.round;
        out->epochs = bracket_epochs(&h->plan, bracket, step.round);
        return passes_add(passes, &step) ? ASK_WAIT : ASK_POINTS;
    }
}

static enum ask_status hyperband_ask(void *state, const struct history *history, struct rng *rng,
                                     int max, struct proposal *out, int *count)
{
    struct hyperband_search *h = state;
    struct passes passes;
    bool used_up = false;

    *count = 0;
    if (slate_begin(&h->plain.slate, history, max))
        return ASK_WAIT;
    if (passes_of(&passes, &h->plan, history))
        return ASK_WAIT;
    enum ask_status status = ASK_POINTS;
    while (*count < max && status == ASK_POINTS) {
        status = propose_next(h, history, &passes, rng, &used_up, &out[*count]);
        *count += status == ASK_POINTS;
    }
    passes_fini(&passes);
    return *count > 0 ? ASK_POINTS : status;
}

static int64_t hyperband_planned(const void *state)
{
    const struct hyperband_search *h = state;
    return bracket_total(&h->plan) * h->iterations;
}

const struct search_ops search_hyperband = {
    .name = "Hyperband",
    .state_size = sizeof(struct hyperband_search),
    .init = hyperband_init,
    .fini = hyperband_fini,
    .ask = hyperband_ask,
    .given = plain_given,
    .tell = plain_tell,
    .report = plain_report,
    .planned = hyperband_planned,
};
