// The rules of studies, trials and executions, on the state machine alone.

#include "tests/study_rig.h"

// ---- budgets and scores

static void a_study_gives_exactly_max_trials_and_completes(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 1, RANDOM ", \"max_trials\": 3");
    struct run runs[3], none;
    for (int i = 0; i < 3; i++)
        runs[i] = must_take(rig);
    assert_int_equal(take(rig, &none), OFFER_NOTHING);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig->study->state, STUDY_RUNNING);
        complete(rig, runs[i], 0.5 + 0.1 * i);
    }
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    assert_null(rig->study->reason);
    assert_int_equal(rig->study->best, 2);
    assert_int_equal(rig->study->counts[TRIAL_COMPLETED], 3);
    finish(rig);
}

static void a_score_is_the_mean_over_executions_of_the_best_epoch(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 3, RANDOM ", \"max_trials\": 1, \"executions_per_trial\": 2");
    struct run a = must_take(rig), b = must_take(rig);
    assert_int_equal(a.trial, 0);
    assert_int_equal(b.trial, 0);
    assert_int_equal(b.execution, 1);
    epoch(rig, a, 1, 0.5);
    epoch(rig, a, 2, 0.9);
    epoch(rig, a, 3, 0.7);
    epoch(rig, b, 1, 0.6);
    result(rig, a, EXECUTION_COMPLETED);
    assert_int_equal(rig->study->trials[0]->state, TRIAL_RUNNING);
    result(rig, b, EXECUTION_COMPLETED);
    assert_int_equal(rig->study->trials[0]->state, TRIAL_COMPLETED);
    assert_float_equal(rig->study->trials[0]->score, 0.75, 1e-12);
    assert_int_equal(rig->study->trials[0]->best_epoch, 2);
    // what the search is told: the loss is minus the score, (0.15² + 0.15²) / 1 its variance
    const struct search_trial *told = &rig->advisor.trials[0];
    assert_float_equal(told->loss, -0.75, 1e-12);
    assert_float_equal(told->variance, 0.045, 1e-12);
    assert_int_equal(told->ncurve, 3);
    finish(rig);
}

static void an_execution_without_epochs_completes_without_a_score(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 0, RANDOM ", \"max_trials\": 1");
    result(rig, must_take(rig), EXECUTION_COMPLETED);
    assert_int_equal(rig->study->trials[0]->state, TRIAL_COMPLETED);
    assert_true(isnan(rig->study->trials[0]->score));
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    finish(rig);
}

static void no_two_trials_are_equal_and_a_used_up_space_is_said(void **state)
{
    (void)state;
    struct rig *rig = model(3, 1, RANDOM ", \"max_trials\": 10");
    for (int i = 0; i < 3; i++)
        complete(rig, must_take(rig), 0.5);
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    assert_int_equal(rig->study->ntrials, 3);
    assert_non_null(strstr(rig->study->reason, "used up"));
    assert_int_equal(rig->study->planned, 3);
    finish(rig);
}

static void a_target_or_the_time_ends_a_study_early(void **state)
{
    (void)state;
    struct run none;
    struct rig *rig = model(1000, 1, RANDOM ", \"max_trials\": 10, \"target_value\": 0.8");
    complete(rig, must_take(rig), 0.7);
    struct run last = must_take(rig), other = must_take(rig);
    complete(rig, last, 0.8);
    assert_int_equal(rig->study->state, STUDY_RUNNING);
    assert_int_equal(take(rig, &none), OFFER_NOTHING);
    complete(rig, other, 0.1);
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    assert_non_null(strstr(rig->study->reason, "target"));
    finish(rig);

    rig = model(1000, 1, RANDOM ", \"max_trials\": 10, \"max_duration_s\": 60");
    complete(rig, must_take(rig), 0.7);
    rig->now.ms += 60000;
    study_tick(rig->study, rig->now, &rig->fx);
    carry_out(rig);
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    assert_non_null(strstr(rig->study->reason, "max_duration_s"));
    finish(rig);
}

// ---- failures

