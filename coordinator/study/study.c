// The life of a study: created, commanded, settled after each event.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"
#include "coordinator/study/machine.h"
#include "coordinator/study/seen.h"

const char *const study_state_names[STUDY_STATES] = {
    [STUDY_RUNNING] = "running",     [STUDY_PAUSED] = "paused",   [STUDY_STOPPING] = "stopping",
    [STUDY_COMPLETED] = "completed", [STUDY_STOPPED] = "stopped", [STUDY_CANCELLED] = "cancelled",
    [STUDY_FAILED] = "failed",
};
const char *const trial_state_names[TRIAL_STATES] = {
    [TRIAL_QUEUED] = "queued",       [TRIAL_RUNNING] = "running", [TRIAL_COMPLETED] = "completed",
    [TRIAL_PRUNED] = "pruned",       [TRIAL_FAILED] = "failed",   [TRIAL_INFEASIBLE] = "infeasible",
    [TRIAL_CANCELLED] = "cancelled",
};
const char *const execution_state_names[EXECUTION_STATES] = {
    [EXECUTION_NEW] = "queued",          [EXECUTION_RUNNING] = "running",
    [EXECUTION_COMPLETED] = "completed", [EXECUTION_PRUNED] = "pruned",
    [EXECUTION_FAILED] = "failed",       [EXECUTION_INFEASIBLE] = "infeasible",
    [EXECUTION_CANCELLED] = "cancelled", [EXECUTION_LOST] = "lost",
};

void study_set_reason(char **reason, const char *text)
{
    free(*reason);
    *reason = alloc_text(text);
}

double study_loss(const struct study *study, double score)
{
    return study->direction == MAXIMIZE ? -score : score;
}

int study_active(const struct study *study)
{
    return study->counts[TRIAL_QUEUED] + study->counts[TRIAL_RUNNING];
}

// ---- creation

static void plan(struct study *study)
{
    int64_t planned = study->tape.search.ops->planned(study->tape.search.state);
    double size = space_size(&study->spec->space);
    if (study->max_trials >= 0 && (planned < 0 || study->max_trials < planned))
        planned = study->max_trials;
    bool rounds = study->spec->tuner.max_epochs > 0; // of Hyperband: points come back
    if (!rounds && isfinite(size) && (planned < 0 || size < (double)planned))
        planned = (int64_t)size;
    study->planned = planned;
    study->tape.history.max_trials = study->max_trials;
}

// All that is the same for a new study and one read back. The caller sets the rest.
static enum code study_new(int64_t id, const struct study_spec *spec, struct study **out,
                           struct error *err)
{
    struct study *study = alloc_zero(1, sizeof *study);
    *study = (struct study){
        .id = id,
        .spec = spec,
        .direction = objective_direction(spec->tuner.objectives, spec->tuner.nobjectives),
        .nexecutions = study_spec_executions(spec),
        .description = alloc_text(spec->description),
        .max_trials = spec->tuner.max_trials,
        .max_parallel_trials = spec->tuner.max_parallel_trials,
        .priority = spec->priority,
        .started_ms = ROW_NULL,
        .ended_ms = ROW_NULL,
        .best = -1,
        .seen = seen_new(&spec->space),
    };
    enum code code =
        objective_new(spec->tuner.objectives, spec->tuner.nobjectives, &study->meter, err);
    if (!code)
        code = tape_init(&study->tape, spec, err);
    if (code) {
        study_free(study);
        return code;
    }
    *out = study;
    return OK;
}

enum code study_create(int64_t id, const struct study_spec *spec, struct moment now,
                       struct effects *fx, struct study **out, struct error *err)
{
    struct study *study;
    enum code code = study_new(id, spec, &study, err);
    if (code)
        return code;
    study->created_ms = now.ms;
    plan(study);
    effect_add(fx, EFFECT_INSERT_STUDY, 0, 0);
    effect_add(fx, EFFECT_STUDY_NEWS, 0, 0);
    suggestions_order(study, now, fx);
    study_settle(study, now, fx);
    *out = study;
    return OK;
}

enum code study_restore(const struct study_row *row, const struct study_spec *spec,
                        struct study **out, struct error *err)
{
    struct study *study;
    enum code code = study_new(row->id, spec, &study, err);
    if (code)
        return code;
    for (int i = 0; i < STUDY_STATES; i++)
        if (strcmp(row->state, study_state_names[i]) == 0)
            study->state = i;
    study_set_reason(&study->reason, row->reason);
    study_set_reason(&study->description, row->description);
    study->max_trials = row->max_trials;
    study->max_parallel_trials = row->max_parallel_trials;
    study->priority = row->priority;
    study->planned = row->planned_trials;
    study->sequence = row->sequence;
    study->failures = (int)row->consecutive_failures;
    study->created_ms = row->created_at;
    study->started_ms = row->started_at;
    study->ended_ms = row->ended_at;
    study->tape.history.max_trials = study->max_trials;
    *out = study;
    return OK;
}

