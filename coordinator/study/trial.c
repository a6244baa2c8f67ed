// The arrows of trials and executions. Each changes one state, keeps the counts beside it right, and
// writes the rows and news that follow.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"
#include "coordinator/study/machine.h"
#include "coordinator/study/seen.h"

struct trial *study_find_trial(const struct study *study, int number)
{
    return number >= 0 && number < study->ntrials ? study->trials[number] : NULL;
}

struct execution *study_find_execution(const struct study *study, int number, int execution)
{
    struct trial *trial = study_find_trial(study, number);
    if (!trial || execution < 0 || execution >= study->nexecutions)
        return NULL;
    return &trial->executions[execution];
}

bool trial_is_clients(const struct trial *trial)
{
    return trial->executions[0].attempt > 0 && !trial->executions[0].worker;
}

void trial_free(struct trial *trial, int nexecutions)
{
    for (int i = 0; i < nexecutions; i++) {
        free(trial->executions[i].worker);
        free(trial->executions[i].error);
    }
    free(trial->executions);
    free(trial->values);
    free(trial->hyperparameters);
    free(trial->origin);
    free(trial->client_id);
    free(trial->reason);
    free(trial->curve);
    free(trial);
}

static void set_trial_state(struct study *study, struct trial *trial, enum trial_state state)
{
    study->counts[trial->state]--;
    study->counts[state]++;
    trial->state = state;
}

// ---- decisions

static struct decision *decide(struct study *study, struct effects *fx, int trial)
{
    struct decision *decision = &effect_add(fx, EFFECT_DECISION, trial, 0)->decision;
    *decision = (struct decision){.seq = ++study->sequence, .trial = trial};
    return decision;
}

static void decide_given(struct study *study, struct trial *trial, const struct giving *giving,
                         struct effects *fx)
{
    struct decision *decision = decide(study, fx, trial->number);
    decision->epochs = giving->epochs;
    decision->executions = trial->nexecutions;
    decision->basis_seq = giving->basis_seq;
    decision->basis_count = giving->basis_count;
    decision->basis_index = giving->basis_index;
    decision->basis_max_trials = giving->basis_max_trials;
    study->given_seq = decision->seq;
    study->search_waits = false;
    tape_given(&study->tape, decision,
               &(struct tape_point){trial->values, trial->bracket, trial->round, trial->parent,
                                    trial->own});
}

enum search_state trial_told_state(enum trial_state state)
{
    static const enum search_state states[TRIAL_STATES] = {
        [TRIAL_COMPLETED] = SEARCH_COMPLETED, [TRIAL_PRUNED] = SEARCH_PRUNED,
        [TRIAL_FAILED] = SEARCH_FAILED,       [TRIAL_INFEASIBLE] = SEARCH_INFEASIBLE,
        [TRIAL_CANCELLED] = SEARCH_CANCELLED,
    };
    return states[state];
}

// Mean and variance of the executions' scores; how many there are.
static int summarise(const struct study *study, const struct trial *trial, double *mean,
                     double *variance)
{
    int n = 0;
    double sum = 0, squares = 0;
    for (int i = 0; i < study->nexecutions; i++)
        if (isfinite(trial->executions[i].best)) {
            sum += trial->executions[i].best;
            n++;
        }
    *mean = n ? sum / n : NAN;
    for (int i = 0; i < study->nexecutions; i++)
        if (isfinite(trial->executions[i].best))
            squares += pow(trial->executions[i].best - *mean, 2);
    *variance = n > 1 ? squares / (n - 1) : 0;
    return n;
}

static void decide_told(struct study *study, struct trial *trial, struct effects *fx)
{
    struct decision *decision = decide(study, fx, trial->number);
    bool scored = trial->state == TRIAL_COMPLETED || trial->state == TRIAL_PRUNED;
    double mean, variance;
    int n = summarise(study, trial, &mean, &variance);
    decision->told = true;
    decision->state = trial_told_state(trial->state);
    decision->epochs = trial->executions[0].epochs;
    if (trial->epochs > 0 &&
        decision->epochs > trial->epochs) // a client's last word after the last
        decision->epochs = trial->epochs;
    decision->loss = scored ? study_loss(study, trial->score) : NAN;
    decision->variance = scored ? variance : 0;
    decision->executions = scored ? n : 0;
    study->told_seq = decision->seq;
    study->search_waits = false;
    int ncurve = trial->ncurve < decision->epochs ? trial->ncurve : decision->epochs;
    tape_told(&study->tape, decision, trial->curve, ncurve);
}

