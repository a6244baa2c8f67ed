#include "coordinator/search/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/search/registry.h"

const struct search_ops *const searches[] = {
    &search_auto,     &search_random,    &search_grid, &search_quasirandom,
    &search_bayesian, &search_hyperband, &search_asha, NULL,
};

const struct search_ops *search_find(const char *name)
{
    for (int i = 0; searches[i]; i++)
        if (strcmp(searches[i]->name, name) == 0)
            return searches[i];
    return NULL;
}

static enum code unknown_type(const char *type, struct error *err)
{
    char names[300] = "";
    for (int i = 0; searches[i]; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", searches[i]->name);
    }
    return fail(err, E_UNKNOWN, "/tuner/type", "there is no tuner \"%s\"; use one of %s", type,
                names);
}

enum code search_new(struct search *search, const struct study_spec *spec, struct error *err)
{
    const struct search_ops *ops = search_find(spec->tuner.type);
    if (!ops)
        return unknown_type(spec->tuner.type, err);
    void *state = calloc(1, ops->state_size);
    if (!state)
        return fail(err, E_MEMORY, "", "out of memory for the search");
    enum code code = ops->init(state, spec, err);
    if (code) {
        ops->fini(state);
        free(state);
        return code;
    }
    *search = (struct search){.ops = ops, .state = state};
    return OK;
}

void search_free(struct search *search)
{
    if (search->ops) {
        search->ops->fini(search->state);
        free(search->state);
    }
    *search = (struct search){0};
}
