// KerasTuner's RandomSearch: every hyperparameter drawn on its own, no point twice.

#include "coordinator/search/plain.h"
#include "coordinator/search/points.h"
#include "coordinator/search/registry.h"

struct random_search {
    struct slate slate;
};

static enum code random_init(void *state, const struct study_spec *spec, struct error *err)
{
    (void)state;
    (void)spec;
    (void)err;
    return OK;
}

static void random_fini(void *state)
{
    slate_fini(&((struct random_search *)state)->slate);
}

static enum ask_status random_ask(void *state, const struct history *history, struct rng *rng,
                                  int max, struct proposal *out, int *count)
{
    struct slate *slate = &((struct random_search *)state)->slate;
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
    .state_size = sizeof(struct random_search),
    .ignores_results = true,
    .init = random_init,
    .fini = random_fini,
    .ask = random_ask,
    .given = plain_note,
    .tell = plain_note,
    .report = plain_report,
    .planned = plain_planned,
};
