// The registry of data sets: files arrive as blobs, then the set is inspected beside the core and ready.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/data/dataset.h"
#include "common/log.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"
#include "coordinator/study/check.h"

enum { FILES_MAX = 16, NAME_MAX_BYTES = 128 };

struct dataset_entry *core_find_dataset(struct core *core, const char *name)
{
    struct dataset_entry *entry;
    HASH_FIND_STR(core->datasets, name, entry);
    return entry;
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = alloc_text(text);
}

static struct dataset_entry *add_entry(struct core *core, const char *name)
{
    struct dataset_entry *entry = alloc_zero(1, sizeof *entry);
    entry->name = alloc_text(name);
    entry->source = alloc_text("{}");
    entry->info = alloc_text("{}");
    entry->state = alloc_text("uploading");
    HASH_ADD_KEYPTR(hh, core->datasets, entry->name, strlen(entry->name), entry);
    return entry;
}

static void drop_entry(struct core *core, struct dataset_entry *entry)
{
    HASH_DEL(core->datasets, entry);
    for (int i = 0; i < entry->nfiles; i++)
        free(entry->files[i].file);
    free(entry->files);
    free(entry->name);
    free(entry->source);
    free(entry->info);
    free(entry->state);
    free(entry);
}

static void put_file(struct dataset_entry *entry, const char *file, const char *sha256,
                     int64_t size)
{
    struct dataset_entry_file *found = NULL;
    for (int i = 0; i < entry->nfiles; i++)
        if (strcmp(entry->files[i].file, file) == 0)
            found = &entry->files[i];
    if (!found) {
        entry->files =
            alloc_sure(reallocarray(entry->files, (size_t)entry->nfiles + 1, sizeof *entry->files));
        found = &entry->files[entry->nfiles++];
        found->file = alloc_text(file);
    }
    snprintf(found->sha256, sizeof found->sha256, "%s", sha256);
    found->size = size;
}

void core_load_dataset(struct core *core, const struct dataset_row *row)
{
    struct dataset_entry *entry = add_entry(core, row->name);
    set_text(&entry->source, row->source);
    set_text(&entry->info, row->info);
    set_text(&entry->state, row->state);
    entry->created_ms = row->created_at;
}

void core_load_dataset_file(struct core *core, const struct dataset_file_row *row)
{
    struct dataset_entry *entry = core_find_dataset(core, row->dataset);
    if (entry)
        put_file(entry, row->file, row->sha256, row->size);
}

void core_unload_datasets(struct core *core)
{
    struct dataset_entry *entry, *next;
    HASH_ITER(hh, core->datasets, entry, next)
    drop_entry(core, entry);
}

static void store_entry(struct core *core, const struct dataset_entry *entry)
{
    struct dataset_row row = {entry->name, entry->source, entry->info, entry->state,
                              entry->created_ms};
    core_put(core, ROW_PUT, ROW_DATASET, &row);
}

static void refuse_unknown(struct core *core, struct request *request, const char *mend)
{
    struct error err;
    fail(&err, E_NOT_FOUND, "", "there is no data set \"%.200s\"; %s", request->command->name,
         mend);
    core_refuse(core, request, &err);
}

// A set that an unfinished study trains on stays as it is.
static bool in_use(struct core *core, const char *name)
{
    for (const struct held_study *held = core->list; held; held = held->next)
        if (!study_state_ended(held->study->state) && held->spec->spec.dataset &&
            strcmp(held->spec->spec.dataset, name) == 0)
            return true;
    return false;
}

static bool name_holds(const char *name)
{
    return name && name[0] && name[0] != '.' && strlen(name) <= NAME_MAX_BYTES &&
           !strpbrk(name, "/\\");
}

// True when the set may change; else the request is refused.
static bool may_change(struct core *core, struct request *request)
{
    const char *name = request->command->name;
    const struct dataset_entry *entry = name ? core_find_dataset(core, name) : NULL;
    struct error err = {0};
    if (!name_holds(name))
        fail(&err, E_RANGE, "", "a data set's name has 1 to %d bytes, no slash and no leading dot",
             NAME_MAX_BYTES);
    else if (study_check_is_generated(name))
        fail(&err, E_CONFLICT, "",
             "\"%s\" is a generated set that is always there; use another "
             "name",
             name);
    else if (entry && entry->busy)
        fail(&err, E_STATE, "", "the data set \"%s\" is being inspected; try again in a moment",
             name);
    else if (in_use(core, name))
        fail(&err, E_STATE, "",
             "a study that has not ended uses the data set \"%s\"; cancel it "
             "first, or wait",
             name);
    if (err.code)
        core_refuse(core, request, &err);
    return err.code == OK;
}

void core_add_dataset_file(struct core *core, struct request *request)
{
    const cJSON *body = request->command->body;
    const char *file = json_string_or(body, "file", "");
    const char *sha256 = json_string_or(body, "sha256", "");
    struct error err = {0};
    if (!may_change(core, request))
        return;
    struct dataset_entry *entry = core_find_dataset(core, request->command->name);
    if (!name_holds(file) || !store_is_sha256(sha256))
        fail(&err, E_RANGE, "", "a file's name has 1 to %d bytes, no slash and no leading dot",
             NAME_MAX_BYTES);
    else if (entry && entry->nfiles >= FILES_MAX)
        fail(&err, E_LIMIT, "", "the data set \"%s\" has %d files already", entry->name, FILES_MAX);
    if (err.code) {
        core_refuse(core, request, &err);
        return;
    }
    if (!entry) {
        entry = add_entry(core, request->command->name);
        entry->created_ms = core->now.ms;
    }
    put_file(entry, file, sha256, json_integer_or(body, "size", 0));
    set_text(&entry->state, "uploading");
    store_entry(core, entry);
    struct dataset_file_row row = {entry->name, file, sha256, json_integer_or(body, "size", 0)};
    core_put(core, ROW_PUT, ROW_DATASET_FILE, &row);
    core_ok(core, request, 201, NULL);
}

