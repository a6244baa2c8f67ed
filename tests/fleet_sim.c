#include "tests/fleet_sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "common/wire.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"
#include "tests/test.h"

static const double STEP_S = 0.02, HEARTBEAT_S = 1, LEASE_S = 5;

enum { RECORDS = 64 }; // of a worker: running, or waiting for the last ack

struct letter { // a message on its way
    bool up;    // to the coordinator
    int worker, life;
    double at;
    char *header;
    struct letter *prev, *next;
};

struct unacked {
    int64_t seq;
    int epoch; // 0: a result
    char *header;
    struct unacked *prev, *next;
};

struct record { // one attempt at a worker
    bool used, runs, prunes;
    char lease[65];
    int attempt, trial, execution;
    char study[64];
    int epochs, epoch;
    bool over; // a callback would end it
    int64_t seq;
    double next_s, sent_s;
    int64_t since_ping;
    struct unacked *kept;
};

struct model_worker {
    char id[32];
    int life; // counts its processes
    bool up, welcomed;
    double back_s;   // when it starts again, or thaws
    double frozen_s; // until then
    double ping_s, pong_s, hello_s;
    int64_t ping;
    struct record records[RECORDS];
};

struct acked_epoch {
    char lease[65];
    int attempt, epoch;
};

struct fleet_sim {
    struct rng rng;
    struct faults_wanted faults;
    char dir[64];
    double now;
    struct core *core; // NULL: dead
    double restart_s, commit_s, resume_s, advise_s;
    int nworkers, slots;
    struct model_worker *workers;
    struct letter *letters;
    int nacked, acked_cap;
    struct acked_epoch *acked;
    struct fleet_sim_ledger ledger;
};

static bool chance(struct fleet_sim *sim, double p)
{
    return rng_uniform(&sim->rng) < p;
}

static bool each_second(struct fleet_sim *sim, double p)
{
    return chance(sim, p * STEP_S);
}

// ---- the network

static void post(struct fleet_sim *sim, bool up, int worker, const char *header, size_t len)
{
    int copies = chance(sim, sim->faults.lose_message) ? 0 : 1;
    copies += copies && chance(sim, sim->faults.double_message);
    for (int i = 0; i < copies; i++) {
        bool late = chance(sim, sim->faults.late_message);
        struct letter *letter = alloc_zero(1, sizeof *letter);
        *letter = (struct letter){.up = up, .worker = worker, .life = sim->workers[worker].life};
        letter->at = sim->now + rng_uniform(&sim->rng) * (late ? 12 : 0.06);
        letter->header = alloc_zero(1, len + 1);
        memcpy(letter->header, header, len);
        DL_APPEND(sim->letters, letter);
    }
}

static void send_down(void *context, const char *id, const char *header, size_t len,
                      const void *payload, size_t payload_len)
{
    (void)payload;
    (void)payload_len;
    struct fleet_sim *sim = context;
    post(sim, false, (int)strtol(id + 1, NULL, 10), header, len);
}

static void send_up(struct fleet_sim *sim, struct model_worker *worker, cJSON *message)
{
    size_t len;
    char *header = alloc_sure(wire_encode(message, &len));
    post(sim, true, (int)(worker - sim->workers), header, len);
    free(header);
}

// ---- model workers

static void drop_record(struct record *record)
{
    struct unacked *kept, *next;
    DL_FOREACH_SAFE(record->kept, kept, next)
    {
        free(kept->header);
        free(kept);
    }
    *record = (struct record){0};
}

static struct record *find_record(struct model_worker *worker, const char *lease)
{
    for (int i = 0; i < RECORDS; i++)
        if (worker->records[i].used && strcmp(worker->records[i].lease, lease) == 0)
            return &worker->records[i];
    return NULL;
}

static void say_hello(struct fleet_sim *sim, struct model_worker *worker)
{
    cJSON *hello = wire_message("hello");
    cJSON_AddStringToObject(hello, "worker", worker->id);
    cJSON_AddStringToObject(hello, "name", worker->id);
    cJSON_AddStringToObject(hello, "host", "sim");
    cJSON_AddNumberToObject(hello, "slots", sim->slots);
    cJSON_AddStringToObject(hello, "version", "0");
    cJSON_AddStringToObject(hello, "cpu", "model");
    cJSON *leases = cJSON_AddArrayToObject(hello, "leases");
    for (int i = 0; i < RECORDS; i++) {
        if (!worker->records[i].used)
            continue;
        cJSON *lease = cJSON_CreateObject();
        cJSON_AddStringToObject(lease, "lease", worker->records[i].lease);
        cJSON_AddNumberToObject(lease, "attempt", worker->records[i].attempt);
        cJSON_AddItemToArray(leases, lease);
    }
    worker->welcomed = false;
    worker->hello_s = sim->now + 2 * HEARTBEAT_S;
    send_up(sim, worker, hello);
}

