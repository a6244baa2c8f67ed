#include <stdlib.h>

#include "coordinator/alloc.h"
#include "coordinator/study/machine.h"

struct effect *effect_add(struct effects *fx, enum effect_kind kind, int trial, int execution)
{
    fx->items = alloc_more(fx->items, fx->n, &fx->cap, sizeof *fx->items);
    struct effect *effect = &fx->items[fx->n++];
    *effect = (struct effect){.kind = kind, .trial = trial, .execution = execution};
    return effect;
}

void effects_fini(struct effects *fx)
{
    free(fx->items);
    *fx = (struct effects){0};
}
