// …/trials/{number}/report: the engine's report of one execution, as the worker sent it.
#include <string.h>

#include "coordinator/http/page.h"
#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/http/view.h"

static const char of_best[] =
    "SELECT r.execution, r.body FROM reports r LEFT JOIN executions e ON e.study_id = r.study_id "
    "AND e.trial = r.trial AND e.execution = r.execution AND e.state IN ('completed', 'pruned') "
    "WHERE r.study_id = ?1 AND r.trial = ?2 "
    "ORDER BY e.score * ?3 DESC NULLS LAST, r.execution LIMIT 1";
static const char of_one[] = "SELECT r.execution, r.body FROM reports r "
                             "WHERE r.study_id = ?1 AND r.trial = ?2 AND r.execution = ?3";

static enum code no_report(sqlite3_stmt *trial, int64_t number, int64_t execution,
                           struct error *err)
{
    const char *state = (const char *)sqlite3_column_text(trial, 1);
    const char *reason = (const char *)sqlite3_column_text(trial, 5);
    if (strcmp(state, "queued") == 0 || strcmp(state, "running") == 0)
        return fail(err, E_NOT_FOUND, "",
                    "trial %lld is %s; its report is there once an execution has completed",
                    (long long)number, state);
    if (execution >= 0)
        return fail(err, E_NOT_FOUND, "?execution", "trial %lld has no report of execution %lld",
                    (long long)number, (long long)execution);
    return fail(err, E_NOT_FOUND, "", "trial %lld is %s and has no report%s%.200s",
                (long long)number, state, reason ? ": " : "", reason ? reason : "");
}

static void put_report(sqlite3_stmt *row, struct buf *out)
{
    const char *body = (const char *)sqlite3_column_text(row, 1);
    int len = sqlite3_column_bytes(row, 1);
    buf_put(out, "{\"execution\":");
    column_integer(row, 0, out);
    if (len > 2) {
        buf_put(out, ",");
        buf_bytes(out, body + 1, (size_t)len - 1);
    } else {
        buf_put(out, "}");
    }
}

void trial_report(struct request *request)
{
    int64_t number, execution;
    struct buf out;
    struct error err;
    struct shown_trial trial;
    if (!request_trial(request, &number) ||
        !page_integer(request, "execution", -1, 0, 1000000, &execution))
        return;
    buf_init(&out, ANSWER_MAX);
    struct reader *reader = reader_take(request->http->readers);
    enum code code = view_trial_row(reader, request->arguments[0], number, &trial, &err);
    if (code == OK) {
        int64_t third = execution >= 0 ? execution : trial.maximise ? 1 : -1;
        sqlite3_stmt *row = reader_query(reader, execution >= 0 ? of_one : of_best, "iii",
                                         trial.study, number, third);
        if (reader_step(reader, row)) {
            put_report(row, &out);
        } else {
            code = reader_result(reader, &err);
            code = code ? code : no_report(trial.row, number, execution, &err);
        }
    }
    reply_read(request, reader, 200, code, &err, &out);
    buf_fini(&out);
}
