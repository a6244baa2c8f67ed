// The rules of studies, trials and executions, on the state machine alone: events in, effects looked at.
// The search answers when a test lets it.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/study/study.h"
#include "tests/test.h"

struct rig {
    struct study_spec spec;
    struct study *study;
    struct effects fx;
    struct moment now;
    struct tape advisor; // what the search is told, in order
    bool asked;
    int64_t basis_seq;
    int count;
    int stops, prunes;
};

// ---- the rig

static void carry_out(struct rig *rig)
{
    const struct study *study = rig->study;
    for (int i = 0; i < rig->fx.n; i++) {
        const struct effect *effect = &rig->fx.items[i];
        if (effect->kind == EFFECT_ASK) {
            rig->asked = true;
            rig->basis_seq = effect->basis_seq;
            rig->count = effect->count;
        } else if (effect->kind == EFFECT_STOP_JOB) {
            rig->stops += !effect->prune;
            rig->prunes += effect->prune;
        } else if (effect->kind == EFFECT_DECISION) {
            const struct trial *trial = study->trials[effect->decision.trial];
            if (effect->decision.told)
                tape_told(&rig->advisor, &effect->decision, trial->curve, trial->ncurve);
            else
                tape_given(&rig->advisor, &effect->decision,
                           &(struct tape_point){trial->values, trial->bracket, trial->round,
                                                trial->parent, trial->own});
        }
    }
    rig->fx.n = 0;
}

// The search answers the order that is out.
static void advise(struct rig *rig)
{
    if (!rig->asked)
        return;
    rig->asked = false;
    struct proposal *proposals = calloc((size_t)rig->count, sizeof *proposals);
    struct suggestion *points = calloc((size_t)rig->count, sizeof *points);
    struct rng rng;
    int n = 0;
    assert_true(proposals && points);
    rng_init(&rng, rig->spec.seed, (uint64_t)rig->basis_seq);
    enum ask_status status = rig->advisor.search.ops->ask(
        rig->advisor.search.state, &rig->advisor.history, &rng, rig->count, proposals, &n);
    for (int i = 0; i < n; i++) {
        points[i] = (struct suggestion){
            .values = calloc((size_t)rig->spec.space.n, sizeof *points[i].values),
            .epochs = proposals[i].epochs,
            .parent = proposals[i].parent,
            .bracket = proposals[i].bracket,
            .round = proposals[i].round,
            .index = i};
        snprintf(points[i].how, sizeof points[i].how, "%s", proposals[i].how);
        snprintf(points[i].why, sizeof points[i].why, "%s", proposals[i].why);
        space_from_unit(&rig->spec.space, proposals[i].unit, points[i].values);
    }
    study_propose(rig->study, rig->basis_seq, rig->count, status, points, n, rig->now, &rig->fx);
    for (int i = 0; i < n; i++)
        free(points[i].values);
    free(points);
    free(proposals);
    carry_out(rig);
}

static const char parameters_study[] =
    "{\"name\": \"s\", \"seed\": 3, \"parameters\": [{\"hp\": \"Float\", \"name\": \"x\","
    " \"min_value\": 0.0, \"max_value\": 1.0}], \"tuner\": {%s}}";
static const char model_study[] =
    "{\"name\": \"s\", \"seed\": 3, \"dataset\": {\"name\": \"blobs\"}, \"model\": {\"layers\": ["
    "{\"type\": \"Dense\", \"units\": {\"hp\": \"Int\", \"name\": \"u\", \"min_value\": 1,"
    " \"max_value\": %d}}, {\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]},"
    " \"compile\": {\"optimizer\": \"Adam\", \"loss\": \"sparse_categorical_crossentropy\","
    " \"metrics\": [\"accuracy\"]}, \"fit\": {\"epochs\": %d}, \"tuner\": {%s}}";

static struct rig *start(const char *text)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct error err;
    struct faults faults;
    assert_non_null(rig);
    faults_init(&faults);
    cJSON *json = json_read(text, strlen(text), NULL, &err);
    if (!json)
        fail_msg("%s: %s", err.message, text);
    if (study_spec_parse(json, &rig->spec, &faults))
        fail_msg("%s at %s", faults.items[0].message, faults.items[0].pointer);
    cJSON_Delete(json);
    faults_fini(&faults);
    rig->now = (struct moment){100, 1800000000000};
    assert_int_equal(tape_init(&rig->advisor, &rig->spec, &err), OK);
    assert_int_equal(study_create(1, &rig->spec, rig->now, &rig->fx, &rig->study, &err), OK);
    carry_out(rig);
    study_set_capacity(rig->study, 4, rig->now, &rig->fx);
    carry_out(rig);
    advise(rig);
    return rig;
}

