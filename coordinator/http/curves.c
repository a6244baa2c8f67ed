// …/trials/{number}/metrics, streamed: a trial may have many epochs.
#include <stdlib.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/http/view.h"

enum { EPOCHS_A_PIECE = 512 };

struct curves {
    struct readers *readers;
    int64_t study, trial;
    int64_t execution, epoch; // the last one sent; execution -1: none
    bool begun;
};

// The next execution with its newest attempt; false when there is none.
static bool next_execution(struct curves *c, struct reader *reader, struct buf *out)
{
    sqlite3_stmt *row = reader_query(
        reader,
        "SELECT execution, attempt, state FROM executions WHERE study_id = ?1 AND trial = ?2 "
        "AND execution > ?3 ORDER BY execution, attempt DESC LIMIT 1",
        "iii", c->study, c->trial, c->execution);
    if (!reader_step(reader, row))
        return false;
    buf_put(out, c->execution >= 0 ? "]},{\"execution\":" : "{\"execution\":");
    column_integer(row, 0, out);
    buf_put(out, ",\"attempt\":");
    column_integer(row, 1, out);
    buf_put(out, ",\"state\":");
    column_string(row, 2, out);
    buf_put(out, ",\"epochs\":[");
    c->execution = sqlite3_column_int64(row, 0);
    c->epoch = 0;
    return true;
}

static void put_epoch(sqlite3_stmt *row, bool first, struct buf *out)
{
    const char *metrics = (const char *)sqlite3_column_text(row, 1);
    int len = sqlite3_column_bytes(row, 1);
    buf_put(out, first ? "{\"epoch\":" : ",{\"epoch\":");
    column_integer(row, 0, out);
    if (len > 2) {
        buf_put(out, ",");
        buf_bytes(out, metrics + 1, (size_t)len - 1);
    } else {
        buf_put(out, "}");
    }
}

// Epochs that count: a later attempt replaces what an earlier one did from its own first epoch on.
// Returns whether the piece is full, so that there may be more.
static bool put_epochs(struct curves *c, struct reader *reader, struct buf *out)
{
    sqlite3_stmt *row =
        reader_query(reader,
                     "SELECT e.epoch, e.metrics FROM epochs e "
                     "WHERE e.study_id = ?1 AND e.trial = ?2 AND e.execution = ?3 AND e.epoch > ?4 "
                     "AND NOT EXISTS (SELECT 1 FROM epochs later WHERE later.study_id = ?1 "
                     "AND later.trial = ?2 AND later.execution = ?3 AND later.attempt > e.attempt "
                     "AND later.epoch <= e.epoch) ORDER BY e.epoch LIMIT ?5",
                     "iiiii", c->study, c->trial, c->execution, c->epoch, (int64_t)EPOCHS_A_PIECE);
    int n = 0;
    while (reader_step(reader, row)) {
        put_epoch(row, c->epoch == 0, out);
        c->epoch = sqlite3_column_int64(row, 0);
        n++;
    }
    return n == EPOCHS_A_PIECE;
}

static enum fill fill(void *state, struct buf *out)
{
    struct curves *c = state;
    struct error err;
    struct reader *reader = reader_take(c->readers);
    bool more = true;
    if (!c->begun)
        buf_put(out, "{\"executions\":[");
    if (!c->begun || !put_epochs(c, reader, out)) {
        c->begun = true;
        more = next_execution(c, reader, out);
        if (!more)
            buf_put(out, c->execution >= 0 ? "]}]}" : "]}");
    }
    enum code code = reader_result(reader, &err);
    reader_give(c->readers, reader);
    return code ? FILL_BROKEN : more ? FILL_MORE : FILL_DONE;
}

static const struct producer producer = {fill, free};

void trial_metrics(struct request *request)
{
    int64_t number;
    struct error err;
    struct shown_trial trial;
    if (!request_trial(request, &number))
        return;
    struct reader *reader = reader_take(request->http->readers);
    enum code code = view_trial_row(reader, request->arguments[0], number, &trial, &err);
    reader_give(request->http->readers, reader);
    if (code) {
        reply_error(request, 0, &err);
        return;
    }
    struct curves *c = calloc(1, sizeof *c);
    if (!c) {
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
        return;
    }
    *c = (struct curves){request->http->readers, trial.study, number, -1, 0, false};
    reply_produced(request, "application/json", MHD_SIZE_UNKNOWN, &producer, c);
}
