// Studies and trials as JSON, written from the store's rows.
#ifndef TUNERD_COORDINATOR_HTTP_VIEW_H
#define TUNERD_COORDINATOR_HTTP_VIEW_H

#include "coordinator/http/buf.h"
#include "coordinator/http/readers.h"

extern const char *const study_states[]; // ended by NULL
extern const char *const trial_states[];

// Columns for the views below, in their order.
#define STUDY_COLUMNS                                                                              \
    "id, name, state, reason, description, document -> '$.tuner.objective', direction, "           \
    "max_trials, max_parallel_trials, priority, planned_trials, created_at, started_at, ended_at"
#define TRIAL_COLUMNS                                                                              \
    "number, state, hyperparameters, score, best_epoch, reason, origin, client_id, created_at, "   \
    "started_at, ended_at, executions"

// The study in `row` without its closing brace. Reads its trials' counts, pace and best.
void view_study(struct reader *reader, sqlite3_stmt *row, struct buf *out);
// The trial in `row` without its closing brace.
void view_trial(sqlite3_stmt *row, struct buf *out);
// {"number", "score", "best_epoch", "hyperparameters"} of the `count` best completed trials, separated by
// commas: those scored over more executions first. maximise: as the study's direction.
void view_best(struct reader *reader, int64_t study, bool maximise, int64_t count, struct buf *out);

// The whole document of GET /studies/{name}: E_NOT_FOUND when there is none.
enum code view_whole_study(struct reader *reader, const char *name, struct buf *out,
                           struct error *err);
// Id of a study; *maximise (may be NULL) its direction. E_NOT_FOUND, E_STORE.
enum code view_study_id(struct reader *reader, const char *name, int64_t *id, bool *maximise,
                        struct error *err);

// A trial's row (TRIAL_COLUMNS) in a snapshot of its own. E_NOT_FOUND names what is not there.
struct shown_trial {
    int64_t study;
    bool maximise;
    sqlite3_stmt *row;
};
enum code view_trial_row(struct reader *reader, const char *study, int64_t number,
                         struct shown_trial *out, struct error *err);

// Columns written as JSON, NULL as null.
void column_string(sqlite3_stmt *row, int column, struct buf *out);
void column_json(sqlite3_stmt *row, int column, struct buf *out); // JSON text, as it is
void column_number(sqlite3_stmt *row, int column, struct buf *out);
void column_integer(sqlite3_stmt *row, int column, struct buf *out);
void column_time(sqlite3_stmt *row, int column, struct buf *out);

#endif
