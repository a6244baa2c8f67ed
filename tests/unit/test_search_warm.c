// warm_start_from: earlier studies help at once and never mislead for long.

#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "coordinator/search/sources.h"
#include "tests/search_sim.h"

static const char SPACE[] = "[{\"hp\":\"Float\",\"name\":\"a\",\"min_value\":0,\"max_value\":1},"
                            "{\"hp\":\"Float\",\"name\":\"b\",\"min_value\":0,\"max_value\":1},"
                            "{\"hp\":\"Float\",\"name\":\"c\",\"min_value\":0,\"max_value\":1},"
                            "{\"hp\":\"Choice\",\"name\":\"k\",\"values\":[\"x\",\"y\",\"z\"]}]";
enum { D = 4, PRIOR = 40 };

static double hill(const double *x, double a, double b, double c)
{
    double wave = 0.05 * cos(9 * x[0]) * cos(7 * x[1]);
    return pow(x[0] - a, 2) + pow(x[1] - b, 2) + pow(x[2] - c, 2) + wave + (x[3] > 0.4 ? 0.2 : 0);
}

static double ours(const struct sim *sim, const double *x, int epoch)
{
    (void)sim;
    (void)epoch;
    return hill(x, 0.8, 0.15, 0.6);
}

struct earlier {
    struct search_trial trials[PRIOR];
    double units[PRIOR][D];
};

// Trials of a study whose optimum lies at (a, b, c); its losses have another scale.
static void study_before(struct earlier *e, double a, double b, double c)
{
    struct rng rng;
    rng_init(&rng, 4, 4);
    for (int i = 0; i < PRIOR; i++) {
        for (int j = 0; j < 3; j++)
            e->units[i][j] = rng_uniform(&rng);
        e->units[i][3] = ((double)rng_below(&rng, 3) + 0.5) / 3;
        e->trials[i] = (struct search_trial){.number = i,
                                             .state = SEARCH_COMPLETED,
                                             .unit = e->units[i],
                                             .loss = 7 + 30 * hill(e->units[i], a, b, c)};
    }
}

// The best loss after so many trials, the median of five seeds.
static double best_after(const struct earlier *earlier, int trials)
{
    double best[5];
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct sim sim;
        sim_init(&sim, "BayesianOptimization", SPACE, 60 + seed);
        sim.spec.epochs = 1;
        sim.loss = ours;
        sim_start(&sim, 1);
        if (earlier) {
            sim.history.nprior = PRIOR;
            sim.history.prior = earlier->trials;
        }
        sim_run(&sim, trials);
        best[seed] = sim.trials[sim_best(&sim)].loss;
        sim_fini(&sim);
    }
    for (int i = 1; i < 5; i++)
        for (int j = i; j > 0 && best[j] < best[j - 1]; j--) {
            double swap = best[j];
            best[j] = best[j - 1];
            best[j - 1] = swap;
        }
    return best[2];
}

static void a_like_study_helps_at_once(void **state)
{
    (void)state;
    static struct earlier like;
    study_before(&like, 0.75, 0.2, 0.65);
    double cold = best_after(NULL, 12), warm = best_after(&like, 12);
    print_message("after 12 trials: cold %.4f, warm %.4f\n", cold, warm);
    assert_true(warm < cold - 0.01);
}

static void an_unlike_study_does_not_mislead_for_long(void **state)
{
    (void)state;
    static struct earlier unlike;
    study_before(&unlike, 0.1, 0.9, 0.1);
    double cold = best_after(NULL, 30), warm = best_after(&unlike, 30);
    print_message("after 30 trials: cold %.4f, misled %.4f\n", cold, warm);
    assert_true(warm < cold + 0.01);
}

// Its best points are the worst here: were it trusted as much as the results at hand, 0.21 would be left
// after 20 trials.
static void nor_does_the_opposite_study(void **state)
{
    (void)state;
    static struct earlier opposite;
    study_before(&opposite, 0.8, 0.15, 0.6);
    for (int i = 0; i < PRIOR; i++)
        opposite.trials[i].loss = -opposite.trials[i].loss;
    double cold = best_after(NULL, 20), warm = best_after(&opposite, 20);
    print_message("after 20 trials: cold %.4f, misled %.4f\n", cold, warm);
    assert_true(warm < cold + 0.02);
}

static void the_factor_is_one_for_a_twin_and_none_for_an_opposite(void **state)
{
    (void)state;
    double z[20], m[20], opposite[20];
    for (int i = 0; i < 20; i++) {
        m[i] = z[i] = i - 9.5;
        opposite[i] = -z[i];
    }
    assert_true(fabs(sources_factor(20, z, m) - 1) < 1e-12);
    assert_true(sources_factor(20, z, opposite) == 0);
    assert_true(sources_factor(0, z, m) == 1);
}

static void the_best_of_each_study_come_first(void **state)
{
    (void)state;
    struct search_trial trials[] = {
        {.loss = 3, .source = 0},   {.loss = 9, .source = 1}, {.loss = 1, .source = 0},
        {.loss = NAN, .source = 1}, {.loss = 8, .source = 1},
    };
    struct results results = {.nprior = 5, .prior = trials};
    assert_int_equal(sources_best(&results, 0), 2);
    assert_int_equal(sources_best(&results, 1), 4);
    assert_int_equal(sources_best(&results, 2), 0);
    assert_int_equal(sources_best(&results, 3), 1);
    assert_int_equal(sources_best(&results, 4), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_like_study_helps_at_once),
        cmocka_unit_test(an_unlike_study_does_not_mislead_for_long),
        cmocka_unit_test(nor_does_the_opposite_study),
        cmocka_unit_test(the_factor_is_one_for_a_twin_and_none_for_an_opposite),
        cmocka_unit_test(the_best_of_each_study_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
