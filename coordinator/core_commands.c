// Commands: each is one function in a table. It answers now (the answer goes out after the commit), or
// keeps the request and answers later.

#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"
#include "coordinator/core_state.h"
#include "coordinator/study/check.h"

// ---- answers

void core_ok(struct core *core, struct request *request, int status, cJSON *body)
{
    struct answer *answer = alloc_zero(1, sizeof *answer);
    answer->status = status;
    answer->body = body ? alloc_sure(json_write(body)) : NULL;
    cJSON_Delete(body);
    core_answer(core, request, answer);
}

void core_refuse_faults(struct core *core, struct request *request, struct faults *faults)
{
    struct answer *answer = alloc_zero(1, sizeof *answer);
    answer->status = code_http_status(faults->items[0].code);
    answer->faults = alloc_copy(faults, sizeof *faults);
    *faults = (struct faults){0};
    core_answer(core, request, answer);
}

void core_refuse(struct core *core, struct request *request, const struct error *err)
{
    struct faults faults;
    faults_init(&faults);
    faults_add(&faults, err);
    core_refuse_faults(core, request, &faults);
}

bool core_check_members(const cJSON *body, const char *const *known, struct faults *faults)
{
    const cJSON *member;
    if (body && !cJSON_IsObject(body)) {
        fault(faults, E_TYPE, "", "the body must be a JSON object");
        return false;
    }
    cJSON_ArrayForEach(member, body)
    {
        bool found = false;
        for (int i = 0; known[i]; i++)
            found |= strcmp(known[i], member->string) == 0;
        if (!found)
            fault(faults, E_UNKNOWN, json_pointer_of("", member->string).text,
                  "there is no field \"%.64s\" here; remove it", member->string);
    }
    return faults->count == 0;
}

static struct held_study *find_or_refuse(struct core *core, struct request *request)
{
    struct held_study *held = core_find_study(core, request->command->name);
    if (!held) {
        struct error err;
        fail(&err, E_NOT_FOUND, "", "there is no study \"%.200s\"; GET /api/v1/studies lists them",
             request->command->name ? request->command->name : "");
        core_refuse(core, request, &err);
    }
    return held;
}

// ---- studies

static bool same_document(const struct held_study *held, const struct study_spec *spec)
{
    return cJSON_Compare(held->spec->spec.document, spec->document, true);
}

static char *location_of(const char *name)
{
    return alloc_format("/api/v1/studies/%s", name);
}

static bool dataset_is_gone(struct core *core, const struct study_spec *spec, struct error *err)
{
    if (!spec->has_model || study_check_is_generated(spec->dataset))
        return false;
    const struct dataset_entry *entry = core_find_dataset(core, spec->dataset);
    if (entry && strcmp(entry->state, "ready") == 0)
        return false;
    fail(err, E_UNKNOWN, "/dataset/name", "there is no data set \"%.200s\"; add it first",
         spec->dataset);
    return true;
}

static void answer_created(struct core *core, struct request *request, int status, const char *name)
{
    struct answer *answer = alloc_zero(1, sizeof *answer);
    answer->status = status;
    answer->location = location_of(name);
    core_answer(core, request, answer);
}

static void create_study(struct core *core, struct request *request)
{
    struct study_spec *parsed = request->command->spec;
    struct error err = {0};
    struct held_study *held = core_find_study(core, parsed->name);
    if (held && same_document(held, parsed)) {
        answer_created(core, request, 200, parsed->name);
        return;
    }
    if (held) {
        fail(&err, E_CONFLICT, "/name",
             "there is a study \"%.200s\" with another document; choose another name, or delete it",
             parsed->name);
        core_refuse(core, request, &err);
        return;
    }
    if (dataset_is_gone(core, parsed, &err)) {
        core_refuse(core, request, &err);
        return;
    }
    held = alloc_zero(1, sizeof *held);
    held->spec = spec_new(parsed);
    if (study_create(core->last_study + 1, &held->spec->spec, core->now, &core->fx, &held->study,
                     &err)) {
        core_refuse(core, request, &err);
        spec_release(held->spec);
        free(held);
        return;
    }
    core->last_study++;
    core_add_study(core, held);
    core_stored_after(core, held->id);
    core_carry_out(core, held);
    study_set_capacity(held->study, core->fleet.slots, core->now, &core->fx);
    core_carry_out(core, held);
    answer_created(core, request, 201, held->spec->spec.name);
}

typedef enum code (*study_act)(struct study *study, struct moment now, struct effects *fx,
                               struct error *err);

