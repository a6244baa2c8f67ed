// What comes back from workers and clients: epochs, results, lost attempts.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"
#include "coordinator/study/machine.h"

// After anything ended: order what the search owes, then see whether the study is at its end.
static void go_on(struct study *study, struct moment now, struct effects *fx)
{
    suggestions_order(study, now, fx);
    study_settle(study, now, fx);
}

// ---- epochs

static void prune(struct study *study, struct trial *trial, struct effects *fx)
{
    trial->stop_asked = true;
    for (int i = 0; i < study->nexecutions; i++) {
        struct execution *execution = &trial->executions[i];
        if (execution->state == EXECUTION_RUNNING && execution->worker)
            effect_add(fx, EFFECT_STOP_JOB, trial->number, i)->prune = true;
    }
}

// Keeps an epoch and lets the algorithm judge it.
static void apply_epoch(struct study *study, struct trial *trial, int index, int epoch,
                        const cJSON *metrics, struct effects *fx)
{
    double objective = objective_value(study->meter, metrics, trial->parameters);
    execution_epoch(study, trial, index, epoch, objective);
    struct effect *effect = effect_add(fx, EFFECT_INSERT_EPOCH, trial->number, index);
    effect->epoch = epoch;
    effect->objective = objective;
    effect->metrics = metrics;
    if (index == 0 && !trial->stop_asked &&
        tape_report(&study->tape, trial->number, epoch, study_loss(study, objective)))
        prune(study, trial, fx);
}

// Verdict on a message of `attempt` that finds it running, over, or taken up by another.
static enum study_verdict judge(const struct execution *execution, int attempt)
{
    if (!execution || execution->attempt != attempt)
        return VERDICT_STALE;
    if (execution->state == EXECUTION_RUNNING)
        return VERDICT_APPLIED;
    return execution->state == EXECUTION_LOST ? VERDICT_STALE : VERDICT_DUPLICATE;
}

enum study_verdict study_judge(const struct study *study, int number, int index, int attempt)
{
    return judge(study_find_execution(study, number, index), attempt);
}

enum study_verdict study_epoch(struct study *study, int number, int index, int attempt, int epoch,
                               const cJSON *metrics, struct moment now, struct effects *fx)
{
    (void)now;
    struct execution *execution = study_find_execution(study, number, index);
    enum study_verdict verdict = judge(execution, attempt);
    if (verdict != VERDICT_APPLIED)
        return verdict;
    if (epoch <= execution->epochs)
        return VERDICT_DUPLICATE;
    if (epoch > execution->epochs + 1)
        return VERDICT_EARLY;
    apply_epoch(study, study->trials[number], index, epoch, metrics, fx);
    return VERDICT_APPLIED;
}

bool study_needs_parameters(const struct study *study, int trial)
{
    return study->trials[trial]->parameters == 0 && objective_needs_parameters(study->meter);
}

void study_set_parameters(struct study *study, int trial, int64_t parameters)
{
    study->trials[trial]->parameters = parameters;
}

void study_set_initial_epoch(struct study *study, int trial, int index, int epoch)
{
    struct execution *execution = &study->trials[trial]->executions[index];
    execution->initial_epoch = epoch;
    if (execution->epochs < epoch)
        execution->epochs = epoch;
}

// ---- results

static bool all_done(const struct trial *trial, bool *pruned)
{
    *pruned = false;
    for (int i = 0; i < trial->nexecutions; i++) {
        const struct execution *execution = &trial->executions[i];
        if (execution->queued ||
            (execution->state != EXECUTION_COMPLETED && execution->state != EXECUTION_PRUNED))
            return false;
        *pruned |= execution->state == EXECUTION_PRUNED;
    }
    return true;
}

