// Search quality: runs a search on the problems of tests/bench/search/problems.c and writes a JSON line
// a run, as the peers' results have it: incumbent[i] is the noise-free loss of the best-looking trial
// after i + 1 trials; secs is the CPU time of the search alone. tests/bench/search_compare.py reads it.
//
//   bench_search [--search NAME] [--problem NAME] [--set judged|own|all] [--seeds N] [--first-seed N]
//                [--trials N] [--parallel N] [--data DIR] [--label NAME]

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coordinator/search/search.h"
#include "tests/bench/search/problems.h"

struct settings {
    const char *search, *problem, *set, *data, *label;
    int seeds, first_seed, trials, parallel;
};

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
    run->trials[i].state = SEARCH_COMPLETED;
    run->trials[i].loss = run->told[i];
    run->trials[i].executions = 1;
    run->search.ops->tell(run->search.state, &run->history, i);
}

static void print_run(const struct run *run, const struct settings *s, int seed, int n)
{
    int best = 0;
    printf("{\"peer\": \"%s\", \"problem\": \"%s\", \"seed\": %d, \"n\": %d, \"secs\": %.3f, "
           "\"incumbent\": [",
           s->label, run->instance->problem->name, seed, n, run->cpu);
    for (int i = 0; i < n; i++) {
        best = run->told[i] < run->told[best] ? i : best;
        printf("%s%.9g", i ? ", " : "", run->truth[best]);
    }
    printf("]}\n");
    fflush(stdout);
}

static bool run_once(struct problem_instance *instance, const struct settings *s, int seed)
{
    struct error err;
    struct run run = {.instance = instance};
    int max = s->trials, n = instance->space.n;
    run.spec.space = instance->space;
    run.spec.seed = (uint64_t)seed;
    run.spec.tuner.max_trials = max;
    run.spec.tuner.executions_per_trial = 1;
    snprintf(run.spec.tuner.type, sizeof run.spec.tuner.type, "%s", s->search);
    run.trials = calloc((size_t)max, sizeof *run.trials);
    run.told = calloc(2 * (size_t)max, sizeof *run.told);
    run.truth = run.told + max;
    run.values = calloc((size_t)n, sizeof *run.values);
    run.history =
        (struct history){.space = &run.spec.space, .trials = run.trials, .max_trials = max};
    rng_init(&run.noise, (uint64_t)seed, 77);
    if (search_new(&run.search, &run.spec, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return false;
    }
    int ended = 0;
    while (run.history.n < max) {
        struct proposal proposal;
        struct rng rng;
        int count = 0;
        double start = cpu_now();
        rng_init(&rng, (uint64_t)seed, (uint64_t)(1000 + run.history.n));
        enum ask_status status =
            run.search.ops->ask(run.search.state, &run.history, &rng, 1, &proposal, &count);
        run.cpu += cpu_now() - start;
        if (status != ASK_POINTS)
            break;
        give(&run, &proposal);
        if (run.history.n - ended >= s->parallel)
            tell(&run, ended++);
    }
    print_run(&run, s, seed, run.history.n);
    for (int i = 0; i < run.history.n; i++)
        free(run.trials[i].unit);
    search_free(&run.search);
    free(run.trials);
    free(run.told);
    free(run.values);
    return true;
}

static bool wanted(const struct settings *s, const struct problem *problem)
{
    if (s->problem)
        return strcmp(s->problem, problem->name) == 0;
    return strcmp(s->set, "all") == 0 || (strcmp(s->set, "judged") == 0) == problem->judged;
}

static int number(const char *text)
{
    long value = strtol(text, NULL, 10);
    return value > 0 && value < 1000000 ? (int)value : 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"search", 1, NULL, 's'},     {"problem", 1, NULL, 'p'},
        {"set", 1, NULL, 'S'},        {"seeds", 1, NULL, 'n'},
        {"first-seed", 1, NULL, 'f'}, {"trials", 1, NULL, 't'},
        {"parallel", 1, NULL, 'P'},   {"data", 1, NULL, 'd'},
        {"label", 1, NULL, 'l'},      {0},
    };
    struct settings s = {.search = "BayesianOptimization",
                         .set = "all",
                         .data = "tests/bench/data",
                         .seeds = 20,
                         .first_seed = 1,
                         .trials = 100,
                         .parallel = 1};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        const char **texts[] = {['s'] = &s.search,
                                ['p'] = &s.problem,
                                ['S'] = &s.set,
                                ['d'] = &s.data,
                                ['l'] = &s.label};
        int *numbers[] = {
            ['n'] = &s.seeds, ['f'] = &s.first_seed, ['t'] = &s.trials, ['P'] = &s.parallel};
        if (c == '?')
            return 2;
        if (c < (int)(sizeof texts / sizeof *texts) && texts[c])
            *texts[c] = optarg;
        else
            *numbers[c] = number(optarg);
    }
    if (!s.label)
        s.label = s.search;
    for (const struct problem *problem = problems; problem->name; problem++) {
        struct problem_instance instance;
        if (!wanted(&s, problem) || !problem_open(&instance, problem, s.data))
            continue;
        for (int seed = 0; seed < s.seeds; seed++)
            if (!run_once(&instance, &s, s.first_seed + seed))
                return 1;
        problem_close(&instance);
    }
    return 0;
}
