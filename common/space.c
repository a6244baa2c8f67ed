// Points of a space: which hyperparameters are active, samples, the unit cube, equality.
#include "common/space.h"

#include <math.h>
#include <string.h>

void space_fini(struct space *space)
{
    arena_free(space->memory);
    *space = (struct space){0};
}

int space_find(const struct space *space, const char *name)
{
    for (int i = 0; i < space->n; i++)
        if (strcmp(space->hps[i].name, name) == 0)
            return i;
    return -1;
}

static bool is_one_of(struct value value, const struct condition *condition)
{
    for (int i = 0; i < condition->nvalues; i++)
        if (value_equal(value, condition->values[i]))
            return true;
    return false;
}

// `trusted`: inactive parents are V_NONE already, so that no value of theirs can match.
static bool holds(const struct space *space, const struct value *values,
                  const struct clause *clause, bool trusted)
{
    for (int i = 0; i < clause->nconditions; i++) {
        const struct condition *condition = &clause->conditions[i];
        if (!is_one_of(values[condition->parent], condition))
            return false;
        if (!trusted && !space_is_active(space, values, condition->parent))
            return false;
    }
    return true;
}

static bool any_holds(const struct space *space, const struct value *values, int index,
                      bool trusted)
{
    const struct hp *hp = &space->hps[index];

    for (int i = 0; i < hp->nclauses; i++)
        if (holds(space, values, &hp->clauses[i], trusted))
            return true;
    return hp->nclauses == 0;
}

bool space_is_active(const struct space *space, const struct value *values, int index)
{
    return any_holds(space, values, index, false);
}

void space_canonicalise(const struct space *space, struct value *values)
{
    for (int i = 0; i < space->n; i++) {
        if (!any_holds(space, values, i, true))
            values[i] = (struct value){0};
        else if (values[i].kind == V_NONE)
            values[i] = space->hps[i].fallback;
    }
}

void space_default(const struct space *space, struct value *values)
{
    for (int i = 0; i < space->n; i++)
        values[i] = space->hps[i].fallback;
    space_canonicalise(space, values);
}

void space_sample(const struct space *space, struct rng *rng, struct value *values)
{
    // One draw for each, active or not: a point does not shift the draws of those behind it.
    for (int i = 0; i < space->n; i++)
        values[i] = hp_value(&space->hps[i], rng_uniform(rng));
    space_canonicalise(space, values);
}

void space_to_unit(const struct space *space, const struct value *values, double *unit)
{
    for (int i = 0; i < space->n; i++)
        unit[i] = values[i].kind == V_NONE ? NAN : hp_unit(&space->hps[i], values[i]);
}

void space_from_unit(const struct space *space, const double *unit, struct value *values)
{
    for (int i = 0; i < space->n; i++)
        if (isnan(unit[i]))
            values[i].kind = V_NONE;
        else
            values[i] = hp_value(&space->hps[i], unit[i]);
    space_canonicalise(space, values);
}

bool space_equal(const struct space *space, const struct value *a, const struct value *b)
{
    for (int i = 0; i < space->n; i++)
        if (!value_equal(a[i], b[i]))
            return false;
    return true;
}

static uint64_t hash_of(struct value value)
{
    uint64_t bits = 0;

    switch (value.kind) {
    case V_NONE:
        break;
    case V_BOOL:
        bits = value.b;
        break;
    case V_INT:
        bits = (uint64_t)value.i;
        break;
    case V_FLOAT:
        if (value.f != 0) // 0.0 and -0.0 are equal
            memcpy(&bits, &value.f, sizeof bits);
        break;
    case V_STRING:
        for (const char *c = value.s; *c; c++)
            bits = rng_mix(bits, (unsigned char)*c);
        break;
    }
    return rng_mix(bits, value.kind);
}

uint64_t space_hash(const struct space *space, const struct value *values)
{
    uint64_t hash = 0;

    for (int i = 0; i < space->n; i++)
        hash = rng_mix(hash, hash_of(values[i]));
    return hash;
}
