// Search quality: runs a search on the problems of tests/bench/search/problems.c and writes a JSON line
// a run, as the peers' results have it: incumbent[i] is the noise-free loss of the best-looking trial
// after i + 1 trials; secs is the CPU time of the search alone. tests/bench/search_compare.py reads it.
//
//   bench_search [--search NAME] [--problem NAME] [--set judged|own|all|drawn] [--draws N] [--seeds N] [--first-seed N]
//                [--trials N] [--parallel N] [--data DIR] [--label NAME]

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/search/play.h"

struct settings {
    const char *search, *problem, *set, *data, *label;
    int seeds, first_seed, trials, parallel, draws;
};

static bool run_once(struct problem_instance *instance, const struct settings *s, int seed)
{
    struct play how = {
        .search = s->search, .trials = s->trials, .parallel = s->parallel, .seed = (uint64_t)seed};
    double *incumbent = calloc((size_t)s->trials, sizeof *incumbent), cpu = 0;
    int n = incumbent ? play(&how, instance, incumbent, &cpu) : -1;
    if (n >= 0) {
        printf("{\"peer\": \"%s\", \"problem\": \"%s\", \"seed\": %d, \"n\": %d, "
               "\"secs\": %.3f, \"incumbent\": [",
               s->label, instance->problem->name, seed, n, cpu);
        for (int i = 0; i < n; i++) {
            fputs(i ? ", " : "", stdout);
            if (isfinite(incumbent[i]))
                printf("%.9g", incumbent[i]);
            else
                fputs("null", stdout); // nothing completed yet
        }
        printf("]}\n");
        fflush(stdout);
    }
    free(incumbent);
    return n >= 0;
}

static bool wanted(const struct settings *s, const struct problem *problem)
{
    if (s->problem)
        return strcmp(s->problem, problem->name) == 0;
    return strcmp(s->set, "all") == 0 || (strcmp(s->set, "judged") == 0) == problem->judged;
}

static bool run_seeds(struct problem_instance *instance, const struct settings *s)
{
    bool good = true;
    for (int seed = 0; good && seed < s->seeds; seed++)
        good = run_once(instance, s, s->first_seed + seed);
    problem_close(instance);
    return good;
}

static bool run_all(const struct settings *s)
{
    struct problem_instance instance;
    if (strcmp(s->set, "drawn") == 0) {
        for (const char *const *class = drawn_classes; *class; class ++)
            for (int number = 1; number <= s->draws; number++)
                if ((!s->problem || strcmp(s->problem, *class) == 0) &&
                    (!problem_open_drawn(&instance, *class, number) || !run_seeds(&instance, s)))
                    return false;
        return true;
    }
    for (const struct problem *problem = problems; problem->name; problem++)
        if (wanted(s, problem) && problem_open(&instance, problem, s->data) &&
            !run_seeds(&instance, s))
            return false;
    return true;
}

static int number(const char *text)
{
    long value = strtol(text, NULL, 10);
    return value > 0 && value < 1000000 ? (int)value : 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"search", 1, NULL, 's'},
        {"problem", 1, NULL, 'p'},
        {"set", 1, NULL, 'S'},
        {"seeds", 1, NULL, 'n'},
        {"first-seed", 1, NULL, 'f'},
        {"trials", 1, NULL, 't'},
        {"parallel", 1, NULL, 'P'},
        {"data", 1, NULL, 'd'},
        {"label", 1, NULL, 'l'},
        {"draws", 1, NULL, 'D'},
        {0},
    };
    struct settings s = {.search = "BayesianOptimization",
                         .set = "all",
                         .data = "tests/bench/data",
                         .seeds = 20,
                         .first_seed = 1,
                         .trials = 100,
                         .parallel = 1,
                         .draws = 6};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        const char **texts[] = {['s'] = &s.search,
                                ['p'] = &s.problem,
                                ['S'] = &s.set,
                                ['d'] = &s.data,
                                ['l'] = &s.label};
        int *numbers[] = {['n'] = &s.seeds,
                          ['f'] = &s.first_seed,
                          ['t'] = &s.trials,
                          ['P'] = &s.parallel,
                          ['D'] = &s.draws};
        if (c == '?')
            return 2;
        if (c < (int)(sizeof texts / sizeof *texts) && texts[c])
            *texts[c] = optarg;
        else
            *numbers[c] = number(optarg);
    }
    if (!s.label)
        s.label = s.search;
    return run_all(&s) ? 0 : 1;
}
