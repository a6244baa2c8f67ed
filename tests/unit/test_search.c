// What every search owes, run over searches[].

#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/search_sim.h"

static const char MIXED[] =
    "[{\"hp\":\"Choice\",\"name\":\"kind\",\"values\":[\"a\",\"b\",\"c\"]},"
    "{\"hp\":\"Float\",\"name\":\"rate\",\"min_value\":1e-4,\"max_value\":1,\"sampling\":\"log\"},"
    "{\"hp\":\"Int\",\"name\":\"units\",\"min_value\":16,\"max_value\":256,\"step\":16},"
    "{\"hp\":\"Float\",\"name\":\"drop\",\"min_value\":0,\"max_value\":0.5,\"step\":0.1,"
    "\"parent_name\":\"kind\",\"parent_values\":[\"b\",\"c\"]},"
    "{\"hp\":\"Boolean\",\"name\":\"flag\"},"
    "{\"hp\":\"Fixed\",\"name\":\"fixed\",\"value\":7}]";
static const char SMALL[] = "[{\"hp\":\"Choice\",\"name\":\"kind\",\"values\":[\"a\",\"b\",\"c\"]},"
                            "{\"hp\":\"Int\",\"name\":\"n\",\"min_value\":1,\"max_value\":4,"
                            "\"parent_name\":\"kind\",\"parent_values\":[\"b\",\"c\"]}]";
enum { SMALL_SIZE = 9 };
static const char NOTHING[] = "[{\"hp\":\"Fixed\",\"name\":\"fixed\",\"value\":1}]";

// A way in which a search can be used.
struct use {
    const char *type;
    enum sampler sampler;
    bool stopping;  // ASHA's variant
    bool step_wise; // Auto's, for trainings that can be cut short
    bool
        everything; // several executions, early stopping, an earlier study and a user's point as well
};

// Runs `check` on every search in each of its uses.
static void for_each(void (*check)(const struct use *use))
{
    static const struct use more[] = {
        {.type = "Auto", .step_wise = true},
        {.type = "Hyperband", .sampler = SAMPLER_MODEL},
        {.type = "ASHA", .sampler = SAMPLER_MODEL},
        {.type = "ASHA", .stopping = true},
        {.type = "ASHA", .stopping = true, .sampler = SAMPLER_MODEL},
    };
    struct use uses[32] = {{0}};
    int n = 0;
    for (int i = 0; searches[i]; i++)
        uses[n++] = (struct use){.type = searches[i]->name};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        uses[n++] = more[i];
    for (int i = 0; i < 2 * n; i++) {
        uses[i % n].everything = i >= n;
        check(&uses[i % n]);
    }
}

static void prepare(struct sim *sim, const struct use *use, const char *space, uint64_t seed)
{
    sim_init(sim, use->type, space, seed);
    struct tuner_spec *tuner = &sim->spec.tuner;
    tuner->sampler = use->sampler;
    tuner->asha_promotion = !use->stopping;
    sim->spec.has_model = use->step_wise;
    if (use->everything) {
        sim->spec.has_model |= strcmp(use->type, "Auto") != 0; // else there is one execution
        tuner->executions_per_trial = 3;
        tuner->early_stopping = STOP_CURVE;
        sim_start_from(sim, 12);
        sim->users_point = true;
    }
}

static void start(struct sim *sim, const struct use *use, const char *space, int workers)
{
    prepare(sim, use, space, 11);
    sim_start(sim, workers);
}

static void assert_proper(const struct sim *sim, const double *unit)
{
    const struct space *space = &sim->spec.space;
    struct value values[16];
    double again[16];
    assert_true(space->n <= 16);
    space_from_unit(space, unit, values);
    space_to_unit(space, values, again);
    for (int j = 0; j < space->n; j++) {
        assert_int_equal(space_is_active(space, values, j), !isnan(unit[j]));
        if (isnan(unit[j]))
            continue;
        assert_true(hp_contains(&space->hps[j], values[j]));
        assert_true(fabs(again[j] - unit[j]) < 1e-9);
    }
}