// ---- trials

static char *origin_text(const struct giving *giving)
{
    cJSON *origin = alloc_sure(cJSON_CreateObject());
    cJSON_AddStringToObject(origin, "kind", giving->how);
    cJSON_AddStringToObject(origin, "reason", giving->why);
    if (giving->bracket >= 0)
        cJSON_AddNumberToObject(origin, "bracket", giving->bracket);
    if (giving->round >= 0)
        cJSON_AddNumberToObject(origin, "round", giving->round);
    if (giving->parent >= 0)
        cJSON_AddNumberToObject(origin, "promoted_from", giving->parent);
    char *text = alloc_sure(json_write(origin));
    cJSON_Delete(origin);
    return text;
}

static int64_t seed_of(const struct study *study, int trial, int execution, int failures)
{
    uint64_t seed = rng_mix(study->spec->seed, (uint64_t)trial * 1000003u + (uint64_t)execution);
    if (failures)
        seed = rng_mix(seed, (uint64_t)failures);
    return (int64_t)(seed >> 11); // exact in a JSON number
}

static int wanted(const struct study *study, const struct giving *giving)
{
    bool all = giving->executions <= 0 || giving->executions > study->nexecutions;
    return all ? study->nexecutions : giving->executions;
}

struct trial *trial_give(struct study *study, const struct giving *giving, struct moment now,
                         struct effects *fx)
{
    const struct space *space = &study->spec->space;
    struct trial *trial = alloc_zero(1, sizeof *trial);
    cJSON *json = alloc_sure(space_values_to_json(space, giving->values));
    *trial = (struct trial){
        .number = study->ntrials,
        .state = TRIAL_QUEUED,
        .values = alloc_copy(giving->values, (size_t)space->n * sizeof *giving->values),
        .hyperparameters = alloc_sure(json_write(json)),
        .origin = origin_text(giving),
        .epochs = giving->epochs,
        .initial_epoch = giving->initial_epoch,
        .parent = giving->parent,
        .bracket = giving->bracket,
        .round = giving->round,
        .nexecutions = wanted(study, giving),
        .own = giving->own,
        .score = NAN,
        .created_ms = now.ms,
        .started_ms = ROW_NULL,
        .ended_ms = ROW_NULL,
        .executions = alloc_zero((size_t)study->nexecutions, sizeof *trial->executions),
    };
    cJSON_Delete(json);
    for (int i = 0; i < study->nexecutions; i++)
        trial->executions[i] =
            (struct execution){.best = NAN, .base_best = NAN, .queued = i < trial->nexecutions};
    study->trials = alloc_more(study->trials, study->ntrials, &study->trials_cap,
                               sizeof *study->trials); // NOLINT: an array of pointers
    study->trials[study->ntrials++] = trial;
    study->counts[TRIAL_QUEUED]++;
    seen_add(study->seen, trial->values);
    heap_push(&study->waiting, trial->number);
    effect_add(fx, EFFECT_INSERT_TRIAL, trial->number, 0);
    decide_given(study, trial, giving, fx);
    effect_add(fx, EFFECT_UPDATE_STUDY, 0, 0);
    effect_add(fx, EFFECT_TRIAL_NEWS, trial->number, 0);
    return trial;
}

bool trial_is_better(const struct study *study, const struct trial *a, const struct trial *b)
{
    if (a->scored != b->scored)
        return a->scored > b->scored;
    return study_loss(study, a->score) < study_loss(study, b->score);
}

void trial_consider_best(struct study *study, const struct trial *trial)
{
    if (trial->state != TRIAL_COMPLETED || !isfinite(trial->score))
        return;
    if (study->best < 0 || trial_is_better(study, trial, study->trials[study->best]))
        study->best = trial->number;
}

