// Gathers declarations by name and orders them.
#include "common/space_build.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"

struct declared_clause {
    int n;
    struct named_condition *conditions;
};

struct declared {
    const char *name, *pointer;
    struct hp hp;
    bool always; // declared somewhere without a condition
    int nclauses, cap;
    struct declared_clause *clauses;
};

enum code space_builder_init(struct space_builder *builder, struct error *err)
{
    *builder = (struct space_builder){.arena = arena_new()};
    return builder->arena ? OK : fail(err, E_MEMORY, "", "out of memory");
}

void space_builder_fini(struct space_builder *builder)
{
    arena_free(builder->arena);
    *builder = (struct space_builder){0};
}

static struct declared *find(const struct space_builder *builder, const char *name)
{
    for (int i = 0; i < builder->n; i++)
        if (strcmp(builder->hps[i].name, name) == 0)
            return &builder->hps[i];
    return NULL;
}

const struct hp *space_builder_find(const struct space_builder *builder, const char *name)
{
    const struct declared *declared = find(builder, name);

    return declared ? &declared->hp : NULL;
}

// Room for one more of `items`; the old array stays in the arena, doubling keeps that below the new one.
static void *grown(struct arena *arena, void *items, int n, int *cap, size_t size)
{
    void *more;

    if (n < *cap)
        return items;
    more = arena_alloc(arena, *cap ? 2 * (size_t)*cap : 4, size);
    if (!more)
        return NULL;
    if (n)
        memcpy(more, items, (size_t)n * size);
    *cap = *cap ? 2 * *cap : 4;
    return more;
}

static bool same_condition(const struct named_condition *a, const struct named_condition *b)
{
    if (strcmp(a->parent, b->parent) != 0 || a->nvalues != b->nvalues)
        return false;
    for (int i = 0; i < a->nvalues; i++)
        if (!value_equal(a->values[i], b->values[i]))
            return false;
    return true;
}

static bool has_clause(const struct declared *hp, const struct named_condition *conditions, int n)
{
    for (int i = 0; i < hp->nclauses; i++) {
        bool same = hp->clauses[i].n == n;
        for (int k = 0; k < n && same; k++)
            same = same_condition(&hp->clauses[i].conditions[k], &conditions[k]);
        if (same)
            return true;
    }
    return false;
}

static bool add_clause(struct arena *arena, struct declared *hp,
                       const struct named_condition *conditions, int n)
{
    struct declared_clause *clauses;
    struct named_condition *copy;

    if (n == 0) {
        hp->always = true;
        return true;
    }
    if (has_clause(hp, conditions, n))
        return true;
    clauses = grown(arena, hp->clauses, hp->nclauses, &hp->cap, sizeof *clauses);
    copy = arena_alloc(arena, (size_t)n, sizeof *copy);
    if (!clauses || !copy)
        return false;
    memcpy(copy, conditions, (size_t)n * sizeof *copy);
    hp->clauses = clauses;
    hp->clauses[hp->nclauses++] = (struct declared_clause){n, copy};
    return true;
}

static struct declared *append(struct space_builder *builder, const char *name, const struct hp *hp,
                               const char *pointer)
{
    struct declared *hps =
        grown(builder->arena, builder->hps, builder->n, &builder->cap, sizeof *hps);
    struct declared made = {.hp = *hp};

    made.name = made.hp.name = arena_strdup(builder->arena, name);
    made.pointer = arena_strdup(builder->arena, pointer);
    if (!hps || !made.name || !made.pointer)
        return NULL;
    builder->hps = hps;
    hps[builder->n] = made;
    return &hps[builder->n++];
}

enum code space_builder_declare(struct space_builder *builder, const char *name,
                                const struct hp *definition, const char *pointer,
                                const struct named_condition *conditions, int nconditions,
                                struct faults *faults)
{
    struct declared *hp = find(builder, name);

    if (hp && !hp_same_definition(&hp->hp, definition))
        return fault_once(
            faults, E_CONFLICT, pointer,
            "hyperparameter \"%s\" is defined differently at %s; use another name, the same "
            "definition, or {\"hp\": \"Ref\"}",
            name, hp->pointer);
    if (!hp && builder->n >= HYPERPARAMETERS_MAX)
        return fault_once(faults, E_RANGE, pointer, "more than %d hyperparameters",
                          HYPERPARAMETERS_MAX);
    if (!hp)
        hp = append(builder, name, definition, pointer);
    if (!hp || !add_clause(builder->arena, hp, conditions, nconditions))
        return fault_once(faults, E_MEMORY, pointer, "out of memory");
    return OK;
}

// The parent's own value that `value` means (1 for 1.0); false when it never takes it.
static bool parents_value(const struct hp *parent, struct value value, struct value *out)
{
    bool is_float = parent->values ? parent->values[0].kind == V_FLOAT : parent->type == HP_FLOAT;

    if (is_float && value.kind == V_INT)
        value = (struct value){.kind = V_FLOAT, .f = (double)value.i};
    int k = hp_grid_index(parent, value);
    if (k < 0)
        return false;
    *out = hp_grid_value(parent, k);
    return true;
}

static enum code resolve_condition(const struct space_builder *builder, const char *child,
                                   const struct named_condition *named, struct condition *out,
                                   struct faults *faults)
{
    const struct declared *parent = find(builder, named->parent);
    const char *near = NULL;