static void points_are_proper(const struct use *use)
{
    struct sim sim;
    start(&sim, use, MIXED, 3);
    sim_run(&sim, 24);
    assert_true(sim.history.n >= 20);
    for (int i = 0; i < sim.history.n; i++)
        assert_proper(&sim, sim.trials[i].unit);
    sim_fini(&sim);
}

static void points_are_in_bounds_on_grids_and_active_only(void **state)
{
    (void)state;
    for_each(points_are_proper);
}

static bool same_point(const struct sim *sim, int a, int b)
{
    for (int j = 0; j < sim->spec.space.n; j++) {
        double x = sim->trials[a].unit[j], y = sim->trials[b].unit[j];
        if (isnan(x) != isnan(y) || fabs(x - y) > 1e-9)
            return false;
    }
    return true;
}

static void points_differ(const struct use *use)
{
    struct sim sim;
    start(&sim, use, MIXED, 8);
    sim_run(&sim, 30);
    for (int a = 0; a < sim.history.n; a++)
        for (int b = a + 1; b < sim.history.n; b++)
            if (sim.trials[b].parent < 0 && same_point(&sim, a, b))
                fail_msg("%s gave trial %d again as %d, %.17g %.17g", use->type, a, b,
                         sim.trials[a].unit[1], sim.trials[b].unit[1]);
    sim_fini(&sim);
}

static void no_point_is_given_twice(void **state)
{
    (void)state;
    for_each(points_differ);
}

static void same_points(const struct use *use)
{
    struct sim a, b;
    start(&a, use, MIXED, 4);
    start(&b, use, MIXED, 4);
    sim_run(&a, 20);
    sim_run(&b, 20);
    assert_int_equal(a.history.n, b.history.n);
    for (int i = 0; i < a.history.n; i++)
        assert_memory_equal(a.trials[i].unit, b.trials[i].unit,
                            (size_t)a.spec.space.n * sizeof(double));
    sim_fini(&a);
    sim_fini(&b);
}

static void same_seed_same_points(void **state)
{
    (void)state;
    for_each(same_points);
}

static void survives(const struct use *use)
{
    struct sim sim;
    prepare(&sim, use, MIXED, 5);
    sim.failures = 0.3;
    sim.nan_losses = 0.2;
    sim_start(&sim, 4);
    sim_run(&sim, 26);
    assert_true(sim.history.n >= 20);
    assert_int_equal(sim.running, 0);
    assert_true(sim_best(&sim) >= 0);
    sim_fini(&sim);
}

static void failures_and_nan_losses_are_survived(void **state)
{
    (void)state;
    for_each(survives);
}

static void survives_all(const struct use *use)
{
    struct sim sim;
    prepare(&sim, use, MIXED, 5);
    sim.failures = 1;
    sim_start(&sim, 4);
    sim_run(&sim, 40);
    assert_true(sim.history.n >= 20);
    assert_int_equal(sim.running, 0);
    sim_fini(&sim);
}

static void a_study_whose_trials_all_fail_goes_on(void **state)
{
    (void)state;
    for_each(survives_all);
}

static void uses_up(const struct use *use)
{
    for (int workers = 1; workers <= 5; workers += 4) {
        struct sim sim;
        prepare(&sim, use, SMALL, 11);
        sim.spec.tuner.hyperband_iterations = 3; // more trials than there are points
        sim_start(&sim, workers);
        sim_run(&sim, 1000);
        int fresh = 0;
        for (int i = 0; i < sim.history.n; i++)
            fresh += sim.trials[i].parent < 0;
        assert_int_equal(fresh, SMALL_SIZE);
        assert_true(sim.last == ASK_EXHAUSTED || sim.last == ASK_DONE);
        sim_fini(&sim);
    }
}

static void a_space_used_up_is_said(void **state)
{
    (void)state;
    for_each(uses_up);
}

static void one_point(const struct use *use)
{
    struct sim sim;
    start(&sim, use, NOTHING, 2);
    sim_run(&sim, 10);
    assert_true(sim.history.n >= 1);
    assert_true(sim.last == ASK_EXHAUSTED || sim.last == ASK_DONE);
    sim_fini(&sim);
}

