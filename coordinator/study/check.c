#include "coordinator/study/check.h"

#include <string.h>

#include "common/objective.h"
#include "coordinator/search/search.h"

bool study_check_is_generated(const char *name)
{
    static const char *const names[] = {"blobs", "spirals", "linear"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

enum code study_check_read_info(const char *text, struct dataset_info *out, struct error *err)
{
    cJSON *json = json_read(text, strlen(text), NULL, err);
    if (!json)
        return err ? err->code : E_SYNTAX;
    struct dataset_info info = {
        .train_samples = json_integer_or(json, "train_samples", 0),
        .test_samples = json_integer_or(json, "test_samples", 0),
        .classes = json_integer_or(json, "classes", 0),
        .features_bytes = strcmp(json_string_or(json, "features", ""), "bytes") == 0,
    };
    const cJSON *dim;
    cJSON_ArrayForEach(dim, json_member(json, "shape"))
    {
        int64_t size;
        if (info.rank < 4 && json_is_integer(dim, &size))
            info.shape[info.rank++] = size;
    }
    cJSON_Delete(json);
    if (info.train_samples <= 0 || info.rank == 0)
        return fail(err, E_STORE, "", "the data set's entry in the store is not complete");
    *out = info;
    return OK;
}

// E_NOT_FOUND: there is none of that name. E_BUSY: its files are not complete.
static enum code registered_info(sqlite3 *reader, const char *name, struct dataset_info *out,
                                 struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(reader, "SELECT state, info FROM datasets WHERE name = ?1", -1, &stmt,
                           NULL) != SQLITE_OK)
        return fail(err, E_STORE, "", "cannot read the store: %s", sqlite3_errmsg(reader));
    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    enum code code;
    if (rc == SQLITE_DONE)
        code = fail(err, E_NOT_FOUND, "", "no such data set");
    else if (rc != SQLITE_ROW)
        code = fail(err, E_STORE, "", "cannot read the store: %s", sqlite3_errmsg(reader));
    else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ready") != 0)
        code = fail(err, E_BUSY, "", "its files are not registered yet");
    else
        code = study_check_read_info((const char *)sqlite3_column_text(stmt, 1), out, err);
    sqlite3_finalize(stmt);
    return code;
}

static enum code check_dataset(sqlite3 *reader, const struct study_spec *spec,
                               struct faults *faults)
{
    struct error err = {0};
    struct dataset_info info = {0};
    if (study_check_is_generated(spec->dataset)) {
        const cJSON *dataset = json_member(spec->document, "dataset");
        if (dataset_generate_info(spec->dataset, json_member(dataset, "generate"), &info, &err)) {
            faults_add(faults, &err);
            return err.code;
        }
        return study_spec_check_data(spec, &info, faults);
    }
    switch (registered_info(reader, spec->dataset, &info, &err)) {
    case OK:
        return study_spec_check_data(spec, &info, faults);
    case E_NOT_FOUND:
        return fault(faults, E_UNKNOWN, "/dataset/name",
                     "there is no data set \"%s\"; GET /api/v1/datasets lists those there are, and "
                     "`tunerctl datasets add` adds one",
                     spec->dataset);
    case E_BUSY:
        return fault(faults, E_UNKNOWN, "/dataset/name",
                     "the data set \"%s\" is not complete; POST /api/v1/datasets/%s when its files "
                     "are there",
                     spec->dataset, spec->dataset);
    default:
        faults_add(faults, &err);
        return err.code;
    }
}

// Earlier studies must be there.
static enum code check_warm_start(sqlite3 *reader, const struct study_spec *spec,
                                  struct faults *faults)
{
    enum code code = OK;
    for (int i = 0; i < spec->tuner.nwarm_start; i++) {
        const char *name = spec->tuner.warm_start_from[i];
        sqlite3_stmt *stmt = NULL;
        if (sqlite3_prepare_v2(reader, "SELECT 1 FROM studies WHERE name = ?1", -1, &stmt, NULL) !=
            SQLITE_OK)
            return fault(faults, E_STORE, "", "cannot read the store: %s", sqlite3_errmsg(reader));
        sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
        if (sqlite3_step(stmt) != SQLITE_ROW)
            code = fault(faults, E_UNKNOWN, json_pointer_at("/tuner/warm_start_from", i).text,
                         "there is no study \"%.200s\"; GET /api/v1/studies lists them", name);
        sqlite3_finalize(stmt);
    }
    return code;
}

static enum code check_search(const struct study_spec *spec, struct faults *faults)
{
    struct error err = {0};
    struct search search = {0};
    if (search_new(&search, spec, &err)) {
        faults_add(faults, &err);
        return err.code;
    }
    search_free(&search);
    return OK;
}

static enum code check_objective(const struct study_spec *spec, struct faults *faults)
{
    struct error err = {0};
    struct objective_meter *meter = NULL;
    if (objective_new(spec->tuner.objectives, spec->tuner.nobjectives, &meter, &err)) {
        faults_add(faults, &err);
        return err.code;
    }
    objective_free(meter);
    return OK;
}

enum code study_check(sqlite3 *reader, const struct study_spec *spec, struct faults *faults)
{
    enum code code = spec->has_model ? check_dataset(reader, spec, faults) : OK;
    enum code warm_start = check_warm_start(reader, spec, faults);
    enum code search = check_search(spec, faults);
    enum code objective = check_objective(spec, faults);
    code = code ? code : warm_start;
    return code ? code : search ? search : objective;
}
