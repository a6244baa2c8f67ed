// The short form of the multi-fidelity benchmark: trainings of 20 epochs with the traits of real ones, in
// which slow learners end best, so that a loss after one epoch misleads, and equal trainings end apart.
// Fixed seeds, and bounds that hold as long as nothing is broken: without what the model foresees of a
// trial, without its stages or with a trial's worth ignored Auto never gets there; giving up at a chance of
// one in ten instead of one in a thousand costs it two studies of eight.

#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "tests/search_sim.h"

enum { EPOCHS = 20, TRIALS = 24, SEEDS = 8, DIMS = 4 };

static const char SPACE[] =
    "[{\"hp\":\"Float\",\"name\":\"learning_rate\",\"min_value\":1e-4,\"max_value\":1e-1,"
    "\"sampling\":\"log\"},"
    "{\"hp\":\"Int\",\"name\":\"units\",\"min_value\":32,\"max_value\":512,\"step\":32},"
    "{\"hp\":\"Float\",\"name\":\"dropout\",\"min_value\":0,\"max_value\":0.5},"
    "{\"hp\":\"Choice\",\"name\":\"activation\",\"values\":[\"relu\",\"tanh\",\"gelu\"]}]";

// Normal, the same for the same point and `what`.
static double luck(const double *unit, int n, uint64_t what)
{
    struct rng rng;
    uint64_t key = what;
    for (int j = 0; j < n; j++)
        key = rng_mix(key, (uint64_t)ldexp(unit[j], 30));
    rng_init(&rng, key, 3);
    return rng_normal(&rng);
}

static double training(const struct sim *sim, const double *unit, int epoch)
{
    int n = sim->spec.space.n;
    double rate = 0.25 * pow(10, 0.8 * unit[0]), slow = unit[0] - 0.25;
    double end = 0.1 + 0.3 * slow * slow + 0.05 * pow(1 - unit[1], 2) +
                 0.1 * pow(unit[2] - 0.4, 2) + (unit[3] > 0.3 ? 0.01 : 0);
    return end + 0.4 * exp(-rate * epoch) + 0.003 * luck(unit, n, 0) +
           0.0015 * luck(unit, n, (uint64_t)epoch);
}

struct outcome {
    double best;
    int64_t epochs;
};

// The trials of a study of RandomSearch, each trained to its end.
struct earlier {
    struct search_trial trials[TRIALS];
    double units[TRIALS][DIMS];
};

static void open_study(struct sim *sim, const char *type, uint64_t seed, int64_t trials)
{
    sim_init(sim, type, SPACE, seed);
    sim->loss = training;
    sim->spec.has_model = true;
    sim->spec.epochs = sim->spec.tuner.max_epochs = EPOCHS;
    sim->spec.tuner.max_trials = trials;
    sim->spec.tuner.hyperband_iterations = 2;
    sim->spec.tuner.sampler = SAMPLER_MODEL;
}

static void study_before(struct earlier *earlier, uint64_t seed)
{
    struct sim sim;
    open_study(&sim, "RandomSearch", seed, TRIALS);
    sim_start(&sim, 2);
    sim_run(&sim, TRIALS);
    for (int i = 0; i < TRIALS; i++) {
        memcpy(earlier->units[i], sim.trials[i].unit, sizeof earlier->units[i]);
        earlier->trials[i] = (struct search_trial){.number = i,
                                                   .state = SEARCH_COMPLETED,
                                                   .unit = earlier->units[i],
                                                   .loss = sim.trials[i].loss};
    }
    sim_fini(&sim);
}

// Until the loss is at most `target`, the study ends or `most` epochs were trained.
static struct outcome play(const char *type, uint64_t seed, int64_t trials,
                           const struct earlier *earlier, double target, int64_t most)
{
    struct sim sim;
    struct outcome out = {.best = INFINITY};
    bool on = strcmp(type, "Auto") == 0; // after the last new trial

    open_study(&sim, type, seed, trials);
    sim.spec.tuner.nwarm_start = earlier ? 1 : 0;
    sim_start(&sim, 2);
    if (earlier) {
        sim.history.nprior = TRIALS;
        sim.history.prior = earlier->trials;
    }
    while (out.best > target && sim.epochs < most) {
        while (sim.running < 2 && (trials < 0 || sim.history.n < trials || on) &&
               sim_ask(&sim, 2 - sim.running) > 0)
            ;
        if (!sim_event(&sim))
            break;
        for (int i = 0; i < sim.history.n; i++)
            if (sim.trials[i].ncurve > 0)
                out.best = fmin(out.best, sim.trials[i].curve[sim.trials[i].ncurve - 1]);
    }
    out.epochs = sim.epochs;
    sim.spec.tuner.nwarm_start = 0;
    sim_fini(&sim);
    return out;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Share of RandomSearch's epochs until its final loss is reached: the median, and how often it is at all.
static void assert_sooner(const char *type, int64_t trials, bool warm, double bound, int least)
{
    struct earlier earlier;
    double share[SEEDS];
    int reached = 0;
    for (int s = 0; s < SEEDS; s++) {
        uint64_t seed = (uint64_t)s;
        struct outcome random = play("RandomSearch", 40 + seed, TRIALS, NULL, -INFINITY, INT64_MAX);
        if (warm)
            study_before(&earlier, 80 + seed);
        struct outcome found =
            play(type, 60 + seed, trials, warm ? &earlier : NULL, random.best, random.epochs);
        share[s] = found.best <= random.best ? (double)found.epochs / (double)random.epochs : 1;
        reached += found.best <= random.best;
    }
    qsort(share, SEEDS, sizeof *share, ascending);
    double median = (share[SEEDS / 2] + share[SEEDS / 2 - 1]) / 2;
    print_message(
        "%-10s %.3f of RandomSearch's epochs (bound %.2f), reached by %d of %d (at least %d)\n",
        type, median, bound, reached, SEEDS, least);
    assert_true(median < bound);
    assert_true(reached >= least);
}

static void auto_is_sooner_than_chance(void **state)
{
    (void)state;
    assert_sooner("Auto", 3 * TRIALS, false, 0.5, 8);
}

// With as many looks of its own as without the study: 0.26.
static void an_earlier_study_spares_auto_most_of_its_looks(void **state)
{
    (void)state;
    assert_sooner("Auto", 3 * TRIALS, true, 0.23, 7);
}

static void asha_is_sooner_than_chance(void **state)
{
    (void)state;
    assert_sooner("ASHA", 3 * TRIALS, false, 0.5, 6);
}

static void hyperband_is_sooner_than_chance(void **state)
{
    (void)state;
    assert_sooner("Hyperband", -1, false, 0.5, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_is_sooner_than_chance),
        cmocka_unit_test(an_earlier_study_spares_auto_most_of_its_looks),
        cmocka_unit_test(asha_is_sooner_than_chance),
        cmocka_unit_test(hyperband_is_sooner_than_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
