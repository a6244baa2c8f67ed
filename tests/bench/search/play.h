// One study of a search on a problem, trials ending in the order they began.
#ifndef TUNERD_TESTS_BENCH_SEARCH_PLAY_H
#define TUNERD_TESTS_BENCH_SEARCH_PLAY_H

#include "tests/bench/search/problems.h"

struct play {
    const char *search; // "BayesianOptimization"
    int trials, parallel;
    uint64_t seed;
};
// incumbent[i]: the noise-free loss of the best-looking trial after i + 1 trials, [trials]. *cpu: seconds
// the search took. Returns how many trials there were; -1 with a word on stderr.
int play(const struct play *how, struct problem_instance *instance, double *incumbent, double *cpu);

#endif
