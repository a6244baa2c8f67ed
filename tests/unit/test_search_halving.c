// ASHA, the stopping rules, Auto's choice and the grid's order.

#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "coordinator/search/stopping.h"
#include "tests/search_sim.h"

static const char SPACE[] = "[{\"hp\":\"Float\",\"name\":\"x\",\"min_value\":0,\"max_value\":1},"
                            "{\"hp\":\"Float\",\"name\":\"y\",\"min_value\":0,\"max_value\":1}]";

static int at_rung(const struct sim *sim, int rung)
{
    int n = 0;
    for (int d = 0; d < sim->ndecisions; d++)
        n += sim->decisions[d].told && sim->decisions[d].trial.round == rung &&
             sim->decisions[d].trial.state == SEARCH_COMPLETED;
    return n;
}

static void asha(struct sim *sim, bool promotion, enum sampler sampler, int workers,
                 double failures)
{
    sim_init(sim, "ASHA", SPACE, 17);
    sim->spec.tuner.asha_promotion = promotion;
    sim->spec.tuner.sampler = sampler;
    sim->spec.tuner.max_epochs = 27;
    sim->spec.tuner.max_trials = 81;
    sim->failures = failures;
    sim_start(sim, workers);
    sim_run(sim, 100000);
    assert_int_equal(sim->last, ASK_DONE);
    assert_int_equal(sim->running, 0);
    assert_int_equal(sim->history.n, 81);
}

static void a_third_goes_on_from_rung_to_rung(void **state)
{
    (void)state;
    for (int workers = 1; workers <= 25; workers += 8) {
        struct sim sim;
        asha(&sim, true, SAMPLER_RANDOM, workers, 0);
        assert_int_equal(at_rung(&sim, 0), 81);
        // Promoted too early, a trial may be overtaken: never fewer than a third, seldom many more.
        assert_in_range(at_rung(&sim, 1), 27, 40);
        assert_in_range(at_rung(&sim, 2), 9, 18);
        assert_in_range(at_rung(&sim, 3), 3, 8);
        for (int i = 0; i < sim.history.n; i++)
            assert_true(sim.trials[i].epochs == 1 || sim.trials[i].epochs == 3 ||
                        sim.trials[i].epochs == 9 || sim.trials[i].epochs == 27);
        assert_int_equal(sim.trials[sim_best(&sim)].epochs, 27);
        sim_fini(&sim);
    }
}

static void failures_do_not_stop_halving(void **state)
{
    (void)state;
    struct sim sim;
    asha(&sim, true, SAMPLER_MODEL, 5, 0.4);
    assert_true(at_rung(&sim, 3) >= 1);
    sim_fini(&sim);
}

static void the_leader_is_always_trained_to_the_end(void **state)
{
    (void)state;
    struct sim sim;
    sim_init(&sim, "ASHA", SPACE, 17);
    sim.spec.tuner.max_trials = 2; // a third of two is nobody
    sim_start(&sim, 2);
    sim_run(&sim, 1000);
    assert_int_equal(sim.last, ASK_DONE);
    assert_int_equal(sim.trials[sim_best(&sim)].epochs, 9);
    assert_int_equal(sim.epochs, 9 + 1);
    sim_fini(&sim);
}

static void stopping_spares_most_of_the_epochs(void **state)
{
    (void)state;
    struct sim sim;
    asha(&sim, false, SAMPLER_RANDOM, 4, 0);
    int pruned = 0;
    for (int i = 0; i < sim.history.n; i++) {
        pruned += sim.trials[i].state == SEARCH_PRUNED;
        if (sim.trials[i].state == SEARCH_PRUNED)
            assert_true(sim.trials[i].epochs == 1 || sim.trials[i].epochs == 3 ||
                        sim.trials[i].epochs == 9);
    }
    assert_true(pruned > 40 && pruned < 81);
    assert_true(sim.epochs < 81 * 27 / 3);
    assert_int_equal(sim.trials[sim_best(&sim)].epochs, 27);
    sim_fini(&sim);
}

