// The points of a space in KerasTuner's grid order (tuners/gridsearch.py, _get_next_combination).
#include "common/space.h"

enum { SAMPLED = 10 }; // values tried of what has no grid of its own

// Without a step and not a linear Int: KerasTuner tries 10 values, in the middle of equal parts.
static bool is_sampled(const struct hp *hp)
{
    return !hp->values && hp->step == 0 &&
           (hp->nvalues == 0 || hp->type == HP_FLOAT || hp->sampling != SAMPLING_LINEAR);
}

static int count_of(const struct hp *hp)
{
    return is_sampled(hp) ? SAMPLED : hp->nvalues;
}

static struct value value_at(const struct hp *hp, int k)
{
    return is_sampled(hp) ? hp_value(hp, (k + 0.5) / SAMPLED) : hp_grid_value(hp, k);
}

// Of several sampled values that round to one integer only the first counts; the default has its turn
// before all others.
static bool is_skipped(const struct hp *hp, int k)
{
    struct value value = value_at(hp, k);

    return value_equal(value, hp->fallback) ||
           (is_sampled(hp) && k > 0 && value_equal(value, value_at(hp, k - 1)));
}

// Place of a value in the list default, first, second, …: -1 for the default.
static int place_of(const struct hp *hp, struct value value)
{
    if (value_equal(value, hp->fallback))
        return -1;
    if (!is_sampled(hp))
        return hp_grid_index(hp, value);
    for (int k = 0; k < SAMPLED; k++)
        if (value_equal(value, value_at(hp, k)))
            return k;
    return SAMPLED; // foreign: as if it were the last
}

static bool bump(const struct hp *hp, struct value *value)
{
    for (int k = place_of(hp, *value) + 1; k < count_of(hp); k++)
        if (!is_skipped(hp, k)) {
            *value = value_at(hp, k);
            return true;
        }
    return false;
}

void space_first(const struct space *space, struct value *values)
{
    space_default(space, values);
}

bool space_next(const struct space *space, struct value *values)
{
    for (int i = space->n - 1; i >= 0; i--) {
        const struct hp *hp = &space->hps[i];
        if (values[i].kind == V_NONE)
            continue;
        if (bump(hp, &values[i])) {
            space_canonicalise(space, values);
            return true;
        }
        values[i] = hp->fallback;
    }
    return false;
}
