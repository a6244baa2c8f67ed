#include "tests/bench/search/drawn.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// What the classes differ in.
static const struct drawn_class {
    const char *name;
    int numbers[2], choices[2], grids[2]; // from, to: how many of each
    int branches[2];                      // of a root choice, each with numbers of its own; 0: none
    bool waves, cliffs, steps, tails, noise;
} classes[] = {
    {"numbers", {2, 9}, {0, 0}, {0, 2}, {0, 0}, false, false, false, true, false},
    {"branches", {1, 2}, {0, 1}, {0, 1}, {2, 4}, false, false, false, true, false},
    {"choices", {1, 3}, {3, 7}, {0, 2}, {0, 0}, false, false, false, false, false},
    {"tables", {0, 0}, {0, 2}, {3, 6}, {0, 0}, false, true, true, false, true},
    {"cliffs", {2, 6}, {0, 2}, {0, 2}, {0, 0}, false, true, false, true, false},
    {"noisy", {2, 6}, {0, 2}, {0, 2}, {0, 3}, false, false, false, false, true},
    {"waves", {2, 5}, {0, 1}, {0, 1}, {0, 0}, true, false, false, false, false},
    {"wide", {9, 17}, {0, 2}, {0, 1}, {0, 0}, false, false, false, true, false},
};
const char *const drawn_classes[] = {"numbers", "branches", "choices", "tables", "cliffs",
                                     "noisy",   "waves",    "wide",    NULL};

static int between(struct rng *rng, const int range[2])
{
    return range[0] + (int)rng_below(rng, (uint64_t)(range[1] - range[0] + 1));
}

static double uniform(struct rng *rng, double from, double to)
{
    return from + (to - from) * rng_uniform(rng);
}