static struct rig *model(int points, int epochs, const char *tuner)
{
    char text[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, model_study, points, epochs, tuner);
#pragma GCC diagnostic pop
    return start(text);
}

static struct rig *parameters(const char *tuner)
{
    char text[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, parameters_study, tuner);
#pragma GCC diagnostic pop
    return start(text);
}

static void finish(struct rig *rig)
{
    study_free(rig->study);
    tape_fini(&rig->advisor);
    effects_fini(&rig->fx);
    study_spec_fini(&rig->spec);
    free(rig);
}

struct run {
    int trial, execution, attempt;
};

static enum study_offer take(struct rig *rig, struct run *run)
{
    enum study_offer offer =
        study_take(rig->study, "w", rig->now, &rig->fx, &run->trial, &run->execution);
    if (offer == OFFER_WORK)
        run->attempt = rig->study->trials[run->trial]->executions[run->execution].attempt;
    carry_out(rig);
    return offer;
}

static struct run must_take(struct rig *rig)
{
    struct run run;
    advise(rig);
    assert_int_equal(take(rig, &run), OFFER_WORK);
    return run;
}

static enum study_verdict epoch(struct rig *rig, struct run run, int number, double accuracy)
{
    cJSON *metrics = cJSON_CreateObject();
    if (isnan(accuracy))
        cJSON_AddNullToObject(metrics, "accuracy");
    else
        cJSON_AddNumberToObject(metrics, "accuracy", accuracy);
    cJSON_AddNumberToObject(metrics, "loss", 1 - accuracy);
    enum study_verdict verdict = study_epoch(rig->study, run.trial, run.execution, run.attempt,
                                             number, metrics, rig->now, &rig->fx);
    carry_out(rig);
    cJSON_Delete(metrics);
    return verdict;
}

static enum study_verdict result(struct rig *rig, struct run run, enum execution_state state)
{
    enum study_verdict verdict = study_result(rig->study, run.trial, run.execution, run.attempt,
                                              state, 0, "it fell", rig->now, &rig->fx);
    carry_out(rig);
    advise(rig);
    return verdict;
}

static void complete(struct rig *rig, struct run run, double accuracy)
{
    assert_int_equal(epoch(rig, run, 1, accuracy), VERDICT_APPLIED);
    assert_int_equal(result(rig, run, EXECUTION_COMPLETED), VERDICT_APPLIED);
}

static void lose(struct rig *rig, struct run run)
{
    study_lose(rig->study, run.trial, run.execution, run.attempt, rig->now, &rig->fx);
    carry_out(rig);
}

static void do_it(struct rig *rig,
                  enum code (*act)(struct study *, struct moment, struct effects *, struct error *),
                  enum code expected)
{
    struct error err = {0};
    assert_int_equal(act(rig->study, rig->now, &rig->fx, &err), expected);
    carry_out(rig);
    advise(rig);
}

static void patch_max_trials(struct rig *rig, int64_t max_trials, enum code expected)
{
    struct study_patch patch = {.has_max_trials = true, .max_trials = max_trials};
    struct error err = {0};
    assert_int_equal(study_apply_patch(rig->study, &patch, rig->now, &rig->fx, &err), expected);
    rig->advisor.history.max_trials = rig->study->max_trials;
    carry_out(rig);
    advise(rig);
}

#define RANDOM "\"type\": \"RandomSearch\", \"objective\": \"accuracy\""

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

// ---- clients

static int ask(struct rig *rig, const char *client, int count, bool late, int *numbers)
{
    int n = 0;
    enum study_offer offer =
        study_ask(rig->study, client, count, late, rig->now, &rig->fx, numbers, &n);
    carry_out(rig);
    return offer == OFFER_WAIT ? -1 : n;
}

static enum code tell(struct rig *rig, int trial, double loss)
{
    struct error err;
    cJSON *metrics = cJSON_CreateObject();
    cJSON_AddNumberToObject(metrics, "loss", loss);
    enum code code = study_complete(rig->study, trial, metrics, NULL, rig->now, &rig->fx, &err);
    carry_out(rig);
    cJSON_Delete(metrics);
    advise(rig);
    return code;
}

