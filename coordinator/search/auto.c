// Auto, what a study gets that names no tuner. Trainings that can be cut short go on step by step while
// that is worth it (pursuit.c), with configurations from the model; everything else goes to
// BayesianOptimization, which finds out by itself when a space is used up.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/search/registry.h"

struct auto_search {
    struct study_spec spec; // the study's, with the arguments of what was chosen
    const struct search_ops *chosen;
    void *state;
    const char *reason;
};

static void choose(struct auto_search *a)
{
    enum { EPOCHS_MIN = 6 }; // two levels below the end
    struct tuner_spec *tuner = &a->spec.tuner;

    if (a->spec.has_model && a->spec.epochs >= EPOCHS_MIN) {
        tuner->sampler = SAMPLER_MODEL;
        a->chosen = &search_pursuit;
        a->reason = "auto, step by step";
    } else {
        a->chosen = &search_bayesian;
        a->reason = "auto";
    }
}

static enum code auto_init(void *state, const struct study_spec *spec, struct error *err)
{
    struct auto_search *a = state;
    a->spec = *spec;
    choose(a);
    a->state = calloc(1, a->chosen->state_size);
    if (!a->state)
        return fail(err, E_MEMORY, "", "out of memory for the search");
    return a->chosen->init(a->state, &a->spec, err);
}

static void auto_fini(void *state)
{
    struct auto_search *a = state;
    if (a->state)
        a->chosen->fini(a->state);
    free(a->state);
}

static enum ask_status auto_ask(void *state, const struct history *history, struct rng *rng,
                                int max, struct proposal *out, int *count)
{
    struct auto_search *a = state;
    enum ask_status status = a->chosen->ask(a->state, history, rng, max, out, count);
    for (int i = 0; i < *count; i++) {
        char why[sizeof out[i].why];
        memcpy(why, out[i].why, sizeof why);
        snprintf(out[i].why, sizeof out[i].why, "%s: %.170s", a->reason, why);
    }
    return status;
}

static void auto_given(void *state, const struct history *history, int index)
{
    struct auto_search *a = state;
    a->chosen->given(a->state, history, index);
}

static void auto_tell(void *state, const struct history *history, int index)
{
    struct auto_search *a = state;
    a->chosen->tell(a->state, history, index);
}

static bool auto_report(void *state, const struct history *history, int index, int epoch,
                        double loss)
{
    struct auto_search *a = state;
    return a->chosen->report(a->state, history, index, epoch, loss);
}

static int64_t auto_planned(const void *state)
{
    const struct auto_search *a = state;
    return a->chosen->planned(a->state);
}

static bool auto_outlasts_budget(const void *state)
{
    const struct auto_search *a = state;
    return a->chosen->outlasts_budget && a->chosen->outlasts_budget(a->state);
}

const struct search_ops search_auto = {
    .name = "Auto",
    .state_size = sizeof(struct auto_search),
    .init = auto_init,
    .fini = auto_fini,
    .ask = auto_ask,
    .given = auto_given,
    .tell = auto_tell,
    .report = auto_report,
    .planned = auto_planned,
    .outlasts_budget = auto_outlasts_budget,
};
