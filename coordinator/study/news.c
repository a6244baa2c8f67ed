// Rows and published news of a study, as it stands.

#include <math.h>
#include <stdlib.h>

#include "coordinator/alloc.h"
#include "coordinator/study/machine.h"

void study_row_of(const struct study *study, struct study_row *row, char **owned)
{
    cJSON *space = alloc_sure(space_to_json(&study->spec->space));
    char *space_text = alloc_sure(json_write(space));
    char *document = alloc_sure(json_write(study->spec->document));
    cJSON_Delete(space);
    *row = (struct study_row){
        .id = study->id,
        .name = study->spec->name,
        .document = document,
        .state = study_state_names[study->state],
        .reason = study->reason,
        .description = study->description,
        .direction = study->direction == MAXIMIZE ? "max" : "min",
        .max_trials = study->max_trials,
        .max_parallel_trials = study->max_parallel_trials,
        .priority = study->priority,
        .planned_trials = study->planned,
        .space = space_text,
        .sequence = study->sequence,
        .consecutive_failures = study->failures,
        .created_at = study->created_ms,
        .started_at = study->started_ms,
        .ended_at = study->ended_ms,
    };
    owned[0] = document;
    owned[1] = space_text;
}

void study_update_row(const struct study *study, struct study_row *row)
{
    *row = (struct study_row){
        .id = study->id,
        .state = study_state_names[study->state],
        .reason = study->reason,
        .description = study->description,
        .max_trials = study->max_trials,
        .max_parallel_trials = study->max_parallel_trials,
        .priority = study->priority,
        .planned_trials = study->planned,
        .sequence = study->sequence,
        .consecutive_failures = study->failures,
        .started_at = study->started_ms,
        .ended_at = study->ended_ms,
    };
}

void study_trial_row(const struct study *study, int number, struct trial_row *row)
{
    const struct trial *trial = study->trials[number];
    *row = (struct trial_row){
        .study_id = study->id,
        .number = number,
        .state = trial_state_names[trial->state],
        .hyperparameters = trial->hyperparameters,
        .score = trial->score,
        .executions = isfinite(trial->score) ? trial->scored : ROW_NULL,
        .best_epoch = trial->best_epoch > 0 ? trial->best_epoch : ROW_NULL,
        .epochs = trial->epochs,
        .initial_epoch = trial->initial_epoch,
        .parent = trial->parent,
        .bracket = trial->bracket,
        .round = trial->round,
        .own = trial->own,
        .origin = trial->origin,
        .reason = trial->reason,
        .client_id = trial->client_id,
        .created_at = trial->created_ms,
        .started_at = trial->started_ms,
        .ended_at = trial->ended_ms,
    };
}

void study_execution_row(const struct study *study, int number, int index,
                         struct execution_row *row)
{
    const struct execution *execution = &study->trials[number]->executions[index];
    *row = (struct execution_row){
        .study_id = study->id,
        .trial = number,
        .execution = index,
        .attempt = execution->attempt,
        .state = execution_state_names[execution->state],
        .seed = execution->seed,
        .worker = execution->worker,
        .initial_epoch = execution->initial_epoch,
        .score = execution->best,
        .best_epoch = execution->best_epoch > 0 ? execution->best_epoch : ROW_NULL,
        .error = execution->error,
        .created_at = execution->created_ms,
        .started_at = execution->started_ms,
        .ended_at = execution->ended_ms,
    };
}

void study_decision_row(const struct study *study, const struct decision *decision,
                        struct decision_row *row)
{
    const struct trial *trial = study->trials[decision->trial];
    *row = (struct decision_row){
        .study_id = study->id,
        .seq = decision->seq,
        .kind = decision->told ? "told" : "given",
        .trial = decision->trial,
        .epochs = decision->epochs,
        .basis_seq = decision->told ? ROW_NULL : decision->basis_seq,
        .basis_count = decision->told ? ROW_NULL : decision->basis_count,
        .basis_index = decision->told ? ROW_NULL : decision->basis_index,
        .basis_max_trials = decision->told ? ROW_NULL : decision->basis_max_trials,
        .state = decision->told ? trial_state_names[trial->state] : NULL,
        .loss = decision->told ? decision->loss : NAN,
        .variance = decision->told ? decision->variance : NAN,
        .executions = decision->executions,
    };
}

int study_rank(const struct study *study, int number, int executions, double score)
{
    const struct trial as_if = {.scored = executions, .score = score};
    int better = 0;
    for (int i = 0; i < study->ntrials; i++) {
        const struct trial *trial = study->trials[i];
        if (i == number || trial->state != TRIAL_COMPLETED || !isfinite(trial->score))
            continue;
        better += trial_is_better(study, trial, &as_if) ||
                  (i < number && !trial_is_better(study, &as_if, trial));
    }
    return better;
}

double study_progress(const struct study *study)
{
    if (study->state == STUDY_COMPLETED)
        return 1;
    if (study->planned <= 0)
        return NAN;
    double progress = (double)(study->ntrials - study_active(study)) / (double)study->planned;
    return progress > 1 ? 1 : progress;
}

static void add_text(cJSON *object, const char *name, const char *text)
{
    cJSON_AddItemToObject(object, name, text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

cJSON *study_news(const struct study *study)
{
    cJSON *news = alloc_sure(cJSON_CreateObject());
    add_text(news, "study", study->spec->name);
    add_text(news, "state", study_state_names[study->state]);
    add_text(news, "reason", study->reason);
    cJSON *counts = cJSON_AddObjectToObject(news, "counts");
    for (int i = 0; i < TRIAL_STATES; i++)
        cJSON_AddNumberToObject(counts, trial_state_names[i], study->counts[i]);
    cJSON_AddNumberToObject(news, "progress", study_progress(study)); // NaN is written as null
    if (study->best < 0) {
        cJSON_AddNullToObject(news, "best_trial");
    } else {
        cJSON *best = cJSON_AddObjectToObject(news, "best_trial");
        cJSON_AddNumberToObject(best, "number", study->best);
        cJSON_AddNumberToObject(best, "score", study->trials[study->best]->score);
    }
    return news;
}

cJSON *study_trial_news(const struct study *study, int number)
{
    const struct trial *trial = study->trials[number];
    cJSON *news = alloc_sure(cJSON_CreateObject());
    add_text(news, "study", study->spec->name);
    cJSON_AddNumberToObject(news, "number", number);
    add_text(news, "state", trial_state_names[trial->state]);
    cJSON_AddItemToObject(news, "hyperparameters", cJSON_CreateRaw(trial->hyperparameters));
    cJSON_AddNumberToObject(news, "score", trial->score);
    cJSON_AddNumberToObject(news, "scored_executions",
                            isfinite(trial->score) ? trial->scored : NAN);
    if (trial->best_epoch > 0)
        cJSON_AddNumberToObject(news, "best_epoch", trial->best_epoch);
    else
        cJSON_AddNullToObject(news, "best_epoch");
    add_text(news, "reason", trial->reason);
    cJSON_AddNumberToObject(news, "epochs_done", trial->executions[0].epochs);
    return news;
}