static void act_on_study(struct core *core, struct request *request, study_act act)
{
    struct held_study *held = find_or_refuse(core, request);
    struct error err;
    if (!held)
        return;
    if (act(held->study, core->now, &core->fx, &err)) {
        core_refuse(core, request, &err);
        return;
    }
    core_carry_out(core, held);
    core_ok(core, request, 200, NULL);
}

static void pause_study(struct core *core, struct request *request)
{
    act_on_study(core, request, study_pause);
}

static void resume_study(struct core *core, struct request *request)
{
    act_on_study(core, request, study_resume);
}

static void stop_study(struct core *core, struct request *request)
{
    act_on_study(core, request, study_stop);
}

static void cancel_study(struct core *core, struct request *request)
{
    act_on_study(core, request, study_cancel);
}

// An integer member within bounds. False when absent or, with a fault, wrong.
static bool read_integer(const cJSON *body, const char *name, int64_t min, int64_t max,
                         int64_t *out, struct faults *faults)
{
    const cJSON *item = json_member(body, name);
    struct json_pointer pointer = json_pointer_of("", name);
    int64_t value;
    if (!item)
        return false;
    if (!json_is_integer(item, &value)) {
        fault(faults, E_TYPE, pointer.text, "%s must be an integer", name);
        return false;
    }
    if (value < min || value > max) {
        fault(faults, E_RANGE, pointer.text, "%s is %lld; use %lld to %lld", name, (long long)value,
              (long long)min, (long long)max);
        return false;
    }
    *out = value;
    return true;
}

enum { TRIALS_MAX = 10000000 };

static bool read_patch(const cJSON *body, struct study_patch *patch, struct faults *faults)
{
    static const char *const known[] = {"max_trials", "max_parallel_trials", "priority",
                                        "description", NULL};
    *patch = (struct study_patch){0};
    core_check_members(body, known, faults);
    patch->has_max_trials =
        read_integer(body, "max_trials", 1, TRIALS_MAX, &patch->max_trials, faults);
    patch->has_max_parallel_trials = read_integer(body, "max_parallel_trials", 0, TRIALS_MAX,
                                                  &patch->max_parallel_trials, faults);
    patch->has_priority =
        read_integer(body, "priority", -1000000, 1000000, &patch->priority, faults);
    const cJSON *description = json_member(body, "description");
    patch->has_description = description != NULL;
    patch->description = cJSON_GetStringValue(description);
    if (description && !patch->description && !cJSON_IsNull(description))
        fault(faults, E_TYPE, "/description", "description must be a string or null");
    return faults->count == 0;
}

static void patch_study(struct core *core, struct request *request)
{
    struct held_study *held = find_or_refuse(core, request);
    struct study_patch patch;
    struct faults faults;
    struct error err;
    if (!held)
        return;
    faults_init(&faults);
    if (!read_patch(request->command->body, &patch, &faults)) {
        core_refuse_faults(core, request, &faults);
        return;
    }
    faults_fini(&faults);
    if (patch.has_max_trials && patch.max_trials >= held->study->ntrials)
        advisor_set_max_trials(core->advisor, held->id, patch.max_trials);
    if (study_apply_patch(held->study, &patch, core->now, &core->fx, &err)) {
        core_refuse(core, request, &err);
        return;
    }
    core_carry_out(core, held);
    core_ok(core, request, 200, NULL);
}

static void delete_study(struct core *core, struct request *request)
{
    struct held_study *held = find_or_refuse(core, request);
    struct error err;
    if (!held)
        return;
    if (study_may_delete(held->study, &err)) {
        core_refuse(core, request, &err);
        return;
    }
    struct study_row row = {.id = held->id};
    core_put(core, ROW_DELETE, ROW_STUDY, &row);
    core->group->batch->collect = true;
    cJSON *news = study_news(held->study);
    cJSON_AddTrueToObject(news, "deleted");
    core_publish(core, "study", held->id, news);
    core_remove_study(core, held);
    core_ok(core, request, 204, NULL);
}

static void add_trial(struct core *core, struct request *request)
{
    static const char *const known[] = {"hyperparameters", NULL};
    struct held_study *held = find_or_refuse(core, request);
    if (!held)
        return;
    const struct space *space = &held->spec->spec.space;
    const cJSON *point = json_member(request->command->body, "hyperparameters");
    struct value *values = alloc_zero((size_t)space->n, sizeof *values);
    struct faults faults;
    struct error err = {0};
    int number;
    faults_init(&faults);
    core_check_members(request->command->body, known, &faults);
    if (!cJSON_IsObject(point))
        fault(&faults, E_MISSING, "/hyperparameters", "give an object of hyperparameters");
    else
        space_values_from_json(space, point, "/hyperparameters", values, &faults);
    if (faults.count) {
        core_refuse_faults(core, request, &faults);
    } else if (study_add_point(held->study, values, core->now, &core->fx, &number, &err)) {
        core_refuse(core, request, &err);
    } else {
        core_carry_out(core, held);
        cJSON *body = alloc_sure(cJSON_CreateObject());
        cJSON_AddNumberToObject(body, "number", number);
        core_ok(core, request, 201, body);
    }
    faults_fini(&faults);
    free(values);
}

