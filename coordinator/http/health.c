// Life, readiness and counters.
#include <stdlib.h>
#include <string.h>

#include "common/options.h"
#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"

void health_live(struct request *request)
{
    struct buf out;
    buf_init(&out, 1024);
    buf_put(&out, "{\"status\":\"ok\",\"version\":");
    buf_json_string(&out, tunerd_version);
    buf_put(&out, "}");
    reply_text(request, 200, &out);
    buf_fini(&out);
}

void health_ready(struct request *request)
{
    static const char ready[] = "{\"status\":\"ready\"}";
    if (core_ready(request->http->core))
        reply_static(request, 200, "application/json", ready, sizeof ready - 1);
    else
        reply_fail(request, 0, E_BUSY, "", "the store cannot be written now");
}

void health_metrics(struct request *request)
{
    struct http *http = request->http;
    struct buf out;
    buf_init(&out, 1 << 20);
    pthread_mutex_lock(&http->lock);
    int streams = http->streams;
    pthread_mutex_unlock(&http->lock);
    char *core = core_metrics_text(http->core);
    buf_put(&out, core ? core : "");
    free(core);
    buf_put(&out, "# HELP tunerd_http_answers_total Answers given, by class of status.\n"
                  "# TYPE tunerd_http_answers_total counter\n");
    for (int i = 1; i < 6; i++)
        buf_printf(&out, "tunerd_http_answers_total{class=\"%dxx\"} %llu\n", i,
                   atomic_load(&http->answered[i]));
    buf_printf(&out,
               "# HELP tunerd_http_connections Open connections.\n"
               "# TYPE tunerd_http_connections gauge\n"
               "tunerd_http_connections %d\n",
               clients_count(&http->clients));
    buf_printf(&out,
               "# HELP tunerd_http_event_streams Open event streams.\n"
               "# TYPE tunerd_http_event_streams gauge\n"
               "tunerd_http_event_streams %d\n",
               streams);
    size_t len = 0;
    char *bytes = buf_take(&out, &len);
    if (bytes)
        reply_bytes(request, 200, "text/plain; version=0.0.4; charset=utf-8", bytes, len);
}
