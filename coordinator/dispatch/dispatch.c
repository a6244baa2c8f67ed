// What workers say, and what they are told: schema/protocol.md.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/wire.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"

static const double YOUNG_LEASE_S = 5; // a job of this age may still be on its way to the worker

enum { MESSAGES_A_TURN = 2000 };

// ---- words

static void send_now(struct core *core, const char *worker, cJSON *message)
{
    size_t len;
    char *header = alloc_sure(wire_encode(alloc_sure(message), &len));
    router_send(core->router, worker, header, len, NULL, 0);
    free(header);
}

static cJSON *lease_message(const char *type, struct lease_key key, int attempt)
{
    char text[64];
    lease_key_text(key, text);
    cJSON *message = alloc_sure(wire_message(type));
    cJSON_AddStringToObject(message, "lease", text);
    if (attempt)
        cJSON_AddNumberToObject(message, "attempt", attempt);
    return message;
}

static void acknowledge(struct core *core, const char *worker, struct lease_key key, int attempt,
                        int64_t seq)
{
    cJSON *message = lease_message("ack", key, attempt);
    cJSON_AddNumberToObject(message, "seq", (double)seq);
    core_send_after(core, worker, message);
}

static void say_expired(struct core *core, const char *worker, struct lease_key key, int attempt)
{
    send_now(core, worker, lease_message("expired", key, attempt));
}

static void refuse(struct core *core, const char *worker, const char *reason)
{
    cJSON *message = alloc_sure(wire_message("refused"));
    cJSON_AddStringToObject(message, "reason", reason);
    send_now(core, worker, message);
}

// ---- slots

static void occupy(struct core *core, const struct lease *lease, int slots)
{
    struct worker *worker = fleet_find(&core->fleet, lease->holder);
    if (worker)
        fleet_occupy(&core->fleet, worker, slots);
}

// The lease is over and its slot free.
static void release(struct core *core, struct lease *lease)
{
    if (lease->state != LEASE_LAPSED)
        occupy(core, lease, -1);
    lease_drop(core->leases, lease);
}

static void grant(struct core *core, struct lease_key key, int attempt, const char *worker)
{
    struct lease *lease = lease_grant(core->leases, key, attempt, worker, core->now.s);
    occupy(core, lease, 1);
}

void dispatch_restore_lease(struct core *core, struct lease_key key, int attempt,
                            const char *worker)
{
    grant(core, key, attempt, worker);
}

// The work goes back to the queue.
static void lose(struct core *core, struct lease *lease)
{
    struct lease_key key = lease->key;
    int attempt = lease->attempt;
    struct held_study *held = core_study_by_id(core, key.study);
    log_event(LOG_LEVEL_WARNING, "lease_lost",
              "study=%s trial=%d execution=%d attempt=%d worker=%s",
              held ? held->spec->spec.name : "?", key.trial, key.execution, attempt, lease->holder);
    core_count(core, COUNTER_EXECUTIONS_LOST, 1);
    if (lease->state == LEASE_HELD) {
        occupy(core, lease, -1);
        lease_lapse(core->leases, lease);
    }
    if (!held)
        return;
    study_lose(held->study, key.trial, key.execution, attempt, core->now, &core->fx);
    core_carry_out(core, held);
}

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
        release(call->core, lease);
    else if (!call->leases || call->core->now.s - lease->granted > YOUNG_LEASE_S)
        lose(call->core, lease);
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = alloc_text(text);
}

static void store_worker(struct core *core, const struct worker *worker)
{
    struct worker_row row;
    fleet_row(worker, &row);
    core_put(core, ROW_PUT, ROW_WORKER, &row);
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

static void on_hello(struct core *core, const char *id, const cJSON *message)
{
    if (strcmp(json_string_or(message, "worker", ""), id) != 0) {
        refuse(core, id, "the worker's id is not the socket's routing id");
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
              drains ? WORKER_DRAINING : WORKER_CONNECTED);
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
        occupy(core, lease, 1);
    }
    lease_renew(core->leases, lease, core->now.s);
    return true;
}

