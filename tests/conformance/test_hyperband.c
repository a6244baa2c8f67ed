// Every table of KerasTuner's reference, played through with workers that finish in any order.

#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/search_sim.h"

static const char SPACE[] = "[{\"hp\":\"Float\",\"name\":\"x\",\"min_value\":0,\"max_value\":1},"
                            "{\"hp\":\"Int\",\"name\":\"n\",\"min_value\":1,\"max_value\":1000}]";

static cJSON *reference(void)
{
    char *text = NULL;
    struct error err;
    FILE *file = fopen("tests/conformance/keras_tuner_reference.json", "rb");
    assert_non_null(file);
    size_t size = 0, room = 1 << 20;
    text = malloc(room);
    assert_non_null(text);
    size = fread(text, 1, room, file);
    fclose(file);
    cJSON *root = json_read(text, size, NULL, &err);
    free(text);
    assert_non_null(root);
    return root;
}

static int number(const cJSON *object, const char *name)
{
    return (int)json_integer_or(object, name, -1);
}

static int count_trials(const struct sim *sim, int bracket, int round, int epochs)
{
    int n = 0;
    for (int i = 0; i < sim->history.n; i++)
        n += sim->trials[i].bracket == bracket && sim->trials[i].round == round &&
             sim->target[i] == epochs;
    return n;
}

// Every trial of round r > 0 with a parent goes on from the round before, and its parent is better than
// all that did not go on.
static void check_promotions(const struct sim *sim)
{
    for (int i = 0; i < sim->history.n; i++) {
        const struct search_trial *trial = &sim->trials[i];
        if (trial->parent < 0)
            continue;
        const struct search_trial *parent = &sim->trials[trial->parent];
        assert_int_equal(parent->bracket, trial->bracket);
        assert_int_equal(parent->round, trial->round - 1);
        assert_int_equal(parent->state, SEARCH_COMPLETED);
        assert_int_equal(parent->epochs, sim->target[trial->parent]);
        for (int j = 0; j < i; j++)
            assert_true(sim->trials[j].parent != trial->parent);
    }
}

// With one pass of each bracket, the promoted ones are exactly the best of their round.
static void check_best_promoted(const struct sim *sim, int bracket, int round, int promoted)
{
    for (int i = 0; i < sim->history.n; i++) {
        const struct search_trial *trial = &sim->trials[i];
        if (trial->bracket != bracket || trial->round != round || !isfinite(trial->loss))
            continue;
        int better = 0, goes_on = 0;
        for (int j = 0; j < sim->history.n; j++) {
            const struct search_trial *other = &sim->trials[j];
            better +=
                other->bracket == bracket && other->round == round && other->loss < trial->loss;
            goes_on += other->parent == i;
        }
        assert_int_equal(goes_on, better < promoted);
    }
}

static void play(const cJSON *table, int workers, double failures, int iterations)
{
    struct sim sim;
    const cJSON *bracket, *round;
    int total = 0;
    int64_t epochs = 0;

    sim_init(&sim, "Hyperband", SPACE, (uint64_t)workers + 3);
    sim.spec.tuner.max_epochs = number(table, "max_epochs");
    sim.spec.tuner.factor = number(table, "factor");
    sim.spec.tuner.hyperband_iterations = iterations;
    sim.spec.tuner.max_trials = -1;
    sim.failures = failures;
    sim_start(&sim, workers);
    int64_t planned = sim.search.ops->planned(sim.search.state);
    sim_run(&sim, 1000000);
    cJSON_ArrayForEach(bracket, json_member(table, "brackets"))
    {
        int b = number(bracket, "bracket"), before = -1, trained = 0;
        cJSON_ArrayForEach(round, json_member(bracket, "rounds"))
        {
            int r = number(round, "round"), n = number(round, "trials");
            assert_int_equal(count_trials(&sim, b, r, number(round, "epochs")), n * iterations);
            if (before >= 0 && failures == 0 && iterations == 1)
                check_best_promoted(&sim, b, before, n);
            before = r;
            total += n * iterations;
            epochs += (int64_t)n * iterations * (number(round, "epochs") - trained);
            trained = number(round, "epochs");
        }
    }
    assert_int_equal(sim.history.n, total);
    assert_int_equal(planned, total);
    if (failures == 0)
        assert_int_equal(sim.epochs, epochs);
    assert_int_equal(sim.last, ASK_DONE);
    check_promotions(&sim);
    sim_fini(&sim);
}

static void play_all(double failures, int iterations)
{
    static const int workers[] = {1, 3, 50};
    cJSON *root = reference();
    const cJSON *table;
    int tables = 0;

    cJSON_ArrayForEach(table, json_member(root, "hyperband"))
    {
        for (int w = 0; w < 3; w++)
            play(table, workers[w], failures, iterations);
        tables++;
    }
    assert_true(tables >= 10);
    cJSON_Delete(root);
}

static void every_table_is_played_to_the_trial(void **state)
{
    (void)state;
    play_all(0, 1);
}

static void failures_change_no_number(void **state)
{
    (void)state;
    play_all(0.3, 1);
}

static void iterations_repeat_the_brackets(void **state)
{
    (void)state;
    play_all(0.1, 2);
}

// While any bracket may still be begun, nobody waits.
static void no_worker_is_idle_before_the_last_bracket(void **state)
{
    (void)state;
    struct sim sim;
    sim_init(&sim, "Hyperband", SPACE, 3);
    sim.spec.tuner.max_epochs = 27;
    sim.spec.tuner.max_trials = -1;
    sim_start(&sim, 7);
    int last_bracket_full = 0;
    while (!last_bracket_full) {
        while (sim.running < sim.workers) {
            int got = sim_ask(&sim, 1);
            last_bracket_full = count_trials(&sim, 0, 0, 27) == 4;
            assert_true(got == 1 || last_bracket_full);
            if (got == 0)
                break;
        }
        sim_event(&sim);
    }
    sim_fini(&sim);
}

// A list asked for at once is the same schedule as one proposal after another.
static void a_list_is_a_schedule(void **state)
{
    (void)state;
    struct sim sim;
    sim_init(&sim, "Hyperband", SPACE, 3);
    sim.spec.tuner.max_epochs = 9;
    sim.spec.tuner.max_trials = -1;
    sim_start(&sim, 100);
    assert_int_equal(sim_ask(&sim, 100), 9 + 5 + 3); // round 0 of all three brackets
    assert_int_equal(sim.last, ASK_POINTS);
    assert_int_equal(sim_ask(&sim, 1), 0);
    assert_int_equal(sim.last, ASK_WAIT);
    sim_fini(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_played_to_the_trial),
        cmocka_unit_test(failures_change_no_number),
        cmocka_unit_test(iterations_repeat_the_brackets),
        cmocka_unit_test(no_worker_is_idle_before_the_last_bracket),
        cmocka_unit_test(a_list_is_a_schedule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
