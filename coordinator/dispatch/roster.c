// The fleet for people: GET /workers, worker events, rows.

#include "coordinator/alloc.h"
#include "coordinator/core_state.h"
#include "coordinator/dispatch/dispatch.h"

struct run_list {
    struct core *core;
    cJSON *list;
};

static void add_run(void *context, struct lease *lease)
{
    struct run_list *runs = context;
    const struct held_study *held = core_study_by_id(runs->core, lease->key.study);
    if (!held || lease->state != LEASE_HELD)
        return;
    cJSON *run = alloc_sure(cJSON_CreateObject());
    cJSON_AddStringToObject(run, "study", held->spec->spec.name);
    cJSON_AddNumberToObject(run, "trial", lease->key.trial);
    cJSON_AddNumberToObject(run, "execution", lease->key.execution);
    cJSON_AddItemToArray(runs->list, run);
}

static cJSON *describe(struct core *core, const struct worker *worker)
{
    struct worker_row row;
    fleet_row(worker, &row);
    cJSON *body = alloc_sure(cJSON_CreateObject());
    cJSON_AddStringToObject(body, "id", row.id);
    cJSON_AddStringToObject(body, "name", row.name);
    cJSON_AddStringToObject(body, "host", row.host);
    cJSON_AddNumberToObject(body, "slots", worker->slots);
    cJSON_AddStringToObject(body, "state", row.state);
    if (worker->trouble && worker->state == WORKER_PAUSED)
        cJSON_AddStringToObject(body, "trouble", worker->trouble);
    struct run_list runs = {core, cJSON_AddArrayToObject(body, "running")};
    if (worker->busy > 0)
        leases_each(core->leases, worker->id, add_run, &runs);
    return body;
}

cJSON *dispatch_list(struct core *core)
{
    cJSON *body = alloc_sure(cJSON_CreateObject());
    cJSON *list = cJSON_AddArrayToObject(body, "workers");
    struct worker *worker;
    for (worker = core->fleet.workers; worker; worker = worker->hh.next) {
        cJSON *item = describe(core, worker);
        cJSON_AddStringToObject(item, "version", worker->version ? worker->version : "");
        cJSON_AddStringToObject(item, "cpu", worker->cpu ? worker->cpu : "");
        cJSON_AddNumberToObject(item, "executions", (double)worker->executions);
        cJSON_AddNumberToObject(item, "executions_per_minute",
                                fleet_throughput(worker, core->now.s));
        core_add_time(item, "first_seen", worker->first_seen_ms);
        core_add_time(item, "last_heartbeat", worker->last_seen_ms);
        cJSON_AddItemToArray(list, item);
    }
    return body;
}

static void store_worker(struct core *core, const struct worker *worker)
{
    struct worker_row row;
    fleet_row(worker, &row);
    core_put(core, ROW_PUT, ROW_WORKER, &row);
}

// A worker's news are worth one event and one row a group.
void dispatch_flush_news(struct core *core)
{
    struct worker *worker;
    int connected = 0;
    for (worker = core->fleet.workers; worker; worker = worker->hh.next) {
        connected += worker->state != WORKER_GONE;
        if (!worker->has_news)
            continue;
        worker->has_news = false;
        store_worker(core, worker);
        core_publish(core, "worker", ROW_NULL, describe(core, worker));
    }
    atomic_store(&core->counters[GAUGE_WORKERS], connected);
    atomic_store(&core->counters[GAUGE_SLOTS_BUSY], core->fleet.busy);
}