static void the_first_trial_at_a_rung_always_goes_on(void **state)
{
    (void)state;
    struct sim sim;
    sim_init(&sim, "ASHA", SPACE, 17);
    sim.spec.tuner.asha_promotion = false;
    sim.spec.tuner.max_trials = 1;
    sim_start(&sim, 1);
    sim_run(&sim, 10);
    assert_int_equal(sim.trials[0].state, SEARCH_COMPLETED);
    assert_int_equal(sim.trials[0].epochs, 9);
    sim_fini(&sim);
}

// A worker that reports only every second epoch steps over the rung of 3.
static void a_rung_stepped_over_is_decided_late(void **state)
{
    (void)state;
    double good[] = {0.1, 0.1, 0.1, 0.1}, bad[] = {NAN, 0.5, NAN, 0.5};
    struct search_trial trials[] = {
        {.number = 0, .state = SEARCH_RUNNING, .curve = good, .ncurve = 4, .own = true},
        {.number = 1, .state = SEARCH_RUNNING, .curve = bad, .ncurve = 4, .own = true},
    };
    struct sim sim;
    sim_init(&sim, "ASHA", SPACE, 1);
    sim.spec.tuner.asha_promotion = false;
    sim.spec.tuner.min_epochs = 3;
    sim_start(&sim, 1);
    struct history history = {.space = &sim.spec.space, .n = 2, .trials = trials, .max_trials = 9};
    assert_true(sim.search.ops->report(sim.search.state, &history, 1, 4, 0.5));
    assert_false(sim.search.ops->report(sim.search.state, &history, 0, 4, 0.1));
    sim_fini(&sim);
}

// Golovin et al. 2017: the best so far against the median of running averages.
static void median_rule(void **state)
{
    (void)state;
    double curves[5][3] = {{9, 5, 1}, {9, 6, 3}, {9, 7, 5}, {9, 8, 7}, {9, 9, 9}};
    double own[3] = {10, 7.4, 7.1};
    struct search_trial trials[6] = {{0}};
    for (int i = 0; i < 5; i++)
        trials[i] =
            (struct search_trial){.state = SEARCH_COMPLETED, .curve = curves[i], .ncurve = 3};
    trials[5] = (struct search_trial){.state = SEARCH_RUNNING, .curve = own, .ncurve = 3};
    struct history history = {.n = 6, .trials = trials};
    assert_false(stopping_median(&history, 5, 1)); // grace
    assert_false(stopping_median(&history, 5, 2)); // averages 7, 7.5, 8, 8.5, 9: 7.4 is below 8
    assert_true(stopping_median(&history, 5, 3));  // averages 5, 6, 7, 8, 9: 7.1 is above 7
    trials[0].state = SEARCH_RUNNING;
    assert_false(stopping_median(&history, 5, 3)); // four are not enough
}

static void curve_rule_stops_what_cannot_win(void **state)
{
    (void)state;
    double done[30], hopeless[10], promising[10];
    struct search_trial trials[7] = {{0}};
    for (int e = 0; e < 30; e++)
        done[e] = 0.2 + 0.5 / (e + 1);
    for (int e = 0; e < 10; e++) {
        hopeless[e] = 0.5 + 0.4 / (e + 1);
        promising[e] = 0.1 + 0.9 / (e + 1);
    }
    for (int i = 0; i < 5; i++)
        trials[i] = (struct search_trial){
            .state = SEARCH_COMPLETED, .curve = done, .ncurve = 30, .loss = done[29]};
    trials[5] = (struct search_trial){.state = SEARCH_RUNNING, .curve = hopeless, .ncurve = 10};
    trials[6] = (struct search_trial){.state = SEARCH_RUNNING, .curve = promising, .ncurve = 10};
    struct history history = {.n = 7, .trials = trials};
    assert_true(stopping_curve(&history, 5, 10, 30));
    assert_false(stopping_curve(&history, 6, 10, 30));
    assert_false(stopping_curve(&history, 5, 2, 30));
    assert_true(stopping_curve(&history, 5, 10, 0)); // the longest of the others
    assert_false(stopping_curve(&history, 6, 10, 0));
}

