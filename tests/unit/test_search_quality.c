// The short form of the quality benchmark: fixed seeds, and bounds that hold with room to spare as long
// as nothing is broken, and that random search misses by far. Each problem is there for what it misses
// when a part is lost (measured): explodes the outcome transform (0.018 instead of 0.001), categories the
// kernel (0.44 instead of 0.0001), hartmann6 its length scales (0.63 instead of 0.04), parts the offset of
// inactive coordinates (0.0014 instead of 0.0001), fence the model of failures (0.16 instead of 0.02),
// all of them the acquisition function; the noise has tests of its own.

#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/search/gp/gp.h"
#include "coordinator/search/sample.h"
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
    assert_reaches("parts", 40, 1, 0, 0.0004);
}

static void heavy_tails(void **state)
{
    (void)state;
    assert_reaches("hpolib_naval_propulsion", 40, 1, 3e-5, 6e-5);
    assert_reaches("explodes", 40, 1, 0, 0.006);
}

static void failures(void **state)
{
    (void)state;
    assert_reaches("fence", 50, 1, 0.29735, 0.06);
}

enum { POINTS = 60 };

static double two_numbers(const struct value *v)
{
    return 3 * (v[0].f - 0.4) * (v[0].f - 0.4) + sin(3 * v[1].f);
}

// Root mean square of a process's error at POINTS results of a smooth function, whose noise has these
// deviations (by turns), known beforehand or not.
static double error_under_noise(double even, double odd, bool known)
{
    static const char *const space[] = {
        "{\"hp\":\"Float\",\"name\":\"a\",\"min_value\":0,\"max_value\":1}",
        "{\"hp\":\"Float\",\"name\":\"b\",\"min_value\":0,\"max_value\":1}", NULL};
    static const struct problem smooth = {.name = "smooth", .space = space, .loss = two_numbers};
    struct problem_instance instance;
    struct domain domain;
    struct sample sample;
    struct gp_params params;
    struct gp gp;
    struct rng rng;
    double unit[POINTS][2], loss[POINTS], variance[POINTS], truth[POINTS], mean = 0, sum = 0;
    const double *at[POINTS];
    struct results results = {.n = POINTS, .unit = at, .loss = loss, .variance = variance};

    assert_true(problem_open(&instance, &smooth, ""));
    assert_int_equal(domain_init(&domain, &instance.space), OK);
    rng_init(&rng, 5, 5);
    for (int i = 0; i < POINTS; i++) {
        double deviation = i % 2 ? odd : even;
        struct value values[2];
        for (int j = 0; j < 2; j++) {
            unit[i][j] = rng_uniform(&rng);
            values[j] = (struct value){.kind = V_FLOAT, .f = unit[i][j]};
        }
        at[i] = unit[i];
        truth[i] = two_numbers(values);
        loss[i] = truth[i] + deviation * rng_normal(&rng);
        mean += loss[i] / POINTS;
        variance[i] = known ? deviation * deviation : 0;
    }
    assert_int_equal(sample_init(&sample, &domain, &results, POINTS), OK);
    assert_int_equal(sample_transform(&sample, &results, POINTS, OUTCOME_PLAIN), OK);
    struct gp_fit *fit = gp_fit_new(&sample.data);
    gp_params_default(&params, 2);
    assert_false(isnan(gp_fit_minimise(fit, &gp_prior_optuna, 0, &params)));
    assert_int_equal(gp_init(&gp, &sample.data, &params, 0), OK);
    for (int i = 0; i < POINTS; i++) // z = (loss - mean) slope
        sum += pow(mean + gp.mean[i] / sample.slope[i] - truth[i], 2) / POINTS;
    gp_fini(&gp);
    gp_fit_free(fit);
    sample_fini(&sample);
    domain_fini(&domain);
    problem_close(&instance);
    return sqrt(sum);
}

static void noise_is_told_from_the_function(void **state)
{
    (void)state;
    double error = error_under_noise(0.3, 0.3, false);
    print_message("noise of 0.3: the model is off by %.4f\n", error);
    assert_true(error < 0.2);
}

// As of trials with one execution and with a hundred.
static void known_noise_weighs_the_results(void **state)
{
    (void)state;
    double blind = error_under_noise(0.02, 0.6, false), told = error_under_noise(0.02, 0.6, true);
    print_message("noise of 0.02 and 0.6: off by %.4f, by %.4f when it is known\n", blind, told);
    assert_true(told < 0.06);
    assert_true(blind > 1.5 * told);
}

static void noisy_trials(void **state)
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
        cmocka_unit_test(smooth_numbers),
        cmocka_unit_test(categories_and_steps),
        cmocka_unit_test(conditions),
        cmocka_unit_test(heavy_tails),
        cmocka_unit_test(failures),
        cmocka_unit_test(noise_is_told_from_the_function),
        cmocka_unit_test(known_noise_weighs_the_results),
        cmocka_unit_test(noisy_trials),
        cmocka_unit_test(eight_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
