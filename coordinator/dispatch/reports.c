// Epochs, checkpoints, models and results: each is applied at most once, under a lease that is known to be
// good.

#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"
#include "coordinator/dispatch/dispatch.h"
#include "coordinator/dispatch/uploads.h"

enum { GAPS_MAX = 5 };

struct report {
    struct held_study *held;
    struct lease *lease; // held
    const char *worker;
    const cJSON *message;
    const void *payload;
    size_t len;
};

// False: an epoch before it is missing.
static bool apply_epoch(struct core *core, const struct report *report)
{
    const struct lease_key *key = &report->lease->key;
    lease_renew(core->leases, report->lease, core->now.s);
    enum study_verdict verdict =
        study_epoch(report->held->study, key->trial, key->execution, report->lease->attempt,
                    (int)json_integer_or(report->message, "epoch", 0),
                    json_member(report->message, "metrics"), core->now, &core->fx);
    core_carry_out(core, report->held);
    return verdict != VERDICT_EARLY;
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

// False: epochs before it are missing. When they do not come however often the worker tells all it has,
// they never will, and the result counts as it is.
static bool apply_result(struct core *core, const struct report *report)
{
    struct lease_key key = report->lease->key;
    struct worker *worker = fleet_find(&core->fleet, report->worker);
    enum execution_state state = result_state(json_string_or(report->message, "state", ""));
    bool patient = report->lease->gaps++ < GAPS_MAX;
    int epochs = patient ? (int)json_integer_or(report->message, "epochs", 0) : 0;
    if (study_result(report->held->study, key.trial, key.execution, report->lease->attempt, state,
                     epochs, json_string_or(report->message, "error", NULL), core->now,
                     &core->fx) == VERDICT_EARLY)
        return false;
    store_report(core, report);
    if (worker && state == EXECUTION_COMPLETED)
        fleet_count_execution(worker, core->now.s);
    slot_release(core, report->lease);
    core_carry_out(core, report->held);
    return true;
}

// A checkpoint that cannot go on: the attempt is given up, for its worker would wait for ever.
static bool apply_checkpoint(struct core *core, const struct report *report)
{
    lease_renew(core->leases, report->lease, core->now.s);
    if (upload_chunk(core, &upload_checkpoint, report->held, report->lease, report->message,
                     report->payload, report->len))
        return true;
    struct lease_key key = report->lease->key;
    int attempt = report->lease->attempt;
    slot_lose(core, report->lease);
    dispatch_expired(core, report->worker, key, attempt);
    return false;
}

// Weights that are not wanted, or do not hold, are passed over; the training counts without them.
static bool apply_model(struct core *core, const struct report *report)
{
    lease_renew(core->leases, report->lease, core->now.s);
    upload_chunk(core, &upload_model, report->held, report->lease, report->message, report->payload,
                 report->len);
    return true;
}

// True when it is applied (by then the lease may be gone) and may be acknowledged.
static bool apply(struct core *core, const struct report *report, const char *type, int64_t seq)
{
    static const struct {
        const char *type;
        bool (*apply)(struct core *core, const struct report *report);
    } kinds[] = {{"epoch", apply_epoch}, {"checkpoint", apply_checkpoint}, {"model", apply_model}};
    bool applied = false;
    if (strcmp(type, "result") == 0)
        return apply_result(core, report);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(type, kinds[i].type) == 0)
            applied = kinds[i].apply(core, report);
    if (applied)
        report->lease->seq = seq;
    return applied;
}

// A called-off lease: whatever comes is acknowledged and changes nothing; its result frees the slot.
static void on_ending(struct core *core, const struct report *report, int64_t seq, bool is_result)
{
    dispatch_acknowledge(core, report->worker, report->lease->key, report->lease->attempt, seq);
    if (is_result)
        slot_release(core, report->lease);
}

// Under no lease of this worker: known already, or over.
static void on_foreign(struct core *core, const char *worker, struct held_study *held,
                       struct lease_key key, int attempt, int64_t seq)
{
    if (held && study_judge(held->study, key.trial, key.execution, attempt) == VERDICT_DUPLICATE)
        dispatch_acknowledge(core, worker, key, attempt, seq);
    else
        dispatch_expired(core, worker, key, attempt);
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
        slot_occupy(core, lease, 1);
    } else {
        dispatch_restore_lease(core, key, attempt, worker);
    }
    return lease_find(core->leases, key);
}

static bool names_execution(const struct held_study *held, struct lease_key key)
{
    return held && key.trial < held->study->ntrials && key.execution < held->study->nexecutions;
}

void report_receive(struct core *core, const char *worker, const cJSON *message,
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
    bool gap = seq > lease->seq + 1 && !(lease->restored && lease->seq == 0);
    if (gap || (seq > lease->seq && !apply(core, &report, type, seq)))
        return; // one before it is missing: all come again, in order
    dispatch_acknowledge(core, worker, key, attempt, seq);
}
