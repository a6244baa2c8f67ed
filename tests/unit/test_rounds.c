// Trials that are trained once at first, and as often as the study says once they go on to the end.

#include "tests/study_rig.h"

#define THRICE RANDOM ", \"max_trials\": 3, \"executions_per_trial\": 3"

// The search's next answer is this: a new trial, or trial `parent` goes on.
static void propose(struct rig *rig, int parent, int epochs, int executions)
{
    struct value value = {.i = 7};
    if (parent < 0)
        value.i += rig->study->ntrials;
    struct suggestion point = {.values = &value,
                               .epochs = epochs,
                               .executions = executions,
                               .continues = parent >= 0,
                               .parent = parent,
                               .how = "model"};
    struct terms terms = {rig->study->sequence, 1, rig->study->max_trials};
    rig->study->asked_seq = rig->study->sequence;
    study_propose(rig->study, &terms, ASK_POINTS, &point, 1, rig->now, &rig->fx);
    carry_out(rig);
}

static struct run next(struct rig *rig)
{
    struct run run;
    assert_int_equal(take(rig, &run), OFFER_WORK);
    return run;
}

// Epochs from … to with this accuracy, and the result.
static void train(struct rig *rig, struct run run, int from, int to, double accuracy)
{
    for (int e = from; e <= to; e++)
        assert_int_equal(epoch(rig, run, e, accuracy), VERDICT_APPLIED);
    assert_int_equal(study_result(rig->study, run.trial, run.execution, run.attempt,
                                  EXECUTION_COMPLETED, to, NULL, rig->now, &rig->fx),
                     VERDICT_APPLIED);
    carry_out(rig);
}

// A trial whose first execution was trained for `epochs` of the three it was given.
static struct run begun(struct rig *rig, int epochs, double accuracy)
{
    propose(rig, -1, 3, 1);
    struct run run = next(rig);
    assert_int_equal(run.execution, 0);
    train(rig, run, 1, epochs, accuracy);
    return run;
}

static void nothing_more_of(struct rig *rig, int trial)
{
    struct run run;
    if (take(rig, &run) == OFFER_WORK)
        assert_int_not_equal(run.trial, trial);
}

static void a_trial_is_trained_once_at_first_and_again_when_it_goes_on(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 9, THRICE);
    struct run run = begun(rig, 3, 0.6);
    const struct trial *trial = rig->study->trials[run.trial];
    assert_int_equal(trial->state, TRIAL_COMPLETED);
    assert_int_equal(trial->scored, 1);
    assert_int_equal(rig->advisor.trials[run.trial].executions, 1);

    propose(rig, run.trial, 9, 0);
    struct run again[3] = {next(rig), next(rig), next(rig)};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(again[i].trial, run.trial);
        assert_int_equal(again[i].execution, i);
        assert_int_equal(trial->executions[i].base_epochs, i == 0 ? 3 : 0);
    }
    train(rig, again[0], 4, 9, 0.9);
    train(rig, again[1], 1, 9, 0.8);
    assert_int_equal(trial->state, TRIAL_RUNNING);
    train(rig, again[2], 1, 9, 0.7);
    assert_int_equal(trial->state, TRIAL_COMPLETED);
    assert_float_equal(trial->score, 0.8, 1e-12);
    assert_int_equal(trial->scored, 3);
    assert_int_equal(rig->advisor.trials[run.trial].executions, 3);
    finish(rig);
}

static void an_execution_that_ended_by_itself_rests_while_the_others_train(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 9, THRICE);
    struct run run = begun(rig, 2, 0.6); // a callback ended it before the third epoch
    propose(rig, run.trial, 9, 0);
    struct run one = next(rig), two = next(rig);
    assert_int_equal(one.execution, 1);
    assert_int_equal(two.execution, 2);
    nothing_more_of(rig, run.trial);
    train(rig, one, 1, 9, 0.7);
    train(rig, two, 1, 4, 0.8);
    assert_int_equal(rig->study->trials[run.trial]->state, TRIAL_COMPLETED);
    assert_float_equal(rig->study->trials[run.trial]->score, 0.7, 1e-12);
    finish(rig);
}

static void when_all_ended_by_themselves_they_go_on(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 9, THRICE);
    struct run run = begun(rig, 2, 0.6);
    propose(rig, run.trial, 9, 1);
    struct run again = next(rig);
    assert_int_equal(again.execution, 0);
    train(rig, again, 3, 3, 0.7);
    assert_int_equal(rig->study->trials[run.trial]->state, TRIAL_COMPLETED);
    finish(rig);
}

static void a_lost_execution_of_a_later_round_is_trained_again_alone(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 9, THRICE);
    struct run run = begun(rig, 3, 0.6);
    propose(rig, run.trial, 3, 0); // as many epochs: only the others are wanted
    struct run one = next(rig), two = next(rig);
    assert_int_equal(one.execution, 1);
    lose(rig, one);
    train(rig, two, 1, 3, 0.6);
    one = next(rig);
    assert_int_equal(one.execution, 1);
    nothing_more_of(rig, run.trial);
    train(rig, one, 1, 3, 0.6);
    assert_int_equal(rig->study->trials[run.trial]->state, TRIAL_COMPLETED);
    finish(rig);
}

static void the_mean_of_all_executions_is_better_than_the_luck_of_one(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 9, THRICE ", \"target_value\": 0.85");
    struct run lucky = begun(rig, 3, 0.9);
    assert_int_equal(rig->study->best, lucky.trial);
    assert_int_equal(rig->study->state, STUDY_RUNNING); // the target takes all executions
    propose(rig, -1, 3, 0);
    struct run whole[3] = {next(rig), next(rig), next(rig)};
    for (int i = 0; i < 3; i++)
        train(rig, whole[i], 1, 3, 0.8);
    assert_int_equal(rig->study->best, whole[0].trial);
    assert_int_equal(study_rank(rig->study, lucky.trial, 1, 0.9), 1);
    assert_int_equal(study_rank(rig->study, whole[0].trial, 3, 0.8), 0);
    propose(rig, lucky.trial, 3, 0);
    struct run one = next(rig), two = next(rig);
    train(rig, one, 1, 3, 0.86);
    train(rig, two, 1, 3, 0.85);
    assert_int_equal(rig->study->best, lucky.trial);
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    finish(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_is_trained_once_at_first_and_again_when_it_goes_on),
        cmocka_unit_test(an_execution_that_ended_by_itself_rests_while_the_others_train),
        cmocka_unit_test(when_all_ended_by_themselves_they_go_on),
        cmocka_unit_test(a_lost_execution_of_a_later_round_is_trained_again_alone),
        cmocka_unit_test(the_mean_of_all_executions_is_better_than_the_luck_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