static void say_ping(struct fleet_sim *sim, struct model_worker *worker)
{
    cJSON *ping = wire_message("ping");
    cJSON_AddNumberToObject(ping, "number", (double)++worker->ping);
    cJSON_AddNumberToObject(ping, "free", 0);
    cJSON *leases = cJSON_AddArrayToObject(ping, "leases");
    for (int i = 0; i < RECORDS; i++)
        if (worker->records[i].used)
            cJSON_AddItemToArray(leases, cJSON_CreateString(worker->records[i].lease));
    worker->ping_s = sim->now + HEARTBEAT_S;
    send_up(sim, worker, ping);
}

static void resend(struct fleet_sim *sim, struct model_worker *worker, struct record *record)
{
    struct unacked *kept;
    record->sent_s = sim->now;
    DL_FOREACH(record->kept, kept)
    post(sim, true, (int)(worker - sim->workers), kept->header, strlen(kept->header));
}

// Sends a message under the record's lease and keeps it until it is acknowledged.
static void report(struct fleet_sim *sim, struct model_worker *worker, struct record *record,
                   cJSON *message, int epoch)
{
    size_t len;
    cJSON_AddStringToObject(message, "lease", record->lease);
    cJSON_AddNumberToObject(message, "attempt", record->attempt);
    cJSON_AddNumberToObject(message, "seq", (double)++record->seq);
    struct unacked *kept = alloc_zero(1, sizeof *kept);
    *kept = (struct unacked){.seq = record->seq, .epoch = epoch};
    kept->header = alloc_sure(wire_encode(message, &len));
    DL_APPEND(record->kept, kept);
    record->sent_s = sim->now;
    post(sim, true, (int)(worker - sim->workers), kept->header, len);
}

static void report_result(struct fleet_sim *sim, struct model_worker *worker, struct record *record,
                          const char *state)
{
    cJSON *result = wire_message("result");
    cJSON_AddStringToObject(result, "state", state);
    cJSON_AddNumberToObject(result, "epochs", record->epoch);
    cJSON_AddNullToObject(result, "end_reason");
    if (strcmp(state, "failed") == 0)
        cJSON_AddStringToObject(result, "error", "it fell over");
    cJSON_AddNullToObject(result, "report");
    record->runs = false;
    report(sim, worker, record, result, 0);
}

static void report_epoch(struct fleet_sim *sim, struct model_worker *worker, struct record *record)
{
    cJSON *epoch = wire_message("epoch");
    cJSON_AddNumberToObject(epoch, "epoch", ++record->epoch);
    cJSON *metrics = cJSON_AddObjectToObject(epoch, "metrics");
    double loss = 1.0 / (1 + record->epoch) + 0.01 * record->trial;
    cJSON_AddNumberToObject(metrics, "loss", loss);
    cJSON_AddNumberToObject(metrics, "accuracy", 1 - loss);
    cJSON_AddNumberToObject(metrics, "seconds", 0.1);
    report(sim, worker, record, epoch, record->epoch);
    record->over = chance(sim, sim->faults.ends_itself);
}

static void work(struct fleet_sim *sim, struct model_worker *worker, struct record *record)
{
    if (record->kept && sim->now > record->sent_s + 2 * HEARTBEAT_S && worker->welcomed)
        resend(sim, worker, record);
    if (!record->runs || sim->now < record->next_s)
        return;
    record->next_s = sim->now + 0.05 + rng_uniform(&sim->rng) * 0.3;
    if (chance(sim, sim->faults.trial_fails / (record->epochs + 1)))
        report_result(sim, worker, record, "failed");
    else if (record->epoch < record->epochs && !record->over)
        report_epoch(sim, worker, record);
    else
        report_result(sim, worker, record, "completed");
    if (record->runs && record->prunes)
        report_result(sim, worker, record, "stopped");
}

