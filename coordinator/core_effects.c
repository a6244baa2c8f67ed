// Carrying out what the state machines ask: rows, news, orders to the search, word to workers.

#include <stdlib.h>
#include <utlist.h>

#include "common/log.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"

void core_publish(struct core *core, const char *kind, int64_t study_id, cJSON *body)
{
    char *text = alloc_sure(json_write(body));
    cJSON_Delete(body);
    struct event_row row = {
        .seq = ++core->last_event, .kind = kind, .study_id = study_id, .body = text};
    core_put(core, ROW_INSERT, ROW_EVENT, &row);
    core->group->newest_event = row.seq;
    free(text);
}

static void insert_study(struct core *core, const struct study *study)
{
    struct study_row row;
    char *owned[2];
    study_row_of(study, &row, owned);
    core_put(core, ROW_INSERT, ROW_STUDY, &row);
    free(owned[0]);
    free(owned[1]);
}

static void update_study(struct core *core, const struct study *study)
{
    struct study_row row;
    study_update_row(study, &row);
    core_put(core, ROW_UPDATE, ROW_STUDY, &row);
}

static void put_trial(struct core *core, enum row_act act, const struct study *study, int trial)
{
    struct trial_row row;
    study_trial_row(study, trial, &row);
    core_put(core, act, ROW_TRIAL, &row);
}

static void put_execution(struct core *core, enum row_act act, const struct study *study,
                          const struct effect *effect)
{
    struct execution_row row;
    study_execution_row(study, effect->trial, effect->execution, &row);
    core_put(core, act, ROW_EXECUTION, &row);
}

static void insert_epoch(struct core *core, const struct study *study, const struct effect *effect)
{
    int attempt = study->trials[effect->trial]->executions[effect->execution].attempt;
    char *metrics = alloc_sure(json_write(effect->metrics));
    struct epoch_row row = {
        .study_id = study->id,
        .trial = effect->trial,
        .execution = effect->execution,
        .attempt = attempt,
        .epoch = effect->epoch,
        .metrics = metrics,
        .objective = effect->objective,
    };
    core_put(core, ROW_INSERT, ROW_EPOCH, &row);
    cJSON *news = alloc_sure(cJSON_CreateObject());
    cJSON_AddStringToObject(news, "study", study->spec->name);
    cJSON_AddNumberToObject(news, "trial", effect->trial);
    cJSON_AddNumberToObject(news, "execution", effect->execution);
    cJSON_AddNumberToObject(news, "attempt", attempt);
    cJSON_AddNumberToObject(news, "epoch", effect->epoch);
    cJSON_AddItemToObject(news, "metrics", cJSON_CreateRaw(metrics));
    core_publish(core, "epoch", study->id, news);
    core_count(core, COUNTER_EPOCHS, 1);
    free(metrics);
}

static void decide(struct core *core, const struct study *study, const struct decision *decision)
{
    struct decision_row row;
    study_decision_row(study, decision, &row);
    core_put(core, ROW_INSERT, ROW_DECISION, &row);
    advisor_decide(core->advisor, study, decision);
    if (decision->told)
        core_count(core, COUNTER_TRIALS_ENDED, 1);
}