static void on_ping(struct core *core, const char *id, const cJSON *message)
{
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

static void set_gone(struct core *core, struct worker *worker, const char *why)
{
    log_event(LOG_LEVEL_INFO, "worker_left", "worker=%s name=%s %s", worker->id, worker->name, why);
    struct roll_call call = {core, NULL};
    worker->said_hello = false;
    fleet_set(&core->fleet, worker, worker->slots, WORKER_GONE);
    leases_each(core->leases, worker->id, call_roll, &call);
    set_capacities(core);
}

static void on_bye(struct core *core, struct worker *worker)
{
    set_gone(core, worker, "it said goodbye");
}

// ---- what runs under a lease

struct report {
    struct held_study *held;
    struct lease *lease; // held
    const char *worker;
    const cJSON *message;
    const void *payload;
    size_t len;
};

static void apply_epoch(struct core *core, const struct report *report)
{
    const struct lease_key *key = &report->lease->key;
    study_epoch(report->held->study, key->trial, key->execution, report->lease->attempt,
                (int)json_integer_or(report->message, "epoch", 0),
                json_member(report->message, "metrics"), core->now, &core->fx);
    core_carry_out(core, report->held);
    lease_renew(core->leases, report->lease, core->now.s);
}

static enum execution_state result_state(const char *state)
{
    static const struct {
        const char *word;
        enum execution_state state;
    } states[] = {
        {"completed", EXECUTION_COMPLETED},   {"failed", EXECUTION_FAILED},
        {"infeasible", EXECUTION_INFEASIBLE}, {"cancelled", EXECUTION_CANCELLED},
        {"stopped", EXECUTION_PRUNED},
    };
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(states[i].word, state) == 0)
            return states[i].state;
    return EXECUTION_FAILED; // wire_decode() lets no other word through
}

static void store_report(struct core *core, const struct report *report)
{
    const cJSON *body = json_member(report->message, "report");
    const struct lease_key *key = &report->lease->key;
    if (!cJSON_IsObject(body))
        return;
    char *text = alloc_sure(json_write(body));
    struct report_row row = {key->study, key->trial, key->execution, text};
    core_put(core, ROW_PUT, ROW_REPORT, &row);
    free(text);
}

static void apply_result(struct core *core, const struct report *report)
{
    struct lease_key key = report->lease->key;
    int attempt = report->lease->attempt;
    struct worker *worker = fleet_find(&core->fleet, report->worker);
    enum execution_state state = result_state(json_string_or(report->message, "state", ""));
    store_report(core, report);
    if (worker && state == EXECUTION_COMPLETED)
        fleet_count_execution(worker, core->now.s);
    release(core, report->lease);
    study_result(report->held->study, key.trial, key.execution, attempt, state,
                 json_string_or(report->message, "error", NULL), core->now, &core->fx);
    core_carry_out(core, report->held);
}

// An upload that cannot go on: the attempt is given up, for its worker would wait for ever.
static bool apply_chunk(struct core *core, const struct report *report)
{
    lease_renew(core->leases, report->lease, core->now.s);
    if (transfer_chunk(core, report->held, report->lease, report->message, report->payload,
                       report->len))
        return true;
    struct lease_key key = report->lease->key;
    int attempt = report->lease->attempt;
    lose(core, report->lease);
    say_expired(core, report->worker, key, attempt);
    return false;
}

// A called-off lease: whatever comes is acknowledged and changes nothing; its result frees the slot.
static void on_ending(struct core *core, const struct report *report, int64_t seq, bool is_result)
{
    acknowledge(core, report->worker, report->lease->key, report->lease->attempt, seq);
    if (is_result)
        release(core, report->lease);
}

// Under no lease of this worker: known already, or over.
static void on_foreign(struct core *core, const char *worker, struct held_study *held,
                       struct lease_key key, int attempt, int64_t seq)
{
    if (held && study_judge(held->study, key.trial, key.execution, attempt) == VERDICT_DUPLICATE)
        acknowledge(core, worker, key, attempt, seq);
    else
        say_expired(core, worker, key, attempt);
}

