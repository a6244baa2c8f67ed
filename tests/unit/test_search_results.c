// What models learn from a history: trials that ended, failed, run or were stopped on the way.

#include "tests/test.h"

#include <math.h>

#include "coordinator/search/results.h"

enum { TRIALS = 8, EPOCHS = 30 };
struct study {
    double units[TRIALS][1], curves[TRIALS][EPOCHS];
    struct search_trial trials[TRIALS];
    struct history history;
    struct told told;
    struct slate slate;
};

static double end_of(double level, double gain)
{
    return level + gain * pow(EPOCHS, -0.8);
}

// A trial that trained so many epochs of level + gain epoch^-0.8.
static void add(struct study *s, enum search_state state, int epochs, double level, double gain)
{
    int i = s->history.n++;
    for (int e = 0; e < epochs; e++)
        s->curves[i][e] = level + gain * pow(e + 1, -0.8);
    s->units[i][0] = 0.1 * i;
    s->trials[i] = (struct search_trial){.number = i,
                                         .state = state,
                                         .unit = s->units[i],
                                         .loss = epochs > 0 ? s->curves[i][epochs - 1] : NAN,
                                         .executions = 1,
                                         .epochs = epochs,
                                         .ncurve = epochs,
                                         .curve = s->curves[i],
                                         .bracket = -1,
                                         .round = -1,
                                         .parent = -1,
                                         .own = true,
                                         .source = -1};
    s->history.trials = s->trials;
    if (state != SEARCH_RUNNING)
        assert_int_equal(told_add(&s->told, &s->trials[i], i), OK);
}

static struct results learn_to(const struct study *s, int epochs)
{
    struct results results;
    assert_int_equal(results_of(&results, &s->history, &s->told, &s->slate, epochs), OK);
    return results;
}

static struct results learn(const struct study *s)
{
    return learn_to(s, EPOCHS);
}

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g is not %.17g", value, expected);
}

static void a_stopped_trial_stands_for_its_extrapolated_end_and_how_unsure_that_is(void **state)
{
    (void)state;
    struct study s = {0};
    add(&s, SEARCH_COMPLETED, EPOCHS, 0.2, 0.5);
    add(&s, SEARCH_PRUNED, 10, 0.4, 0.9);
    s.curves[1][3] += 0.05; // not quite as the formula says
    add(&s, SEARCH_PRUNED, 10, 0.4, 0.9);
    struct results r = learn(&s);
    assert_int_equal(r.n, 3);
    assert_near(r.loss[0], end_of(0.2, 0.5), 0);
    assert_near(r.variance[0], 0, 0);
    for (int i = 1; i < 3; i++) {
        assert_near(r.loss[i], end_of(0.4, 0.9), 0.02);
        assert_true(r.loss[i] < s.curves[i][9] - 0.05);
        assert_true(r.variance[i] > 0);
    }
    assert_true(r.variance[1] > 1e-5 && r.variance[1] > 2 * r.variance[2]);
    results_fini(&r);
    told_fini(&s.told);
}

// After two epochs no curve can be fitted. The three before gained 0.5, 0.6 and 0.7 times what is between
// two epochs and all.
static void a_trial_stopped_too_early_for_that_would_have_gained_what_others_did(void **state)
{
    (void)state;
    struct study s = {0};
    double step = pow(2, -0.8) - pow(EPOCHS, -0.8);
    add(&s, SEARCH_COMPLETED, EPOCHS, 0.2, 0.5);
    add(&s, SEARCH_COMPLETED, EPOCHS, 0.3, 0.6);
    add(&s, SEARCH_PRUNED, 2, 0.9, 0.9); // two are not enough to go by
    add(&s, SEARCH_COMPLETED, EPOCHS, 0.1, 0.7);
    add(&s, SEARCH_PRUNED, 2, 0.9, 0.9);
    struct results r = learn(&s);
    assert_int_equal(r.n, 5);
    assert_near(r.loss[2], s.curves[2][1], 0);
    assert_near(r.variance[2], 0, 0);
    assert_near(r.loss[4], s.curves[4][1] - 0.6 * step, 1e-12);
    assert_near(r.variance[4], 0.01 * step * step, 1e-12);
    results_fini(&r);
    told_fini(&s.told);
}

// As in a study of parameters, whose trainings are somebody else's.
static void without_a_number_of_epochs_the_longest_training_tells_it(void **state)
{
    (void)state;
    struct study s = {0};
    add(&s, SEARCH_PRUNED, 10, 0.4, 0.9);
    add(&s, SEARCH_COMPLETED, 5, 0.2, 0.5);
    add(&s, SEARCH_COMPLETED, EPOCHS, 0.2, 0.5);
    add(&s, SEARCH_PRUNED, 10, 0.4, 0.9);
    struct results r = learn_to(&s, 0);
    assert_near(r.loss[0], s.curves[0][9], 0);
    assert_near(r.loss[3], end_of(0.4, 0.9), 0.02);
    results_fini(&r);
    told_fini(&s.told);
}

static void what_is_told_later_changes_nothing_before_it(void **state)
{
    (void)state;
    struct study s = {0};
    for (int i = 0; i < 4; i++)
        add(&s, SEARCH_COMPLETED, EPOCHS, 0.1 * i, 0.5 + 0.1 * i);
    add(&s, SEARCH_PRUNED, 3, 0.9, 0.9);
    add(&s, SEARCH_PRUNED, 9, 0.9, 0.9);
    struct results before = learn(&s);
    add(&s, SEARCH_COMPLETED, EPOCHS, 0.1, 5);
    struct results after = learn(&s);
    assert_int_equal(before.n, 6);
    assert_int_equal(after.n, 7);
    for (int i = 0; i < 6; i++) {
        assert_true(before.loss[i] == after.loss[i]);
        assert_true(before.variance[i] == after.variance[i]);
    }
    results_fini(&before);
    results_fini(&after);
    told_fini(&s.told);
}

static void failed_running_and_cancelled_trials_are_told_apart(void **state)
{
    (void)state;
    struct study s = {0};
    add(&s, SEARCH_FAILED, 0, 0, 0);
    add(&s, SEARCH_INFEASIBLE, 0, 0, 0);
    add(&s, SEARCH_RUNNING, 3, 0.5, 0.5);
    add(&s, SEARCH_CANCELLED, 0, 0, 0);
    add(&s, SEARCH_COMPLETED, EPOCHS, NAN, 0);
    add(&s, SEARCH_COMPLETED, EPOCHS, 0.2, 0.5);
    struct results r = learn(&s);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.best, 0);
    assert_ptr_equal(r.unit[0], s.units[5]);
    assert_int_equal(r.nfailed, 3);
    assert_ptr_equal(r.failed[2], s.units[4]);
    assert_int_equal(r.nrunning, 1);
    assert_ptr_equal(r.running[0], s.units[2]);
    results_fini(&r);
    told_fini(&s.told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stopped_trial_stands_for_its_extrapolated_end_and_how_unsure_that_is),
        cmocka_unit_test(a_trial_stopped_too_early_for_that_would_have_gained_what_others_did),
        cmocka_unit_test(without_a_number_of_epochs_the_longest_training_tells_it),
        cmocka_unit_test(what_is_told_later_changes_nothing_before_it),
        cmocka_unit_test(failed_running_and_cancelled_trials_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
