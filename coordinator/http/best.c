// …/best: the best hyperparameters.
#include "coordinator/http/page.h"
#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/http/view.h"

void study_best(struct request *request)
{
    int64_t count, study;
    bool maximise;
    struct buf out;
    struct error err;
    if (!page_integer(request, "num_trials", 1, 1, 1000, &count))
        return;
    buf_init(&out, ANSWER_MAX);
    struct reader *reader = reader_take(request->http->readers);
    reader_snapshot(reader);
    enum code code = view_study_id(reader, request->arguments[0], &study, &maximise, &err);
    if (code == OK) {
        buf_put(&out, "{\"trials\":[");
        view_best(reader, study, maximise, count, &out);
        buf_put(&out, "]}");
        code = reader_result(reader, &err);
    }
    reply_read(request, reader, 200, code, &err, &out);
    buf_fini(&out);
}