// Opens declaration n of the list; the caller writes its own members, then close().
static void append(struct drawn *drawn, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void append(struct drawn *drawn, const char *format, ...)
{
    size_t used = strlen(drawn->parameters);
    va_list args;
    va_start(args, format);
    vsnprintf(drawn->parameters + used, sizeof drawn->parameters - used, format, args);
    va_end(args);
}

static void declare(struct drawn *drawn, const char *members, int branch)
{
    append(drawn, "%s{\"name\":\"h%d\",%s", drawn->n > 0 ? "," : "[", drawn->n, members);
    if (branch >= 0)
        append(drawn, ",\"parent_name\":\"h0\",\"parent_values\":[\"v%d\"]", branch);
    append(drawn, "}");
}

static void draw_shape(struct drawn_dim *dim, const struct drawn_class *class, struct rng *rng)
{
    static const enum drawn_shape shapes[] = {DRAWN_BOWL, DRAWN_BOWL, DRAWN_EDGE, DRAWN_SATURATING};
    dim->shape = class->waves ? DRAWN_WAVES : shapes[rng_below(rng, 4)];
    dim->weight = exp(uniform(rng, log(0.03), log(3)));
    dim->target = uniform(rng, 0.05, 0.95);
    dim->waves = uniform(rng, 1.5, 4);
}

static void add_number(struct drawn *drawn, const struct drawn_class *class, struct rng *rng,
                       int branch)
{
    static const char *const kinds[] = {
        "\"hp\":\"Float\",\"min_value\":0,\"max_value\":1",
        "\"hp\":\"Float\",\"min_value\":1e-6,\"max_value\":1,\"sampling\":\"log\"",
        "\"hp\":\"Int\",\"min_value\":8,\"max_value\":1024,\"sampling\":\"log\"",
    };
    declare(drawn, kinds[rng_below(rng, 3)], branch);
    draw_shape(&drawn->dims[drawn->n++], class, rng);
}

static void add_grid(struct drawn *drawn, const struct drawn_class *class, struct rng *rng)
{
    char members[96];
    snprintf(members, sizeof members, "\"hp\":\"Int\",\"min_value\":0,\"max_value\":%d",
             (int)uniform(rng, 2, 12));
    declare(drawn, members, -1);
    draw_shape(&drawn->dims[drawn->n++], class, rng);
}

static void add_choice(struct drawn *drawn, struct rng *rng, int nvalues)
{
    char members[128] = "\"hp\":\"Choice\",\"values\":[";
    struct drawn_dim *dim = &drawn->dims[drawn->n];
    double weight = exp(uniform(rng, log(0.05), log(0.6))), least = INFINITY;
    for (int k = 0; k < nvalues; k++) {
        size_t at = strlen(members);
        snprintf(members + at, sizeof members - at, "%s\"v%d\"", k > 0 ? "," : "", k);
        dim->effect[k] = weight * rng_uniform(rng);
        least = fmin(least, dim->effect[k]);
    }
    size_t used = strlen(members);
    snprintf(members + used, sizeof members - used, "]");
    declare(drawn, members, -1);
    for (int k = 0; k < nvalues; k++)
        dim->effect[k] -= least;
    dim->nvalues = nvalues;
    drawn->n++;
}

// Numbers whose best place moves with another coordinate's value; two choices that pay together.
static void relate(struct drawn *drawn, struct rng *rng, int nshared)
{
    drawn->pair[0] = drawn->pair[1] = -1;
    for (int j = 0; j < drawn->n; j++) {
        struct drawn_dim *dim = &drawn->dims[j];
        dim->with = -1;
        if (dim->nvalues > 0) {
            drawn->pair[0] = drawn->pair[1];
            drawn->pair[1] = j;
        } else if (nshared > 1 && rng_uniform(rng) < 0.5) {
            dim->with = (int)rng_below(rng, (uint64_t)nshared);
            dim->shift = dim->with == j ? 0 : uniform(rng, -0.4, 0.4);
        }
    }
    for (int a = 0; a < DRAWN_VALUES; a++)
        for (int b = 0; b < DRAWN_VALUES; b++)
            drawn->pairs[a][b] = 0.3 * rng_uniform(rng) * rng_uniform(rng);
}

static void draw_whole(struct drawn *drawn, const struct drawn_class *class, struct rng *rng)
{
    drawn->cliff = INFINITY;
    if (class->cliffs)
        drawn->cliff = uniform(rng, 0.1, 0.5);
    for (int j = 0; j < drawn->n; j++)
        drawn->direction[j] = rng_normal(rng) / sqrt(drawn->n / 2.0);
    drawn->step = class->steps ? 1.0 / (double)(int)uniform(rng, 80, 2000) : 0;
    drawn->power = class->tails ? uniform(rng, 1, 2.5) : 1;
    drawn->noise = class->noise ? exp(uniform(rng, log(0.003), log(0.06))) : 0;
}

bool drawn_make(struct drawn *drawn, const char *name, int number)
{
    const struct drawn_class *class = NULL;
    struct rng rng;
    for (size_t c = 0; c < sizeof classes / sizeof *classes; c++)
        if (strcmp(classes[c].name, name) == 0) {
            class = &classes[c];
            rng_init(&rng, 2027, 1000 * (c + 1) + (uint64_t)number);
        }
    if (!class)
        return false;
    *drawn = (struct drawn){0};
    int branches = between(&rng, class->branches), choices = between(&rng, class->choices);
    int numbers = between(&rng, class->numbers), grids = between(&rng, class->grids);
    if (branches > 1)
        add_choice(drawn, &rng, branches);
    while (numbers-- > 0)
        add_number(drawn, class, &rng, -1);
    while (grids-- > 0)
        add_grid(drawn, class, &rng);
    while (choices-- > 0)
        add_choice(drawn, &rng, 2 + (int)rng_below(&rng, 5));
    int nshared = drawn->n;
    for (int b = 0; branches > 1 && b < branches; b++)
        for (int own = 1 + (int)rng_below(&rng, 4); own > 0; own--)
            add_number(drawn, class, &rng, b);
    append(drawn, "]");
    relate(drawn, &rng, nshared);
    draw_whole(drawn, class, &rng);
    return true;
}

static int chosen(const struct drawn_dim *dim, double unit)
{
    int k = (int)(unit * dim->nvalues);
    return k < dim->nvalues ? k : dim->nvalues - 1;
}

static double shape_at(const struct drawn_dim *dim, double t)
{
    switch (dim->shape) {
    case DRAWN_BOWL:
        return t * t;
    case DRAWN_EDGE:
        return 0.3 * fabs(t);
    case DRAWN_SATURATING:
        return t * t / (0.1 + 2 * t * t);
    case DRAWN_WAVES:
        return t * t + 0.05 * (1 - cos(2 * M_PI * dim->waves * t));
    }
    return 0;
}

double drawn_loss(const struct drawn *drawn, const double *unit)
{
    double loss = 0, along = 0;
    for (int j = 0; j < drawn->n; j++) {
        const struct drawn_dim *dim = &drawn->dims[j];
        if (isnan(unit[j]))
            continue;
        along += drawn->direction[j] * (unit[j] - 0.5);
        if (dim->nvalues > 0) {
            loss += dim->effect[chosen(dim, unit[j])];
            continue;
        }
        double shift = dim->with >= 0 ? dim->shift * (unit[dim->with] - 0.5) : 0;
        loss += dim->weight * shape_at(dim, unit[j] - dim->target - shift);
    }
    if (drawn->pair[0] >= 0)
        loss += drawn->pairs[chosen(&drawn->dims[drawn->pair[0]], unit[drawn->pair[0]])]
                            [chosen(&drawn->dims[drawn->pair[1]], unit[drawn->pair[1]])];
    loss = pow(loss, drawn->power);
    if (along > drawn->cliff)
        loss += 1 + (drawn->power > 1.5 ? exp(8 * (along - drawn->cliff)) : 0);
    return drawn->step > 0 ? drawn->step * round(fmin(loss, 1) / drawn->step) : loss;
}

double drawn_told(const struct drawn *drawn, double loss, struct rng *rng)
{
    double told = loss + drawn->noise * (1 + 2 * fmin(loss, 1)) * rng_normal(rng);
    return drawn->step > 0 ? drawn->step * round(told / drawn->step) : told;
}
