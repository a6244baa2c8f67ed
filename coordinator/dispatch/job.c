// The `job` message of an execution that was just started.

#include <stdlib.h>
#include <string.h>

#include "common/catalogue.h"
#include "common/log.h"
#include "common/wire.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"
#include "coordinator/study/check.h"

static cJSON *files_of(const struct dataset_entry *entry)
{
    cJSON *files = alloc_sure(cJSON_CreateArray());
    for (int i = 0; i < entry->nfiles; i++) {
        cJSON *file = alloc_sure(cJSON_CreateObject());
        cJSON_AddStringToObject(file, "file", entry->files[i].file);
        cJSON_AddStringToObject(file, "sha256", entry->files[i].sha256);
        cJSON_AddNumberToObject(file, "size", (double)entry->files[i].size);
        cJSON_AddItemToArray(files, file);
    }
    return files;
}

static cJSON *dataset_of(struct core *core, const struct study_spec *spec, struct error *err)
{
    cJSON *dataset = alloc_sure(cJSON_CreateObject());
    cJSON_AddStringToObject(dataset, "name", spec->dataset);
    if (study_check_is_generated(spec->dataset)) {
        cJSON *source = cJSON_AddObjectToObject(dataset, "source");
        cJSON_AddStringToObject(source, "format", "generated");
        cJSON_AddStringToObject(source, "generator", spec->dataset);
        cJSON_AddArrayToObject(dataset, "files");
        return dataset;
    }
    const struct dataset_entry *entry = core_find_dataset(core, spec->dataset);
    if (!entry) {
        fail(err, E_NOT_FOUND, "", "the data set \"%s\" is gone; add it again", spec->dataset);
        cJSON_Delete(dataset);
        return NULL;
    }
    cJSON_AddItemToObject(dataset, "source", cJSON_CreateRaw(entry->source));
    cJSON_AddItemToObject(dataset, "files", files_of(entry));
    return dataset;
}

// The state it goes on from: its own of an earlier round, or its parent's. NULL: it starts afresh.
static const struct checkpoint_entry *checkpoint_of(const struct held_study *held,
                                                    const struct trial *trial, int execution)
{
    bool own = trial->executions[execution].base_epochs > 0;
    if (!own && trial->parent < 0)
        return NULL;
    int64_t key =
        (int64_t)(own ? trial->number : trial->parent) * held->study->nexecutions + execution;
    struct checkpoint_entry *entry;
    HASH_FIND(hh, held->checkpoints, &key, sizeof key, entry);
    return entry;
}

static void add_checkpoint(cJSON *message, const struct checkpoint_entry *entry)
{
    if (!entry) {
        cJSON_AddNullToObject(message, "checkpoint");
        return;
    }
    cJSON *checkpoint = cJSON_AddObjectToObject(message, "checkpoint");
    cJSON_AddStringToObject(checkpoint, "sha256", entry->sha256);
    cJSON_AddNumberToObject(checkpoint, "size", (double)entry->size);
}

// The shape of one sample of the study's data.
static enum code input_shape(struct core *core, const struct study_spec *spec, const cJSON *config,
                             struct shape *out, struct error *err)
{
    struct dataset_info info = {0};
    const cJSON *generate = json_member(json_member(config, "dataset"), "generate");
    const struct dataset_entry *entry = core_find_dataset(core, spec->dataset);
    enum code code = study_check_is_generated(spec->dataset)
                         ? dataset_generate_info(spec->dataset, generate, &info, err)
                     : entry ? study_check_read_info(entry->info, &info, err)
                             : fail(err, E_NOT_FOUND, "", "the data set is gone");
    out->rank = info.rank;
    memcpy(out->dim, info.shape, sizeof out->dim);
    return code;
}

