// /api/v1/workers: the fleet, which the core knows best.
#include <string.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/http/view.h"

void workers_list(struct request *request)
{
    request->arguments[0] = "";
    request_command(request, COMMAND_LIST_WORKERS, 0, NULL);
}

void worker_drain(struct request *request)
{
    study_command(request);
}

void worker_answered(struct request *request)
{
    static const char *const names[] = {"id", "name", "host", "version", "state", "cpu"};
    static const char *const numbers[] = {"slots", "executions"};
    struct buf out;
    struct error err;
    buf_init(&out, 1 << 20);
    struct reader *reader = reader_take(request->http->readers);
    sqlite3_stmt *row = reader_query(
        reader,
        "SELECT id, name, host, version, state, cpu, slots, executions, first_seen, last_seen "
        "FROM workers WHERE id = ?1",
        "s", request->arguments[0]);
    bool found = reader_step(reader, row);
    for (int i = 0; found && i < 6; i++) {
        buf_printf(&out, "%s\"%s\":", i ? "," : "{", names[i]);
        column_string(row, i, &out);
    }
    for (int i = 0; found && i < 2; i++) {
        buf_printf(&out, ",\"%s\":", numbers[i]);
        column_integer(row, 6 + i, &out);
    }
    if (found) {
        buf_put(&out, ",\"first_seen\":");
        column_time(row, 8, &out);
        buf_put(&out, ",\"last_heartbeat\":");
        column_time(row, 9, &out);
        buf_put(&out, "}");
    }
    enum code code = reader_result(reader, &err);
    reader_give(request->http->readers, reader);
    if (code == OK && !found)
        code = fail(&err, E_NOT_FOUND, "", "there is no worker '%.64s'", request->arguments[0]);
    if (code)
        reply_error(request, 0, &err);
    else
        reply_text(request, request->answer->status, &out);
    buf_fini(&out);
}