void study_free(struct study *study)
{
    if (!study)
        return;
    for (int i = 0; i < study->ntrials; i++)
        trial_free(study->trials[i], study->nexecutions);
    free(study->trials);
    suggestions_clear(study);
    free(study->suggestions);
    seen_free(study->seen);
    free(study->ready.keys);
    free(study->waiting.keys);
    tape_fini(&study->tape);
    objective_free(study->meter);
    free(study->reason);
    free(study->description);
    free(study);
}

// ---- when a study is at its end

static bool target_reached(const struct study *study)
{
    double target = study->spec->tuner.target_value;
    if (study->best < 0 || !isfinite(target))
        return false;
    const struct trial *best = study->trials[study->best];
    return best->scored == study->nexecutions &&
           study_loss(study, best->score) <= study_loss(study, target);
}

static int64_t time_limit_ms(const struct study *study)
{
    double limit = study->spec->tuner.max_duration_s;
    if (limit <= 0 || study->started_ms == ROW_NULL)
        return INT64_MAX;
    return study->started_ms + (int64_t)(limit * 1000);
}

bool study_budget_spent(const struct study *study)
{
    return study->max_trials >= 0 && study->ntrials >= study->max_trials;
}

bool study_outlasts_budget(const struct study *study)
{
    const struct search *search = &study->tape.search;
    return search->ops->outlasts_budget && search->ops->outlasts_budget(search->state);
}

// No trial starts any more, those that wait included.
static bool ends_early(const struct study *study, struct moment now)
{
    return target_reached(study) || now.ms >= time_limit_ms(study);
}

bool study_wants_more(const struct study *study, struct moment now)
{
    return (!study_budget_spent(study) || study_outlasts_budget(study)) && !study->used_up &&
           !study->done && !ends_early(study, now);
}

static void end_study(struct study *study, enum study_state state, const char *reason,
                      struct moment now, struct effects *fx)
{
    study->state = state;
    study->ended_ms = now.ms;
    study_set_reason(&study->reason, reason);
    suggestions_clear(study);
    effect_add(fx, EFFECT_UPDATE_STUDY, 0, 0);
    effect_add(fx, EFFECT_STUDY_NEWS, 0, 0);
}

static void cancel_trials(struct study *study, bool running_too, const char *reason,
                          struct moment now, struct effects *fx)
{
    for (int i = 0; i < study->ntrials && study_active(study); i++) {
        struct trial *trial = study->trials[i];
        if (trial->state == TRIAL_QUEUED || (running_too && trial->state == TRIAL_RUNNING))
            trial_cancel(study, trial, reason, now, fx);
    }
}

static char *completion_reason(const struct study *study, struct moment now)
{
    if (target_reached(study)) {
        char number[32];
        json_format_number(study->trials[study->best]->score, number);
        return alloc_format("trial %d reached the target value with %s", study->best, number);
    }
    if (now.ms >= time_limit_ms(study))
        return alloc_format("max_duration_s is over");
    if (study->used_up && !study_budget_spent(study))
        return alloc_format(
            "the search space is used up: every one of its %d points has been given",
            study->ntrials);
    if (study->done && !study_budget_spent(study))
        return alloc_format("the algorithm is finished after %d trials", study->ntrials);
    return NULL;
}

void study_settle(struct study *study, struct moment now, struct effects *fx)
{
    if (study_state_ended(study->state))
        return;
    int limit = (int)study->spec->tuner.max_consecutive_failed_trials;
    if (study->failures >= limit && limit > 0) {
        const char *last = NULL;
        for (int i = 0; i < study->ntrials; i++)
            if (study->trials[i]->state == TRIAL_FAILED)
                last = study->trials[i]->reason;
        char *reason = alloc_format("%d trials failed in a row; the last: %s", study->failures,
                                    last ? last : "unknown");
        study_fail(study, reason, now, fx);
        free(reason);
        return;
    }
    if (study->counts[TRIAL_QUEUED] && ends_early(study, now))
        cancel_trials(study, false, "the study ends before it could start", now, fx);
    if (study_active(study) == 0) {
        if (study->state == STUDY_STOPPING) {
            end_study(study, STUDY_STOPPED, "stopped by command", now, fx);
        } else if (!study_wants_more(study, now)) {
            char *reason = completion_reason(study, now);
            end_study(study, STUDY_COMPLETED, reason, now, fx);
            free(reason);
        } else if (study->search_waits && !study->asked) {
            study_fail(study, "the search waits for results and no trial is there to give any", now,
                       fx);
        }
    }
}

void study_fail(struct study *study, const char *reason, struct moment now, struct effects *fx)
{
    end_study(study, STUDY_FAILED, reason, now, fx);
    cancel_trials(study, true, "the study failed", now, fx);
}

