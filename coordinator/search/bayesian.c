// BayesianOptimization. KerasTuner's arguments are taken: num_initial_points as there; alpha (the noise)
// and beta (of its upper confidence bound) have no counterpart, for the noise is learnt and the
// acquisition is the expected improvement.

#include "coordinator/search/plain.h"
#include "coordinator/search/proposer.h"
#include "coordinator/search/registry.h"

struct bayesian_search {
    struct plain plain;
    struct proposer proposer;
};

static enum code bayesian_init(void *state, const struct study_spec *spec, struct error *err)
{
    struct bayesian_search *b = state;
    plain_init(state, spec, err);
    int64_t initial = spec->tuner.num_initial_points;
    if (initial < 0 || initial > 1000000)
        return fail(err, E_RANGE, "/tuner/num_initial_points",
                    "num_initial_points is %lld; use 0 to 1000000", (long long)initial);
    return proposer_init(&b->proposer, spec, (int)initial, err);
}

static void bayesian_fini(void *state)
{
    struct bayesian_search *b = state;
    proposer_fini(&b->proposer);
    plain_fini(state);
}

static enum ask_status bayesian_ask(void *state, const struct history *history, struct rng *rng,
                                    int max, struct proposal *out, int *count)
{
    struct bayesian_search *b = state;
    struct results results;
    bool exhausted = false;

    *count = 0;
    if (slate_begin(&b->plain.slate, history, max) ||
        results_of(&results, history, &b->plain.told, &b->plain.slate, (int)b->plain.spec->epochs))
        return ASK_WAIT;
    *count = proposer_propose(&b->proposer, &results, history->n, rng, &b->plain.slate, max, out,
                              &exhausted);
    results_fini(&results);
    return slate_status(*count, exhausted);
}

const struct search_ops search_bayesian = {
    .name = "BayesianOptimization",
    .state_size = sizeof(struct bayesian_search),
    .init = bayesian_init,
    .fini = bayesian_fini,
    .ask = bayesian_ask,
    .given = plain_given,
    .tell = plain_tell,
    .report = plain_report,
    .planned = plain_planned,
};