static void retry_or_fail(struct study *study, struct trial *trial, int index, const char *error,
                          struct moment now, struct effects *fx)
{
    trial->failures++;
    if (trial->failures <= study->spec->tuner.max_retries_per_trial &&
        study->state != STUDY_STOPPING) {
        execution_queue(study, trial, index);
        return;
    }
    char *reason =
        study->nexecutions > 1 ? alloc_format("execution %d: %s", index, error) : alloc_text(error);
    trial_end(study, trial, TRIAL_FAILED, reason, now, fx);
    free(reason);
}

// A completed run whose objective was never a finite number has no score: it failed.
static enum execution_state checked(const struct execution *execution, enum execution_state state,
                                    const char **error)
{
    bool scored = state == EXECUTION_COMPLETED || state == EXECUTION_PRUNED;
    if (!scored || execution->epochs == 0 || isfinite(execution->best))
        return state;
    *error = "the objective was not a finite number after any epoch; the training diverged";
    return EXECUTION_FAILED;
}

enum study_verdict study_result(struct study *study, int number, int index, int attempt,
                                enum execution_state state, int epochs, const char *error,
                                struct moment now, struct effects *fx)
{
    struct execution *execution = study_find_execution(study, number, index);
    enum study_verdict verdict = judge(execution, attempt);
    if (verdict != VERDICT_APPLIED)
        return verdict;
    if (epochs > execution->epochs)
        return VERDICT_EARLY;
    struct trial *trial = study->trials[number];
    state = checked(execution, state, &error);
    if (!error && (state == EXECUTION_FAILED || state == EXECUTION_INFEASIBLE))
        error = "no reason given";
    if (state == EXECUTION_CANCELLED) { // not by us, or it would be over: the work is still to do
        study_lose(study, number, index, attempt, now, fx);
        return VERDICT_APPLIED;
    }
    execution_end(study, trial, index, state, error, now, fx);
    bool pruned;
    if (state == EXECUTION_FAILED)
        retry_or_fail(study, trial, index, error, now, fx);
    else if (state == EXECUTION_INFEASIBLE)
        trial_end(study, trial, TRIAL_INFEASIBLE, error, now, fx);
    else if (all_done(trial, &pruned))
        trial_end(study, trial, pruned ? TRIAL_PRUNED : TRIAL_COMPLETED,
                  pruned ? "ended early by the algorithm" : NULL, now, fx);
    go_on(study, now, fx);
    return VERDICT_APPLIED;
}

// ---- lost attempts

void study_lose(struct study *study, int number, int index, int attempt, struct moment now,
                struct effects *fx)
{
    struct execution *execution = study_find_execution(study, number, index);
    if (judge(execution, attempt) != VERDICT_APPLIED)
        return;
    struct trial *trial = study->trials[number];
    bool clients = trial_is_clients(trial);
    execution_end(study, trial, index, EXECUTION_LOST, NULL, now, fx);
    if (clients) {
        execution->queued = true;
        trial_requeue(study, trial, fx);
        if (study->state == STUDY_STOPPING)
            trial_cancel(study, trial, "its client left while the study was stopping", now, fx);
        go_on(study, now, fx);
        return;
    }
    execution_queue(study, trial, index);
}

bool study_revive(struct study *study, int number, int index, int attempt, struct moment now,
                  struct effects *fx)
{
    struct execution *execution = study_find_execution(study, number, index);
    if (!execution || execution->attempt != attempt)
        return false;
    if (execution->state == EXECUTION_RUNNING)
        return true;
    struct trial *trial = study->trials[number];
    if (execution->state != EXECUTION_LOST || !execution->queued)
        return false;
    if (trial->state == TRIAL_QUEUED)
        trial_run(study, trial, now, fx);
    if (trial->state != TRIAL_RUNNING)
        return false;
    execution->state = EXECUTION_RUNNING;
    execution->queued = false;
    execution->ended_ms = ROW_NULL;
    study->busy += execution->worker != NULL;
    effect_add(fx, EFFECT_UPDATE_EXECUTION, number, index);
    return true;
}

// ---- clients