static bool rests(const struct execution *execution)
{
    return execution->state == EXECUTION_COMPLETED || execution->state == EXECUTION_PRUNED;
}

void trial_queue_round(struct study *study, struct trial *trial)
{
    int busy = 0;
    for (int i = 0; i < trial->nexecutions; i++) {
        const struct execution *execution = &trial->executions[i];
        bool stands = i < trial->executions_before && execution->epochs == trial->epochs_before &&
                      execution->base_epochs < trial->epochs_before;
        bool waits = !rests(execution) || (stands && execution->epochs < trial->epochs);
        busy += waits;
        if (waits && execution->state != EXECUTION_RUNNING)
            execution_queue(study, trial, i);
    }
    for (int i = 0; i < trial->nexecutions && !busy; i++)
        execution_queue(study, trial, i);
}

void trial_continue(struct study *study, struct trial *trial, const struct giving *giving,
                    struct moment now, struct effects *fx)
{
    trial->epochs_before = trial->epochs;
    trial->executions_before = trial->nexecutions;
    trial->epochs = giving->epochs;
    trial->nexecutions = wanted(study, giving);
    trial->stop_asked = false;
    trial->ended_ms = ROW_NULL;
    trial->score = NAN;
    trial_queue_round(study, trial);
    if (study->best == trial->number) {
        study->best = -1;
        for (int i = 0; i < study->ntrials; i++)
            trial_consider_best(study, study->trials[i]);
    }
    set_trial_state(study, trial, TRIAL_QUEUED);
    decide_given(study, trial, giving, fx);
    trial_run(study, trial, now, fx);
}

void trial_run(struct study *study, struct trial *trial, struct moment now, struct effects *fx)
{
    set_trial_state(study, trial, TRIAL_RUNNING);
    if (trial->started_ms == ROW_NULL)
        trial->started_ms = now.ms;
    if (study->started_ms == ROW_NULL)
        study->started_ms = now.ms;
    effect_add(fx, EFFECT_UPDATE_TRIAL, trial->number, 0);
    effect_add(fx, EFFECT_UPDATE_STUDY, 0, 0);
    effect_add(fx, EFFECT_TRIAL_NEWS, trial->number, 0);
    effect_add(fx, EFFECT_STUDY_NEWS, 0, 0);
}

void trial_requeue(struct study *study, struct trial *trial, struct effects *fx)
{
    set_trial_state(study, trial, TRIAL_QUEUED);
    heap_push(&study->waiting, trial->number);
    effect_add(fx, EFFECT_UPDATE_TRIAL, trial->number, 0);
    effect_add(fx, EFFECT_TRIAL_NEWS, trial->number, 0);
    effect_add(fx, EFFECT_STUDY_NEWS, 0, 0);
}

// The best epoch of the trial is that of its best execution.
static void score_trial(struct study *study, struct trial *trial)
{
    double variance, best = INFINITY;
    trial->score = NAN;
    trial->scored = 0;
    trial->best_epoch = 0;
    if (trial->state != TRIAL_COMPLETED && trial->state != TRIAL_PRUNED)
        return;
    trial->scored = summarise(study, trial, &trial->score, &variance);
    for (int i = 0; i < study->nexecutions; i++) {
        double loss = study_loss(study, trial->executions[i].best);
        if (loss < best) {
            best = loss;
            trial->best_epoch = trial->executions[i].best_epoch;
        }
    }
}

// What of it still runs or waits is called off.
static void call_off_executions(struct study *study, struct trial *trial, struct moment now,
                                struct effects *fx)
{
    for (int i = 0; i < study->nexecutions; i++) {
        struct execution *execution = &trial->executions[i];
        execution->queued = false;
        if (execution->state != EXECUTION_RUNNING)
            continue;
        if (execution->worker)
            effect_add(fx, EFFECT_STOP_JOB, trial->number, i);
        execution_end(study, trial, i, EXECUTION_CANCELLED, NULL, now, fx);
    }
}

