// The short form of the quality benchmark: fixed seeds, and bounds that hold with room to spare as long
// as nothing is broken, and that random search misses by far.

#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/search/play.h"

enum { SEEDS = 3, TRIALS_MAX = 60 };

static const struct problem *find(const char *name)
{
    for (const struct problem *p = problems; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    fail_msg("no problem %s", name);
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The median over the seeds of the loss above the optimum.
static double median_regret(const char *search, const char *name, int trials, int parallel,
                            double optimum)
{
    struct problem_instance instance;
    double incumbent[TRIALS_MAX], regret[SEEDS], cpu;
    assert_true(problem_open(&instance, find(name), "tests/bench/data"));
    for (int s = 0; s < SEEDS; s++) {
        struct play how = {
            .search = search, .trials = trials, .parallel = parallel, .seed = 40 + (uint64_t)s};
        assert_int_equal(play(&how, &instance, incumbent, &cpu), trials);
        regret[s] = incumbent[trials - 1] - optimum;
    }
    problem_close(&instance);
    qsort(regret, SEEDS, sizeof *regret, ascending);
    return regret[SEEDS / 2];
}

static void assert_reaches(const char *name, int trials, int parallel, double optimum, double bound)
{
    double found = median_regret("BayesianOptimization", name, trials, parallel, optimum);
    double chance = median_regret("RandomSearch", name, trials, 1, optimum);
    print_message("%-24s %d trials, %d at once: %.5f (bound %.5f, by chance %.5f)\n", name, trials,
                  parallel, found, bound, chance);
    assert_true(chance > 1.5 * bound);
    assert_true(found < bound);
}

static void smooth_numbers(void **state)
{
    (void)state;
    assert_reaches("branin", 30, 1, 0.39788735772973816, 0.02);
    assert_reaches("hartmann6", 50, 1, -3.32237, 0.25);
}

static void categories_and_steps(void **state)
{
    (void)state;
    assert_reaches("steps_and_choices", 40, 1, 0, 0.005);
    assert_reaches("categories", 40, 1, 0, 0.005);
}

static void conditions(void **state)
{
    (void)state;
    assert_reaches("tree", 30, 1, 0.12, 0.003);
    assert_reaches("layers", 50, 1, 0.1, 0.003);
}

static void heavy_tails(void **state)
{
    (void)state;
    assert_reaches("hpolib_naval_propulsion", 40, 1, 3e-5, 6e-5);
    assert_reaches("ravine", 40, 1, 0, 0.02);
}

static void noise(void **state)
{
    (void)state;
    assert_reaches("layers_noisy", 50, 1, 0.1, 0.03);
}

static void eight_at_once(void **state)
{
    (void)state;
    assert_reaches("tree", 48, 8, 0.12, 0.003);
    assert_reaches("hartmann6", 56, 8, -3.32237, 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smooth_numbers), cmocka_unit_test(categories_and_steps),
        cmocka_unit_test(conditions),     cmocka_unit_test(heavy_tails),
        cmocka_unit_test(noise),          cmocka_unit_test(eight_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