static enum code clients_trial(struct study *study, int number, struct moment now,
                               struct effects *fx, struct trial **out, struct error *err)
{
    struct trial *trial = study_find_trial(study, number);
    if (!trial)
        return fail(err, E_NOT_FOUND, "", "study \"%s\" has no trial %d", study->spec->name,
                    number);
    if (trial_is_clients(trial))
        study_revive(study, number, 0, trial->executions[0].attempt, now, fx);
    if (trial->state != TRIAL_RUNNING || !trial_is_clients(trial))
        return fail(err, E_STATE, "", "trial %d is %s%s; ask for a trial with POST …/suggest",
                    number, trial_state_names[trial->state],
                    trial->state == TRIAL_RUNNING ? " at a worker" : "");
    *out = trial;
    return OK;
}

static enum code check_metrics(const struct study *study, const cJSON *metrics, struct error *err)
{
    const char *missing = objective_missing(study->meter, metrics);
    if (!missing)
        return OK;
    struct json_pointer pointer = json_pointer_of("/metrics", missing);
    return fail(err, E_MISSING, pointer.text, "the objective's metric \"%s\" is missing; report it",
                missing);
}

enum code study_measure(struct study *study, int number, int epoch, const cJSON *metrics,
                        struct moment now, struct effects *fx, bool *should_stop, struct error *err)
{
    struct trial *trial;
    enum code code = clients_trial(study, number, now, fx, &trial, err);
    if (!code)
        code = check_metrics(study, metrics, err);
    if (code)
        return code;
    if (epoch > trial->executions[0].epochs) // else a repeat
        apply_epoch(study, trial, 0, epoch, metrics, fx);
    *should_stop = trial->stop_asked || study->state == STUDY_STOPPING;
    return OK;
}

// The client's last word is the score. It is kept as one more epoch, or as the one the trial was to train to
// when none of the round was measured.
static void take_last_word(struct study *study, struct trial *trial, const cJSON *metrics,
                           struct effects *fx)
{
    struct execution *execution = &trial->executions[0];
    bool measured = execution->epochs > execution->base_epochs;
    bool jumps = !measured && !trial->stop_asked && trial->epochs > execution->epochs;
    int epoch = jumps ? trial->epochs : execution->epochs + 1;
    double objective = objective_value(study->meter, metrics, trial->parameters);
    struct effect *effect = effect_add(fx, EFFECT_INSERT_EPOCH, trial->number, 0);
    effect->epoch = epoch;
    effect->objective = objective;
    effect->metrics = metrics;
    execution->best = NAN;
    execution_epoch(study, trial, 0, epoch, objective);
}

enum code study_complete(struct study *study, int number, const cJSON *metrics,
                         const char *infeasible_reason, struct moment now, struct effects *fx,
                         struct error *err)
{
    struct trial *trial;
    enum code code = clients_trial(study, number, now, fx, &trial, err);
    if (code)
        return code;
    struct execution *execution = &trial->executions[0];
    if (!infeasible_reason) {
        bool told = metrics && metrics->child;
        if (told || execution->epochs == 0)
            code = check_metrics(study, metrics, err);
        if (code)
            return code;
        if (told)
            take_last_word(study, trial, metrics, fx);
    }
    const char *error = infeasible_reason;
    enum execution_state state = checked(execution,
                                         infeasible_reason   ? EXECUTION_INFEASIBLE
                                         : trial->stop_asked ? EXECUTION_PRUNED
                                                             : EXECUTION_COMPLETED,
                                         &error);
    static const enum trial_state ends[EXECUTION_STATES] = {
        [EXECUTION_COMPLETED] = TRIAL_COMPLETED,
        [EXECUTION_PRUNED] = TRIAL_PRUNED,
        [EXECUTION_INFEASIBLE] = TRIAL_INFEASIBLE,
        [EXECUTION_FAILED] = TRIAL_FAILED,
    };
    execution_end(study, trial, 0, state, error, now, fx);
    trial_end(study, trial, ends[state], error, now, fx);
    go_on(study, now, fx);
    return OK;
}