#define LOSS                                                                                       \
    "\"type\": \"RandomSearch\", \"objective\": {\"name\": \"loss\", \"direction\": \"min\"}"

static void a_client_gets_its_open_trials_back(void **state)
{
    (void)state;
    int numbers[8];
    struct rig *rig = parameters(LOSS ", \"max_trials\": 3");
    assert_int_equal(ask(rig, "a", 2, false, numbers), 2);
    assert_int_equal(ask(rig, "a", 2, false, numbers), 2);
    assert_int_equal(numbers[1], 1);
    assert_int_equal(ask(rig, "b", 2, false, numbers), 1);
    assert_int_equal(ask(rig, "c", 2, false, numbers), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tell(rig, i, 0.3 - 0.1 * i), OK);
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    assert_int_equal(rig->study->best, 2);
    assert_int_equal(tell(rig, 1, 0.1), E_STATE);
    assert_int_equal(tell(rig, 9, 0.1), E_NOT_FOUND);
    finish(rig);
}

static void a_silent_clients_trial_goes_to_the_next_unless_it_speaks_first(void **state)
{
    (void)state;
    int numbers[8];
    struct rig *rig = parameters(LOSS ", \"max_trials\": 2");
    assert_int_equal(ask(rig, "a", 2, false, numbers), 2);
    lose(rig, (struct run){0, 0, 1});
    lose(rig, (struct run){1, 0, 1});
    assert_int_equal(rig->study->counts[TRIAL_QUEUED], 2);
    assert_int_equal(tell(rig, 1, 0.5), OK); // nobody took it up
    assert_int_equal(ask(rig, "b", 5, false, numbers), 1);
    assert_int_equal(numbers[0], 0);
    assert_int_equal(rig->study->trials[0]->executions[0].attempt, 2);
    assert_int_equal(tell(rig, 0, 0.4), OK);
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    finish(rig);
}

static void an_ask_that_waited_long_enough_gets_a_random_point_that_says_so(void **state)
{
    (void)state;
    int numbers[8];
    struct rig *rig = parameters("\"type\": \"BayesianOptimization\", \"max_trials\": 9,"
                                 "\"objective\": {\"name\": \"loss\", \"direction\": \"min\"}");
    assert_int_equal(ask(rig, "a", 1, false, numbers), 1);
    assert_int_equal(tell(rig, 0, 0.5), OK);
    rig->study->suggestions_at = rig->study->nsuggestions; // and now the search is slow
    assert_int_equal(ask(rig, "a", 1, false, numbers), -1);
    assert_int_equal(ask(rig, "a", 1, true, numbers), 1);
    assert_non_null(strstr(rig->study->trials[1]->origin, "250 ms"));
    advise(rig); // its late answer is out of date: another order follows
    assert_true(rig->asked || rig->study->nsuggestions > 0);
    finish(rig);
}

static void as_many_are_given_as_were_asked_for_while_the_limits_allow(void **state)
{
    (void)state;
    static const struct {
        const char *limits;
        int count, given, orders; // orders: at most so many answers of the search are waited for
    } cases[] = {
        {"\"max_trials\": 60", 2, 2, 1},
        {"\"max_trials\": 60", 40, 40, 2}, // the search is asked for 32 at most
        {"\"max_trials\": 5", 9, 5, 1},
        {"\"max_trials\": 60, \"max_parallel_trials\": 3", 9, 3, 1},
    };
    for (size_t c = 0; c < 2 * sizeof cases / sizeof *cases; c++) {
        int numbers[64], orders = 0, n;
        char tuner[256];
        snprintf(
            tuner, sizeof tuner,
            "\"type\": \"%s\", %s, \"objective\": {\"name\": \"loss\", \"direction\": \"min\"}",
            c % 2 ? "RandomSearch" : "BayesianOptimization", cases[c / 2].limits);
        struct rig *rig = parameters(tuner);
        while ((n = ask(rig, "a", cases[c / 2].count, false, numbers)) < 0) {
            assert_true(rig->asked && ++orders <= cases[c / 2].orders);
            advise(rig);
        }
        assert_int_equal(n, cases[c / 2].given);
        for (int i = 0; i < n; i++)
            assert_int_equal(numbers[i], i);
        finish(rig);
    }
}

