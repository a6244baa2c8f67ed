// Workers come, ping, go; and the list of them for people.

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/wire.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"
#include "coordinator/dispatch/dispatch.h"

static const double YOUNG_LEASE_S = 5; // a job of this age may still be on its way to the worker

// ---- hello, ping, bye

static void set_capacities(struct core *core)
{
    for (struct held_study *held = core->list; held; held = held->next) {
        if (held->study->capacity == core->fleet.slots)
            continue;
        study_set_capacity(held->study, core->fleet.slots, core->now, &core->fx);
        core_carry_out(core, held);
    }
    atomic_store(&core->counters[GAUGE_SLOTS], core->fleet.slots);
}

struct roll_call {
    struct core *core;
    const cJSON *leases; // of the worker's hello; NULL: it holds none
};

static bool lists(const cJSON *leases, const struct lease *lease)
{
    char text[64];
    const cJSON *item;
    lease_key_text(lease->key, text);
    cJSON_ArrayForEach(item, leases)
    {
        if (strcmp(json_string_or(item, "lease", ""), text) == 0 &&
            json_integer_or(item, "attempt", 0) == lease->attempt)
            return true;
    }
    return false;
}

// A lease its holder does not know: the worker was started anew. One that was granted a moment ago may
// still be on its way.
static void call_roll(void *context, struct lease *lease)
{
    struct roll_call *call = context;
    if (call->leases && lists(call->leases, lease))
        lease_renew(call->core->leases, lease, call->core->now.s);
    else if (lease->state == LEASE_ENDING)
        slot_release(call->core, lease);
    else if (!call->leases || call->core->now.s - lease->granted > YOUNG_LEASE_S)
        slot_lose(call->core, lease);
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = alloc_text(text);
}

static void welcome(struct core *core, const struct worker *worker)
{
    cJSON *message = alloc_sure(wire_message("welcome"));
    cJSON_AddNumberToObject(message, "heartbeat_s", core->heartbeat_s);
    cJSON_AddNumberToObject(message, "lease_s", core->lease_s);
    cJSON_AddStringToObject(message, "coordinator", core->store_id);
    cJSON_AddStringToObject(message, "version", TUNERD_VERSION);
    core_send_after(core, worker->id, message);
    if (worker->state == WORKER_DRAINING)
        core_send_after(core, worker->id, wire_message("drain"));
}

// What a hello or a ping says of work that cannot be done there, beside that it drains or not.
static enum worker_state state_told(struct worker *worker, const cJSON *message, bool drains)
{
    const char *trouble = json_string_or(message, "trouble", NULL);
    bool changed = (trouble == NULL) != (worker->trouble == NULL) ||
                   (trouble && strcmp(trouble, worker->trouble) != 0);
    if (changed) {
        worker->has_news = true;
        free(worker->trouble);
        worker->trouble = trouble ? alloc_text(trouble) : NULL;
        log_event(trouble ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
                  trouble ? "worker_paused" : "worker_resumed", "worker=%s name=%s %s", worker->id,
                  worker->name, trouble ? trouble : "");
    }
    return drains ? WORKER_DRAINING : trouble ? WORKER_PAUSED : WORKER_CONNECTED;
}

void member_hello(struct core *core, const char *id, const cJSON *message)
{
    if (strcmp(json_string_or(message, "worker", ""), id) != 0) {
        dispatch_refuse(core, id, "the worker's id is not the socket's routing id");
        return;
    }
    struct worker *worker = fleet_find(&core->fleet, id);
    if (!worker) {
        worker = fleet_add(&core->fleet, id);
        worker->first_seen_ms = core->now.ms;
    }
    bool drains = worker->state == WORKER_DRAINING && worker->said_hello;
    set_text(&worker->name, json_string_or(message, "name", ""));
    set_text(&worker->host, json_string_or(message, "host", ""));
    set_text(&worker->version, json_string_or(message, "version", ""));
    set_text(&worker->cpu, json_string_or(message, "cpu", ""));
    if (worker->state == WORKER_GONE)
        log_event(LOG_LEVEL_INFO, "worker_joined", "worker=%s name=%s host=%s slots=%d", id,
                  worker->name, worker->host, (int)json_integer_or(message, "slots", 0));
    worker->said_hello = true;
    worker->has_news = true;
    worker->last_s = core->now.s;
    worker->last_seen_ms = core->now.ms;
    fleet_set(&core->fleet, worker, (int)json_integer_or(message, "slots", 1),
              state_told(worker, message, drains));
    struct roll_call call = {core, json_member(message, "leases")};
    leases_each(core->leases, id, call_roll, &call);
    set_capacities(core);
    welcome(core, worker);
}

// Renews a lease that a ping lists. True when it still holds.
static bool renew(struct core *core, const char *id, const char *text)
{
    struct lease_key key;
    if (!lease_key_parse(text, &key))
        return false;
    struct lease *lease = lease_find(core->leases, key);
    if (!lease || strcmp(lease->holder, id) != 0 || lease->state == LEASE_ENDING)
        return false;
    if (lease->state == LEASE_LAPSED) {
        struct held_study *held = core_study_by_id(core, key.study);
        if (!held || !study_revive(held->study, key.trial, key.execution, lease->attempt, core->now,
                                   &core->fx))
            return false;
        core_carry_out(core, held);
        lease_revive(core->leases, lease, core->now.s);
        slot_occupy(core, lease, 1);
    }
    lease_renew(core->leases, lease, core->now.s);
    return true;
}

void member_ping(struct core *core, const char *id, const cJSON *message)
{
    struct worker *worker = fleet_find(&core->fleet, id);
    if (worker && worker->state != WORKER_GONE) {
        enum worker_state before = worker->state;
        fleet_set(&core->fleet, worker, worker->slots,
                  state_told(worker, message, before == WORKER_DRAINING));
        if (worker->state != before)
            set_capacities(core);
    }
    cJSON *pong = alloc_sure(wire_message("pong"));
    cJSON_AddNumberToObject(pong, "number", (double)json_integer_or(message, "number", 0));
    cJSON *known = cJSON_AddArrayToObject(pong, "known");
    const cJSON *item;
    cJSON_ArrayForEach(item, json_member(message, "leases"))
    {
        const char *text = cJSON_GetStringValue(item);
        if (text && renew(core, id, text))
            cJSON_AddItemToArray(known, cJSON_CreateString(text));
    }
    core_send_after(core, id, pong);
}

void member_gone(struct core *core, struct worker *worker, const char *why)
{
    log_event(LOG_LEVEL_INFO, "worker_left", "worker=%s name=%s %s", worker->id, worker->name, why);
    struct roll_call call = {core, NULL};
    worker->said_hello = false;
    fleet_set(&core->fleet, worker, worker->slots, WORKER_GONE);
    leases_each(core->leases, worker->id, call_roll, &call);
    set_capacities(core);
}

enum code dispatch_drain(struct core *core, const char *id, struct error *err)
{
    struct worker *worker = fleet_find(&core->fleet, id);
    if (!worker)
        return fail(err, E_NOT_FOUND, "",
                    "there is no worker \"%.64s\"; GET /api/v1/workers lists them", id);
    if (worker->state == WORKER_GONE)
        return fail(err, E_STATE, "", "worker \"%s\" is gone already", id);
    fleet_set(&core->fleet, worker, worker->slots, WORKER_DRAINING);
    set_capacities(core);
    core_send_after(core, id, wire_message("drain"));
    return OK;
}