static void count_failures(struct study *study, enum trial_state state)
{
    if (state == TRIAL_FAILED)
        study->failures++;
    else if (state != TRIAL_CANCELLED)
        study->failures = 0;
}

void trial_end(struct study *study, struct trial *trial, enum trial_state state, const char *reason,
               struct moment now, struct effects *fx)
{
    call_off_executions(study, trial, now, fx);
    set_trial_state(study, trial, state);
    score_trial(study, trial);
    trial->ended_ms = now.ms;
    study_set_reason(&trial->reason, reason);
    trial_consider_best(study, trial);
    count_failures(study, state);
    decide_told(study, trial, fx);
    effect_add(fx, EFFECT_END_LEASE, trial->number, 0);
    effect_add(fx, EFFECT_UPDATE_TRIAL, trial->number, 0);
    effect_add(fx, EFFECT_UPDATE_STUDY, 0, 0);
    effect_add(fx, EFFECT_TRIAL_NEWS, trial->number, 0);
    effect_add(fx, EFFECT_STUDY_NEWS, 0, 0);
}

void trial_cancel(struct study *study, struct trial *trial, const char *reason, struct moment now,
                  struct effects *fx)
{
    trial_end(study, trial, TRIAL_CANCELLED, reason, now, fx);
}

// ---- executions

void execution_queue(struct study *study, struct trial *trial, int execution)
{
    trial->executions[execution].queued = true;
    heap_push(&study->ready, (int64_t)trial->number * study->nexecutions + execution);
}

void execution_start(struct study *study, struct trial *trial, int index, const char *worker,
                     struct moment now, struct effects *fx)
{
    struct execution *execution = &trial->executions[index];
    free(execution->worker);
    execution->worker = alloc_text(worker);
    free(execution->error);
    execution->error = NULL;
    bool goes_on = execution->state == EXECUTION_COMPLETED || execution->state == EXECUTION_PRUNED;
    if (goes_on) { // another round of the same trial: its epochs so far count
        execution->base_epochs = execution->epochs;
        execution->base_best = execution->best;
        execution->base_best_epoch = execution->best_epoch;
    } else {
        execution->epochs = execution->base_epochs;
        execution->best = execution->base_best;
        execution->best_epoch = execution->base_best_epoch;
    }
    if (index == 0 && trial->ncurve > execution->epochs)
        trial->ncurve = execution->epochs;
    execution->seed = seed_of(study, trial->number, index, trial->failures);
    execution->state = EXECUTION_RUNNING;
    execution->queued = false;
    execution->initial_epoch = 0;
    execution->attempt++;
    execution->created_ms = execution->started_ms = now.ms;
    execution->ended_ms = ROW_NULL;
    study->busy += worker != NULL;
    effect_add(fx, EFFECT_INSERT_EXECUTION, trial->number, index);
}

static void add_to_curve(struct trial *trial, int epoch, double loss)
{
    while (trial->ncurve < epoch) {
        trial->curve =
            alloc_more(trial->curve, trial->ncurve, &trial->curve_cap, sizeof *trial->curve);
        trial->curve[trial->ncurve++] = NAN;
    }
    trial->curve[epoch - 1] = loss;
}

void execution_epoch(struct study *study, struct trial *trial, int index, int epoch,
                     double objective)
{
    struct execution *execution = &trial->executions[index];
    double loss = study_loss(study, objective);
    execution->epochs = epoch;
    if (isfinite(objective) &&
        (!isfinite(execution->best) || loss < study_loss(study, execution->best))) {
        execution->best = objective;
        execution->best_epoch = epoch;
    }
    if (index == 0)
        add_to_curve(trial, epoch, loss);
}

void execution_end(struct study *study, struct trial *trial, int index, enum execution_state state,
                   const char *error, struct moment now, struct effects *fx)
{
    struct execution *execution = &trial->executions[index];
    study->busy -= execution->state == EXECUTION_RUNNING && execution->worker;
    execution->state = state;
    execution->ended_ms = now.ms;
    study_set_reason(&execution->error, error);
    effect_add(fx, EFFECT_UPDATE_EXECUTION, trial->number, index);
}
