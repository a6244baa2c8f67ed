#include "coordinator/search/domain.h"

#include <math.h>
#include <stdlib.h>

// One block for all arrays: sizes are counted in a first pass and handed out in a second.
struct carve {
    char *base;
    size_t used;
};

static void *take(struct carve *carve, size_t count, size_t size)
{
    void *at = carve->base ? carve->base + carve->used : NULL;
    carve->used += (count * size + 15) / 16 * 16;
    return at;
}

static enum dim_kind kind_of(const struct hp *hp)
{
    if (hp->type == HP_FIXED || hp->nvalues == 1 || (hp->nvalues == 0 && hp->min == hp->max))
        return DIM_FIXED;
    if (hp->nvalues == 0 || hp->nvalues > GRID_MAX)
        return DIM_NUMBER;
    if (hp->type == HP_BOOLEAN || (hp->type == HP_CHOICE && !hp->ordered))
        return DIM_CATEGORY;
    return DIM_GRID;
}

static void lay_condition(struct carve *carve, const struct space *space,
                          const struct condition *from, struct domain_condition *to)
{
    const struct hp *parent = &space->hps[from->parent];
    bool listed = parent->nvalues > 0 && parent->nvalues <= GRID_MAX;
    bool *allowed = listed ? take(carve, (size_t)parent->nvalues, sizeof *allowed) : NULL;

    if (!carve->base)
        return;
    *to = (struct domain_condition){.parent = from->parent, .allowed = allowed, .source = from};
    for (int k = 0; listed && k < parent->nvalues; k++) {
        struct value value = hp_grid_value(parent, k);
        allowed[k] = false;
        for (int v = 0; v < from->nvalues; v++)
            allowed[k] |= value_equal(value, from->values[v]);
    }
}

static void lay_dim(struct carve *carve, const struct space *space, int j, struct domain_dim *dim)
{
    const struct hp *hp = &space->hps[j];
    enum dim_kind kind = kind_of(hp);
    int nvalues = hp->nvalues <= GRID_MAX ? hp->nvalues : 0;
    double *units = take(carve, (size_t)nvalues, sizeof *units);
    struct domain_clause *clauses = take(carve, (size_t)hp->nclauses, sizeof *clauses);

    if (carve->base) {
        *dim = (struct domain_dim){.kind = kind,
                                   .nvalues = nvalues,
                                   .units = units,
                                   .nclauses = hp->nclauses,
                                   .clauses = clauses};
        for (int k = 0; k < nvalues; k++)
            units[k] = hp_unit(hp, hp_grid_value(hp, k));
    }
    for (int c = 0; c < hp->nclauses; c++) {
        int m = hp->clauses[c].nconditions;
        struct domain_condition *conditions = take(carve, (size_t)m, sizeof *conditions);
        if (carve->base)
            clauses[c] = (struct domain_clause){.nconditions = m, .conditions = conditions};
        for (int i = 0; i < m; i++)
            lay_condition(carve, space, &hp->clauses[c].conditions[i],
                          carve->base ? &conditions[i] : NULL);
    }
}

static void lay(struct carve *carve, struct domain *domain)
{
    const struct space *space = domain->space;
    struct domain_dim *dims = take(carve, (size_t)space->n, sizeof *dims);
    int *model = take(carve, (size_t)space->n, sizeof *model);

    domain->dims = dims;
    domain->model = model;
    for (int j = 0; j < space->n; j++) {
        lay_dim(carve, space, j, carve->base ? &dims[j] : NULL);
        if (!carve->base)
            continue;
        domain->conditional |= dims[j].nclauses > 0;
        if (dims[j].kind != DIM_FIXED)
            model[domain->nmodel++] = j;
    }
}

enum code domain_init(struct domain *domain, const struct space *space)
{
    *domain = (struct domain){.space = space, .n = space->n};
    struct carve carve = {0};
    lay(&carve, domain);
    carve.base = malloc(carve.used + 1);
    if (!carve.base)
        return E_MEMORY;
    carve.used = 0;
    domain->memory = carve.base;
    lay(&carve, domain);
    return OK;
}

void domain_fini(struct domain *domain)
{
    free(domain->memory);
    *domain = (struct domain){0};
}

int domain_index(const struct domain_dim *dim, double x)
{
    int low = 0, high = dim->nvalues - 1; // units ascend
    while (low < high) {
        int middle = (low + high) / 2;
        if (x > 0.5 * (dim->units[middle] + dim->units[middle + 1]))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool holds(const struct domain *domain, const struct domain_condition *condition,
                  const double *x)
{
    int p = condition->parent;
    if (isnan(x[p]))
        return false;
    if (condition->allowed)
        return condition->allowed[domain_index(&domain->dims[p], x[p])];
    struct value value = hp_value(&domain->space->hps[p], x[p]);
    for (int v = 0; v < condition->source->nvalues; v++)
        if (value_equal(value, condition->source->values[v]))
            return true;
    return false;
}

static bool active(const struct domain *domain, int j, const double *x)
{
    const struct domain_dim *dim = &domain->dims[j];
    for (int c = 0; c < dim->nclauses; c++) {
        int met = 0;
        while (met < dim->clauses[c].nconditions &&
               holds(domain, &dim->clauses[c].conditions[met], x))
            met++;
        if (met == dim->clauses[c].nconditions)
            return true;
    }
    return dim->nclauses == 0;
}

void domain_proper(const struct domain *domain, double *x, const double *fill)
{
    for (int j = 0; j < domain->n; j++) {
        const struct domain_dim *dim = &domain->dims[j];
        if (!active(domain, j, x)) {
            x[j] = NAN;
            continue;
        }
        if (isnan(x[j]))
            x[j] = fill[j];
        x[j] = fmin(1, fmax(0, x[j]));
        if (dim->nvalues > 0)
            x[j] = dim->units[domain_index(dim, x[j])];
    }
}
