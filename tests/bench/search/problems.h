// Problems on which searches are compared: losses of known functions and of complete tables of real
// trainings, over spaces as a study declares them.
#ifndef TUNERD_TESTS_BENCH_SEARCH_PROBLEMS_H
#define TUNERD_TESTS_BENCH_SEARCH_PROBLEMS_H

#include "common/space.h"
#include "tests/bench/search/drawn.h"

struct problem_instance;
struct problem {
    const char *name;
    const char *const *space; // JSON of each hyperparameter, then NULL; drawn.h makes its own
    double optimum;           // least loss; NaN: not known
    double noise;             // deviation added to what a search is told
    bool judged; // peers' results exist (search-bench of the issue); else one of our own
    // Loss without noise, NaN where a trial fails. v: [space->n] in the order of the declarations.
    double (*loss)(const struct value *v);
    const char *table; // file in tests/bench/data instead of `loss`
};
extern const struct problem problems[]; // ends with a NULL name

struct table {
    int n, seeds;
    size_t cells;
    float *loss; // [cells][seeds], NaN where a seed is missing
};
struct problem_instance {
    const struct problem *problem;
    struct space space;
    int *order; // [space.n] place of each declaration in the space
    struct table table;
    struct drawn *drawn; // of a drawn one, with `made` as its problem
    struct problem made;
    char name[32];
};
// False with a word on stderr. `data`: folder of the tables.
bool problem_open(struct problem_instance *instance, const struct problem *problem,
                  const char *data);
// The problem `number` (1, 2, …) of a class of drawn.h, named drawn_CLASS_NUMBER.
bool problem_open_drawn(struct problem_instance *instance, const char *class, int number);
void problem_close(struct problem_instance *instance);
// The noise-free loss to *truth, and what the search is told.
double problem_evaluate(struct problem_instance *instance, const struct value *values,
                        struct rng *rng, double *truth);

#endif
