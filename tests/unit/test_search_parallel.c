// Many suggestions at once: they differ and are good, also before there is any result.

#include "tests/test.h"

#include <math.h>

#include "tests/search_sim.h"

static const char SPACE[] = "[{\"hp\":\"Float\",\"name\":\"a\",\"min_value\":0,\"max_value\":1},"
                            "{\"hp\":\"Float\",\"name\":\"b\",\"min_value\":0,\"max_value\":1},"
                            "{\"hp\":\"Float\",\"name\":\"c\",\"min_value\":0,\"max_value\":1},"
                            "{\"hp\":\"Choice\",\"name\":\"k\",\"values\":[\"x\",\"y\",\"z\"]}]";
enum { D = 4, AT_ONCE = 32, CHANCE = 2000, BEFORE = 12 };
static const double LEAST = -0.05; // no loss is below

static double hill(const struct sim *sim, const double *x, int epoch)
{
    (void)sim;
    (void)epoch;
    double wave = 0.05 * cos(9 * x[0]) * cos(7 * x[1]);
    return pow(x[0] - 0.8, 2) + pow(x[1] - 0.15, 2) + pow(x[2] - 0.6, 2) + wave +
           (x[3] > 0.4 ? 0.2 : 0);
}

static void start(struct sim *sim, const char *type, uint64_t seed)
{
    sim_init(sim, type, SPACE, seed);
    sim->spec.epochs = 1;
    sim->spec.tuner.max_epochs = 0;
    sim->spec.tuner.max_trials = 200;
    sim->loss = hill;
    sim_start(sim, 1);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The share of random points that are better.
static double share_better(double loss)
{
    struct rng rng;
    int better = 0;
    rng_init(&rng, 12, 12);
    for (int i = 0; i < CHANCE; i++) {
        double x[D];
        for (int j = 0; j < D; j++)
            x[j] = rng_uniform(&rng);
        x[3] = ((double)(int)(3 * x[3]) + 0.5) / 3;
        better += hill(NULL, x, 1) < loss;
    }
    return (double)better / CHANCE;
}

static double nearest(const struct sim *sim, int index)
{
    double least = INFINITY;
    for (int i = 0; i < index; i++) {
        double sum = 0;
        for (int j = 0; j < D; j++)
            sum += pow(sim->trials[i].unit[j] - sim->trials[index].unit[j], 2);
        least = fmin(least, sqrt(sum));
    }
    return least;
}

// After 12 results, in one ask; geometric means over six seeds. Were each point not believed in before the
// next, the best of the 32 would be no better than what there was (1.03 of it instead of 0.66).
static void thirty_two_at_once_differ_and_are_better_than_chance(void **state)
{
    (void)state;
    static const char *const types[] = {"BayesianOptimization", "Auto"};
    enum { SEEDS = 6 };
    for (int t = 0; t < 2; t++) {
        double gained = 0, rare = 0, half = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct sim sim;
            double loss[AT_ONCE];
            start(&sim, types[t], seed);
            sim_run(&sim, BEFORE);
            double before = sim.trials[sim_best(&sim)].loss;
            assert_int_equal(sim_ask(&sim, AT_ONCE), AT_ONCE);
            for (int i = 0; i < AT_ONCE; i++) {
                loss[i] = hill(&sim, sim.trials[BEFORE + i].unit, 1);
                assert_true(nearest(&sim, BEFORE + i) > 1e-5);
            }
            qsort(loss, AT_ONCE, sizeof *loss, ascending);
            gained += log((loss[0] - LEAST) / (before - LEAST)) / SEEDS;
            rare += log(share_better(loss[0]) + 1e-4) / SEEDS;
            half += log(share_better(loss[AT_ONCE / 2]) + 1e-4) / SEEDS;
            sim_fini(&sim);
        }
        print_message(
            "%s: the best of 32 is at %.3f of the loss before, %.4f of all points are better "
            "than it, %.3f than half\n",
            types[t], exp(gained), exp(rare), exp(half));
        assert_true(exp(gained) < 0.85);
        assert_true(exp(rare) < 0.007);
        assert_true(exp(half) < 0.15);
    }
}

// No result yet: of 32 points one lies in each 32nd of every number, and every choice is among them as
// often as the others.
static void thirty_two_first_points_are_spread_not_drawn(void **state)
{
    (void)state;
    static const char *const types[] = {"BayesianOptimization", "Auto", "QuasiRandom"};
    for (int t = 0; t < 3; t++) {
        struct sim sim;
        int choice[3] = {0};
        uint32_t hit[3] = {0};
        start(&sim, types[t], 5);
        for (int count = 0; count < AT_ONCE;) { // as workers come
            int more = sim_ask(&sim, 8);
            assert_true(more > 0);
            count += more;
        }
        for (int i = 0; i < AT_ONCE; i++) {
            const double *x = sim.trials[i].unit;
            for (int j = 0; j < 3; j++)
                hit[j] |= UINT32_C(1) << (int)(AT_ONCE * x[j]);
            choice[(int)(3 * x[3])]++;
        }
        for (int j = 0; j < 3; j++) {
            assert_true(hit[j] == UINT32_MAX);
            assert_in_range(choice[j], 10, 11);
        }
        sim_fini(&sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thirty_two_at_once_differ_and_are_better_than_chance),
        cmocka_unit_test(thirty_two_first_points_are_spread_not_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
