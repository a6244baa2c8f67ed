// All state out of the store: at start, and after a transaction that failed.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/log.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"

static enum code load_study(void *context, const void *data, struct error *err)
{
    struct core *core = context;
    const struct study_row *row = data;
    cJSON *document = json_read(row->document, strlen(row->document), NULL, err);
    if (!document)
        return E_STORE;
    struct study_spec parsed;
    struct faults faults;
    faults_init(&faults);
    enum code code = study_spec_parse(document, &parsed, &faults);
    cJSON_Delete(document);
    if (code) {
        code = fail(err, E_STORE, "", "the store's study \"%s\" does not hold: %s", row->name,
                    faults.count ? faults.items[0].message : "?");
        faults_fini(&faults);
        return code;
    }
    faults_fini(&faults);
    struct held_study *held = alloc_zero(1, sizeof *held);
    held->spec = spec_new(&parsed);
    code = study_restore(row, &held->spec->spec, &held->study, err);
    if (code) {
        spec_release(held->spec);
        free(held);
        return code;
    }
    core_add_study(core, held);
    advisor_stored(core->advisor, held->id);
    return OK;
}

// Rows of a study that is not there cannot be: foreign keys.
static struct study *study_of(struct core *core, int64_t id)
{
    struct held_study *held = core_study_by_id(core, id);
    return held ? held->study : NULL;
}

static enum code load_trial(void *context, const void *data, struct error *err)
{
    const struct trial_row *row = data;
    struct study *study = study_of(context, row->study_id);
    return study ? study_restore_trial(study, row, err) : OK;
}

static enum code load_execution(void *context, const void *data, struct error *err)
{
    const struct execution_row *row = data;
    struct study *study = study_of(context, row->study_id);
    return study ? study_restore_execution(study, row, err) : OK;
}

static enum code load_epoch(void *context, const void *data, struct error *err)
{
    const struct epoch_row *row = data;
    struct study *study = study_of(context, row->study_id);
    return study ? study_restore_epoch(study, row, err) : OK;
}

static enum code load_decision(void *context, const void *data, struct error *err)
{
    struct core *core = context;
    const struct decision_row *row = data;
    struct study *study = study_of(core, row->study_id);
    if (!study)
        return OK;
    struct decision decision;
    enum code code = study_restore_decision(study, row, &decision, err);
    if (!code)
        advisor_decide(core->advisor, study, &decision);
    return code;
}

static void add_checkpoint(struct held_study *held, const struct checkpoint_row *row)
{
    struct checkpoint_entry *entry = alloc_zero(1, sizeof *entry);
    entry->key = row->trial * held->study->nexecutions + row->execution;
    entry->epoch = (int)row->epoch;
    entry->size = row->size;
    snprintf(entry->sha256, sizeof entry->sha256, "%s", row->sha256);
    HASH_ADD(hh, held->checkpoints, key, sizeof entry->key, entry);
}

static enum code load_checkpoint(void *context, const void *data, struct error *err)
{
    (void)err;
    const struct checkpoint_row *row = data;
    struct held_study *held = core_study_by_id(context, row->study_id);
    if (held)
        add_checkpoint(held, row);
    return OK;
}

static enum code load_model(void *context, const void *data, struct error *err)
{
    (void)err;
    const struct model_row *row = data;
    struct held_study *held = core_study_by_id(context, row->study_id);
    if (held)
        models_know(held, row);
    return OK;
}

static enum code load_dataset(void *context, const void *data, struct error *err)
{
    (void)err;
    core_load_dataset(context, data);
    return OK;
}

static enum code load_dataset_file(void *context, const void *data, struct error *err)
{
    (void)err;
    core_load_dataset_file(context, data);
    return OK;
}

static enum code load_worker(void *context, const void *data, struct error *err)
{
    (void)err;
    struct core *core = context;
    const struct worker_row *row = data;
    if (fleet_find(&core->fleet, row->id))
        return OK; // it is connected to this process
    struct worker *worker = fleet_add(&core->fleet, row->id);
    worker->name = alloc_text(row->name);
    worker->host = alloc_text(row->host);
    worker->version = alloc_text(row->version);
    worker->cpu = alloc_text(row->cpu);
    worker->slots = (int)row->slots;
    worker->first_seen_ms = row->first_seen;
    worker->last_seen_ms = row->last_seen;
    worker->executions = row->executions;
    return OK;
}

static void restore_leases(struct core *core, struct held_study *held)
{
    const struct study *study = held->study;
    for (int i = 0; i < study->ntrials && study->counts[TRIAL_RUNNING]; i++) {
        const struct trial *trial = study->trials[i];
        if (trial->state == TRIAL_RUNNING)
            job_know_parameters(core, held, i);
        for (int j = 0; trial->state == TRIAL_RUNNING && j < study->nexecutions; j++) {
            const struct execution *execution = &trial->executions[j];
            struct lease_key key = {study->id, i, j};
            if (execution->state != EXECUTION_RUNNING)
                continue;
            if (execution->worker)
                dispatch_restore_lease(core, key, execution->attempt, execution->worker);
            else
                lease_grant(core->client_leases, key, execution->attempt,
                            trial->client_id ? trial->client_id : "", core->now.s);
        }
    }
}

static void finish(struct core *core)
{
    for (struct held_study *held = core->list; held; held = held->next) {
        restore_leases(core, held);
        held->study->capacity = core->fleet.slots;
        study_restored(held->study, core->now, &core->fx);
        core_carry_out(core, held);
    }
}

void core_unload(struct core *core)
{
    struct held_study *held, *next;
    DL_FOREACH_SAFE(core->list, held, next)
    core_remove_study(core, held);
    struct flying_key *flying = core->flying, *next_flying;
    HASH_CLEAR(hh, core->flying);
    for (; flying; flying = next_flying) {
        next_flying = flying->hh.next;
        free(flying->key);
        free(flying);
    }
    uploads_reset(core);
}

enum code core_load(struct core *core, struct error *err)
{
    static const struct {
        enum row_table table;
        const char *rest;
        store_each each;
    } loads[] = {
        {ROW_DATASET, "ORDER BY name", load_dataset},
        {ROW_DATASET_FILE, "ORDER BY dataset, file", load_dataset_file},
        {ROW_WORKER, "ORDER BY id", load_worker},
        {ROW_STUDY, "ORDER BY id", load_study},
        {ROW_TRIAL, "ORDER BY study_id, number", load_trial},
        {ROW_EXECUTION, "ORDER BY study_id, trial, execution, attempt", load_execution},
        {ROW_EPOCH, "ORDER BY study_id, trial, execution, attempt, epoch", load_epoch},
        {ROW_DECISION, "ORDER BY study_id, seq", load_decision},
        {ROW_CHECKPOINT, "ORDER BY study_id, trial, execution", load_checkpoint},
        {ROW_MODEL, "ORDER BY study_id, trial, execution, attempt", load_model},
    };
    core_unload(core);
    core_unload_datasets(core);
    core->opening++;
    enum code code = store_last_id(core->reader, "studies", &core->last_study, err);
    if (!code)
        code = store_last_id(core->reader, "events", &core->last_event, err);
    for (size_t i = 0; i < sizeof loads / sizeof *loads && !code; i++)
        code = store_load(core->reader, loads[i].table, loads[i].rest, loads[i].each, core, err);
    if (!code)
        finish(core);
    return code;
}
