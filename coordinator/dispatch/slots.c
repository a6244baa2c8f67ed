// Who holds which lease, and the slots they fill.

#include "common/log.h"
#include "coordinator/core_state.h"
#include "coordinator/dispatch/dispatch.h"

void slot_occupy(struct core *core, const struct lease *lease, int slots)
{
    struct worker *worker = fleet_find(&core->fleet, lease->holder);
    if (worker)
        fleet_occupy(&core->fleet, worker, slots);
}

// The lease is over and its slot free.
void slot_release(struct core *core, struct lease *lease)
{
    if (lease->state != LEASE_LAPSED)
        slot_occupy(core, lease, -1);
    lease_drop(core->leases, lease);
}

void slot_grant(struct core *core, struct lease_key key, int attempt, const char *worker)
{
    struct lease *lease = lease_grant(core->leases, key, attempt, worker, core->now.s);
    slot_occupy(core, lease, 1);
}

void dispatch_restore_lease(struct core *core, struct lease_key key, int attempt,
                            const char *worker)
{
    slot_grant(core, key, attempt, worker);
    lease_find(core->leases, key)->restored = true;
}

// The work goes back to the queue.
void slot_lose(struct core *core, struct lease *lease)
{
    struct lease_key key = lease->key;
    int attempt = lease->attempt;
    struct held_study *held = core_study_by_id(core, key.study);
    log_event(LOG_LEVEL_WARNING, "lease_lost",
              "study=%s trial=%d execution=%d attempt=%d worker=%s",
              held ? held->spec->spec.name : "?", key.trial, key.execution, attempt, lease->holder);
    core_count(core, COUNTER_EXECUTIONS_LOST, 1);
    if (lease->state == LEASE_HELD) {
        slot_occupy(core, lease, -1);
        lease_lapse(core->leases, lease);
    }
    if (!held)
        return;
    study_lose(held->study, key.trial, key.execution, attempt, core->now, &core->fx);
    core_carry_out(core, held);
}

// ---- leases called off by the study

void dispatch_stop_job(struct core *core, struct held_study *held, int trial, int execution,
                       bool prune)
{
    struct lease_key key = {held->id, trial, execution};
    struct lease *lease = lease_find(core->leases, key);
    if (!lease || lease->state != LEASE_HELD)
        return;
    cJSON *message = dispatch_lease_message("stop", key, 0);
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
        slot_release(call->core, lease);
}

void dispatch_drop_study(struct core *core, int64_t study)
{
    leases_each(core->leases, NULL, release_of_study, &(struct drop_call){core, study});
    leases_drop_study(core->leases, study);
    leases_drop_study(core->client_leases, study);
}
