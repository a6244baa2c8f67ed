// What workers say goes to where it is handled; what passes with time. See schema/protocol.md.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/wire.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"
#include "coordinator/dispatch/dispatch.h"

enum { MESSAGES_A_TURN = 2000 };

// ---- words

void dispatch_send(struct core *core, const char *worker, cJSON *message)
{
    size_t len;
    char *header = alloc_sure(wire_encode(alloc_sure(message), &len));
    core->send(core->send_context, worker, header, len, NULL, 0);
    free(header);
}

cJSON *dispatch_lease_message(const char *type, struct lease_key key, int attempt)
{
    char text[64];
    lease_key_text(key, text);
    cJSON *message = alloc_sure(wire_message(type));
    cJSON_AddStringToObject(message, "lease", text);
    if (attempt)
        cJSON_AddNumberToObject(message, "attempt", attempt);
    return message;
}

void dispatch_acknowledge(struct core *core, const char *worker, struct lease_key key, int attempt,
                          int64_t seq)
{
    cJSON *message = dispatch_lease_message("ack", key, attempt);
    cJSON_AddNumberToObject(message, "seq", (double)seq);
    core_send_after(core, worker, message);
}

void dispatch_expired(struct core *core, const char *worker, struct lease_key key, int attempt)
{
    dispatch_send(core, worker, dispatch_lease_message("expired", key, attempt));
}

void dispatch_refuse(struct core *core, const char *worker, const char *reason)
{
    cJSON *message = alloc_sure(wire_message("refused"));
    cJSON_AddStringToObject(message, "reason", reason);
    dispatch_send(core, worker, message);
}

// ---- receiving

// Under keys a worker speaks for itself only: its name is its key's, and an id stays with the name that
// came with it first.
static bool may_speak(const struct worker *worker, const cJSON *message,
                      const struct router_message *raw)
{
    if (!raw->user[0])
        return true;
    bool hello = strcmp(json_string_or(message, "type", ""), "hello") == 0;
    if (hello && strcmp(json_string_or(message, "name", ""), raw->user) != 0)
        return false;
    return worker ? worker->name && strcmp(worker->name, raw->user) == 0 : hello;
}

void dispatch_message(struct core *core, const struct router_message *raw)
{
    struct error err;
    cJSON *message = raw->worker[0] ? wire_decode(raw->header, raw->header_len, &err) : NULL;
    core_count(core, COUNTER_MESSAGES, 1);
    if (!message) {
        core_count(core, COUNTER_REFUSED, 1);
        if (!raw->worker[0])
            return;
        log_event(LOG_LEVEL_WARNING, "message_refused", "worker=%s %s", raw->worker, err.message);
        if (strcmp(err.pointer, "/v") == 0)
            dispatch_refuse(core, raw->worker, err.message);
        return;
    }
    const char *type = json_string_or(message, "type", "");
    struct worker *worker = fleet_find(&core->fleet, raw->worker);
    if (!may_speak(worker, message, raw)) {
        core_count(core, COUNTER_REFUSED, 1);
        log_event(LOG_LEVEL_WARNING, "message_refused", "worker=%s key_of=%s", raw->worker,
                  raw->user);
        dispatch_refuse(core, raw->worker, "the worker's name or id belongs to another key");
    } else if (strcmp(type, "hello") == 0) {
        member_hello(core, raw->worker, message);
    } else if (worker && worker->said_hello) { // else it comes back with hello
        worker->last_s = core->now.s;
        worker->last_seen_ms = core->now.ms;
        if (strcmp(type, "ping") == 0)
            member_ping(core, raw->worker, message);
        else if (strcmp(type, "fetch") == 0)
            transfer_fetch(core, raw->worker, message);
        else if (strcmp(type, "bye") == 0)
            member_gone(core, worker, "it said goodbye");
        else if (strcmp(type, "epoch") == 0 || strcmp(type, "result") == 0 ||
                 strcmp(type, "checkpoint") == 0 || strcmp(type, "model") == 0)
            report_receive(core, raw->worker, message, raw, type);
    }
    cJSON_Delete(message);
}

void dispatch_receive(struct core *core)
{
    struct router_message message;
    for (int i = 0; i < MESSAGES_A_TURN && router_receive(core->router, &message); i++) {
        dispatch_message(core, &message);
        router_release(&message);
    }
}

// ---- time

static void expire_clients(struct core *core)
{
    struct lease *lease;
    while ((lease = leases_expire(core->client_leases, core->now.s))) {
        struct held_study *held = core_study_by_id(core, lease->key.study);
        if (held) {
            study_lose(held->study, lease->key.trial, 0, lease->attempt, core->now, &core->fx);
            core_carry_out(core, held);
        }
    }
}

static void expire_workers(struct core *core)
{
    struct worker *worker;
    for (worker = core->fleet.workers; worker; worker = worker->hh.next)
        if (worker->state != WORKER_GONE && core->now.s - worker->last_s > core->lease_s)
            member_gone(core, worker, "it is silent");
}

static void expire_leases(struct core *core)
{
    struct lease *lease;
    while ((lease = leases_expire(core->leases, core->now.s))) {
        slot_occupy(core, lease, -1);
        if (lease->state == LEASE_ENDING) {
            lease->state = LEASE_HELD;
            lease_lapse(core->leases, lease);
            lease_drop(core->leases, lease);
        } else {
            slot_lose(core, lease);
        }
    }
}

void dispatch_tick(struct core *core)
{
    expire_leases(core);
    expire_clients(core);
    expire_workers(core);
}

double dispatch_deadline(const struct core *core)
{
    return fmin(leases_deadline(core->leases), leases_deadline(core->client_leases));
}