static void retries_are_for_trials_that_fail_by_themselves(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 1, RANDOM ", \"max_trials\": 1, \"max_retries_per_trial\": 1");
    struct run first = must_take(rig);
    lose(rig, first); // costs nothing
    struct run second = must_take(rig);
    assert_int_equal(second.trial, 0);
    assert_int_equal(second.attempt, 2);
    result(rig, second, EXECUTION_FAILED);
    assert_int_equal(rig->study->trials[0]->state, TRIAL_RUNNING);
    struct run third = must_take(rig);
    assert_int_equal(third.attempt, 3);
    result(rig, third, EXECUTION_FAILED);
    assert_int_equal(rig->study->trials[0]->state, TRIAL_FAILED);
    assert_string_equal(rig->study->trials[0]->reason, "it fell");
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    finish(rig);
}

static void a_lost_attempt_is_run_again_with_its_seed(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 2, RANDOM ", \"max_trials\": 1");
    struct run first = must_take(rig);
    int64_t seed = rig->study->trials[0]->executions[0].seed;
    epoch(rig, first, 1, 0.9);
    lose(rig, first);
    struct run second = must_take(rig);
    assert_true(rig->study->trials[0]->executions[0].seed == seed);
    complete(rig, second, 0.4);
    assert_float_equal(rig->study->trials[0]->score, 0.4, 1e-12); // not the lost attempt's 0.9
    finish(rig);
}

static void a_lost_attempt_lives_again_until_the_work_is_taken_up(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 2, RANDOM ", \"max_trials\": 1");
    struct run first = must_take(rig), second;
    epoch(rig, first, 1, 0.5);
    lose(rig, first);
    assert_int_equal(epoch(rig, first, 2, 0.6), VERDICT_STALE);
    assert_true(study_revive(rig->study, 0, 0, 1, rig->now, &rig->fx));
    carry_out(rig);
    assert_int_equal(take(rig, &second), OFFER_NOTHING);
    assert_int_equal(epoch(rig, first, 2, 0.6), VERDICT_APPLIED);
    lose(rig, first);
    second = must_take(rig);
    assert_false(study_revive(rig->study, 0, 0, 1, rig->now, &rig->fx));
    assert_int_equal(result(rig, first, EXECUTION_COMPLETED), VERDICT_STALE);
    complete(rig, second, 0.7);
    finish(rig);
}

static void too_many_failures_in_a_row_fail_the_study(void **state)
{
    (void)state;
    struct rig *rig =
        model(1000, 1, RANDOM ", \"max_trials\": 9, \"max_consecutive_failed_trials\": 2");
    result(rig, must_take(rig), EXECUTION_FAILED);
    complete(rig, must_take(rig), 0.5); // breaks the row
    result(rig, must_take(rig), EXECUTION_FAILED);
    assert_int_equal(rig->study->state, STUDY_RUNNING);
    must_take(rig); // runs on when the study fails
    result(rig, must_take(rig), EXECUTION_FAILED);
    assert_int_equal(rig->study->state, STUDY_FAILED);
    assert_non_null(strstr(rig->study->reason, "2 trials failed in a row; the last: it fell"));
    assert_int_equal(rig->stops, 1);
    assert_int_equal(rig->study->counts[TRIAL_CANCELLED], 1);
    finish(rig);
}

static void one_execution_that_fails_calls_the_others_off(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 1, RANDOM ", \"max_trials\": 2, \"executions_per_trial\": 3");
    struct run a = must_take(rig), b = must_take(rig);
    result(rig, a, EXECUTION_FAILED);
    assert_int_equal(rig->study->trials[0]->state, TRIAL_FAILED);
    assert_int_equal(rig->stops, 1);
    assert_int_equal(result(rig, b, EXECUTION_CANCELLED), VERDICT_DUPLICATE);
    assert_int_equal(must_take(rig).trial, 1);
    finish(rig);
}

static void an_infeasible_point_is_no_failure(void **state)
{
    (void)state;
    struct rig *rig =
        model(1000, 1, RANDOM ", \"max_trials\": 2, \"max_consecutive_failed_trials\": 1");
    result(rig, must_take(rig), EXECUTION_INFEASIBLE);
    assert_int_equal(rig->study->trials[0]->state, TRIAL_INFEASIBLE);
    assert_int_equal(rig->study->state, STUDY_RUNNING);
    finish(rig);
}