static void take_job(struct fleet_sim *sim, struct model_worker *worker, const cJSON *job)
{
    const char *lease = json_string_or(job, "lease", "");
    int attempt = (int)json_integer_or(job, "attempt", 0), running = 0;
    struct record *record = find_record(worker, lease);
    if (record && record->attempt >= attempt)
        return; // doubled
    if (record)
        drop_record(record);
    for (int i = 0; i < RECORDS; i++)
        running += worker->records[i].used && worker->records[i].runs;
    for (int i = 0; i < RECORDS && !record; i++)
        if (!worker->records[i].used)
            record = &worker->records[i];
    if (running >= sim->slots || !record)
        return;
    *record = (struct record){.used = true, .runs = true, .attempt = attempt};
    snprintf(record->lease, sizeof record->lease, "%s", lease);
    record->trial = (int)json_integer_or(job, "trial", 0);
    record->epoch = (int)json_integer_or(job, "initial_epoch", 0);
    record->epochs = (int)json_integer_or(job, "epochs", 0);
    record->next_s = sim->now + 0.05;
    record->since_ping = worker->ping;
    sim->ledger.jobs++;
}

static void take_pong(struct model_worker *worker, const cJSON *pong)
{
    int64_t number = json_integer_or(pong, "number", 0);
    worker->pong_s = INFINITY;
    for (int i = 0; i < RECORDS; i++) {
        struct record *record = &worker->records[i];
        bool known = false;
        const cJSON *item;
        cJSON_ArrayForEach(item, json_member(pong, "known")) known |=
            strcmp(cJSON_GetStringValue(item), record->lease) == 0;
        if (record->used && record->runs && !known && record->since_ping < number)
            drop_record(record);
    }
}

static void take_ack(struct fleet_sim *sim, struct record *record, int64_t seq)
{
    struct unacked *kept, *next;
    bool ended = false;
    DL_FOREACH_SAFE(record->kept, kept, next)
    {
        if (kept->seq > seq)
            continue;
        if (kept->epoch) {
            sim->acked = alloc_more(sim->acked, sim->nacked, &sim->acked_cap, sizeof *sim->acked);
            struct acked_epoch *acked = &sim->acked[sim->nacked++];
            *acked = (struct acked_epoch){.attempt = record->attempt, .epoch = kept->epoch};
            snprintf(acked->lease, sizeof acked->lease, "%s", record->lease);
        }
        ended |= kept->epoch == 0;
        DL_DELETE(record->kept, kept);
        free(kept->header);
        free(kept);
    }
    if (ended)
        drop_record(record);
}

static void take_stop(struct fleet_sim *sim, struct model_worker *worker, struct record *record,
                      const char *how)
{
    if (!record->runs)
        return;
    if (strcmp(how, "prune") == 0)
        record->prunes = true;
    else
        report_result(sim, worker, record, "cancelled");
}

static void worker_receives(struct fleet_sim *sim, struct model_worker *worker, const char *header)
{
    struct error err;
    cJSON *message = wire_decode(header, strlen(header), &err);
    if (!message)
        fail_msg("the coordinator said what the protocol does not know: %s\n%s", err.message,
                 header);
    const char *type = json_string_or(message, "type", "");
    struct record *record = find_record(worker, json_string_or(message, "lease", ""));
    int attempt = (int)json_integer_or(message, "attempt", 0);
    if (strcmp(type, "welcome") == 0 && !worker->welcomed) {
        worker->welcomed = true;
        worker->ping_s = sim->now;
        worker->pong_s = sim->now + 3 * HEARTBEAT_S;
        for (int i = 0; i < RECORDS; i++)
            if (worker->records[i].used)
                resend(sim, worker, &worker->records[i]);
    } else if (strcmp(type, "job") == 0) {
        take_job(sim, worker, message);
    } else if (strcmp(type, "pong") == 0) {
        take_pong(worker, message);
    } else if (record && strcmp(type, "stop") == 0) {
        take_stop(sim, worker, record, json_string_or(message, "how", ""));
    } else if (record && record->attempt == attempt && strcmp(type, "ack") == 0) {
        take_ack(sim, record, json_integer_or(message, "seq", 0));
    } else if (record && record->attempt == attempt && strcmp(type, "expired") == 0) {
        drop_record(record);
    }
    cJSON_Delete(message);
}

static void worker_dies(struct fleet_sim *sim, struct model_worker *worker)
{
    for (int i = 0; i < RECORDS; i++)
        drop_record(&worker->records[i]);
    worker->up = false;
    worker->life++;
    worker->back_s = sim->now + rng_uniform(&sim->rng) * 20;
    sim->ledger.worker_deaths++;
}

