#include "coordinator/search/configurations.h"

enum code configurations_init(struct configurations *c, const struct study_spec *spec, int initial,
                              struct error *err)
{
    c->model = spec->tuner.sampler == SAMPLER_MODEL;
    return proposer_init(&c->proposer, spec, initial, err);
}

void configurations_fini(struct configurations *c)
{
    proposer_fini(&c->proposer);
}

static int by_chance(const struct history *history, struct slate *slate, struct rng *rng, int max,
                     struct proposal *out, bool *used_up)
{
    int count = 0;
    for (; count < max; count++) {
        if (!point_random(history->space, &slate->seen, rng, slate->values, slate_next(slate))) {
            *used_up = true;
            break;
        }
        if (slate_take(slate, history->space, &out[count], "random", "drawn at random"))
            break;
    }
    return count;
}

// What is known once `ntold` trials had been told, as a model takes it.
static enum code results_after(struct configurations *c, const struct plain *plain,
                               const struct history *history, int ntold, struct results *results)
{
    struct prospects prospects;
    enum code code = prospects_of(&prospects, &c->levels, history, &plain->told, ntold);
    if (code)
        return code;
    code = prospects_results(&prospects, results, history, &plain->told, ntold, &plain->slate);
    prospects_fini(&prospects);
    return code;
}

// As things are, and as they were at the last mark.
static enum code learnt(struct configurations *c, const struct plain *plain,
                        const struct history *history, struct results *results,
                        struct results *basis)
{
    int told = plain->told.n, mark = surrogate_mark(told);
    enum code code = results_after(c, plain, history, told, results);
    if (code)
        return code;
    code = results_after(c, plain, history, mark < told ? mark : told, basis);
    if (code) {
        results_fini(results);
        return code;
    }
    results->basis = basis;
    results->mark = mark;
    return OK;
}

int configurations_propose(struct configurations *c, struct plain *plain,
                           const struct history *history, struct rng *rng, int max,
                           struct proposal *out, bool *used_up)
{
    struct results results, basis;

    *used_up = false;
    if (!c->model)
        return by_chance(history, &plain->slate, rng, max, out, used_up);
    if (learnt(c, plain, history, &results, &basis))
        return 0;
    int given = history->n + plain->slate.n;
    int count =
        proposer_propose(&c->proposer, &results, given, rng, &plain->slate, max, out, used_up);
    results_fini(&basis);
    results_fini(&results);
    return count;
}

bool configurations_learn(struct configurations *c, const struct plain *plain,
                          const struct history *history)
{
    struct results results, basis;

    if (learnt(c, plain, history, &results, &basis))
        return false;
    bool good = results.n >= 2 && c->proposer.domain.nmodel > 0 &&
                !surrogate_condition(&c->proposer.surrogate, &results, 0);
    results_fini(&basis);
    results_fini(&results);
    return good;
}