static void an_objective_that_was_never_finite_is_a_failure(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 2, RANDOM ", \"max_trials\": 2");
    struct run run = must_take(rig);
    epoch(rig, run, 1, NAN);
    result(rig, run, EXECUTION_COMPLETED);
    assert_int_equal(rig->study->trials[0]->state, TRIAL_FAILED);
    assert_non_null(strstr(rig->study->trials[0]->reason, "diverged"));
    run = must_take(rig);
    epoch(rig, run, 1, 0.5);
    epoch(rig, run, 2, NAN);
    result(rig, run, EXECUTION_COMPLETED);
    assert_float_equal(rig->study->trials[1]->score, 0.5, 1e-12);
    finish(rig);
}

// ---- messages

static void an_epoch_counts_once_and_in_order(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 3, RANDOM ", \"max_trials\": 1");
    struct run run = must_take(rig);
    assert_int_equal(epoch(rig, run, 2, 0.5), VERDICT_EARLY);
    assert_int_equal(epoch(rig, run, 1, 0.5), VERDICT_APPLIED);
    assert_int_equal(epoch(rig, run, 1, 0.9), VERDICT_DUPLICATE);
    assert_int_equal(
        study_result(rig->study, 0, 0, 1, EXECUTION_COMPLETED, 2, NULL, rig->now, &rig->fx),
        VERDICT_EARLY);
    assert_int_equal(result(rig, run, EXECUTION_COMPLETED), VERDICT_APPLIED);
    assert_int_equal(result(rig, run, EXECUTION_COMPLETED), VERDICT_DUPLICATE);
    assert_int_equal(epoch(rig, run, 2, 0.9), VERDICT_DUPLICATE);
    assert_float_equal(rig->study->trials[0]->score, 0.5, 1e-12);
    run.attempt = 2;
    assert_int_equal(epoch(rig, run, 1, 0.5), VERDICT_STALE);
    run.trial = 7;
    assert_int_equal(epoch(rig, run, 1, 0.5), VERDICT_STALE);
    finish(rig);
}

// ---- commands

static void a_paused_study_starts_nothing_and_resumes(void **state)
{
    (void)state;
    struct run run, none;
    struct rig *rig = model(1000, 1, RANDOM ", \"max_trials\": 2, \"executions_per_trial\": 2");
    run = must_take(rig);
    do_it(rig, study_pause, OK);
    assert_int_equal(take(rig, &none), OFFER_NOTHING); // nor the trial's other execution
    complete(rig, run, 0.5);
    assert_int_equal(rig->study->state, STUDY_PAUSED);
    do_it(rig, study_resume, OK);
    assert_int_equal(must_take(rig).execution, 1);
    finish(rig);
}

static void a_stopping_study_finishes_the_trials_that_run(void **state)
{
    (void)state;
    struct run none;
    struct rig *rig = model(1000, 1, RANDOM ", \"max_trials\": 5, \"executions_per_trial\": 2");
    struct run a = must_take(rig);
    do_it(rig, study_stop, OK);
    assert_int_equal(rig->study->state, STUDY_STOPPING);
    struct run b = must_take(rig); // the same trial's second execution
    assert_int_equal(b.trial, 0);
    assert_int_equal(take(rig, &none), OFFER_NOTHING);
    complete(rig, a, 0.5);
    complete(rig, b, 0.5);
    assert_int_equal(rig->study->state, STUDY_STOPPED);
    assert_int_equal(rig->study->ntrials, 1);
    do_it(rig, study_resume, E_STATE);
    do_it(rig, study_cancel, E_STATE);
    finish(rig);
}

static void cancelling_calls_off_all_that_runs(void **state)
{
    (void)state;
    struct error err;
    struct rig *rig = model(1000, 1, RANDOM ", \"max_trials\": 5");
    struct run a = must_take(rig);
    must_take(rig);
    assert_int_equal(study_may_delete(rig->study, &err), E_STATE);
    do_it(rig, study_cancel, OK);
    assert_int_equal(rig->study->state, STUDY_CANCELLED);
    assert_int_equal(rig->stops, 2);
    assert_int_equal(rig->study->counts[TRIAL_CANCELLED], 2);
    assert_int_equal(epoch(rig, a, 1, 0.5), VERDICT_DUPLICATE);
    assert_int_equal(study_may_delete(rig->study, &err), OK);
    finish(rig);
}