static void carry_out(struct core *core, struct held_study *held, const struct effect *effect)
{
    const struct study *study = held->study;
    switch (effect->kind) {
    case EFFECT_INSERT_STUDY:
        insert_study(core, study);
        break;
    case EFFECT_UPDATE_STUDY:
        update_study(core, study);
        break;
    case EFFECT_INSERT_TRIAL:
        put_trial(core, ROW_INSERT, study, effect->trial);
        break;
    case EFFECT_UPDATE_TRIAL:
        put_trial(core, ROW_UPDATE, study, effect->trial);
        held->models_due = true;
        break;
    case EFFECT_INSERT_EXECUTION:
        put_execution(core, ROW_INSERT, study, effect);
        held->models_due = true;
        break;
    case EFFECT_UPDATE_EXECUTION:
        put_execution(core, ROW_UPDATE, study, effect);
        break;
    case EFFECT_INSERT_EPOCH:
        insert_epoch(core, study, effect);
        break;
    case EFFECT_DECISION:
        decide(core, study, &effect->decision);
        break;
    case EFFECT_ASK:
        advisor_ask(core->advisor, study->id, effect->basis_seq, effect->count);
        break;
    case EFFECT_STOP_JOB:
        dispatch_stop_job(core, held, effect->trial, effect->execution, effect->prune);
        break;
    case EFFECT_END_LEASE:
        dispatch_end_leases(core, held, effect->trial);
        break;
    case EFFECT_TRIAL_NEWS:
        core_publish(core, "trial", study->id, study_trial_news(study, effect->trial));
        break;
    case EFFECT_STUDY_NEWS:
        held->has_news = true;
        break;
    }
}

// The study's row changes with nearly every event; one update says it all.
void core_carry_out(struct core *core, struct held_study *held)
{
    bool update = false;
    for (int i = 0; i < core->fx.n; i++) {
        if (core->fx.items[i].kind == EFFECT_UPDATE_STUDY)
            update = true;
        else
            carry_out(core, held, &core->fx.items[i]);
    }
    if (update)
        update_study(core, held->study);
    core->fx.n = 0;
}

static void log_state(struct core *core, struct held_study *held)
{
    const struct study *study = held->study;

    if (held->logged == (int)study->state)
        return;
    held->logged = (int)study->state;
    core_log_after(core, alloc_format("name=%s state=%s trials=%d%s%s", study->spec->name,
                                      study_state_names[study->state], study->ntrials,
                                      study->reason ? " reason=" : "",
                                      study->reason ? study->reason : ""));
}

// Study news are worth one event a group, however many trials ended in it.
void core_flush_news(struct core *core)
{
    int running = 0;
    for (struct held_study *held = core->list; held; held = held->next) {
        running += !study_state_ended(held->study->state);
        if (held->has_news) {
            core_publish(core, "study", held->id, study_news(held->study));
            log_state(core, held);
        }
        held->has_news = false;
        if (held->models_due)
            models_settle(core, held);
    }
    dispatch_flush_news(core);
    atomic_store(&core->counters[GAUGE_STUDIES_RUNNING], running);
}

// ---- studies held

struct held_study *core_find_study(struct core *core, const char *name)
{
    struct held_study *held = NULL;
    if (name)
        HASH_FIND(by_name, core->by_name, name, strlen(name), held);
    return held;
}

struct held_study *core_study_by_id(struct core *core, int64_t id)
{
    struct held_study *held;
    HASH_FIND(hh, core->studies, &id, sizeof id, held);
    return held;
}

void core_add_study(struct core *core, struct held_study *held)
{
    const char *name = held->spec->spec.name;
    held->id = held->study->id;
    held->logged = -1;
    HASH_ADD(hh, core->studies, id, sizeof held->id, held);
    HASH_ADD_KEYPTR(by_name, core->by_name, name, strlen(name), held);
    DL_APPEND(core->list, held);
    advisor_open(core->advisor, held->study, core->opening, held->spec);
}

void core_remove_study(struct core *core, struct held_study *held)
{
    advisor_close(core->advisor, held->id);
    dispatch_drop_study(core, held->id);
    HASH_DELETE(hh, core->studies, held);
    HASH_DELETE(by_name, core->by_name, held);
    DL_DELETE(core->list, held);
    struct checkpoint_entry *entry = held->checkpoints, *next;
    HASH_CLEAR(hh, held->checkpoints);
    for (; entry; entry = next) {
        next = entry->hh.next;
        free(entry);
    }
    free(held->models);
    study_free(held->study);
    spec_release(held->spec);
    free(held);
}