static void a_space_of_one_point_has_one_configuration(void **state)
{
    (void)state;
    for_each(one_point);
}

static void replays(const struct use *use)
{
    for (int failing = 0; failing < 2; failing++) {
        struct sim sim;
        prepare(&sim, use, MIXED, 21);
        sim.failures = 0.2 * failing;
        sim_start(&sim, 3);
        for (int turn = 0; turn < 40; turn++) {
            while (sim.running < sim.workers && sim_ask(&sim, 1) > 0)
                ;
            for (int e = 0; e < 4 && sim_event(&sim); e++)
                ;
            if (turn % 8 == 7)
                sim_check_replay(&sim, 3);
        }
        sim_fini(&sim);
    }
}

static void a_search_made_anew_asks_the_same(void **state)
{
    (void)state;
    for_each(replays);
}

static void has_many_at_once(const struct use *use)
{
    struct sim sim;
    start(&sim, use, MIXED, 32);
    int count = sim_ask(&sim, 32);
    assert_true(count > 0);
    while (count < 32) {
        int more = sim_ask(&sim, 32 - count);
        if (more == 0)
            break;
        count += more;
    }
    if (strcmp(use->type, "Hyperband") != 0)
        assert_int_equal(count, 32);
    sim_fini(&sim);
}

static void thirty_two_workers_start_at_once(void **state)
{
    (void)state;
    for_each(has_many_at_once);
}

static void an_unknown_tuner_is_named_with_those_there_are(void **state)
{
    (void)state;
    struct study_spec spec = {0};
    struct search search;
    struct error err;
    snprintf(spec.tuner.type, sizeof spec.tuner.type, "Oracle");
    assert_int_equal(search_new(&search, &spec, &err), E_UNKNOWN);
    assert_string_equal(err.pointer, "/tuner/type");
    assert_non_null(strstr(err.message, "BayesianOptimization"));
}

static void arguments_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type, *pointer;
        int64_t max_epochs, min_epochs, factor, iterations, initial;
    } cases[] = {
        {"Hyperband", "/tuner/max_epochs", 0, 1, 3, 1, 0},
        {"Hyperband", "/tuner/factor", 9, 1, 1, 1, 0},
        {"Hyperband", "/tuner/hyperband_iterations", 9, 1, 3, 0, 0},
        {"ASHA", "/tuner/max_epochs", 0, 1, 3, 1, 0},
        {"ASHA", "/tuner/min_epochs", 9, 10, 3, 1, 0},
        {"ASHA", "/tuner/factor", 9, 1, 1, 1, 0},
        {"BayesianOptimization", "/tuner/num_initial_points", 9, 1, 3, 1, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sim sim;
        struct error err;
        sim_init(&sim, cases[i].type, SMALL, 1);
        sim.spec.tuner.max_epochs = cases[i].max_epochs;
        sim.spec.tuner.min_epochs = cases[i].min_epochs;
        sim.spec.tuner.factor = cases[i].factor;
        sim.spec.tuner.hyperband_iterations = cases[i].iterations;
        sim.spec.tuner.num_initial_points = cases[i].initial;
        enum code code = search_new(&sim.search, &sim.spec, &err);
        if (code != E_RANGE)
            fail_msg("%s: %s %s", cases[i].type, code_name(code), code ? err.message : "");
        assert_string_equal(err.pointer, cases[i].pointer);
        sim_fini(&sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_in_bounds_on_grids_and_active_only),
        cmocka_unit_test(no_point_is_given_twice),
        cmocka_unit_test(same_seed_same_points),
        cmocka_unit_test(failures_and_nan_losses_are_survived),
        cmocka_unit_test(a_study_whose_trials_all_fail_goes_on),
        cmocka_unit_test(a_space_used_up_is_said),
        cmocka_unit_test(a_space_of_one_point_has_one_configuration),
        cmocka_unit_test(a_search_made_anew_asks_the_same),
        cmocka_unit_test(thirty_two_workers_start_at_once),
        cmocka_unit_test(an_unknown_tuner_is_named_with_those_there_are),
        cmocka_unit_test(arguments_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
