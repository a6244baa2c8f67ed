#include "coordinator/search/points.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t key_of(const struct space *space, int bits, const double *unit)
{
    uint64_t key = 0x9e3779b97f4a7c15u;
    for (int j = 0; j < space->n; j++)
        key = rng_mix(key, isnan(unit[j]) ? UINT64_MAX : (uint64_t)llround(ldexp(unit[j], bits)));
    return key ? key : 1;
}

static size_t slot_of(const struct point_set *set, uint64_t key)
{
    size_t mask = (size_t)set->size - 1, at = (size_t)key & mask;
    while (set->keys[at] && set->keys[at] != key)
        at = (at + 1) & mask;
    return at;
}

void point_set_fini(struct point_set *set)
{
    // The analyser forgets that a set within a slate was zeroed along with it.
    free(set->keys); // NOLINT(clang-analyzer-unix.Malloc)
    *set = (struct point_set){0};
}

bool point_set_has(const struct point_set *set, const struct space *space, const double *unit)
{
    if (set->n == 0)
        return false;
    return set->keys[slot_of(set, key_of(space, set->bits, unit))] != 0;
}

static enum code grow(struct point_set *set)
{
    struct point_set bigger = {
        .size = set->size ? 2 * set->size : 64, .n = set->n, .bits = set->bits};
    bigger.keys = calloc((size_t)bigger.size, sizeof *bigger.keys);
    if (!bigger.keys)
        return E_MEMORY;
    for (int i = 0; i < set->size; i++)
        if (set->keys[i])
            bigger.keys[slot_of(&bigger, set->keys[i])] = set->keys[i];
    free(set->keys);
    *set = bigger;
    return OK;
}

enum code point_set_add(struct point_set *set, const struct space *space, const double *unit)
{
    if (2 * (set->n + 1) > set->size && grow(set))
        return E_MEMORY;
    uint64_t key = key_of(space, set->bits, unit);
    size_t at = slot_of(set, key);
    if (!set->keys[at]) {
        set->keys[at] = key;
        set->n++;
    }
    return OK;
}

enum code point_set_of(struct point_set *set, int bits, const struct history *history)
{
    *set = (struct point_set){.bits = bits};
    for (int i = 0; i < history->n; i++)
        if (point_set_add(set, history->space, history->trials[i].unit))
            return E_MEMORY;
    return OK;
}

void point_proper(const struct space *space, double *unit, struct value *values)
{
    space_from_unit(space, unit, values);
    space_to_unit(space, values, unit);
}

// One of the points outside the set, each as likely, by walking the whole grid.
static bool pick_unseen(const struct space *space, const struct point_set *set, struct rng *rng,
                        struct value *values, double *unit)
{
    double *candidate = malloc((size_t)space->n * sizeof *candidate);
    uint64_t found = 0;
    if (!candidate)
        return false;
    space_first(space, values);
    do {
        space_to_unit(space, values, candidate);
        if (!point_set_has(set, space, candidate) && rng_below(rng, ++found) == 0)
            memcpy(unit, candidate, (size_t)space->n * sizeof *unit);
    } while (space_next(space, values));
    free(candidate);
    return found > 0;
}

bool point_random(const struct space *space, const struct point_set *set, struct rng *rng,
                  struct value *values, double *unit)
{
    // A walk over the grid is worth it once chance finds new points too rarely.
    enum { TRIES = 64, TRIES_VAST = 4096, WALK_MAX = 1000000 };
    double size = space_size(space);

    if (size <= set->n)
        return false;
    int tries = size <= WALK_MAX ? TRIES : TRIES_VAST;
    for (int t = 0; t < tries; t++) {
        space_sample(space, rng, values);
        space_to_unit(space, values, unit);
        if (!point_set_has(set, space, unit))
            return true;
    }
    return size <= WALK_MAX && pick_unseen(space, set, rng, values, unit);
}

void slate_fini(struct slate *slate)
{
    free(slate->units);
    free(slate->values);
    point_set_fini(&slate->seen);
    point_set_fini(&slate->near);
    *slate = (struct slate){0};
}

enum code slate_begin(struct slate *slate, const struct history *history, int max)
{
    slate_fini(slate);
    size_t dims = history->space->n > 0 ? (size_t)history->space->n : 1;
    slate->dims = history->space->n;
    slate->max = max;
    slate->units = calloc((size_t)max * dims, sizeof *slate->units);
    slate->values = calloc(dims, sizeof *slate->values);
    if (!slate->units || !slate->values || point_set_of(&slate->seen, POINT_EXACT, history) ||
        point_set_of(&slate->near, POINT_NEAR, history)) {
        slate_fini(slate);
        return E_MEMORY;
    }
    return OK;
}

double *slate_next(struct slate *slate)
{
    return slate->units + (size_t)slate->n * (size_t)slate->dims;
}

enum code slate_take(struct slate *slate, const struct space *space, struct proposal *proposal,
                     const char *how, const char *why, ...)
{
    double *unit = slate_next(slate);
    va_list args;

    if (point_set_add(&slate->seen, space, unit) || point_set_add(&slate->near, space, unit))
        return E_MEMORY;
    slate->n++;
    *proposal =
        (struct proposal){.unit = unit, .parent = -1, .bracket = -1, .round = -1, .how = how};
    va_start(args, why);
    vsnprintf(proposal->why, sizeof proposal->why, why, args);
    va_end(args);
    return OK;
}

enum ask_status slate_status(int count, bool exhausted)
{
    if (count > 0)
        return ASK_POINTS;
    return exhausted ? ASK_EXHAUSTED : ASK_WAIT;
}
