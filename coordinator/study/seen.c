// Open addressing with linear probing, at most half full.

#include "coordinator/study/seen.h"

#include <stdlib.h>

#include "coordinator/alloc.h"

struct seen {
    const struct space *space;
    size_t n, room; // room: a power of two
    const struct value **slots;
};

struct seen *seen_new(const struct space *space)
{
    struct seen *seen = alloc_zero(1, sizeof *seen);
    *seen = (struct seen){.space = space, .room = 64};
    seen->slots = alloc_zero(seen->room, sizeof *seen->slots); // NOLINT: an array of pointers
    return seen;
}

void seen_free(struct seen *seen)
{
    if (!seen)
        return;
    free(seen->slots);
    free(seen);
}

static const struct value **slot_of(const struct seen *seen, const struct value *values)
{
    size_t at = space_hash(seen->space, values) & (seen->room - 1);
    while (seen->slots[at] && !space_equal(seen->space, seen->slots[at], values))
        at = (at + 1) & (seen->room - 1);
    return &seen->slots[at];
}

static void grow(struct seen *seen)
{
    const struct value **old = seen->slots;
    size_t room = seen->room;
    seen->room *= 2;
    seen->slots = alloc_zero(seen->room, sizeof *seen->slots); // NOLINT: an array of pointers
    for (size_t i = 0; i < room; i++)
        if (old[i])
            *slot_of(seen, old[i]) = old[i];
    free(old);
}

bool seen_add(struct seen *seen, const struct value *values)
{
    if (2 * (seen->n + 1) > seen->room)
        grow(seen);
    const struct value **slot = slot_of(seen, values);
    if (*slot)
        return false;
    *slot = values;
    seen->n++;
    return true;
}

bool seen_has(const struct seen *seen, const struct value *values)
{
    return *slot_of(seen, values) != NULL;
}