enum code job_parameters(struct core *core, const struct held_study *held, int number, int64_t *out,
                         struct error *err)
{
    const struct study_spec *spec = &held->spec->spec;
    struct shape input;
    int64_t trainable = 0, frozen = 0;
    cJSON *config = study_spec_resolve(spec, held->study->trials[number]->values, err);
    enum code code = config ? input_shape(core, spec, config, &input, err) : err->code;
    if (code == OK)
        code = catalogue_infer_model(json_member(config, "model"), &input, NULL, &trainable,
                                     &frozen, err);
    cJSON_Delete(config);
    if (code == OK)
        *out = trainable + frozen;
    return code;
}

void job_know_parameters(struct core *core, struct held_study *held, int number)
{
    const struct study_spec *spec = &held->spec->spec;
    struct error err;
    int64_t parameters;
    if (!spec->has_model || !study_needs_parameters(held->study, number))
        return;
    if (job_parameters(core, held, number, &parameters, &err))
        log_event(LOG_LEVEL_WARNING, "parameters_unknown", "study=%s trial=%d %s", spec->name,
                  number, err.message);
    else
        study_set_parameters(held->study, number, parameters);
}

// What the worker needs to find the best epoch and to say whose weights they are.
static cJSON *wanted_model(const struct study_spec *spec, const struct trial *trial)
{
    cJSON *model = alloc_sure(cJSON_CreateObject());
    cJSON *list = alloc_sure(cJSON_AddArrayToObject(model, "objectives"));
    for (int i = 0; i < spec->tuner.nobjectives; i++) {
        const struct objective *objective = &spec->tuner.objectives[i];
        cJSON *item = alloc_sure(cJSON_CreateObject());
        if (objective->expression)
            cJSON_AddStringToObject(item, "expression", objective->expression);
        else
            cJSON_AddStringToObject(item, "name", objective->name);
        cJSON_AddStringToObject(item, "direction",
                                objective->direction == MAXIMIZE ? "max" : "min");
        cJSON_AddItemToArray(list, item);
    }
    cJSON_AddItemToObject(model, "hyperparameters", cJSON_CreateRaw(trial->hyperparameters));
    return model;
}

cJSON *job_message(struct core *core, struct held_study *held, int number, int index,
                   struct error *err)
{
    const struct study_spec *spec = &held->spec->spec;
    const struct trial *trial = held->study->trials[number];
    const struct execution *execution = &trial->executions[index];
    const struct checkpoint_entry *checkpoint = checkpoint_of(held, trial, index);
    int64_t epochs = trial->epochs > 0 ? trial->epochs : spec->epochs;
    char lease[64];
    cJSON *dataset = dataset_of(core, spec, err);
    cJSON *config = dataset ? study_spec_resolve(spec, trial->values, err) : NULL;
    if (!config) {
        cJSON_Delete(dataset);
        return NULL;
    }
    if (checkpoint)
        study_set_initial_epoch(held->study, number, index, checkpoint->epoch);
    lease_key_text((struct lease_key){held->id, number, index}, lease);
    cJSON *message = alloc_sure(wire_message("job"));
    cJSON_AddStringToObject(message, "lease", lease);
    cJSON_AddNumberToObject(message, "attempt", execution->attempt);
    cJSON_AddStringToObject(message, "study", spec->name);
    cJSON_AddNumberToObject(message, "trial", number);
    cJSON_AddNumberToObject(message, "execution", index);
    cJSON_AddNumberToObject(message, "seed", (double)execution->seed);
    cJSON_AddItemToObject(message, "config", config);
    cJSON_AddItemToObject(message, "dataset", dataset);
    cJSON_AddNumberToObject(message, "initial_epoch", checkpoint ? checkpoint->epoch : 0);
    cJSON_AddNumberToObject(message, "epochs", (double)epochs);
    add_checkpoint(message, checkpoint);
    cJSON_AddBoolToObject(message, "save_checkpoint", trial->epochs > 0);
    cJSON_AddBoolToObject(message, "report", index == 0 && epochs > 0);
    if (core->models_kept > 0 && epochs > 0)
        cJSON_AddItemToObject(message, "model", wanted_model(spec, trial));
    return message;
}