// The lease a message is sent under, alive again if it lapsed and nobody took the work up. NULL: none.
static struct lease *lease_of(struct core *core, const char *worker, struct held_study *held,
                              struct lease_key key, int attempt)
{
    struct lease *lease = lease_find(core->leases, key);
    bool runs = lease && lease->attempt == attempt && strcmp(lease->holder, worker) == 0;
    if (runs && lease->state != LEASE_LAPSED)
        return lease;
    const struct execution *execution = &held->study->trials[key.trial]->executions[key.execution];
    bool was_its = execution->worker && strcmp(execution->worker, worker) == 0;
    if ((lease && !runs) || !was_its ||
        !study_revive(held->study, key.trial, key.execution, attempt, core->now, &core->fx))
        return NULL;
    core_carry_out(core, held);
    if (lease) {
        lease_revive(core->leases, lease, core->now.s);
        occupy(core, lease, 1);
    } else {
        grant(core, key, attempt, worker);
    }
    return lease_find(core->leases, key);
}

static bool names_execution(const struct held_study *held, struct lease_key key)
{
    return held && key.trial < held->study->ntrials && key.execution < held->study->nexecutions;
}

static void on_report(struct core *core, const char *worker, const cJSON *message,
                      const struct router_message *raw, const char *type)
{
    struct lease_key key;
    int attempt = (int)json_integer_or(message, "attempt", 0);
    int64_t seq = json_integer_or(message, "seq", 0);
    if (!lease_key_parse(json_string_or(message, "lease", ""), &key))
        return;
    struct held_study *held = core_study_by_id(core, key.study);
    struct lease *lease =
        names_execution(held, key) ? lease_of(core, worker, held, key, attempt) : NULL;
    if (!lease) {
        on_foreign(core, worker, held, key, attempt, seq);
        return;
    }
    struct report report = {held, lease, worker, message, raw->payload, raw->payload_len};
    bool is_result = strcmp(type, "result") == 0;
    if (lease->state == LEASE_ENDING) {
        on_ending(core, &report, seq, is_result);
        return;
    }
    if (lease->seq && seq > lease->seq + 1)
        return; // one before it is missing: all come again, in order
    if (!lease->seq || seq > lease->seq) {
        lease->seq = seq;
        if (is_result)
            apply_result(core, &report);
        else if (strcmp(type, "epoch") == 0)
            apply_epoch(core, &report);
        else if (!apply_chunk(core, &report))
            return;
    }
    acknowledge(core, worker, key, attempt, seq);
}

// ---- receiving

static void on_message(struct core *core, const struct router_message *raw)
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
            refuse(core, raw->worker, err.message);
        return;
    }
    const char *type = json_string_or(message, "type", "");
    struct worker *worker = fleet_find(&core->fleet, raw->worker);
    if (strcmp(type, "hello") == 0) {
        on_hello(core, raw->worker, message);
    } else if (worker && worker->said_hello) { // else it comes back with hello
        worker->last_s = core->now.s;
        worker->last_seen_ms = core->now.ms;
        if (strcmp(type, "ping") == 0)
            on_ping(core, raw->worker, message);
        else if (strcmp(type, "fetch") == 0)
            transfer_fetch(core, raw->worker, message);
        else if (strcmp(type, "bye") == 0)
            on_bye(core, worker);
        else if (strcmp(type, "epoch") == 0 || strcmp(type, "result") == 0 ||
                 strcmp(type, "checkpoint") == 0)
            on_report(core, raw->worker, message, raw, type);
    }
    cJSON_Delete(message);
}

void dispatch_receive(struct core *core)
{
    struct router_message message;
    for (int i = 0; i < MESSAGES_A_TURN && router_receive(core->router, &message); i++) {
        on_message(core, &message);
        router_release(&message);
    }
}

// ---- leases called off by the study

void dispatch_stop_job(struct core *core, struct held_study *held, int trial, int execution,
                       bool prune)
{
    struct lease_key key = {held->id, trial, execution};
    struct lease *lease = lease_find(core->leases, key);
    if (!lease || lease->state != LEASE_HELD)
        return;
    cJSON *message = lease_message("stop", key, 0);
    cJSON_AddStringToObject(message, "how", prune ? "prune" : "cancel");
    core_send_after(core, lease->holder, message);
    if (!prune)
        lease_call_off(core->leases, lease);
}

