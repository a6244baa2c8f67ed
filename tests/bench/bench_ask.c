// What an ask costs: CPU seconds of a whole study of 100 trials in 10 dimensions, one at a time; and the
// CPU time of single asks with 1,000 completed and 32 running trials (p50, p99), then with 10,000.

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

static bool open_study(struct study *s, const char *type, int room)
{
    struct error err;
    struct faults faults;
    char text[2048] = "[";
    *s = (struct study){0};
    for (int j = 0; j < 10; j++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used,
                 "%s{\"hp\":\"Float\",\"name\":\"x%d\",\"min_value\":1e-4,\"max_value\":1%s}",
                 j ? "," : "", j, j % 2 ? ",\"sampling\":\"log\"" : "");
    }
    snprintf(text + strlen(text), sizeof text - strlen(text), "]");
    cJSON *list = json_read(text, strlen(text), NULL, &err);
    faults_init(&faults);
    enum code code = space_from_parameters(list, "", &s->spec.space, &faults);
    faults_fini(&faults);
    cJSON_Delete(list);
    snprintf(s->spec.tuner.type, sizeof s->spec.tuner.type, "%s", type);
    s->spec.tuner.max_trials = room;
    s->spec.seed = 3;
    s->trials = calloc((size_t)room, sizeof *s->trials);
    s->values = calloc(10, sizeof *s->values);
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
    s->trials[i].unit = calloc(10, sizeof(double));
    space_from_unit(&s->spec.space, unit, s->values);
    space_to_unit(&s->spec.space, s->values, s->trials[i].unit);
    s->search.ops->given(s->search.state, &s->history, i);
}

static void tell(struct study *s, int i)
{
    double sum = 0;
    for (int j = 0; j < 10; j++)
        sum += (s->trials[i].unit[j] - 0.1 * j) * (s->trials[i].unit[j] - 0.1 * j) / (1 + j);
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

static void whole_study(void)
{
    struct study s;
    double cpu = 0;
    if (!open_study(&s, "BayesianOptimization", 100))
        return;
    for (int i = 0; i < 100; i++) {
        cpu += ask_and_give(&s);
        tell(&s, i);
    }
    printf("100 trials, 10 dimensions: %.2f s of CPU\n", cpu);
    close_study(&s);
}

static void with_many(int completed, int running)
{
    enum { ASKS = 100 };
    struct study s;
    double took[ASKS], unit[10];
    struct rng rng;
    rng_init(&rng, 2, 2);
    if (!open_study(&s, "BayesianOptimization", completed + running + ASKS))
        return;
    for (int i = 0; i < completed + running; i++) {
        for (int j = 0; j < 10; j++)
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
    printf("%d completed, %d running: first ask %.0f ms, then p50 %.1f ms, p99 %.1f ms\n",
           completed, running, 1e3 * first, 1e3 * took[ASKS / 2], 1e3 * took[ASKS - 2]);
    close_study(&s);
}

int main(void)
{
    whole_study();
    with_many(1000, 32);
    with_many(10000, 32);
    return 0;
}
