#include "coordinator/prior.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "coordinator/alloc.h"
#include "coordinator/store/store.h"

static void add_prior(struct tape *tape, const struct value *values, double loss, int source)
{
    const struct space *space = tape->history.space;
    int n = tape->history.nprior;
    tape->prior = alloc_more(tape->prior, n, &tape->prior_cap, sizeof *tape->prior);
    tape->prior[n] = (struct search_trial){
        .number = n,
        .state = SEARCH_COMPLETED,
        .unit = alloc_zero((size_t)space->n, sizeof(double)),
        .loss = loss,
        .executions = 1,
        .bracket = -1,
        .round = -1,
        .parent = -1,
        .source = source,
    };
    space_to_unit(space, values, tape->prior[n].unit);
    tape->history.prior = tape->prior;
    tape->history.nprior++;
}

// A trial whose point does not lie in this space is passed over.
static void read_trial(struct tape *tape, sqlite3_stmt *stmt, int source)
{
    const struct space *space = tape->history.space;
    const char *text = (const char *)sqlite3_column_text(stmt, 0);
    cJSON *json = text ? json_read(text, strlen(text), NULL, NULL) : NULL;
    struct value *values = alloc_zero((size_t)space->n, sizeof *values);
    struct faults faults;
    faults_init(&faults);
    if (json && space_values_from_json(space, json, "", values, &faults) == OK)
        add_prior(tape, values, sqlite3_column_double(stmt, 1), source);
    faults_fini(&faults);
    free(values);
    cJSON_Delete(json);
}

// Each trial as it was at that moment: the mean over the executions that had completed an attempt of what
// their last one came to. Trials may go on later, and their rows then change; ended attempts never do.
static const char results_then[] =
    "WITH ended AS (SELECT e.study_id, e.trial, e.score, max(e.attempt) FROM executions e "
    "  JOIN studies s ON s.id = e.study_id "
    "  WHERE s.name = ?1 AND e.state = 'completed' AND e.ended_at < ?2 "
    "  GROUP BY e.study_id, e.trial, e.execution) "
    "SELECT t.hyperparameters, CASE s.direction WHEN 'max' THEN -1 ELSE 1 END * avg(ended.score) "
    "FROM ended JOIN studies s ON s.id = ended.study_id "
    "  JOIN trials t ON t.study_id = s.id AND t.number = ended.trial "
    "GROUP BY t.number HAVING count(ended.score) > 0 ORDER BY t.number";

static void read_study(sqlite3 *db, const char *name, int source, int64_t created_ms,
                       struct tape *tape)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, results_then, -1, &stmt, NULL) != SQLITE_OK)
        return;
    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, created_ms);
    int rows = 0;
    for (; sqlite3_step(stmt) == SQLITE_ROW; rows++)
        read_trial(tape, stmt, source);
    sqlite3_finalize(stmt);
    if (!rows)
        log_event(LOG_LEVEL_WARNING, "warm_start", "study \"%s\" has no results to start from",
                  name);
}

void prior_load(const char *state_dir, const struct study_spec *spec, int64_t created_ms,
                struct tape *tape)
{
    sqlite3 *db = NULL;
    struct error err = {0};
    if (spec->tuner.nwarm_start == 0)
        return;
    if (store_reader_open(state_dir, &db, &err)) {
        log_event(LOG_LEVEL_WARNING, "warm_start", "%s", err.message);
        return;
    }
    for (int i = 0; i < spec->tuner.nwarm_start; i++)
        read_study(db, spec->tuner.warm_start_from[i], i, created_ms, tape);
    store_reader_close(db);
}
