// …/trials/{number}/model: the trained weights, as the worker sent them: they are a safetensors file.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/http/view.h"
#include "coordinator/store/store.h"

enum { PIECE = 64 << 10 };

static const char of_best[] =
    "SELECT m.sha256, m.size FROM models m JOIN executions e ON e.study_id = m.study_id "
    "AND e.trial = m.trial AND e.execution = m.execution AND e.attempt = m.attempt "
    "AND e.state IN ('completed', 'pruned') WHERE m.study_id = ?1 AND m.trial = ?2 "
    "ORDER BY m.objective * ?3 DESC, m.execution LIMIT 1";

struct download {
    int file;
    int64_t at, size;
};

static enum fill fill_piece(void *state, struct buf *out)
{
    struct download *d = state;
    char piece[PIECE];
    size_t want = d->size - d->at < PIECE ? (size_t)(d->size - d->at) : PIECE;
    ssize_t n = pread(d->file, piece, want, d->at);
    if (n <= 0)
        return n < 0 && errno == EINTR ? FILL_MORE : FILL_BROKEN;
    buf_bytes(out, piece, (size_t)n);
    d->at += n;
    return d->at < d->size ? FILL_MORE : FILL_DONE;
}

static void drop(void *state)
{
    struct download *d = state;
    close(d->file);
    free(d);
}

static const struct producer producer = {fill_piece, drop};

// How many completed trials are before it in GET …/best.
static int64_t rank_of(struct reader *reader, const struct shown_trial *trial, int64_t number)
{
    sqlite3_stmt *row = reader_query(
        reader,
        "SELECT count(*) FROM trials a JOIN trials b ON b.study_id = a.study_id AND b.number = ?2 "
        "WHERE a.study_id = ?1 AND a.state = 'completed' AND (a.executions > b.executions OR "
        "(a.executions = b.executions AND (a.score * ?3 > b.score * ?3 OR "
        "(a.score = b.score AND a.number < b.number))))",
        "iii", trial->study, number, (int64_t)(trial->maximise ? 1 : -1));
    return reader_step(reader, row) ? sqlite3_column_int64(row, 0) : 0;
}

// Why the trial has no weights.
static enum code no_model(const struct request *request, struct reader *reader,
                          const struct shown_trial *trial, int64_t number, struct error *err)
{
    const char *state = (const char *)sqlite3_column_text(trial->row, 1);
    const long long n = (long long)number;
    const int kept = request->http->models_kept;
    if (sqlite3_column_type(trial->row, 7) != SQLITE_NULL)
        return fail(err, E_NOT_FOUND, "", "trial %lld was run by a client, which has its model", n);
    if (strcmp(state, "queued") == 0 || strcmp(state, "running") == 0)
        return fail(err, E_NOT_FOUND, "",
                    "trial %lld is %s; its weights are there once an execution has completed", n,
                    state);
    if (strcmp(state, "completed") != 0)
        return fail(err, E_NOT_FOUND, "",
                    "trial %lld is %s; weights are kept of completed trials only", n, state);
    if (rank_of(reader, trial, number) < kept)
        return fail(err, E_NOT_FOUND, "",
                    "trial %lld came without weights: it ran under a version or with a "
                    "--keep-models that kept none, or the logs of its worker and of tunerd say why",
                    n);
    return fail(err, E_NOT_FOUND, "",
                "the weights of trial %lld are not kept: of a study those of the %d best trials "
                "are (tunerd --keep-models), as GET …/best?num_trials=%d lists them",
                n, kept, kept > 0 ? kept : 1);
}

static enum code open_blob(const struct request *request, sqlite3_stmt *row, struct download **out,
                           struct error *err)
{
    struct stat info;
    struct download *d = calloc(1, sizeof *d);
    if (!d)
        return fail(err, E_MEMORY, "", "out of memory");
    char *path =
        store_blob_path(request->http->state_dir, (const char *)sqlite3_column_text(row, 0));
    d->file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    d->size = sqlite3_column_int64(row, 1);
    free(path);
    if (d->file >= 0 && fstat(d->file, &info) == 0 && info.st_size == d->size) {
        *out = d;
        return OK;
    }
    if (d->file >= 0)
        close(d->file);
    free(d);
    return fail(err, E_STORE, "", "the weights' file in the state directory is gone or damaged");
}

static enum code find(const struct request *request, struct reader *reader, int64_t number,
                      struct download **out, struct error *err)
{
    struct shown_trial trial;
    enum code code = view_trial_row(reader, request->arguments[0], number, &trial, err);
    if (code)
        return code;
    sqlite3_stmt *row = reader_query(reader, of_best, "iii", trial.study, number,
                                     (int64_t)(trial.maximise ? 1 : -1));
    if (reader_step(reader, row))
        return open_blob(request, row, out, err);
    code = reader_result(reader, err);
    return code ? code : no_model(request, reader, &trial, number, err);
}

void trial_model(struct request *request)
{
    int64_t number;
    struct error err;
    struct download *download = NULL;
    const char *format = uri_parameter(&request->uri, "format");
    if (!request_trial(request, &number))
        return;
    if (format && strcmp(format, "safetensors") != 0) {
        reply_fail(request, 400, E_UNKNOWN, "?format",
                   "format is '%.20s'; weights are given as safetensors", format);
        return;
    }
    struct reader *reader = reader_take(request->http->readers);
    enum code code = find(request, reader, number, &download, &err);
    reader_give(request->http->readers, reader);
    if (code) {
        reply_error(request, 0, &err);
        return;
    }
    reply_produced(request, "application/octet-stream", (uint64_t)download->size, &producer,
                   download);
    char disposition[220];
    snprintf(disposition, sizeof disposition,
             "attachment; filename=\"%.128s-trial-%lld.safetensors\"", request->arguments[0],
             (long long)number);
    reply_header(request, "Content-Disposition", disposition);
}
