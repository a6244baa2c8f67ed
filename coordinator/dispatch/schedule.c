// Free slots get work: by the studies' priority, then to the one with the fewest running, then to the
// oldest. Slots that a study's search lets wait are late together, with the one that waits longest.

#include <math.h>

#include "coordinator/core_state.h"
#include "coordinator/dispatch/dispatch.h"

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
        study_result(held->study, trial, execution, attempt, EXECUTION_INFEASIBLE, 0, err.message,
                     core->now, &core->fx);
        core_carry_out(core, held);
        return;
    }
    job_know_parameters(core, held, trial);
    slot_grant(core, key, attempt, worker->id);
    core_send_after(core, worker->id, job);
    core_count(core, COUNTER_EXECUTIONS_STARTED, 1);
}

static void begin_round(struct held_study *held)
{
    held->skip = !held->spec->spec.has_model;
    held->waited_s = held->waits_s;
    held->waits_s = 0;
}

static bool is_late(const struct core *core, const struct held_study *held)
{
    return held->waited_s > 0 && core->now.s >= held->waited_s + CORE_PATIENCE_S;
}

// Until the search has news or the slot is late, which it is not while nothing of the study runs.
static void let_wait(struct core *core, struct held_study *held)
{
    if (held->study->counts[TRIAL_RUNNING] == 0)
        return;
    held->waits_s = held->waited_s > 0 ? held->waited_s : core->now.s;
    if (!is_late(core, held))
        core->patience_s = fmin(core->patience_s, held->waits_s + CORE_PATIENCE_S);
}

void dispatch_schedule(struct core *core)
{
    struct worker *worker;
    struct held_study *held;
    for (held = core->list; held; held = held->next)
        begin_round(held);
    while ((worker = fleet_free_worker(&core->fleet)) && (held = next_study(core))) {
        int trial, execution;
        enum study_offer offer = study_take(held->study, worker->id, is_late(core, held), core->now,
                                            &core->fx, &trial, &execution);
        if (offer == OFFER_WORK) {
            start(core, held, worker, trial, execution);
            continue;
        }
        core_carry_out(core, held);
        held->skip = true;
        if (offer == OFFER_WAIT)
            let_wait(core, held);
    }
}