static void worker_acts(struct fleet_sim *sim, struct model_worker *worker)
{
    if (!worker->up && sim->now >= worker->back_s) {
        worker->up = true;
        worker->ping = 0;
        worker->pong_s = INFINITY;
        say_hello(sim, worker);
    }
    if (!worker->up || sim->now < worker->frozen_s)
        return;
    if (each_second(sim, sim->faults.worker_dies)) {
        worker_dies(sim, worker);
        return;
    }
    if (each_second(sim, sim->faults.worker_freezes))
        worker->frozen_s = sim->now + rng_uniform(&sim->rng) * 3 * LEASE_S;
    if (!worker->welcomed && sim->now >= worker->hello_s)
        say_hello(sim, worker);
    if (worker->welcomed && sim->now >= worker->ping_s) {
        if (worker->pong_s == INFINITY)
            worker->pong_s = sim->now + 3 * HEARTBEAT_S;
        say_ping(sim, worker);
    }
    if (worker->welcomed && sim->now >= worker->pong_s) {
        worker->pong_s = INFINITY;
        say_hello(sim, worker);
    }
    for (int i = 0; i < RECORDS; i++)
        if (worker->records[i].used)
            work(sim, worker, &worker->records[i]);
}

// ---- the coordinator

static struct moment moment_of(const struct fleet_sim *sim)
{
    return (struct moment){sim->now, 1800000000000 + (int64_t)(sim->now * 1000)};
}

static void coordinator_starts(struct fleet_sim *sim)
{
    struct error err;
    struct core *core = alloc_zero(1, sizeof *core);
    *core = (struct core){.state_dir = alloc_text(sim->dir),
                          .lease_s = LEASE_S,
                          .heartbeat_s = HEARTBEAT_S,
                          .client_lease_s = 60,
                          .now = moment_of(sim),
                          .send = send_down,
                          .send_context = sim};
    pthread_mutex_init(&core->news_lock, NULL);
    if (store_open(sim->dir, &core->store, &err) ||
        store_reader_open(sim->dir, &core->reader, &err) ||
        store_id(core->reader, core->store_id, &err))
        fail_msg("%s", err.message);
    core->leases = leases_new(LEASE_S);
    core->client_leases = leases_new(60);
    core->advisor = advisor_new(sim->dir, NULL, NULL);
    core->group = core_group_new();
    if (core_load(core, &err))
        fail_msg("%s", err.message);
    sim->core = core;
}

// Killed: what was not committed is gone, and nothing more is said.
static void coordinator_dies(struct fleet_sim *sim)
{
    struct core *core = sim->core;
    core_unload(core);
    core_unload_datasets(core);
    core_group_free(core->group);
    core_group_free(core->flight);
    advisor_free(core->advisor);
    store_reader_close(core->reader);
    store_close(core->store);
    leases_free(core->leases);
    leases_free(core->client_leases);
    fleet_clear(&core->fleet);
    effects_fini(&core->fx);
    pthread_mutex_destroy(&core->news_lock);
    free(core->state_dir);
    free(core);
    sim->core = NULL;
}

static void land(struct fleet_sim *sim)
{
    struct core *core = sim->core;
    struct error err = {0};
    bool fails = chance(sim, sim->faults.commit_fails);
    enum code code = fails ? fail(&err, E_LIMIT, "", "the disk is full")
                           : store_commit(core->store, core->flight->batch, &err);
    if (code && !fails)
        fail_msg("%s", err.message);
    sim->ledger.failed_commits += fails;
    batch_free(core->flight->batch);
    core->flight->batch = NULL;
    core_land(core, code, &err);
    core->retry_s = 0;
}

static void command(struct fleet_sim *sim, enum command_kind kind, const char *study);

// What a slow search makes of all that came is known when it turns to what came meanwhile.
static void search_acts(struct fleet_sim *sim)
{
    bool slow = sim->faults.search_s > 0;
    if (slow)
        core_take_advice(sim->core);
    for (int i = 0; (slow || i < 3) && advisor_turn(sim->core->advisor); i++)
        ;
    if (!slow)
        core_take_advice(sim->core);
    sim->advise_s = sim->now + sim->faults.search_s;
}

