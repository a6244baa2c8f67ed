// What an ask costs: CPU seconds of a whole study of 100 trials, one at a time; and the CPU time of single
// asks (p50, p99) with 32 running and from 300 to 10,000 completed trials, in 10 and 20 dimensions, numbers
// alone and with choices, steps and conditions.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/space_build.h"
#include "coordinator/search/search.h"

struct study {
    struct study_spec spec;
    struct search search;
    struct history history;
    struct search_trial *trials;
    struct value *values;
};

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum kind { NUMBERS, MIXED, KINDS };
static const char *const kind_names[KINDS] = {"numbers", "mixed, some conditional"};

// Of four in a row: a choice, a step and two numbers, the last there for two of the choice's values only.
static int declare(char *text, size_t size, enum kind kind, int j)
{
    static const char *const log_of[] = {"", ",\"sampling\":\"log\""};
    if (kind == MIXED && j % 4 == 0)
        return snprintf(text, size,
                        "{\"hp\":\"Choice\",\"name\":\"x%d\",\"values\":[\"a\",\"b\",\"c\"]}", j);
    if (kind == MIXED && j % 4 == 1)
        return snprintf(text, size,
                        "{\"hp\":\"Int\",\"name\":\"x%d\",\"min_value\":16,\"max_value\":512,"
                        "\"step\":16}",
                        j);
    char condition[80] = "";
    if (kind == MIXED && j % 4 == 3)
        snprintf(condition, sizeof condition,
                 ",\"parent_name\":\"x%d\",\"parent_values\":[\"b\",\"c\"]", j - 3);
    return snprintf(text, size,
                    "{\"hp\":\"Float\",\"name\":\"x%d\",\"min_value\":1e-4,\"max_value\":1%s%s}", j,
                    log_of[j % 2], condition);
}

static bool open_study(struct study *s, enum kind kind, int dimensions, int room)
{
    struct error err;
    struct faults faults;
    char text[4096] = "[";
    size_t used = 1;
    *s = (struct study){0};
    for (int j = 0; j < dimensions; j++) {
        used += (size_t)declare(text + used, sizeof text - used, kind, j);
        text[used++] = j + 1 < dimensions ? ',' : ']';
    }
    cJSON *list = json_read(text, used, NULL, &err);
    faults_init(&faults);
    enum code code = space_from_parameters(list, "", &s->spec.space, &faults);
    faults_fini(&faults);
    cJSON_Delete(list);
    snprintf(s->spec.tuner.type, sizeof s->spec.tuner.type, "BayesianOptimization");
    s->spec.tuner.max_trials = room;
    s->spec.seed = 3;
    s->trials = calloc((size_t)room, sizeof *s->trials);
    s->values = calloc((size_t)dimensions, sizeof *s->values);
    s->history = (struct history){.space = &s->spec.space, .trials = s->trials, .max_trials = room};
    return !code && s->trials && s->values && !search_new(&s->search, &s->spec, &err);
}

static void close_study(struct study *s)
{
    for (int i = 0; i < s->history.n; i++)
        free(s->trials[i].unit);
    search_free(&s->search);
    free(s->trials);
    free(s->values);
    space_fini(&s->spec.space);
}

static void give(struct study *s, const double *unit)
{
    int i = s->history.n++;
    s->trials[i] = (struct search_trial){
        .number = i, .loss = NAN, .own = true, .parent = -1, .round = -1, .bracket = -1};
    s->trials[i].unit = calloc((size_t)s->spec.space.n, sizeof(double));
    space_from_unit(&s->spec.space, unit, s->values);
    space_to_unit(&s->spec.space, s->values, s->trials[i].unit);
    s->search.ops->given(s->search.state, &s->history, i);
}

static void tell(struct study *s, int i)
{
    double sum = 0;
    for (int j = 0; j < s->spec.space.n; j++) {
        double x = s->trials[i].unit[j], miss = (isnan(x) ? 0.5 : x) - 0.1 * (j % 10);
        sum += miss * miss / (1 + j);
    }
    s->trials[i].state = SEARCH_COMPLETED;
    s->trials[i].executions = 1;
    s->trials[i].loss = sum;
    s->search.ops->tell(s->search.state, &s->history, i);
}

static double ask_and_give(struct study *s)
{
    struct proposal proposal;
    struct rng rng;
    int count = 0;
    rng_init(&rng, 1, (uint64_t)s->history.n);
    double start = cpu_now();
    s->search.ops->ask(s->search.state, &s->history, &rng, 1, &proposal, &count);
    double took = cpu_now() - start;
    if (count == 1)
        give(s, proposal.unit);
    return took;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void whole_study(enum kind kind, int dimensions)
{
    struct study s;
    double cpu = 0;
    if (!open_study(&s, kind, dimensions, 100))
        return;
    for (int i = 0; i < 100; i++) {
        cpu += ask_and_give(&s);
        tell(&s, i);
    }
    printf("  100 trials: %.2f s of CPU\n", cpu);
    close_study(&s);
}

static void with_many(enum kind kind, int dimensions, int completed, int running)
{
    enum { ASKS = 100 };
    struct study s;
    double took[ASKS], *unit = calloc((size_t)dimensions, sizeof *unit);
    struct rng rng;
    rng_init(&rng, 2, 2);
    if (!unit || !open_study(&s, kind, dimensions, completed + running + ASKS)) {
        free(unit);
        return;
    }
    for (int i = 0; i < completed + running; i++) {
        for (int j = 0; j < dimensions; j++)
            unit[j] = rng_uniform(&rng);
        give(&s, unit);
        if (i < completed)
            tell(&s, i);
    }
    int oldest = completed;
    double first = ask_and_give(&s);
    for (int a = 0; a < ASKS - 1; a++) {
        tell(&s, oldest++);
        took[a] = ask_and_give(&s);
    }
    qsort(took, ASKS - 1, sizeof *took, ascending);
    printf("  %d completed, %d running: first ask %.0f ms, then p50 %.1f ms, p99 %.1f ms\n",
           completed, running, 1e3 * first, 1e3 * took[ASKS / 2], 1e3 * took[ASKS - 2]);
    free(unit);
    close_study(&s);
}

int main(void)
{
    static const struct {
        enum kind kind;
        int dimensions;
    } spaces[] = {{NUMBERS, 10}, {NUMBERS, 20}, {MIXED, 20}};
    static const int completed[] = {300, 1000, 10000};
    for (size_t k = 0; k < sizeof spaces / sizeof *spaces; k++) {
        enum kind kind = spaces[k].kind;
        int dimensions = spaces[k].dimensions;
        printf("%d dimensions, %s:\n", dimensions, kind_names[kind]);
        whole_study(kind, dimensions);
        for (size_t c = 0; c < sizeof completed / sizeof *completed; c++)
            with_many(kind, dimensions, completed[c], 32);
    }
    return 0;
}