static void early_stopping_works_under_any_search(void **state)
{
    (void)state;
    for (int rule = STOP_MEDIAN; rule <= STOP_CURVE; rule++) {
        struct sim sim;
        sim_init(&sim, "RandomSearch", SPACE, 4);
        sim.spec.tuner.early_stopping = (enum early_stopping)rule;
        sim.spec.epochs = 30;
        sim_start(&sim, 2);
        sim_run(&sim, 40);
        int pruned = 0;
        for (int i = 0; i < sim.history.n; i++)
            pruned += sim.trials[i].state == SEARCH_PRUNED;
        assert_in_range(pruned, 10, 38);
        assert_int_equal(sim.trials[sim_best(&sim)].state, SEARCH_COMPLETED);
        sim_fini(&sim);
    }
}

// What a stopped trial would have come to is nearly what it teaches: taken at its face, its loss would
// keep the model away from good neighbours (0.0027 instead of 0.00001).
static void a_model_loses_nothing_by_stopped_trials(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct sim sim;
        sim_init(&sim, "BayesianOptimization", SPACE, seed);
        sim.spec.tuner.early_stopping = STOP_CURVE;
        sim.spec.epochs = 30;
        sim_start(&sim, 1);
        sim_run(&sim, 30);
        assert_true(sim.epochs < 30 * 30 * 2 / 3);
        assert_true(sim.trials[sim_best(&sim)].loss < 0.5 * pow(30, -0.7) + 2e-4);
        sim_fini(&sim);
    }
}

static void prepare_auto(struct sim *sim, bool model, int64_t max_trials)
{
    sim_init(sim, "Auto", SPACE, 4);
    sim->spec.has_model = model;
    sim->spec.epochs = 27;
    sim->spec.tuner.max_trials = max_trials;
}

static void start_auto(struct sim *sim, bool model, int64_t max_trials, int workers)
{
    prepare_auto(sim, model, max_trials);
    sim_start(sim, workers);
}

static int trained(const struct sim *sim, int executions)
{
    int n = 0;
    for (int i = 0; i < sim->history.n; i++)
        n += sim->trials[i].executions == executions;
    return n;
}

// With three executions a trial: after the looks one trial goes all the way first, and only few follow.
static void auto_trains_one_trial_thrice_before_it_looks_on(void **state)
{
    (void)state;
    struct sim sim;
    prepare_auto(&sim, true, 40);
    sim.spec.tuner.executions_per_trial = 3;
    sim_start(&sim, 1);
    int looks = 0;
    while (trained(&sim, 3) == 0) {
        if (sim.running == 0)
            assert_int_equal(sim_ask(&sim, 1), 1);
        looks += sim.history.n > looks;
        sim_event(&sim);
    }
    assert_int_equal(looks, 16); // two fifths of max_trials
    assert_true(sim.epochs <= looks + 3 * 27);
    sim_run(&sim, 100000);
    assert_int_equal(sim.last, ASK_DONE);
    assert_int_equal(trained(&sim, 1) + trained(&sim, 3), 40);
    assert_in_range(trained(&sim, 3), 1, 20);
    assert_int_equal(sim.trials[sim_best(&sim)].executions, 3);
    sim_fini(&sim);
}

static void auto_spares_epochs_and_models_what_has_none(void **state)
{
    (void)state;
    for (int model = 0; model < 2; model++) {
        struct sim sim;
        struct proposal out;
        struct rng rng;
        int count;
        start_auto(&sim, model, 40, 1);
        rng_init(&rng, 1, 1);
        sim.search.ops->ask(sim.search.state, &sim.history, &rng, 1, &out, &count);
        assert_int_equal(count, 1);
        assert_int_equal(out.epochs, model ? 1 : 0);
        assert_int_equal(strncmp(out.why, "auto", 4), 0);
        assert_int_equal(strstr(out.why, "step by step") != NULL, model);
        sim_run(&sim, model ? 100000 : 40);
        assert_int_equal(sim.history.n, 40);
        if (model) {
            assert_int_equal(sim.last, ASK_DONE);
            assert_true(sim.epochs < 40 * 27 * 2 / 3);
            assert_int_equal(sim.trials[sim_best(&sim)].epochs, 27);
        }
        sim_fini(&sim);
    }
}

