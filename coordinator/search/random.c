// KerasTuner's RandomSearch: every hyperparameter drawn on its own, no point twice.

#include "coordinator/search/plain.h"
#include "coordinator/search/registry.h"

static enum ask_status random_ask(void *state, const struct history *history, struct rng *rng,
                                  int max, struct proposal *out, int *count)
{
    struct slate *slate = &((struct plain *)state)->slate;
    const struct space *space = history->space;

    *count = 0;
    if (slate_begin(slate, history, max))
        return ASK_WAIT;
    while (*count < max) {
        if (!point_random(space, &slate->seen, rng, slate->values, slate_next(slate)))
            return slate_status(*count, true);
        if (slate_take(slate, space, &out[*count], "random", "drawn at random"))
            return slate_status(*count, false);
        ++*count;
    }
    return ASK_POINTS;
}

const struct search_ops search_random = {
    .name = "RandomSearch",
    .state_size = sizeof(struct plain),
    .ignores_results = true,
    .init = plain_init,
    .fini = plain_fini,
    .ask = random_ask,
    .given = plain_given,
    .tell = plain_tell,
    .report = plain_report,
    .planned = plain_planned,
};
