// A study out of its rows: after a restart, and after a transaction that failed.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"
#include "coordinator/study/machine.h"
#include "coordinator/study/seen.h"

static int find_name(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static enum code bad_row(const struct study *study, const char *what, struct error *err)
{
    return fail(err, E_STORE, "", "the store's rows of study \"%s\" do not fit: %s",
                study->spec->name, what);
}

static enum code read_values(const struct study *study, const char *text, struct value *values,
                             struct error *err)
{
    cJSON *json = json_read(text, strlen(text), NULL, err);
    if (!json)
        return err ? err->code : E_STORE;
    struct faults faults;
    faults_init(&faults);
    enum code code = space_values_from_json(&study->spec->space, json, "", values, &faults);
    if (code)
        code = bad_row(study, faults.count ? faults.items[0].message : "hyperparameters", err);
    faults_fini(&faults);
    cJSON_Delete(json);
    return code;
}

enum code study_restore_trial(struct study *study, const struct trial_row *row, struct error *err)
{
    int state = find_name(trial_state_names, TRIAL_STATES, row->state);
    if (row->number != study->ntrials || state < 0)
        return bad_row(study, "a trial's number or state", err);
    struct value *values = alloc_zero((size_t)study->spec->space.n, sizeof *values);
    enum code code = read_values(study, row->hyperparameters, values, err);
    if (code) {
        free(values);
        return code;
    }
    struct trial *trial = alloc_zero(1, sizeof *trial);
    *trial = (struct trial){
        .number = (int)row->number,
        .state = state,
        .values = values,
        .hyperparameters = alloc_text(row->hyperparameters),
        .origin = alloc_text(row->origin),
        .epochs = (int)row->epochs,
        .initial_epoch = (int)row->initial_epoch,
        .parent = (int)row->parent,
        .bracket = (int)row->bracket,
        .round = (int)row->round,
        .own = row->own != 0,
        .nexecutions = study->nexecutions,
        .epochs_read = -1,
        .score = row->score,
        .scored = row->executions == ROW_NULL ? 0 : (int)row->executions,
        .best_epoch = row->best_epoch == ROW_NULL ? 0 : (int)row->best_epoch,
        .client_id = alloc_text(row->client_id),
        .reason = alloc_text(row->reason),
        .created_ms = row->created_at,
        .started_ms = row->started_at,
        .ended_ms = row->ended_at,
        .executions = alloc_zero((size_t)study->nexecutions, sizeof *trial->executions),
    };
    for (int i = 0; i < study->nexecutions; i++)
        trial->executions[i] = (struct execution){
            .best = NAN, .base_best = NAN, .queued = !trial_state_ended(trial->state)};
    study->fidelity |= trial->epochs > 0;
    study->trials = alloc_more(study->trials, study->ntrials, &study->trials_cap,
                               sizeof *study->trials); // NOLINT: an array of pointers
    study->trials[study->ntrials++] = trial;
    study->counts[state]++;
    seen_add(study->seen, trial->values);
    return OK;
}

// Rows come attempt by attempt; the newest one stays. What earlier attempts of the same round reached is
// dropped by the next one's start; what an earlier round completed counts on.
enum code study_restore_execution(struct study *study, const struct execution_row *row,
                                  struct error *err)
{
    struct execution *execution = study_find_execution(study, (int)row->trial, (int)row->execution);
    int state = find_name(execution_state_names, EXECUTION_STATES, row->state);
    if (!execution || state < 0 || row->attempt <= execution->attempt)
        return bad_row(study, "an execution", err);
    struct trial *trial = study->trials[row->trial];
    if (state == EXECUTION_FAILED)
        trial->failures++;
    if (state == EXECUTION_COMPLETED || state == EXECUTION_PRUNED) {
        execution->kept_attempts |= row->attempt < 64 ? UINT64_C(1) << row->attempt : 0;
    }
    execution->state = state;
    execution->attempt = (int)row->attempt;
    execution->seed = row->seed;
    execution->initial_epoch = (int)row->initial_epoch;
    study_set_reason(&execution->worker, row->worker);
    study_set_reason(&execution->error, row->error);
    execution->created_ms = row->created_at;
    execution->started_ms = row->started_at;
    execution->ended_ms = row->ended_at;
    execution->queued =
        !trial_state_ended(trial->state) && (state == EXECUTION_FAILED || state == EXECUTION_LOST);
    return OK;
}

// Epochs of all attempts come in order; those of the newest count, on top of completed rounds.
enum code study_restore_epoch(struct study *study, const struct epoch_row *row, struct error *err)
{
    struct execution *execution = study_find_execution(study, (int)row->trial, (int)row->execution);
    if (!execution || row->epoch < 1 || row->epoch > INT32_MAX / 2)
        return bad_row(study, "an epoch", err);
    bool newest = row->attempt == execution->attempt;
    if (!newest && !(row->attempt < 64 && execution->kept_attempts >> row->attempt & 1))
        return OK;
    execution_epoch(study, study->trials[row->trial], (int)row->execution, (int)row->epoch,
                    row->objective);
    if (!newest) {
        execution->base_epochs = execution->epochs;
        execution->base_best = execution->best;
        execution->base_best_epoch = execution->best_epoch;
    }
    return OK;
}

// How many executions the newest round trains; all where that was not written yet.
static void restore_round(const struct study *study, struct trial *trial,
                          const struct decision_row *row)
{
    bool known = row->executions > 0 && row->executions < study->nexecutions;
    if (trial->epochs_read >= 0) {
        trial->epochs_before = trial->epochs_read;
        trial->executions_before = trial->nexecutions;
    }
    trial->epochs_read = (int)row->epochs;
    trial->nexecutions = known ? (int)row->executions : study->nexecutions;
    for (int i = trial->nexecutions; i < study->nexecutions; i++)
        trial->executions[i].queued = false;
}

enum code study_restore_decision(struct study *study, const struct decision_row *row,
                                 struct decision *out, struct error *err)
{
    struct trial *trial = study_find_trial(study, (int)row->trial);
    bool told = strcmp(row->kind, "told") == 0;
    if (!trial || (!told && row->trial > study->tape.history.n) ||
        (told && row->trial >= study->tape.history.n))
        return bad_row(study, "a decision", err);
    struct decision decision = {.seq = row->seq,
                                .told = told,
                                .trial = (int)row->trial,
                                .epochs = (int)row->epochs,
                                .basis_seq = row->basis_seq,
                                .basis_count = row->basis_count,
                                .basis_index = row->basis_index,
                                .basis_max_trials = row->basis_max_trials};
    if (told) {
        int state = find_name(trial_state_names, TRIAL_STATES, row->state ? row->state : "");
        if (state < 0)
            return bad_row(study, "a decision's state", err);
        decision.state = trial_told_state(state);
        decision.loss = row->loss;
        decision.variance = row->variance;
        decision.executions = (int)row->executions;
        int ncurve = trial->ncurve < row->epochs ? trial->ncurve : (int)row->epochs;
        tape_told(&study->tape, &decision, trial->curve, ncurve);
        study->told_seq = row->seq;
    } else {
        tape_given(&study->tape, &decision,
                   &(struct tape_point){trial->values, trial->bracket, trial->round, trial->parent,
                                        trial->own});
        restore_round(study, trial, row);
        study->given_seq = row->seq;
    }
    *out = decision;
    return OK;
}

// An attempt that went on from a checkpoint has the epochs behind it, told or not.
static void restore_progress(const struct study *study, struct trial *trial)
{
    for (int i = 0; i < study->nexecutions; i++) {
        struct execution *execution = &trial->executions[i];
        bool runs = execution->state == EXECUTION_RUNNING || execution->state == EXECUTION_LOST;
        if (runs && execution->epochs < execution->initial_epoch)
            execution->epochs = execution->initial_epoch;
    }
}

static void restore_queues(struct study *study, struct trial *trial)
{
    if (trial->state == TRIAL_QUEUED)
        heap_push(&study->waiting, trial->number);
    if (trial->state != TRIAL_RUNNING)
        return;
    for (int i = 0; i < study->nexecutions; i++) {
        const struct execution *execution = &trial->executions[i];
        study->busy += execution->state == EXECUTION_RUNNING && execution->worker;
    }
    if (!trial_is_clients(trial))
        trial_queue_round(study, trial);
}

void study_restored(struct study *study, struct moment now, struct effects *fx)
{
    for (int i = 0; i < study->ntrials; i++) {
        struct trial *trial = study->trials[i];
        restore_progress(study, trial);
        restore_queues(study, trial);
        trial_consider_best(study, trial);
        for (int epoch = 1; trial->state == TRIAL_RUNNING && epoch <= trial->ncurve; epoch++)
            trial->stop_asked |= tape_report(&study->tape, i, epoch, trial->curve[epoch - 1]);
    }
    suggestions_order(study, now, fx);
    study_settle(study, now, fx);
}
