#include "coordinator/search/configurations.h"

enum code configurations_init(struct configurations *c, const struct study_spec *spec,
                              struct error *err)
{
    c->model = spec->tuner.sampler == SAMPLER_MODEL;
    return proposer_init(&c->proposer, spec, 0, err);
}

void configurations_fini(struct configurations *c)
{
    proposer_fini(&c->proposer);
}

static int reached(const struct told *told, int epochs)
{
    int n = 0;
    for (int t = 0; t < told->n; t++)
        n += told->entries[t].ok && told->entries[t].epochs >= epochs;
    return n;
}

// The most epochs that enough trials have behind them; the least level otherwise.
static int level_of(const struct configurations *c, const struct told *told)
{
    int needed = c->proposer.domain.nmodel + 2 > 6 ? c->proposer.domain.nmodel + 2 : 6;
    for (int k = c->nlevels - 1; k > 0; k--)
        if (reached(told, c->levels[k]) >= needed)
            return c->levels[k];
    return c->levels[0];
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

int configurations_propose(struct configurations *c, struct plain *plain,
                           const struct history *history, struct rng *rng, int max,
                           struct proposal *out, bool *used_up)
{
    struct results results;
    int level = level_of(c, &plain->told);

    *used_up = false;
    if (!c->model)
        return by_chance(history, &plain->slate, rng, max, out, used_up);
    if (results_of(&results, history, &plain->told, &plain->slate, level, 0))
        return 0;
    int given = history->n + plain->slate.n;
    int count =
        proposer_propose(&c->proposer, &results, given, rng, &plain->slate, max, out, used_up);
    results_fini(&results);
    return count;
}