// ---- workers

static void list_workers(struct core *core, struct request *request)
{
    core_ok(core, request, 200, dispatch_list(core));
}

static void drain_worker(struct core *core, struct request *request)
{
    struct error err;
    if (dispatch_drain(core, request->command->name ? request->command->name : "", &err))
        core_refuse(core, request, &err);
    else
        core_ok(core, request, 200, NULL);
}

// ---- the table

static void (*const handlers[])(struct core *core, struct request *request) = {
    [COMMAND_CREATE_STUDY] = create_study,
    [COMMAND_PAUSE] = pause_study,
    [COMMAND_RESUME] = resume_study,
    [COMMAND_STOP] = stop_study,
    [COMMAND_CANCEL] = cancel_study,
    [COMMAND_PATCH_STUDY] = patch_study,
    [COMMAND_DELETE_STUDY] = delete_study,
    [COMMAND_ADD_TRIAL] = add_trial,
    [COMMAND_SUGGEST] = core_suggest,
    [COMMAND_MEASUREMENT] = core_measure,
    [COMMAND_COMPLETE] = core_complete,
    [COMMAND_LIST_WORKERS] = list_workers,
    [COMMAND_DRAIN_WORKER] = drain_worker,
    [COMMAND_ADD_DATASET_FILE] = core_add_dataset_file,
    [COMMAND_REGISTER_DATASET] = core_register_dataset,
    [COMMAND_DELETE_DATASET] = core_delete_dataset,
};

static enum code find_answer(void *context, const void *data, struct error *err)
{
    (void)err;
    const struct idempotency_row *row = data;
    struct idempotency_row *found = context;
    *found = *row;
    found->digest = alloc_text(row->digest);
    found->location = alloc_text(row->location);
    found->body = alloc_text(row->body);
    return OK;
}

static struct answer *earlier_answer(const struct idempotency_row *row)
{
    struct answer *answer = alloc_zero(1, sizeof *answer);
    answer->status = (int)row->status;
    answer->location = alloc_text(row->location);
    answer->body = row->body[0] ? alloc_text(row->body) : NULL;
    return answer;
}

// The key's quotes doubled, as SQL wants it.
static char *where_key(const char *key)
{
    char *where = sqlite3_mprintf("WHERE key = %Q", key);
    return alloc_sure(where);
}

// A repeated request: answered from the store, or refused. True when that is done.
static bool answer_repeated(struct core *core, struct request *request)
{
    const char *key = request->command->idempotency_key;
    struct idempotency_row row = {0};
    struct error err = {0};
    struct flying_key *flying;
    HASH_FIND_STR(core->flying, key, flying);
    if (flying) {
        fail(&err, E_CONFLICT, "#Idempotency-Key",
             "the first request with this key is still being worked on; repeat in a moment");
    } else {
        char *where = where_key(key);
        if (store_load(core->reader, ROW_IDEMPOTENCY, where, find_answer, &row, &err) == OK &&
            row.digest && strcmp(row.digest, request->command->digest) != 0)
            fail(&err, E_INVALID, "#Idempotency-Key",
                 "this key was used with another request; use a new one");
        sqlite3_free(where);
    }
    bool repeated = row.digest || err.code;
    if (repeated) { // neither answer is to be kept under the key again
        free(request->command->idempotency_key);
        request->command->idempotency_key = NULL;
    }
    if (err.code)
        core_refuse(core, request, &err);
    else if (row.digest)
        core_answer(core, request, earlier_answer(&row));
    free((char *)row.digest);
    free((char *)row.location);
    free((char *)row.body);
    return repeated;
}

void core_handle(struct core *core, struct request *request)
{
    const char *key = request->command->idempotency_key;
    if (key && answer_repeated(core, request))
        return;
    if (key) {
        struct flying_key *flying = alloc_zero(1, sizeof *flying);
        flying->key = alloc_text(key);
        HASH_ADD_STR(core->flying, key, flying);
    }
    handlers[request->command->kind](core, request);
}