void core_delete_dataset(struct core *core, struct request *request)
{
    if (!may_change(core, request))
        return;
    struct dataset_entry *entry = core_find_dataset(core, request->command->name);
    if (!entry) {
        refuse_unknown(core, request, "GET /api/v1/datasets lists those there are");
        return;
    }
    struct dataset_row row = {.name = entry->name};
    core_put(core, ROW_DELETE, ROW_DATASET, &row);
    core->group->batch->collect = true;
    drop_entry(core, entry);
    core_ok(core, request, 204, NULL);
}

// ---- inspection, beside the core

struct inspection {
    struct task task;
    struct request *request;
    cJSON *source;
    int nfiles;
    char **names, **paths;
    char *scratch;
    enum code code;
    struct error error;
    char *info;
};

static void inspect(struct task *task)
{
    struct inspection *job = (struct inspection *)task;
    struct dataset dataset;
    struct dataset_source source = {
        .format = json_string_or(job->source, "format", NULL),
        .target = json_string_or(job->source, "target", NULL),
        .categories = json_string_or(job->source, "categories", NULL),
        .class_names = json_member(job->source, "class_names"),
        .nfiles = job->nfiles,
        .names = (const char *const *)job->names,
        .paths = (const char *const *)job->paths,
    };
    job->code = dataset_prepare(&source, job->scratch, &job->error);
    if (job->code)
        return;
    job->code = dataset_map(job->scratch, &dataset, &job->error);
    if (!job->code) {
        cJSON *info = alloc_sure(dataset_info_to_json(&dataset));
        job->info = alloc_sure(json_write(info));
        cJSON_Delete(info);
        dataset_fini(&dataset);
    }
    unlink(job->scratch); // workers prepare their own
}

static void free_inspection(struct inspection *job)
{
    for (int i = 0; i < job->nfiles; i++) {
        free(job->names[i]);
        free(job->paths[i]);
    }
    free(job->names);
    free(job->paths);
    free(job->scratch);
    free(job->info);
    cJSON_Delete(job->source);
    free(job);
}

static void inspected(struct task *task, void *context)
{
    struct inspection *job = (struct inspection *)task;
    struct core *core = context;
    if (!core) { // stopping: nobody waits any more
        free_inspection(job);
        return;
    }
    struct request *request = job->request;
    struct dataset_entry *entry = core_find_dataset(core, request->command->name);
    if (entry)
        entry->busy = false;
    if (!entry)
        refuse_unknown(core, request, "it went while it was inspected");
    else if (job->code)
        core_refuse(core, request, &job->error);
    else {
        char *source = alloc_sure(json_write(job->source));
        set_text(&entry->source, source);
        set_text(&entry->info, job->info);
        set_text(&entry->state, "ready");
        store_entry(core, entry);
        log_event(LOG_LEVEL_INFO, "dataset_ready", "name=%s", entry->name);
        free(source);
        core_ok(core, request, 201, NULL);
    }
    free_inspection(job);
}

static bool check_source(const cJSON *body, struct faults *faults)
{
    static const char *const known[] = {"format", "target", "categories", "class_names", NULL};
    enum { STRINGS = 3 }; // of the known ones
    if (!core_check_members(body, known, faults))
        return false;
    for (int i = 0; i < STRINGS; i++) {
        const cJSON *member = json_member(body, known[i]);
        if (member && !cJSON_IsString(member))
            fault(faults, E_TYPE, json_pointer_of("", known[i]).text, "%s must be a string",
                  known[i]);
    }
    return faults->count == 0;
}

void core_register_dataset(struct core *core, struct request *request)
{
    struct faults faults;
    if (!may_change(core, request))
        return;
    struct dataset_entry *entry = core_find_dataset(core, request->command->name);
    if (!entry) {
        refuse_unknown(core, request, "PUT its files first");
        return;
    }
    faults_init(&faults);
    if (!check_source(request->command->body, &faults)) {
        core_refuse_faults(core, request, &faults);
        return;
    }
    faults_fini(&faults);
    struct inspection *job = alloc_zero(1, sizeof *job);
    *job = (struct inspection){
        .task = {.run = inspect, .done = inspected},
        .request = request,
        .source = request->command->body ? cJSON_Duplicate(request->command->body, true)
                                         : cJSON_CreateObject(),
        .nfiles = entry->nfiles,
        .names = alloc_zero((size_t)entry->nfiles, sizeof *job->names),
        .paths = alloc_zero((size_t)entry->nfiles, sizeof *job->paths),
        .scratch = alloc_format("%s/incoming/inspect-%s", core->state_dir, entry->name),
    };
    alloc_sure(job->source);
    for (int i = 0; i < entry->nfiles; i++) {
        job->names[i] = alloc_text(entry->files[i].file);
        job->paths[i] = store_blob_path(core->state_dir, entry->files[i].sha256);
    }
    entry->busy = true;
    beside_do(core->beside, &job->task);
}