void study_give_up(struct study *study, const char *reason, struct moment now, struct effects *fx)
{
    if (!study_state_ended(study->state))
        study_fail(study, reason, now, fx);
}

// ---- commands

static enum code wrong_state(const struct study *study, const char *verb, const char *possible,
                             struct error *err)
{
    return fail(err, E_STATE, "", "study \"%s\" is %s and cannot be %s; %s", study->spec->name,
                study_state_names[study->state], verb, possible);
}

static void change_state(struct study *study, enum study_state state, const char *reason,
                         struct effects *fx)
{
    study->state = state;
    study_set_reason(&study->reason, reason);
    effect_add(fx, EFFECT_UPDATE_STUDY, 0, 0);
    effect_add(fx, EFFECT_STUDY_NEWS, 0, 0);
}

enum code study_pause(struct study *study, struct moment now, struct effects *fx, struct error *err)
{
    if (study->state == STUDY_PAUSED)
        return OK;
    if (study->state != STUDY_RUNNING)
        return wrong_state(study, "paused", "only a running study can", err);
    change_state(study, STUDY_PAUSED, "paused by command", fx);
    study_settle(study, now, fx);
    return OK;
}

enum code study_resume(struct study *study, struct moment now, struct effects *fx,
                       struct error *err)
{
    if (study->state == STUDY_RUNNING)
        return OK;
    if (study->state != STUDY_PAUSED)
        return wrong_state(study, "resumed",
                           "a paused study can; one that ended goes on with a higher max_trials",
                           err);
    change_state(study, STUDY_RUNNING, NULL, fx);
    suggestions_order(study, now, fx);
    study_settle(study, now, fx);
    return OK;
}

enum code study_stop(struct study *study, struct moment now, struct effects *fx, struct error *err)
{
    if (study->state == STUDY_STOPPING || study->state == STUDY_STOPPED)
        return OK;
    if (study_state_ended(study->state))
        return wrong_state(study, "stopped", "it has ended already", err);
    change_state(study, STUDY_STOPPING, "running trials finish, none starts", fx);
    suggestions_clear(study);
    cancel_trials(study, false, "the study was stopped before it started", now, fx);
    study_settle(study, now, fx);
    return OK;
}

enum code study_cancel(struct study *study, struct moment now, struct effects *fx,
                       struct error *err)
{
    if (study->state == STUDY_CANCELLED)
        return OK;
    if (study_state_ended(study->state))
        return wrong_state(study, "cancelled", "it has ended already", err);
    end_study(study, STUDY_CANCELLED, "cancelled by command", now, fx);
    cancel_trials(study, true, "the study was cancelled", now, fx);
    return OK;
}

enum code study_may_delete(const struct study *study, struct error *err)
{
    bool idle = study->state == STUDY_PAUSED && study->counts[TRIAL_RUNNING] == 0;
    if (study_state_ended(study->state) || idle)
        return OK;
    return wrong_state(study, "deleted", "cancel it first, or stop it and wait", err);
}

// A study that ended goes on when its budget grew.
static void go_on(struct study *study, struct moment now, struct effects *fx)
{
    study->used_up = study->done = study->search_waits = false;
    study->failures = 0;
    study->ended_ms = ROW_NULL;
    change_state(study, STUDY_RUNNING, NULL, fx);
    suggestions_order(study, now, fx);
}

enum code study_apply_patch(struct study *study, const struct study_patch *patch, struct moment now,
                            struct effects *fx, struct error *err)
{
    if (patch->has_max_trials && patch->max_trials < study->ntrials)
        return fail(err, E_RANGE, "/max_trials",
                    "%d trials have been given already; use %d or more, or stop the study",
                    study->ntrials, study->ntrials);
    if (patch->has_priority)
        study->priority = patch->priority;
    if (patch->has_max_parallel_trials)
        study->max_parallel_trials = patch->max_parallel_trials;
    if (patch->has_description)
        study_set_reason(&study->description, patch->description);
    if (patch->has_max_trials) {
        study->max_trials = patch->max_trials;
        study->search_waits = false;
        plan(study);
    }
    effect_add(fx, EFFECT_UPDATE_STUDY, 0, 0);
    effect_add(fx, EFFECT_STUDY_NEWS, 0, 0);
    bool grew = patch->has_max_trials && patch->max_trials > study->ntrials;
    if (study_state_ended(study->state) && grew)
        go_on(study, now, fx);
    else
        suggestions_order(study, now, fx);
    study_settle(study, now, fx);
    return OK;
}

// ---- time

void study_tick(struct study *study, struct moment now, struct effects *fx)
{
    if (!study_state_ended(study->state) && now.ms >= time_limit_ms(study))
        study_settle(study, now, fx);
}
