// QuasiRandom: a scrambled Sobol sequence, spread more evenly than chance; no point twice.

#include "coordinator/search/plain.h"
#include "coordinator/search/proposer.h"
#include "coordinator/search/registry.h"

struct quasirandom_search {
    struct plain plain;
    struct proposer proposer;
};

static enum code quasirandom_init(void *state, const struct study_spec *spec, struct error *err)
{
    plain_init(state, spec, err);
    return proposer_init(&((struct quasirandom_search *)state)->proposer, spec, 0, err);
}

static void quasirandom_fini(void *state)
{
    struct quasirandom_search *q = state;
    proposer_fini(&q->proposer);
    plain_fini(state);
}

static enum ask_status quasirandom_ask(void *state, const struct history *history, struct rng *rng,
                                       int max, struct proposal *out, int *count)
{
    struct quasirandom_search *q = state;

    *count = 0;
    if (slate_begin(&q->plain.slate, history, max))
        return ASK_WAIT;
    for (; *count < max; ++*count) {
        uint32_t number = (uint32_t)(history->n + *count);
        if (!proposer_spread(&q->proposer, number, rng, &q->plain.slate))
            return slate_status(*count, true);
        if (slate_take(&q->plain.slate, history->space, &out[*count], "quasi_random",
                       "point %u of a scrambled Sobol sequence", number + 1))
            return slate_status(*count, false);
    }
    return ASK_POINTS;
}

const struct search_ops search_quasirandom = {
    .name = "QuasiRandom",
    .state_size = sizeof(struct quasirandom_search),
    .init = quasirandom_init,
    .fini = quasirandom_fini,
    .ask = quasirandom_ask,
    .given = plain_given,
    .tell = plain_tell,
    .report = plain_report,
    .ignores_results = true,
    .planned = plain_planned,
};