    if (!parent) {
        for (int i = 0; i < builder->n; i++)
            if (strcmp(builder->hps[i].name, child) != 0)
                near = text_nearer(named->parent, near, builder->hps[i].name);
        return fault_once(
            faults, E_UNKNOWN, named->pointer,
            near ? "\"%s\" depends on \"%s\", which is not declared; did you mean \"%s\"?"
                 : "\"%s\" depends on \"%s\", which is not declared anywhere",
            child, named->parent, near);
    }
    if (parent->hp.nvalues == 0)
        return fault_once(
            faults, E_INVALID, named->pointer,
            "\"%s\" depends on \"%s\", which takes any number; give the parent a step or make "
            "it a Choice",
            child, named->parent);
    out->parent = (int)(parent - builder->hps);
    out->nvalues = named->nvalues;
    out->values = arena_alloc(builder->arena, (size_t)named->nvalues, sizeof *out->values);
    if (!out->values)
        return fault_once(faults, E_MEMORY, named->pointer, "out of memory");
    for (int i = 0; i < named->nvalues; i++)
        if (!parents_value(&parent->hp, named->values[i], &out->values[i]))
            return fault_once(faults, E_RANGE, named->pointer,
                              "value %d in the list is none that \"%s\" takes", i, named->parent);
    return OK;
}

// A condition that lists every value of a parent which always exists says nothing.
static bool says_nothing(const struct space_builder *builder, const struct condition *condition)
{
    const struct declared *parent = &builder->hps[condition->parent];

    return (parent->always || parent->nclauses == 0) && condition->nvalues == parent->hp.nvalues;
}

// Fills hp->hp.clauses with conditions that point at places in builder->hps.
static enum code resolve_clauses(const struct space_builder *builder, struct declared *declared,
                                 struct faults *faults)
{
    struct hp *hp = &declared->hp;
    enum code worst = OK;

    hp->nclauses = declared->always ? 0 : declared->nclauses;
    hp->clauses = arena_alloc(builder->arena, (size_t)declared->nclauses, sizeof *hp->clauses);
    if (!hp->clauses)
        return fault_once(faults, E_MEMORY, declared->pointer, "out of memory");
    for (int i = 0; i < declared->nclauses; i++) {
        const struct declared_clause *from = &declared->clauses[i];
        struct clause *to = &hp->clauses[i];
        to->conditions = arena_alloc(builder->arena, (size_t)from->n, sizeof *to->conditions);
        if (!to->conditions)
            return fault_once(faults, E_MEMORY, declared->pointer, "out of memory");
        for (int k = 0; k < from->n; k++) {
            struct condition *condition = &to->conditions[to->nconditions];
            enum code code =
                resolve_condition(builder, declared->name, &from->conditions[k], condition, faults);
            if (code != OK)
                worst = code;
            else if (!says_nothing(builder, condition))
                to->nconditions++;
        }
        if (worst == OK && to->nconditions == 0)
            hp->nclauses = 0;
    }
    return worst;
}

static bool parents_placed(const struct hp *hp, const int *place)
{
    for (int i = 0; i < hp->nclauses; i++)
        for (int k = 0; k < hp->clauses[i].nconditions; k++)
            if (place[hp->clauses[i].conditions[k].parent] < 0)
                return false;
    return true;
}

// place[i]: index in the space of the i-th declared; the order of declaration as far as parents allow.
static enum code order(const struct space_builder *builder, int *place, struct faults *faults)
{
    int placed = 0, before = -1;

    for (int i = 0; i < builder->n; i++)
        place[i] = -1;
    // Starting anew after each one keeps the order of declaration as far as it can be.
    while (placed < builder->n && placed > before) {
        before = placed;
        for (int i = 0; i < builder->n && placed == before; i++)
            if (place[i] < 0 && parents_placed(&builder->hps[i].hp, place))
                place[i] = placed++;
    }
    if (placed == builder->n)
        return OK;
    for (int i = 0; i < builder->n; i++)
        if (place[i] < 0)
            return fault_once(faults, E_INVALID, builder->hps[i].pointer,
                              "the conditions of \"%s\" lead in a circle back to itself",
                              builder->hps[i].name);
    return E_INTERNAL;
}

enum code space_builder_finish(struct space_builder *builder, struct space *out,
                               struct faults *faults)
{
    struct hp *hps = arena_alloc(builder->arena, (size_t)builder->n, sizeof *hps);
    int *place = arena_alloc(builder->arena, (size_t)builder->n, sizeof *place);
    enum code worst = OK, code;

    if (!hps || !place)
        return fault_once(faults, E_MEMORY, "", "out of memory");
    for (int i = 0; i < builder->n; i++)
        if ((code = resolve_clauses(builder, &builder->hps[i], faults)) != OK)
            worst = code;
    if (worst != OK || (worst = order(builder, place, faults)) != OK)
        return worst;
    for (int i = 0; i < builder->n; i++) {
        struct hp *hp = &hps[place[i]];
        *hp = builder->hps[i].hp;
        for (int c = 0; c < hp->nclauses; c++)
            for (int k = 0; k < hp->clauses[c].nconditions; k++)
                hp->clauses[c].conditions[k].parent = place[hp->clauses[c].conditions[k].parent];
    }
    *out = (struct space){builder->n, hps, builder->arena};
    builder->arena = NULL;
    space_builder_fini(builder);
    return OK;
}