static void coordinator_acts(struct fleet_sim *sim)
{
    struct core *core = sim->core;
    core->now = moment_of(sim);
    if (core->flight && sim->now >= sim->commit_s)
        land(sim);
    if (sim->now >= sim->advise_s)
        search_acts(sim);
    core_tick(core);
    dispatch_schedule(core);
    if (core_depart(core))
        sim->commit_s = sim->now + rng_uniform(&sim->rng) * 0.1;
    if (core->list && sim->resume_s == 0 && each_second(sim, sim->faults.pause)) {
        command(sim, COMMAND_PAUSE, core->list->spec->spec.name);
        sim->resume_s = sim->now + rng_uniform(&sim->rng) * 10;
    } else if (core->list && sim->resume_s > 0 && sim->now > sim->resume_s) {
        command(sim, COMMAND_RESUME, core->list->spec->spec.name);
        sim->resume_s = 0;
    }
}

static void coordinator_receives(struct fleet_sim *sim, const struct letter *letter)
{
    struct router_message raw = {.header = letter->header, .header_len = strlen(letter->header)};
    snprintf(raw.worker, sizeof raw.worker, "w%d", letter->worker);
    dispatch_message(sim->core, &raw);
}

static void kill_or_restart(struct fleet_sim *sim)
{
    if (sim->core && each_second(sim, sim->faults.coordinator_dies)) {
        // a commit on its way may be durable or not; nobody was told
        if (sim->core->flight && chance(sim, 0.5)) {
            struct error err;
            if (store_commit(sim->core->store, sim->core->flight->batch, &err))
                fail_msg("%s", err.message);
        }
        coordinator_dies(sim);
        sim->ledger.coordinator_deaths++;
        sim->restart_s = sim->now + rng_uniform(&sim->rng) * (chance(sim, .2) ? 20 : 1);
    }
    if (!sim->core && sim->now >= sim->restart_s)
        coordinator_starts(sim);
}

static void answered(void *context, struct answer *answer)
{
    (void)context;
    answer_free(answer);
}

static void submit(struct fleet_sim *sim, struct command *given)
{
    struct request *request = alloc_zero(1, sizeof *request);
    *request = (struct request){.command = given, .done = answered, .since = sim->now};
    core_handle(sim->core, request);
}

static void command(struct fleet_sim *sim, enum command_kind kind, const char *study)
{
    struct command *given = alloc_zero(1, sizeof *given);
    *given = (struct command){.kind = kind, .name = alloc_text(study)};
    submit(sim, given);
}

// ---- the run

static void deliver(struct fleet_sim *sim)
{
    struct letter *letter, *next;
    DL_FOREACH_SAFE(sim->letters, letter, next)
    {
        struct model_worker *worker = &sim->workers[letter->worker];
        bool frozen = !letter->up && sim->now < worker->frozen_s; // waits in its socket
        if (letter->at > sim->now || frozen)
            continue;
        DL_DELETE(sim->letters, letter);
        if (letter->up && sim->core)
            coordinator_receives(sim, letter);
        else if (!letter->up && worker->up && worker->life == letter->life)
            worker_receives(sim, worker, letter->header);
        free(letter->header);
        free(letter);
    }
}

static bool all_ended(const struct fleet_sim *sim)
{
    if (!sim->core || sim->core->flight || sim->core->group->after)
        return false;
    for (const struct held_study *held = sim->core->list; held; held = held->next)
        if (!study_state_ended(held->study->state))
            return false;
    return batch_is_empty(sim->core->group->batch);
}

static void step(struct fleet_sim *sim)
{
    sim->now += STEP_S;
    kill_or_restart(sim);
    if (sim->core)
        sim->core->now = moment_of(sim);
    deliver(sim);
    for (int i = 0; i < sim->nworkers; i++)
        worker_acts(sim, &sim->workers[i]);
    if (sim->core)
        coordinator_acts(sim);
}

bool fleet_sim_run(struct fleet_sim *sim, double limit_s)
{
    double until = sim->now + limit_s;
    while (sim->now < until && !all_ended(sim))
        step(sim);
    bool ended = all_ended(sim);
    sim->faults = (struct faults_wanted){0}; // what is still on its way arrives in peace
    for (double rest = sim->now + 8 * LEASE_S; sim->now < rest;)
        step(sim);
    return ended;
}

void fleet_sim_pass(struct fleet_sim *sim, double seconds)
{
    for (double until = sim->now + seconds; sim->now < until;)
        step(sim);
}

