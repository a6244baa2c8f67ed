// The number of different points of a conditional space.
// What no condition asks for multiplies. A parent is tried with each value that conditions name, and once
// for all its other values together; below it, what no longer hangs together is counted apart and
// multiplied, so that a tree of conditions costs its own size and not the number of its points.
#include "common/space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORK_MAX = 20000000 }; // steps, some tens of milliseconds

enum state { OPEN, INACTIVE, ACTIVE };

struct counter {
    const struct space *space;
    enum state *state;    // [n]
    struct value *values; // [n] of active ones; V_NONE: one that no condition names
    bool *parent;         // [n] some condition asks for it
    bool *linked;         // [n][n] one is in a condition of the other
    long work;
};

static double count_set(struct counter *c, const int *set, int n);

static int by_index(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static bool names(const struct condition *condition, struct value value)
{
    for (int i = 0; i < condition->nvalues; i++)
        if (value_equal(condition->values[i], value))
            return true;
    return false;
}

static bool is_active(struct counter *c, const struct hp *hp)
{
    for (int i = 0; i < hp->nclauses; i++) {
        const struct clause *clause = &hp->clauses[i];
        bool holds = true;
        for (int k = 0; k < clause->nconditions && holds; k++) {
            const struct condition *condition = &clause->conditions[k];
            c->work++;
            holds = c->state[condition->parent] == ACTIVE &&
                    names(condition, c->values[condition->parent]);
        }
        if (holds)
            return true;
    }
    return hp->nclauses == 0;
}

// Distinct values of `parent` that conditions of set[0..n) name; out grows to them, caller frees.
static int named_values(struct counter *c, int parent, const int *set, int n, struct value **out)
{
    int count = 0, cap = 0;

    *out = NULL;
    for (int j = 0; j < n; j++) {
        const struct hp *hp = &c->space->hps[set[j]];
        for (int i = 0; i < hp->nclauses; i++)
            for (int k = 0; k < hp->clauses[i].nconditions; k++) {
                const struct condition *condition = &hp->clauses[i].conditions[k];
                if (condition->parent != parent)
                    continue;
                for (int v = 0; v < condition->nvalues; v++) {
                    struct condition seen = {.nvalues = count, .values = *out};
                    c->work += count;
                    if (names(&seen, condition->values[v]))
                        continue;
                    if (count == cap) {
                        cap = cap ? 2 * cap : 16;
                        struct value *more = realloc(*out, (size_t)cap * sizeof *more);
                        if (!more)
                            return -1;
                        *out = more;
                    }
                    (*out)[count++] = condition->values[v];
                }
            }
    }
    return count;
}

static double branch(struct counter *c, const int *set, int n)
{
    int first = set[0];
    const struct hp *hp = &c->space->hps[first];
    struct value *named;
    int nnamed = named_values(c, first, set + 1, n - 1, &named);
    double total = 0;

    if (nnamed < 0)
        c->work = WORK_MAX + 1;
    for (int i = 0; i < nnamed; i++) {
        c->values[first] = named[i];
        total += count_set(c, set + 1, n - 1);
    }
    if (hp->nvalues == 0 || hp->nvalues > nnamed) {
        c->values[first] = (struct value){0};
        total += (hp->nvalues ? hp->nvalues - nnamed : INFINITY) * count_set(c, set + 1, n - 1);
    }
    free(named);
    return total;
}

// set[0..n) hangs together; all parents of its first member that lie outside are decided.
static double count_first(struct counter *c, const int *set, int n)
{
    int first = set[0];
    const struct hp *hp = &c->space->hps[first];
    double own = hp->nvalues ? hp->nvalues : INFINITY, result;

    if (c->work > WORK_MAX) { // an upper bound: all active
        for (int i = 1; i < n; i++)
            own *= c->space->hps[set[i]].nvalues ? c->space->hps[set[i]].nvalues : INFINITY;
        return own;
    }
    if (!is_active(c, hp)) {
        c->state[first] = INACTIVE;
        result = count_set(c, set + 1, n - 1);
    } else {
        c->state[first] = ACTIVE;
        result = c->parent[first] ? branch(c, set, n) : own * count_set(c, set + 1, n - 1);
    }
    c->state[first] = OPEN;
    return result;
}

// Moves the members of set that hang together with its first, through members alone, to `part`, in order.
static int split_off(struct counter *c, int *set, int *n, int *part)
{
    int count = 0, rest = 0;

    part[count++] = set[0];
    for (int i = 1; i < *n; i++)
        set[rest++] = set[i];
    *n = rest;
    for (int done = 0; done < count; done++) {
        const bool *linked = c->linked + (size_t)part[done] * (size_t)c->space->n;
        c->work += *n;
        rest = 0;
        for (int i = 0; i < *n; i++) {
            if (linked[set[i]])
                part[count++] = set[i];
            else
                set[rest++] = set[i];
        }
        *n = rest;
    }
    qsort(part, (size_t)count, sizeof *part, by_index);
    return count;
}

static double count_set(struct counter *c, const int *set, int n)
{
    double product = 1;
    int *rest, *part;

    if (n == 0)
        return 1;
    rest = malloc(2 * (size_t)n * sizeof *rest);
    if (!rest)
        return INFINITY;
    part = rest + n;
    memcpy(rest, set, (size_t)n * sizeof *set);
    while (n > 0) {
        int count = split_off(c, rest, &n, part);
        product *= count_first(c, part, count);
    }
    free(rest);
    return product;
}

static void link_parents(struct counter *c, int child)
{
    const struct hp *hp = &c->space->hps[child];
    size_t n = (size_t)c->space->n;

    for (int i = 0; i < hp->nclauses; i++)
        for (int k = 0; k < hp->clauses[i].nconditions; k++) {
            size_t parent = (size_t)hp->clauses[i].conditions[k].parent;
            c->parent[parent] = true;
            c->linked[parent * n + (size_t)child] = c->linked[(size_t)child * n + parent] = true;
        }
}

double space_size(const struct space *space)
{
    size_t n = (size_t)space->n;
    struct counter c = {.space = space};
    double size = INFINITY;
    int *all = malloc((n + 1) * sizeof *all);

    c.state = calloc(n + 1, sizeof *c.state);
    c.values = calloc(n + 1, sizeof *c.values);
    c.parent = calloc(n + 1, sizeof *c.parent);
    c.linked = calloc(n * n + 1, sizeof *c.linked);
    if (all && c.state && c.values && c.parent && c.linked) {
        for (int i = 0; i < space->n; i++) {
            all[i] = i;
            link_parents(&c, i);
        }
        size = count_set(&c, all, space->n);
    }
    free(all);
    free(c.state);
    free(c.values);
    free(c.parent);
    free(c.linked);
    return size;
}