void dispatch_end_leases(struct core *core, struct held_study *held, int trial)
{
    for (int i = 0; i < held->study->nexecutions; i++) {
        struct lease *lease = lease_find(core->leases, (struct lease_key){held->id, trial, i});
        if (lease && lease->state == LEASE_LAPSED)
            lease_drop(core->leases, lease);
    }
    struct lease *client = lease_find(core->client_leases, (struct lease_key){held->id, trial, 0});
    if (client)
        lease_drop(core->client_leases, client);
}

struct drop_call {
    struct core *core;
    int64_t study;
};

static void release_of_study(void *context, struct lease *lease)
{
    struct drop_call *call = context;
    if (lease->key.study == call->study)
        release(call->core, lease);
}

void dispatch_drop_study(struct core *core, int64_t study)
{
    leases_each(core->leases, NULL, release_of_study, &(struct drop_call){core, study});
    leases_drop_study(core->leases, study);
    leases_drop_study(core->client_leases, study);
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
    struct worker *worker, *next;
    HASH_ITER(hh, core->fleet.workers, worker, next)
    if (worker->state != WORKER_GONE && core->now.s - worker->last_s > core->lease_s)
        set_gone(core, worker, "it is silent");
}

static void expire_leases(struct core *core)
{
    struct lease *lease;
    while ((lease = leases_expire(core->leases, core->now.s))) {
        occupy(core, lease, -1);
        if (lease->state == LEASE_ENDING) {
            lease->state = LEASE_HELD;
            lease_lapse(core->leases, lease);
            lease_drop(core->leases, lease);
        } else {
            lose(core, lease);
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

// ---- the fleet, for people

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
    struct run_list runs = {core, cJSON_AddArrayToObject(body, "running")};
    if (worker->busy > 0)
        leases_each(core->leases, worker->id, add_run, &runs);
    return body;
}

cJSON *dispatch_list(struct core *core)
{
    cJSON *body = alloc_sure(cJSON_CreateObject());
    cJSON *list = cJSON_AddArrayToObject(body, "workers");
    struct worker *worker, *next;
    HASH_ITER(hh, core->fleet.workers, worker, next)
    {
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

// A worker's news are worth one event and one row a group.
void dispatch_flush_news(struct core *core)
{
    struct worker *worker, *next;
    int connected = 0;
    HASH_ITER(hh, core->fleet.workers, worker, next)
    {
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

// ---- scheduling: by priority, then to the study with the fewest running, then to the oldest

static bool goes_before(const struct held_study *a, const struct held_study *b)
{
    if (a->study->priority != b->study->priority)
        return a->study->priority > b->study->priority;
    if (a->study->busy != b->study->busy)
        return a->study->busy < b->study->busy;
    return a->id < b->id;
}

static struct held_study *next_study(struct core *core)
{
    struct held_study *best = NULL;
    for (struct held_study *held = core->list; held; held = held->next)
        if (!held->skip && !study_state_ended(held->study->state) &&
            (!best || goes_before(held, best)))
            best = held;
    return best;
}

static void start(struct core *core, struct held_study *held, struct worker *worker, int trial,
                  int execution)
{
    struct error err = {0};
    int attempt = held->study->trials[trial]->executions[execution].attempt;
    struct lease_key key = {held->id, trial, execution};
    cJSON *job = job_message(core, held, trial, execution, &err);
    core_carry_out(core, held);
    if (!job) {
        study_result(held->study, trial, execution, attempt, EXECUTION_INFEASIBLE, err.message,
                     core->now, &core->fx);
        core_carry_out(core, held);
        return;
    }
    grant(core, key, attempt, worker->id);
    core_send_after(core, worker->id, job);
    core_count(core, COUNTER_EXECUTIONS_STARTED, 1);
}

void dispatch_schedule(struct core *core)
{
    struct worker *worker;
    struct held_study *held;
    for (held = core->list; held; held = held->next)
        held->skip = !held->spec->spec.has_model;
    while ((worker = fleet_free_worker(&core->fleet)) && (held = next_study(core))) {
        int trial, execution;
        enum study_offer offer =
            study_take(held->study, worker->id, core->now, &core->fx, &trial, &execution);
        if (offer == OFFER_WORK) {
            start(core, held, worker, trial, execution);
            continue;
        }
        core_carry_out(core, held);
        held->skip = true;
        core->impatient |= offer == OFFER_WAIT;
    }
}