static void a_users_point_is_given_once_and_within_the_budget(void **state)
{
    (void)state;
    int numbers[8], number;
    struct error err;
    struct value point = {.kind = V_FLOAT, .f = 0.25};
    struct rig *rig = parameters(LOSS ", \"max_trials\": 1");
    assert_int_equal(study_add_point(rig->study, &point, rig->now, &rig->fx, &number, &err), OK);
    carry_out(rig);
    assert_int_equal(study_add_point(rig->study, &point, rig->now, &rig->fx, &number, &err),
                     E_STATE); // the budget is spent
    patch_max_trials(rig, 5, OK);
    assert_int_equal(study_add_point(rig->study, &point, rig->now, &rig->fx, &number, &err),
                     E_CONFLICT);
    assert_int_equal(ask(rig, "a", 1, false, numbers), 1);
    assert_int_equal(numbers[0], 0);
    assert_false(rig->advisor.trials[0].own);
    finish(rig);
}

// ---- suggestions

static void on_one_slot_each_result_is_waited_for_by_the_next_trial(void **state)
{
    (void)state;
    struct rig *rig = model(100000, 1,
                            "\"type\": \"BayesianOptimization\", \"max_trials\": 9,"
                            "\"objective\": \"accuracy\"");
    struct run run = must_take(rig);
    epoch(rig, run, 1, 0.5);
    study_result(rig->study, run.trial, 0, 1, EXECUTION_COMPLETED, 1, NULL, rig->now, &rig->fx);
    carry_out(rig);
    rig->now.s += 100; // however long the search takes
    assert_int_equal(take(rig, &run), OFFER_WAIT);
    advise(rig);
    assert_int_equal(take(rig, &run), OFFER_WORK);
    finish(rig);
}

static void beside_others_a_trial_waits_a_quarter_second_for_the_newest_advice(void **state)
{
    (void)state;
    struct rig *rig = model(100000, 1,
                            "\"type\": \"BayesianOptimization\", \"max_trials\": 9,"
                            "\"objective\": \"accuracy\"");
    struct run run = must_take(rig);
    must_take(rig); // runs on
    assert_true(rig->study->nsuggestions - rig->study->suggestions_at > 0);
    epoch(rig, run, 1, 0.5);
    study_result(rig->study, run.trial, 0, 1, EXECUTION_COMPLETED, 1, NULL, rig->now, &rig->fx);
    carry_out(rig);
    assert_int_equal(take(rig, &run), OFFER_WAIT);
    rig->now.s += 0.26;
    assert_int_equal(take(rig, &run), OFFER_WORK); // from the list there is
    finish(rig);
}

static void the_same_seed_gives_the_same_trials_on_one_slot(void **state)
{
    (void)state;
    static const char *const tuners[] = {
        RANDOM ", \"max_trials\": 40",
        "\"type\": \"BayesianOptimization\", \"objective\": \"accuracy\", \"max_trials\": 15",
    };
    for (size_t t = 0; t < sizeof tuners / sizeof *tuners; t++) {
        struct rig *rigs[2] = {model(100000, 1, tuners[t]), model(100000, 1, tuners[t])};
        for (int i = 0; i < 15; i++)
            for (int r = 0; r < 2; r++)
                complete(rigs[r], must_take(rigs[r]), 1.0 / (1 + i));
        for (int i = 0; i < 15; i++)
            assert_string_equal(rigs[0]->study->trials[i]->hyperparameters,
                                rigs[1]->study->trials[i]->hyperparameters);
        finish(rigs[0]);
        finish(rigs[1]);
    }
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
        cmocka_unit_test(a_client_gets_its_open_trials_back),
        cmocka_unit_test(a_silent_clients_trial_goes_to_the_next_unless_it_speaks_first),
        cmocka_unit_test(an_ask_that_waited_long_enough_gets_a_random_point_that_says_so),
        cmocka_unit_test(as_many_are_given_as_were_asked_for_while_the_limits_allow),
        cmocka_unit_test(a_users_point_is_given_once_and_within_the_budget),
        cmocka_unit_test(on_one_slot_each_result_is_waited_for_by_the_next_trial),
        cmocka_unit_test(beside_others_a_trial_waits_a_quarter_second_for_the_newest_advice),
        cmocka_unit_test(the_same_seed_gives_the_same_trials_on_one_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