static void a_finished_study_goes_on_with_a_higher_budget(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 1, RANDOM ", \"max_trials\": 2");
    complete(rig, must_take(rig), 0.5);
    complete(rig, must_take(rig), 0.6);
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    patch_max_trials(rig, 1, E_RANGE);
    patch_max_trials(rig, 2, OK);
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    patch_max_trials(rig, 3, OK);
    assert_int_equal(rig->study->state, STUDY_RUNNING);
    complete(rig, must_take(rig), 0.7);
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    assert_int_equal(rig->study->ntrials, 3);
    finish(rig);
}

static void max_parallel_trials_holds_trials_back_not_executions(void **state)
{
    (void)state;
    struct run none;
    struct rig *rig = model(1000, 1,
                            RANDOM ", \"max_trials\": 5, \"executions_per_trial\": 2,"
                                   "\"max_parallel_trials\": 1");
    struct run a = must_take(rig), b = must_take(rig);
    assert_int_equal(take(rig, &none), OFFER_NOTHING);
    complete(rig, a, 0.5);
    assert_int_equal(take(rig, &none), OFFER_NOTHING);
    complete(rig, b, 0.5);
    assert_int_equal(must_take(rig).trial, 1);
    finish(rig);
}

// ---- objectives

static void several_objectives_are_summed_as_keras_tuner_does(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 1,
                            "\"type\": \"RandomSearch\", \"objective\": [\"accuracy\","
                            "\"loss\"], \"max_trials\": 1");
    complete(rig, must_take(rig), 0.75); // accuracy maximised, loss 0.25 minimised
    assert_float_equal(rig->study->trials[0]->score, 0.25 - 0.75, 1e-12);
    assert_int_equal(rig->study->direction, MINIMIZE);
    finish(rig);
}

static void an_expression_is_computed_from_metrics_and_parameters(void **state)
{
    (void)state;
    struct rig *rig = model(1000, 1,
                            "\"type\": \"RandomSearch\", \"max_trials\": 1, \"objective\": {"
                            "\"expression\": \"accuracy - 0.02 * log10(parameters)\","
                            "\"direction\": \"max\"}");
    struct run run = must_take(rig);
    assert_true(study_needs_parameters(rig->study, run.trial));
    study_set_parameters(rig->study, run.trial, 1000);
    complete(rig, run, 0.9);
    assert_float_equal(rig->study->trials[0]->score, 0.9 - 0.02 * 3, 1e-12);
    finish(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_study_gives_exactly_max_trials_and_completes),
        cmocka_unit_test(a_score_is_the_mean_over_executions_of_the_best_epoch),
        cmocka_unit_test(an_execution_without_epochs_completes_without_a_score),
        cmocka_unit_test(no_two_trials_are_equal_and_a_used_up_space_is_said),
        cmocka_unit_test(a_target_or_the_time_ends_a_study_early),
        cmocka_unit_test(retries_are_for_trials_that_fail_by_themselves),
        cmocka_unit_test(a_lost_attempt_is_run_again_with_its_seed),
        cmocka_unit_test(a_lost_attempt_lives_again_until_the_work_is_taken_up),
        cmocka_unit_test(too_many_failures_in_a_row_fail_the_study),
        cmocka_unit_test(one_execution_that_fails_calls_the_others_off),
        cmocka_unit_test(an_infeasible_point_is_no_failure),
        cmocka_unit_test(an_objective_that_was_never_finite_is_a_failure),
        cmocka_unit_test(an_epoch_counts_once_and_in_order),
        cmocka_unit_test(a_paused_study_starts_nothing_and_resumes),
        cmocka_unit_test(a_stopping_study_finishes_the_trials_that_run),
        cmocka_unit_test(cancelling_calls_off_all_that_runs),
        cmocka_unit_test(a_finished_study_goes_on_with_a_higher_budget),
        cmocka_unit_test(max_parallel_trials_holds_trials_back_not_executions),
        cmocka_unit_test(several_objectives_are_summed_as_keras_tuner_does),
        cmocka_unit_test(an_expression_is_computed_from_metrics_and_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
