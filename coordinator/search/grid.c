// KerasTuner's GridSearch: the defaults first, then the last hyperparameter changes fastest, whatever
// the results and however many run at once. A point that the user queued himself is skipped.

#include <stdlib.h>

#include "coordinator/search/plain.h"
#include "coordinator/search/registry.h"

struct grid_search {
    struct plain plain;
    const struct space *space;
    struct value *next; // [space->n] first point not passed yet
    struct value *probe;
    double *unit;           // [space->n] scratch
    struct point_set given; // every trial so far
    bool ended;
};

static enum code grid_init(void *state, const struct study_spec *spec, struct error *err)
{
    struct grid_search *grid = state;
    size_t n = spec->space.n > 0 ? (size_t)spec->space.n : 1;

    plain_init(state, spec, err);
    grid->space = &spec->space;
    grid->given.bits = POINT_EXACT;
    grid->next = calloc(n, sizeof *grid->next);
    grid->probe = calloc(n, sizeof *grid->probe);
    grid->unit = calloc(n, sizeof *grid->unit);
    if (!grid->next || !grid->probe || !grid->unit)
        return fail(err, E_MEMORY, "", "out of memory for the grid");
    space_first(grid->space, grid->next);
    return OK;
}

static void grid_fini(void *state)
{
    struct grid_search *grid = state;
    free(grid->next);
    free(grid->probe);
    free(grid->unit);
    point_set_fini(&grid->given);
    plain_fini(state);
}

static void copy_values(const struct grid_search *grid, struct value *to, const struct value *from)
{
    for (int j = 0; j < grid->space->n; j++)
        to[j] = from[j];
}

static enum ask_status grid_ask(void *state, const struct history *history, struct rng *rng,
                                int max, struct proposal *out, int *count)
{
    struct grid_search *grid = state;
    struct slate *slate = &grid->plain.slate;
    bool more = !grid->ended;

    (void)rng;
    *count = 0;
    if (slate_begin(slate, history, max))
        return ASK_WAIT;
    copy_values(grid, grid->probe, grid->next);
    for (; more && *count < max; more = space_next(grid->space, grid->probe)) {
        space_to_unit(grid->space, grid->probe, slate_next(slate));
        if (point_set_has(&slate->seen, grid->space, slate_next(slate)))
            continue;
        if (slate_take(slate, grid->space, &out[*count], "grid", "next point of the grid"))
            return slate_status(*count, false);
        ++*count;
    }
    return slate_status(*count, true);
}

// Moves past every point that has become a trial. Short of memory the cursor stays, and ask() skips.
static void grid_given(void *state, const struct history *history, int index)
{
    struct grid_search *grid = state;

    if (point_set_add(&grid->given, grid->space, history->trials[index].unit))
        return;
    while (!grid->ended) {
        space_to_unit(grid->space, grid->next, grid->unit);
        if (!point_set_has(&grid->given, grid->space, grid->unit))
            return;
        grid->ended = !space_next(grid->space, grid->next);
    }
}

static int64_t grid_planned(const void *state)
{
    enum { COUNT_MAX = 1000000 };
    const struct grid_search *grid = state;
    struct value *values = calloc(grid->space->n > 0 ? (size_t)grid->space->n : 1, sizeof *values);
    int64_t planned = 0;

    if (!values)
        return -1;
    space_first(grid->space, values);
    do
        planned++;
    while (planned <= COUNT_MAX && space_next(grid->space, values));
    free(values);
    return planned <= COUNT_MAX ? planned : -1;
}

const struct search_ops search_grid = {
    .name = "GridSearch",
    .state_size = sizeof(struct grid_search),
    .ignores_results = true,
    .init = grid_init,
    .fini = grid_fini,
    .ask = grid_ask,
    .given = grid_given,
    .tell = plain_tell,
    .report = plain_report,
    .planned = grid_planned,
};
