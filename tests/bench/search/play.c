#include "tests/bench/search/play.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "coordinator/search/search.h"

struct run {
    struct problem_instance *instance;
    struct study_spec spec;
    struct search search;
    struct history history;
    struct search_trial *trials;
    double *told, *truth, cpu;
    struct value *values;
    struct rng noise;
};

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void give(struct run *run, const struct proposal *proposal)
{
    int i = run->history.n++, n = run->instance->space.n;
    struct search_trial *trial = &run->trials[i];
    *trial = (struct search_trial){.number = i, .state = SEARCH_RUNNING, .loss = NAN, .own = true};
    trial->bracket = trial->round = trial->parent = trial->source = -1;
    trial->unit = calloc((size_t)n, sizeof *trial->unit);
    space_from_unit(&run->instance->space, proposal->unit, run->values);
    space_to_unit(&run->instance->space, run->values, trial->unit);
    run->told[i] = problem_evaluate(run->instance, run->values, &run->noise, &run->truth[i]);
    run->search.ops->given(run->search.state, &run->history, i);
}

static void tell(struct run *run, int i)
{
    run->trials[i].state = isnan(run->told[i]) ? SEARCH_INFEASIBLE : SEARCH_COMPLETED;
    run->trials[i].loss = run->told[i];
    run->trials[i].executions = 1;
    run->search.ops->tell(run->search.state, &run->history, i);
}

static void open_run(struct run *run, const struct play *how)
{
    int max = how->trials;
    run->spec.space = run->instance->space;
    run->spec.seed = how->seed;
    run->spec.tuner.max_trials = max;
    run->spec.tuner.executions_per_trial = 1;
    snprintf(run->spec.tuner.type, sizeof run->spec.tuner.type, "%s", how->search);
    run->trials = calloc((size_t)max, sizeof *run->trials);
    run->told = calloc(2 * (size_t)max, sizeof *run->told);
    run->truth = run->told + max;
    run->values = calloc((size_t)run->instance->space.n, sizeof *run->values);
    run->history =
        (struct history){.space = &run->spec.space, .trials = run->trials, .max_trials = max};
    rng_init(&run->noise, how->seed, 77);
}

static void close_run(struct run *run)
{
    for (int i = 0; i < run->history.n; i++)
        free(run->trials[i].unit);
    search_free(&run->search);
    free(run->trials);
    free(run->told);
    free(run->values);
}

int play(const struct play *how, struct problem_instance *instance, double *incumbent, double *cpu)
{
    struct run run = {.instance = instance};
    struct error err;
    int ended = 0, best = 0;

    open_run(&run, how);
    if (search_new(&run.search, &run.spec, &err)) {
        fprintf(stderr, "%s\n", err.message);
        close_run(&run);
        return -1;
    }
    while (run.history.n < how->trials) {
        struct proposal proposal;
        struct rng rng;
        int count = 0;
        double start = cpu_now();
        rng_init(&rng, how->seed, (uint64_t)(1000 + run.history.n));
        enum ask_status status =
            run.search.ops->ask(run.search.state, &run.history, &rng, 1, &proposal, &count);
        run.cpu += cpu_now() - start;
        if (status != ASK_POINTS)
            break;
        give(&run, &proposal);
        if (run.history.n - ended >= how->parallel)
            tell(&run, ended++);
    }
    for (int i = 0; i < run.history.n; i++) {
        best = run.told[i] < run.told[best] || isnan(run.told[best]) ? i : best;
        incumbent[i] = run.truth[best];
    }
    int n = run.history.n;
    *cpu = run.cpu;
    close_run(&run);
    return n;
}