struct fleet_sim *fleet_sim_new(uint64_t seed, int workers, int slots,
                                const struct faults_wanted *faults)
{
    struct fleet_sim *sim = alloc_zero(1, sizeof *sim);
    *sim = (struct fleet_sim){.faults = *faults, .nworkers = workers, .slots = slots, .now = 1000};
    rng_init(&sim->rng, seed, 0);
    snprintf(sim->dir, sizeof sim->dir, "/dev/shm/fleet_sim.XXXXXX");
    if (!mkdtemp(sim->dir))
        fail_msg("no folder in /dev/shm");
    sim->workers = alloc_zero((size_t)workers, sizeof *sim->workers);
    for (int i = 0; i < workers; i++)
        snprintf(sim->workers[i].id, sizeof sim->workers[i].id, "w%d", i);
    coordinator_starts(sim);
    return sim;
}

void fleet_sim_free(struct fleet_sim *sim)
{
    char remove[128];
    if (sim->core)
        coordinator_dies(sim);
    for (int i = 0; i < sim->nworkers; i++)
        for (int j = 0; j < RECORDS; j++)
            drop_record(&sim->workers[i].records[j]);
    struct letter *letter, *next;
    DL_FOREACH_SAFE(sim->letters, letter, next)
    {
        free(letter->header);
        free(letter);
    }
    snprintf(remove, sizeof remove, "rm -rf '%s'", sim->dir);
    if (system(remove))
        print_error("%s stays\n", sim->dir);
    free(sim->workers);
    free(sim->acked);
    free(sim);
}

void fleet_sim_submit(struct fleet_sim *sim, const char *document)
{
    struct error err;
    struct faults faults;
    faults_init(&faults);
    cJSON *json = json_read(document, strlen(document), NULL, &err);
    struct command *given = alloc_zero(1, sizeof *given);
    given->kind = COMMAND_CREATE_STUDY;
    given->spec = alloc_zero(1, sizeof *given->spec);
    if (!json || study_spec_parse(json, given->spec, &faults))
        fail_msg("the document does not hold: %s at %s",
                 json ? faults.items[0].message : err.message, json ? faults.items[0].pointer : "");
    cJSON_Delete(json);
    faults_fini(&faults);
    submit(sim, given);
    struct faults_wanted wanted = sim->faults;
    sim->faults = (struct faults_wanted){0};
    while (sim->core->flight || !batch_is_empty(sim->core->group->batch))
        step(sim);
    sim->faults = wanted;
}

void fleet_sim_patch(struct fleet_sim *sim, const char *study, int64_t max_trials)
{
    struct command *given = alloc_zero(1, sizeof *given);
    *given = (struct command){.kind = COMMAND_PATCH_STUDY, .name = alloc_text(study)};
    given->body = alloc_sure(cJSON_CreateObject());
    cJSON_AddNumberToObject(given->body, "max_trials", (double)max_trials);
    submit(sim, given);
}

int64_t fleet_sim_query(struct fleet_sim *sim, const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(sim->core->reader, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sim->core->reader));
    int64_t value = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    sqlite3_finalize(stmt);
    return value;
}

const char *fleet_sim_dir(const struct fleet_sim *sim)
{
    return sim->dir;
}

int fleet_sim_busy(const struct fleet_sim *sim)
{
    return sim->core->fleet.busy;
}

// Under ASHA and Auto a trial that goes on without a checkpoint tells its earlier epochs again; they count
// once. A job that comes again after its end is run again, and nothing of that counts: after a failure it
// may get further than the first time.
struct fleet_sim_ledger fleet_sim_ledger(struct fleet_sim *sim)
{
    char sql[640];
    sim->ledger.acknowledged = sim->nacked;
    sim->ledger.missing = 0;
    for (int i = 0; i < sim->nacked; i++) {
        struct lease_key key;
        if (!lease_key_parse(sim->acked[i].lease, &key))
            fail_msg("lease %s", sim->acked[i].lease);
        snprintf(sql, sizeof sql,
                 "SELECT e.state IN ('cancelled', 'failed') OR EXISTS "
                 "(SELECT 1 FROM epochs p WHERE "
                 "p.study_id = e.study_id AND p.trial = e.trial AND p.execution = e.execution AND "
                 "p.epoch = %d AND (p.attempt = e.attempt OR (p.attempt < e.attempt AND "
                 "(s.document LIKE '%%ASHA%%' OR s.document LIKE '%%Auto%%')))) FROM executions e "
                 "JOIN studies s ON "
                 "s.id = e.study_id WHERE study_id = %lld AND trial = %d AND execution = %d AND "
                 "attempt = %d",
                 sim->acked[i].epoch, (long long)key.study, key.trial, key.execution,
                 sim->acked[i].attempt);
        sim->ledger.missing += fleet_sim_query(sim, sql) != 1;
    }
    return sim->ledger;
}
