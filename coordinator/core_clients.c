// Trials run by whoever asks for them: suggest, measurements, complete.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "coordinator/alloc.h"
#include "coordinator/core_state.h"

enum { CLIENT_ID_MAX = 64 };

void core_add_time(cJSON *object, const char *name, int64_t ms)
{
    char text[40];
    struct tm utc;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &utc);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + n, sizeof text - n, ".%03dZ", (int)(ms % 1000));
    cJSON_AddStringToObject(object, name, text);
}

static cJSON *suggested(struct core *core, const struct study *study, const int *numbers, int n)
{
    cJSON *body = alloc_sure(cJSON_CreateObject());
    cJSON *list = alloc_sure(cJSON_AddArrayToObject(body, "trials"));
    for (int i = 0; i < n; i++) {
        const struct trial *trial = study->trials[numbers[i]];
        cJSON *item = alloc_sure(cJSON_CreateObject());
        cJSON_AddNumberToObject(item, "number", trial->number);
        cJSON_AddStringToObject(item, "state", trial_state_names[trial->state]);
        cJSON_AddItemToObject(item, "hyperparameters", cJSON_CreateRaw(trial->hyperparameters));
        cJSON_AddItemToObject(item, "origin", cJSON_CreateRaw(trial->origin));
        if (trial->epochs > 0)
            cJSON_AddNumberToObject(item, "epochs", trial->epochs);
        const struct lease *lease =
            lease_find(core->client_leases, (struct lease_key){study->id, trial->number, 0});
        double left = lease ? lease->expires - core->now.s : 0;
        core_add_time(item, "lease_expires", core->now.ms + (int64_t)(left * 1000));
        cJSON_AddItemToArray(list, item);
    }
    return body;
}

// New trials get a lease, those that the client has already another period.
static void lease_all(struct core *core, const struct study *study, const char *client,
                      const int *numbers, int n)
{
    for (int i = 0; i < n; i++) {
        struct lease_key key = {study->id, numbers[i], 0};
        int attempt = study->trials[numbers[i]]->executions[0].attempt;
        struct lease *lease = lease_find(core->client_leases, key);
        if (lease && lease->attempt == attempt && lease->state == LEASE_HELD)
            lease_renew(core->client_leases, lease, core->now.s);
        else
            lease_grant(core->client_leases, key, attempt, client, core->now.s);
    }
}

static struct held_study *trials_study(struct core *core, struct request *request)
{
    struct held_study *held = core_find_study(core, request->command->name);
    struct error err;
    if (!held) {
        fail(&err, E_NOT_FOUND, "", "there is no study \"%.200s\"", request->command->name);
        core_refuse(core, request, &err);
    }
    return held;
}

struct ask {
    const char *client;
    int count;
};

static bool read_ask(const cJSON *body, struct ask *ask, struct faults *faults)
{
    static const char *const known[] = {"count", "client_id", NULL};
    int64_t count = 1;
    core_check_members(body, known, faults);
    const cJSON *given = json_member(body, "count");
    if (given && (!json_is_integer(given, &count) || count < 1 || count > SUGGEST_MAX))
        fault(faults, E_RANGE, "/count", "count must be an integer of 1 to %d", SUGGEST_MAX);
    const cJSON *client = json_member(body, "client_id");
    ask->client = cJSON_GetStringValue(client);
    if (!ask->client)
        fault(faults, client ? E_TYPE : E_MISSING, "/client_id",
              "give a client_id, a string that names you: asking again gets your open trials back");
    else if (!ask->client[0] || strlen(ask->client) > CLIENT_ID_MAX)
        fault(faults, E_RANGE, "/client_id", "client_id must have 1 to %d bytes", CLIENT_ID_MAX);
    ask->count = (int)count;
    return faults->count == 0;
}

// Answers the ask, unless it still waits for the search. True: answered.
static bool try_ask(struct core *core, struct held_study *held, struct request *request,
                    const struct ask *ask)
{
    int *numbers = alloc_zero((size_t)ask->count, sizeof *numbers), n = 0;
    bool late = core->now.s >= request->since + CORE_PATIENCE_S;
    enum study_offer offer =
        study_ask(held->study, ask->client, ask->count, late, core->now, &core->fx, numbers, &n);
    core_carry_out(core, held);
    if (offer != OFFER_WAIT || late) {
        lease_all(core, held->study, ask->client, numbers, n);
        core_ok(core, request, 200, suggested(core, held->study, numbers, n));
    }
    free(numbers);
    return offer != OFFER_WAIT || late;
}

