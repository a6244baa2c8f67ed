// …/replay: every decision of the study's search computed again. It may take long (a Gaussian process is
// fitted again for every trial it proposed), so it has a thread of its own, one at a time.
#include "coordinator/replay.h"

#include <stdlib.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/http/view.h"

static void put_replay(const struct replay *replay, struct buf *out)
{
    buf_printf(out,
               "{\"holds\":%s,\"given\":%d,\"agree\":%d,\"by_others\":%d,\"first_difference\":",
               replay->first ? "false" : "true", replay->given, replay->agree, replay->by_others);
    if (replay->first) {
        buf_printf(out, "{\"decision\":%lld,\"detail\":", (long long)replay->first);
        buf_json_string(out, replay->differs);
        buf_put(out, "}");
    } else {
        buf_put(out, "null");
    }
    buf_put(out, "}");
}

static enum code work(struct request *request, struct buf *out, struct error *err)
{
    struct replay replay;
    enum code code = replay_study(request->http->state_dir, request->arguments[0], &replay, err);
    if (code == OK)
        put_replay(&replay, out);
    return code;
}

void study_replay(struct request *request)
{
    int64_t id;
    struct error err;
    struct reader *reader = reader_take(request->http->readers);
    enum code code = view_study_id(reader, request->arguments[0], &id, NULL, &err);
    reader_give(request->http->readers, reader);
    if (code)
        reply_error(request, 0, &err);
    else
        request_beside(request, work);
}
