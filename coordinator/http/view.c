// A view is a list of columns; what is counted is read beside it in the same snapshot.
#include "coordinator/http/view.h"

#include <math.h>
#include <string.h>
#include <time.h>

const char *const study_states[] = {"running", "paused",    "stopping", "completed",
                                    "stopped", "cancelled", "failed",   NULL};
const char *const trial_states[] = {"queued", "running",    "completed", "pruned",
                                    "failed", "infeasible", "cancelled", NULL};
enum { NTRIAL_STATES = 7, FIRST_ENDED = 2 };

static bool is_null(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL;
}

static const char *text_of(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

void column_string(sqlite3_stmt *row, int column, struct buf *out)
{
    buf_json_string(out, text_of(row, column));
}

void column_json(sqlite3_stmt *row, int column, struct buf *out)
{
    const char *json = text_of(row, column);
    if (json)
        buf_bytes(out, json, (size_t)sqlite3_column_bytes(row, column));
    else
        buf_put(out, "null");
}

void column_number(sqlite3_stmt *row, int column, struct buf *out)
{
    buf_json_number(out, is_null(row, column) ? NAN : sqlite3_column_double(row, column));
}

void column_integer(sqlite3_stmt *row, int column, struct buf *out)
{
    if (is_null(row, column))
        buf_put(out, "null");
    else
        buf_json_integer(out, sqlite3_column_int64(row, column));
}

void column_time(sqlite3_stmt *row, int column, struct buf *out)
{
    if (is_null(row, column))
        buf_put(out, "null");
    else
        buf_json_time(out, sqlite3_column_int64(row, column));
}

void view_trial(sqlite3_stmt *row, struct buf *out)
{
    buf_put(out, "{\"number\":");
    column_integer(row, 0, out);
    buf_put(out, ",\"state\":");
    column_string(row, 1, out);
    buf_put(out, ",\"hyperparameters\":");
    column_json(row, 2, out);
    buf_put(out, ",\"score\":");
    column_number(row, 3, out);
    buf_put(out, ",\"scored_executions\":");
    column_integer(row, 11, out);
    buf_put(out, ",\"best_epoch\":");
    column_integer(row, 4, out);
    buf_put(out, ",\"reason\":");
    column_string(row, 5, out);
    buf_put(out, ",\"origin\":");
    column_json(row, 6, out);
    buf_put(out, ",\"client_id\":");
    column_string(row, 7, out);
    buf_put(out, ",\"created_at\":");
    column_time(row, 8, out);
    buf_put(out, ",\"started_at\":");
    column_time(row, 9, out);
    buf_put(out, ",\"ended_at\":");
    column_time(row, 10, out);
}

// The best `count` of those scored over as many executions; returns how many there were.
static int64_t put_best_over(struct reader *reader, int64_t study, int64_t executions,
                             bool maximise, int64_t count, bool first, struct buf *out)
{
    static const char highest[] =
        "SELECT number, score, best_epoch, hyperparameters FROM trials "
        "WHERE study_id = ?1 AND executions = ?2 AND state = 'completed' AND score IS NOT NULL "
        "ORDER BY score DESC, number LIMIT ?3";
    static const char lowest[] =
        "SELECT number, score, best_epoch, hyperparameters FROM trials "
        "WHERE study_id = ?1 AND executions = ?2 AND state = 'completed' AND score IS NOT NULL "
        "ORDER BY score, number LIMIT ?3";
    int64_t n = 0;
    sqlite3_stmt *row =
        reader_query(reader, maximise ? highest : lowest, "iii", study, executions, count);
    for (; reader_step(reader, row); n++) {
        buf_put(out, first && n == 0 ? "{\"number\":" : ",{\"number\":");
        column_integer(row, 0, out);
        buf_put(out, ",\"score\":");
        column_number(row, 1, out);
        buf_put(out, ",\"best_epoch\":");
        column_integer(row, 2, out);
        buf_put(out, ",\"hyperparameters\":");
        column_json(row, 3, out);
        buf_put(out, "}");
    }
    return n;
}

// The most executions below `limit` that a trial was scored over; 0: there is none.
static int64_t most_executions(struct reader *reader, int64_t study, int64_t limit)
{
    sqlite3_stmt *row = reader_query(
        reader, "SELECT max(executions) FROM trials WHERE study_id = ?1 AND executions < ?2", "ii",
        study, limit);
    return reader_step(reader, row) ? sqlite3_column_int64(row, 0) : 0;
}

void view_best(struct reader *reader, int64_t study, bool maximise, int64_t count, struct buf *out)
{
    int64_t left = count, executions = INT32_MAX;
    while (left > 0 && (executions = most_executions(reader, study, executions)) > 0)
        left -= put_best_over(reader, study, executions, maximise, left, left == count, out);
}

// Trials per state, in trial_states' order; returns how many have ended.
static int64_t count_trials(struct reader *reader, int64_t study, int64_t counts[NTRIAL_STATES])
{
    int64_t ended = 0;
    memset(counts, 0, NTRIAL_STATES * sizeof counts[0]);
    sqlite3_stmt *row = reader_query(
        reader, "SELECT state, count(*) FROM trials WHERE study_id = ?1 GROUP BY state", "i",
        study);
    while (reader_step(reader, row)) {
        for (int i = 0; i < NTRIAL_STATES; i++) {
            if (strcmp(trial_states[i], text_of(row, 0)) != 0)
                continue;
            counts[i] = sqlite3_column_int64(row, 1);
            ended += i >= FIRST_ENDED ? counts[i] : 0;
        }
    }
    return ended;
}

// Seconds left at the pace of the last 16 trials that ended; NAN when nobody can tell.
static double time_left(struct reader *reader, int64_t study, int64_t trials_left)
{
    sqlite3_stmt *row = reader_query(
        reader,
        "SELECT count(*), min(started_at) FROM (SELECT started_at FROM trials WHERE study_id = ?1 "
        "AND ended_at IS NOT NULL AND started_at IS NOT NULL ORDER BY number DESC LIMIT 16)",
        "i", study);
    if (!reader_step(reader, row) || sqlite3_column_int64(row, 0) == 0)
        return NAN;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double since = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec -
                   1e-3 * (double)sqlite3_column_int64(row, 1);
    double left = since / (double)sqlite3_column_int64(row, 0) * (double)trials_left;
    return left >= 0 ? round(left * 10) / 10 : NAN;
}

static void put_progress(struct reader *reader, sqlite3_stmt *row, struct buf *out)
{
    int64_t study = sqlite3_column_int64(row, 0), planned = sqlite3_column_int64(row, 10);
    const char *state = text_of(row, 2);
    int64_t counts[NTRIAL_STATES];
    int64_t ended = count_trials(reader, study, counts);
    for (int i = 0; i < NTRIAL_STATES; i++)
        buf_printf(out, "%s\"%s\":%lld", i ? "," : ",\"counts\":{", trial_states[i],
                   (long long)counts[i]);
    double progress = planned > 0 ? fmin(1, (double)ended / (double)planned) : NAN;
    if (strcmp(state, "completed") == 0)
        progress = 1;
    buf_put(out, "},\"progress\":");
    buf_json_number(out, progress);
    buf_put(out, ",\"eta_s\":");
    bool runs = strcmp(state, "running") == 0 && planned > 0;
    buf_json_number(out,
                    runs ? time_left(reader, study, planned > ended ? planned - ended : 0) : NAN);
}

void view_study(struct reader *reader, sqlite3_stmt *row, struct buf *out)
{
    bool maximise = strcmp(text_of(row, 6), "max") == 0;
    buf_put(out, "{\"name\":");
    column_string(row, 1, out);
    buf_put(out, ",\"state\":");
    column_string(row, 2, out);
    buf_put(out, ",\"reason\":");
    column_string(row, 3, out);
    buf_put(out, ",\"description\":");
    column_string(row, 4, out);
    buf_put(out, ",\"objective\":");
    column_json(row, 5, out);
    buf_printf(out, ",\"direction\":\"%s\",\"max_trials\":", maximise ? "max" : "min");
    if (sqlite3_column_int64(row, 7) < 0)
        buf_put(out, "null");
    else
        column_integer(row, 7, out);
    buf_put(out, ",\"max_parallel_trials\":");
    column_integer(row, 8, out);
    buf_put(out, ",\"priority\":");
    column_integer(row, 9, out);
    put_progress(reader, row, out);
    buf_put(out, ",\"best_trial\":");
    size_t before = out->len;
    view_best(reader, sqlite3_column_int64(row, 0), maximise, 1, out);
    if (out->len == before)
        buf_put(out, "null");
    buf_put(out, ",\"created_at\":");
    column_time(row, 11, out);
    buf_put(out, ",\"started_at\":");
    column_time(row, 12, out);
    buf_put(out, ",\"ended_at\":");
    column_time(row, 13, out);
}

static enum code no_such_study(const char *name, struct error *err)
{
    return fail(err, E_NOT_FOUND, "", "there is no study '%.128s'", name);
}

enum code view_whole_study(struct reader *reader, const char *name, struct buf *out,
                           struct error *err)
{
    reader_snapshot(reader);
    sqlite3_stmt *row = reader_query(
        reader, "SELECT " STUDY_COLUMNS ", document, space FROM studies WHERE name = ?1", "s",
        name);
    if (!reader_step(reader, row)) {
        enum code code = reader_result(reader, err);
        return code ? code : no_such_study(name, err);
    }
    view_study(reader, row, out);
    buf_put(out, ",\"document\":");
    column_json(row, 14, out);
    buf_put(out, ",\"space\":");
    column_json(row, 15, out);
    buf_put(out, "}");
    return reader_result(reader, err);
}

enum code view_study_id(struct reader *reader, const char *name, int64_t *id, bool *maximise,
                        struct error *err)
{
    sqlite3_stmt *row =
        reader_query(reader, "SELECT id, direction FROM studies WHERE name = ?1", "s", name);
    if (!reader_step(reader, row)) {
        enum code code = reader_result(reader, err);
        return code ? code : no_such_study(name, err);
    }
    *id = sqlite3_column_int64(row, 0);
    if (maximise)
        *maximise = strcmp(text_of(row, 1), "max") == 0;
    return OK;
}

enum code view_trial_row(struct reader *reader, const char *study, int64_t number,
                         struct shown_trial *out, struct error *err)
{
    struct shown_trial trial = {0};
    reader_snapshot(reader);
    enum code code = view_study_id(reader, study, &trial.study, &trial.maximise, err);
    if (code)
        return code;
    trial.row = reader_query(reader,
                             "SELECT " TRIAL_COLUMNS " FROM trials "
                             "WHERE study_id = ?1 AND number = ?2",
                             "ii", trial.study, number);
    if (reader_step(reader, trial.row)) {
        *out = trial;
        return OK;
    }
    code = reader_result(reader, err);
    return code ? code
                : fail(err, E_NOT_FOUND, "", "study '%.128s' has no trial %lld", study,
                       (long long)number);
}