// Without max_trials there is always something to do; with it every trial that may win goes on after the
// last new one.
static void auto_keeps_any_number_of_workers_busy(void **state)
{
    (void)state;
    for (int workers = 1; workers <= 50; workers = 7 * workers + 1) {
        struct sim sim;
        start_auto(&sim, true, -1, workers);
        sim_run(&sim, 60);
        assert_int_equal(sim.most_idle, 0);
        sim_fini(&sim);
        start_auto(&sim, true, 30, workers);
        sim.failures = 0.2;
        sim.nan_losses = 0.1;
        sim_run(&sim, 100000);
        assert_int_equal(sim.last, ASK_DONE);
        assert_int_equal(sim.running, 0);
        assert_int_equal(sim.history.n, 30);
        assert_int_equal(sim.trials[sim_best(&sim)].epochs, 27);
        sim_fini(&sim);
    }
}

static void what_is_foreseen_is_replayed_to_the_bit(void **state)
{
    (void)state;
    static const char *const types[] = {"Auto", "ASHA", "Hyperband"};
    for (int k = 0; k < 3; k++)
        for (int most = 8; most <= 38; most += 15) {
            struct sim sim;
            sim_init(&sim, types[k], SPACE, 4);
            sim.spec.has_model = true;
            sim.spec.epochs = sim.spec.tuner.max_epochs = 27;
            sim.spec.tuner.sampler = SAMPLER_MODEL;
            sim.spec.tuner.max_trials = -1;
            sim.failures = 0.1;
            sim_start(&sim, 3);
            while (sim.history.n < most) {
                if (sim.running < 3)
                    sim_ask(&sim, 3 - sim.running);
                sim_event(&sim);
            }
            sim_check_replay(&sim, 4);
            sim_fini(&sim);
        }
}

static void the_grid_is_walked_in_order_whatever_finishes_first(void **state)
{
    (void)state;
    static const char grid[] =
        "[{\"hp\":\"Choice\",\"name\":\"a\",\"values\":[\"x\",\"y\"]},"
        "{\"hp\":\"Int\",\"name\":\"n\",\"min_value\":1,\"max_value\":3,\"default\":2}]";
    struct sim sim;
    struct value values[2];
    sim_init(&sim, "GridSearch", grid, 1);
    sim_start(&sim, 4);
    assert_int_equal(sim.search.ops->planned(sim.search.state), 6);
    sim_run(&sim, 100);
    assert_int_equal(sim.history.n, 6);
    assert_int_equal(sim.last, ASK_EXHAUSTED);
    space_first(&sim.spec.space, values);
    for (int i = 0; i < 6; i++) {
        double unit[2];
        space_to_unit(&sim.spec.space, values, unit);
        assert_memory_equal(unit, sim.trials[i].unit, sizeof unit);
        assert_int_equal(space_next(&sim.spec.space, values), i < 5);
    }
    sim_fini(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_third_goes_on_from_rung_to_rung),
        cmocka_unit_test(failures_do_not_stop_halving),
        cmocka_unit_test(the_leader_is_always_trained_to_the_end),
        cmocka_unit_test(stopping_spares_most_of_the_epochs),
        cmocka_unit_test(the_first_trial_at_a_rung_always_goes_on),
        cmocka_unit_test(a_rung_stepped_over_is_decided_late),
        cmocka_unit_test(median_rule),
        cmocka_unit_test(curve_rule_stops_what_cannot_win),
        cmocka_unit_test(early_stopping_works_under_any_search),
        cmocka_unit_test(a_model_loses_nothing_by_stopped_trials),
        cmocka_unit_test(auto_trains_one_trial_thrice_before_it_looks_on),
        cmocka_unit_test(auto_spares_epochs_and_models_what_has_none),
        cmocka_unit_test(auto_keeps_any_number_of_workers_busy),
        cmocka_unit_test(what_is_foreseen_is_replayed_to_the_bit),
        cmocka_unit_test(the_grid_is_walked_in_order_whatever_finishes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