void core_suggest(struct core *core, struct request *request)
{
    struct held_study *held = trials_study(core, request);
    struct ask ask = {0};
    struct faults faults;
    if (!held)
        return;
    faults_init(&faults);
    if (!read_ask(request->command->body, &ask, &faults))
        core_refuse_faults(core, request, &faults);
    else if (!try_ask(core, held, request, &ask)) {
        DL_APPEND(core->asking, request);
        core->patience_s = fmin(core->patience_s, request->since + CORE_PATIENCE_S);
    }
    faults_fini(&faults);
}

// On every turn: advice may have come, or an ask has waited long enough.
void core_retry_suggestions(struct core *core)
{
    struct request *request, *next;
    DL_FOREACH_SAFE(core->asking, request, next)
    {
        DL_DELETE(core->asking, request);
        core_suggest(core, request);
    }
}

// ---- measurements and results

static void check_metrics(const cJSON *metrics, struct faults *faults)
{
    const cJSON *metric;
    if (!cJSON_IsObject(metrics)) {
        fault(faults, metrics ? E_TYPE : E_MISSING, "/metrics",
              "metrics must be an object of numbers, like {\"loss\": 0.5}");
        return;
    }
    cJSON_ArrayForEach(metric, metrics)
    {
        struct json_pointer pointer = json_pointer_of("/metrics", metric->string);
        if (!cJSON_IsNumber(metric) && !cJSON_IsNull(metric))
            fault(faults, E_TYPE, pointer.text, "a metric must be a number or null");
    }
}

static void renew(struct core *core, const struct study *study, int trial)
{
    struct lease_key key = {study->id, trial, 0};
    struct lease *lease = lease_find(core->client_leases, key);
    if (!lease)
        return;
    lease_revive(core->client_leases, lease, core->now.s);
    lease_renew(core->client_leases, lease, core->now.s);
}

void core_measure(struct core *core, struct request *request)
{
    static const char *const known[] = {"epoch", "metrics", NULL};
    const cJSON *body = request->command->body;
    struct held_study *held = trials_study(core, request);
    struct faults faults;
    struct error err;
    int64_t epoch = 0;
    bool should_stop = false;
    if (!held)
        return;
    faults_init(&faults);
    core_check_members(body, known, &faults);
    const cJSON *given = json_member(body, "epoch");
    if (!given || !json_is_integer(given, &epoch) || epoch < 1 || epoch > 1000000)
        fault(&faults, given ? E_RANGE : E_MISSING, "/epoch",
              "epoch must be an integer of 1 to 1000000");
    check_metrics(json_member(body, "metrics"), &faults);
    if (faults.count) {
        core_refuse_faults(core, request, &faults);
    } else if (study_measure(held->study, request->command->trial, (int)epoch,
                             json_member(body, "metrics"), core->now, &core->fx, &should_stop,
                             &err)) {
        core_carry_out(core, held);
        core_refuse(core, request, &err);
    } else {
        core_carry_out(core, held);
        renew(core, held->study, request->command->trial);
        cJSON *answer = alloc_sure(cJSON_CreateObject());
        cJSON_AddBoolToObject(answer, "should_stop", should_stop);
        core_ok(core, request, 200, answer);
    }
    faults_fini(&faults);
}

void core_complete(struct core *core, struct request *request)
{
    static const char *const known[] = {"metrics", "infeasible_reason", NULL};
    const cJSON *body = request->command->body;
    struct held_study *held = trials_study(core, request);
    struct faults faults;
    struct error err;
    if (!held)
        return;
    faults_init(&faults);
    core_check_members(body, known, &faults);
    const cJSON *metrics = json_member(body, "metrics");
    const cJSON *reason = json_member(body, "infeasible_reason");
    if (metrics && reason)
        fault(&faults, E_INVALID, "", "give either metrics or an infeasible_reason");
    else if (reason && !cJSON_IsString(reason))
        fault(&faults, E_TYPE, "/infeasible_reason", "infeasible_reason must be a string");
    else if (!reason)
        check_metrics(metrics, &faults);
    if (faults.count) {
        core_refuse_faults(core, request, &faults);
    } else if (study_complete(held->study, request->command->trial, metrics,
                              cJSON_GetStringValue(reason), core->now, &core->fx, &err)) {
        core_carry_out(core, held);
        core_refuse(core, request, &err);
    } else {
        core_carry_out(core, held);
        cJSON *answer = alloc_sure(cJSON_CreateObject());
        cJSON_AddNumberToObject(answer, "number", request->command->trial);
        core_ok(core, request, 200, answer);
    }
    faults_fini(&faults);
}
