// The loop. Each turn takes all that is waiting (messages, commands, advice, finished work, time), lets
// the state machines decide, and hands what they decided to the writer as one group when it is free. What
// was to be said about it (answers, acknowledgements, jobs) is said when the group is durable.

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "common/log.h"
#include "common/wire.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"

static const double TICK_S = 1;        // how often the fleet is looked at
static const double STALL_S = 5;       // a turn longer than this is a stall of our own
static const double IMPATIENT_S = .05; // while a slot waits for the search
static const double RETRY_S = 1;       // after a transaction that failed

static struct moment read_clock(void)
{
    struct timespec monotonic, utc;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &utc);
    return (struct moment){(double)monotonic.tv_sec + (double)monotonic.tv_nsec * 1e-9,
                           (int64_t)utc.tv_sec * 1000 + utc.tv_nsec / 1000000};
}

void core_wake(void *context)
{
    struct core *core = context;
    uint64_t one = 1;
    while (write(core->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

void answer_free(struct answer *answer)
{
    if (!answer)
        return;
    free(answer->location);
    free(answer->body);
    if (answer->faults) {
        faults_fini(answer->faults);
        free(answer->faults);
    }
    free(answer);
}

static void free_command(struct command *command)
{
    free(command->name);
    cJSON_Delete(command->body);
    if (command->spec) {
        study_spec_fini(command->spec);
        free(command->spec);
    }
    free(command->idempotency_key);
    free(command);
}

// ---- groups

static struct group *group_new(void)
{
    struct group *group = alloc_zero(1, sizeof *group);
    group->batch = batch_new();
    return group;
}

static struct after *add_after(struct group *group)
{
    struct after *after = alloc_zero(1, sizeof *after);
    if (group->last)
        group->last->next = after;
    else
        group->after = after;
    group->last = after;
    return after;
}

static void group_free(struct group *group)
{
    if (!group)
        return;
    for (struct after *after = group->after, *next; after; after = next) {
        next = after->next;
        free(after->worker);
        free(after->header);
        free(after->key);
        free(after);
    }
    batch_free(group->batch);
    free(group);
}

void core_put(struct core *core, enum row_act act, enum row_table table, const void *row)
{
    batch_add(core->group->batch, act, table, row);
}

void core_send_after(struct core *core, const char *worker, cJSON *message)
{
    size_t len;
    char *header = wire_encode(alloc_sure(message), &len);
    if (!header) {
        log_event(LOG_LEVEL_ERROR, "message_too_large", "worker=%s", worker);
        return;
    }
    struct after *after = add_after(core->group);
    after->worker = alloc_text(worker);
    after->header = header;
    after->len = len;
}

static void remember_answer(struct core *core, const struct command *command,
                            const struct answer *answer)
{
    if (answer->status >= 500 || answer->faults)
        return;
    struct idempotency_row row = {
        .key = command->idempotency_key,
        .digest = command->digest,
        .status = answer->status,
        .location = answer->location,
        .body = answer->body ? answer->body : "",
        .created_at = core->now.ms,
    };
    core_put(core, ROW_PUT, ROW_IDEMPOTENCY, &row);
}

void core_answer(struct core *core, struct request *request, struct answer *answer)
{
    struct after *after = add_after(core->group);
    after->done = request->done;
    after->context = request->context;
    after->answer = answer;
    if (request->command->idempotency_key) {
        after->key = alloc_text(request->command->idempotency_key);
        remember_answer(core, request->command, answer);
    }
    free_command(request->command);
    free(request);
}

static void key_landed(struct core *core, const char *key)
{
    struct flying_key *flying;
    HASH_FIND_STR(core->flying, key, flying);
    if (!flying)
        return;
    HASH_DEL(core->flying, flying);
    free(flying->key);
    free(flying);
}

static struct answer *store_failed_answer(const struct error *err)
{
    struct answer *answer = alloc_zero(1, sizeof *answer);
    answer->faults = alloc_zero(1, sizeof *answer->faults);
    faults_init(answer->faults);
    fault(answer->faults, E_BUSY, "", "nothing was changed, for it could not be stored: %s",
          err->message);
    answer->status = code_http_status(E_BUSY);
    return answer;
}

// Says what was to be said; after a failure, only that it failed.
static void say(struct core *core, struct group *group, const struct error *failure)
{
    for (struct after *after = group->after; after; after = after->next) {
        if (after->key)
            key_landed(core, after->key);
        if (after->worker && !failure)
            router_send(core->router, after->worker, after->header, after->len, NULL, 0);
        if (!after->done)
            continue;
        if (failure) {
            answer_free(after->answer);
            after->answer = store_failed_answer(failure);
        }
        after->done(after->context, after->answer);
    }
}

static void tell_news(struct core *core, int64_t newest)
{
    pthread_mutex_lock(&core->news_lock);
    if (core->news && newest)
        core->news(core->news_context, newest);
    pthread_mutex_unlock(&core->news_lock);
}

// A group could not be stored: nothing of it happened, nor of what was decided since. The state is read
// back from the store, and input waits a moment.
static void recover(struct core *core, const struct error *failure)
{
    struct error err = {0};
    core_count(core, COUNTER_STORE_FAILURES, 1);
    atomic_store(&core->ready, false);
    log_event(LOG_LEVEL_ERROR, "store_failed", "%s", failure->message);
    say(core, core->group, failure);
    group_free(core->group);
    core->group = group_new();
    struct request *request, *next;
    DL_FOREACH_SAFE(core->asking, request, next)
    {
        DL_DELETE(core->asking, request);
        request->done(request->context, store_failed_answer(failure));
        free_command(request->command);
        free(request);
    }
    if (core_load(core, &err)) {
        log_event(LOG_LEVEL_ERROR, "store_lost", "%s; ending", err.message);
        abort(); // the store cannot be read either: a restart finds out why
    }
    core->retry_s = core->now.s + RETRY_S;
}

static void land(struct core *core, enum code code, const struct error *err)
{
    struct group *group = core->flight;
    core->flight = NULL;
    group->batch = NULL; // the writer has freed it
    say(core, group, code ? err : NULL);
    if (code) {
        group_free(group);
        recover(core, err);
        return;
    }
    if (core->retry_s == 0)
        atomic_store(&core->ready, true);
    core_count(core, COUNTER_COMMITS, 1);
    tell_news(core, group->newest_event);
    group_free(group);
}

// Hands the gathered group on when the writer is free. One with nothing to store has landed already.
static void depart(struct core *core)
{
    if (core->flight)
        return;
    core_flush_news(core);
    if (batch_is_empty(core->group->batch)) {
        if (core->group->after) {
            struct group *group = core->group;
            core->group = group_new();
            say(core, group, NULL);
            group_free(group);
        }
        return;
    }
    core->flight = core->group;
    core->group = group_new();
    writer_submit(core->writer, core->flight->batch);
}

// ---- commands from other threads

void core_submit(struct core *core, struct command *command, core_done done, void *context)
{
    struct request *request = alloc_zero(1, sizeof *request);
    *request = (struct request){.command = command, .done = done, .context = context};
    pthread_mutex_lock(&core->lock);
    bool ends = core->ends;
    if (!ends)
        DL_APPEND(core->submitted, request);
    pthread_mutex_unlock(&core->lock);
    if (!ends) {
        core_wake(core);
        return;
    }
    struct error err;
    fail(&err, E_BUSY, "", "the coordinator is stopping; try again when it is back");
    free_command(command);
    free(request);
    done(context, store_failed_answer(&err));
}

static void take_commands(struct core *core)
{
    pthread_mutex_lock(&core->lock);
    struct request *requests = core->submitted, *request, *next;
    core->submitted = NULL;
    pthread_mutex_unlock(&core->lock);
    DL_FOREACH_SAFE(requests, request, next)
    {
        DL_DELETE(requests, request);
        request->since = core->now.s;
        core_count(core, COUNTER_COMMANDS, 1);
        core_handle(core, request);
    }
}

void core_on_events(struct core *core, void (*news)(void *context, int64_t newest), void *context)
{
    pthread_mutex_lock(&core->news_lock);
    core->news = news;
    core->news_context = context;
    pthread_mutex_unlock(&core->news_lock);
}

bool core_ready(const struct core *core)
{
    return atomic_load(&core->ready);
}

// ---- advice

static void take_advice(struct core *core)
{
    struct advice *all = advisor_collect(core->advisor);
    for (struct advice *advice = all; advice; advice = advice->next) {
        struct held_study *held = core_study_by_id(core, advice->study);
        if (!held || advice->opening != core->opening)
            continue;
        if (advice->error)
            study_give_up(held->study, advice->error, core->now, &core->fx);
        else
            study_propose(held->study, advice->basis_seq, advice->asked, advice->status,
                          advice->points, advice->n, core->now, &core->fx);
        core_carry_out(core, held);
    }
    advice_free(all);
}

// ---- the loop

static void tick(struct core *core)
{
    if (core->now.s < core->tick_s)
        return;
    core->tick_s = core->now.s + TICK_S;
    dispatch_tick(core);
    for (struct held_study *held = core->list, *next; held; held = next) {
        next = held->next;
        study_tick(held->study, core->now, &core->fx);
        core_carry_out(core, held);
    }
    sd_notify(0, "WATCHDOG=1");
}

static void wait_for_news(struct core *core)
{
    double until = core->tick_s;
    if (core->impatient)
        until = fmin(until, core->now.s + IMPATIENT_S);
    until = fmin(until, dispatch_deadline(core));
    if (core->retry_s > 0)
        until = core->retry_s;
    double wait = until - core->now.s;
    int ms = wait <= 0 ? 0 : (int)ceil(wait * 1000);
    struct pollfd fds[] = {{.fd = core->wake, .events = POLLIN},
                           {.fd = router_fd(core->router), .events = POLLIN}};
    nfds_t n = core->retry_s > 0 ? 1 : 2;
    if (core->retry_s == 0 && router_has_input(core->router))
        ms = 0;
    poll(fds, n, ms);
    uint64_t count;
    if (fds[0].revents && read(core->wake, &count, sizeof count) < 0 && errno != EAGAIN)
        log_event(LOG_LEVEL_ERROR, "wake_failed", "%s", strerror(errno));
}

// After a stall (a suspended machine, a debugger) nobody could renew a lease: all get another period.
static void look_at_the_clock(struct core *core, double slept_from)
{
    core->now = read_clock();
    if (core->now.s - slept_from > STALL_S + TICK_S) {
        log_event(LOG_LEVEL_WARNING, "stalled", "seconds=%.1f", core->now.s - slept_from);
        leases_forgive(core->leases, core->now.s);
        leases_forgive(core->client_leases, core->now.s);
    }
}

static bool has_ended(struct core *core)
{
    pthread_mutex_lock(&core->lock);
    bool ends = core->ends && !core->submitted;
    pthread_mutex_unlock(&core->lock);
    return ends && !core->flight && !core->group->after && batch_is_empty(core->group->batch);
}

static void turn(struct core *core)
{
    enum code code;
    struct error err = {0};
    if (writer_collect(core->writer, &code, &err))
        land(core, code, &err);
    if (core->retry_s > 0 && core->now.s < core->retry_s)
        return;
    core->retry_s = 0;
    core->impatient = false;
    dispatch_receive(core);
    take_commands(core);
    beside_collect(core->beside, core);
    take_advice(core);
    tick(core);
    core_retry_suggestions(core);
    dispatch_schedule(core);
    depart(core);
}

static void refuse_what_waits(struct core *core)
{
    struct error err;
    fail(&err, E_BUSY, "", "the coordinator is stopping; try again when it is back");
    struct request *request, *next;
    DL_FOREACH_SAFE(core->asking, request, next)
    {
        DL_DELETE(core->asking, request);
        core_refuse(core, request, &err);
    }
}

static void *run(void *argument)
{
    struct core *core = argument;
    double before = core->now.s;
    for (;;) {
        look_at_the_clock(core, before);
        before = core->now.s;
        turn(core);
        pthread_mutex_lock(&core->lock);
        bool ends = core->ends;
        pthread_mutex_unlock(&core->lock);
        if (ends) {
            refuse_what_waits(core);
            depart(core);
        }
        if (has_ended(core))
            return NULL;
        wait_for_news(core);
    }
}

// ---- start and stop

static void core_free(struct core *core)
{
    core_unload(core);
    core_unload_datasets(core);
    router_close(core->router);
    advisor_free(core->advisor);
    beside_free(core->beside);
    writer_free(core->writer);
    store_reader_close(core->reader);
    store_close(core->store);
    leases_free(core->leases);
    leases_free(core->client_leases);
    fleet_clear(&core->fleet);
    effects_fini(&core->fx);
    group_free(core->group);
    if (core->wake >= 0)
        close(core->wake);
    pthread_mutex_destroy(&core->lock);
    pthread_mutex_destroy(&core->news_lock);
    free(core->state_dir);
    free(core);
}

static enum code open_parts(struct core *core, const struct core_options *options,
                            struct error *err)
{
    core->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (core->wake < 0)
        return fail(err, E_IO, "", "cannot make an eventfd: %s", strerror(errno));
    enum code code = store_open(options->state_dir, &core->store, err);
    if (!code)
        code = store_reader_open(options->state_dir, &core->reader, err);
    if (!code)
        code = store_id(core->reader, core->store_id, err);
    if (!code)
        code = router_open(options->worker_listen, options->state_dir, &core->router, err);
    if (code)
        return code;
    int removed = store_collect_blobs(core->store);
    if (removed)
        log_event(LOG_LEVEL_INFO, "blobs_removed", "%d files that nothing names", removed);
    core->leases = leases_new(core->lease_s);
    core->client_leases = leases_new(core->client_lease_s);
    core->advisor = advisor_new(core->state_dir, core_wake, core);
    core->beside = beside_new(2, core_wake, core);
    core->writer = writer_new(core->store, core_wake, core);
    core->group = group_new();
    return core_load(core, err);
}

enum code core_start(const struct core_options *options, struct core **out, struct error *err)
{
    struct core *core = alloc_zero(1, sizeof *core);
    core->state_dir = alloc_text(options->state_dir);
    core->lease_s = options->lease_s;
    core->heartbeat_s = options->heartbeat_s;
    core->client_lease_s = options->client_lease_s;
    core->wake = -1;
    core->now = read_clock();
    pthread_mutex_init(&core->lock, NULL);
    pthread_mutex_init(&core->news_lock, NULL);
    enum code code = open_parts(core, options, err);
    if (!code && pthread_create(&core->thread, NULL, run, core))
        code = fail(err, E_MEMORY, "", "cannot start the core's thread");
    if (code) {
        core_free(core);
        return code;
    }
    atomic_store(&core->ready, true);
    *out = core;
    return OK;
}

void core_stop(struct core *core)
{
    atomic_store(&core->ready, false);
    pthread_mutex_lock(&core->lock);
    core->ends = true;
    pthread_mutex_unlock(&core->lock);
    core_wake(core);
    pthread_join(core->thread, NULL);
    core_free(core);
}

// ---- figures

char *core_metrics_text(struct core *core)
{
    static const struct {
        const char *name, *type, *help;
    } figures[COUNTERS] = {
        [COUNTER_COMMITS] = {"store_commits_total", "counter", "Transactions committed"},
        [COUNTER_TRIALS_ENDED] = {"trials_ended_total", "counter", "Trials that ended"},
        [COUNTER_EXECUTIONS_STARTED] = {"executions_started_total", "counter", "Jobs given out"},
        [COUNTER_EXECUTIONS_LOST] = {"executions_lost_total", "counter",
                                     "Attempts whose lease expired"},
        [COUNTER_EPOCHS] = {"epochs_total", "counter", "Epochs stored"},
        [COUNTER_MESSAGES] = {"worker_messages_total", "counter", "Messages from workers"},
        [COUNTER_REFUSED] = {"worker_messages_refused_total", "counter",
                             "Messages from workers that do not hold"},
        [COUNTER_COMMANDS] = {"commands_total", "counter", "Commands taken"},
        [COUNTER_STORE_FAILURES] = {"store_failures_total", "counter", "Transactions that failed"},
        [GAUGE_WORKERS] = {"workers", "gauge", "Workers connected"},
        [GAUGE_SLOTS] = {"slots", "gauge", "Slots of the connected workers"},
        [GAUGE_SLOTS_BUSY] = {"slots_busy", "gauge", "Slots with work"},
        [GAUGE_STUDIES_RUNNING] = {"studies_running", "gauge", "Studies that have not ended"},
    };
    char *text = NULL;
    size_t size = 0;
    FILE *out = alloc_sure(open_memstream(&text, &size));
    for (int i = 0; i < COUNTERS; i++)
        fprintf(out, "# HELP tunerd_%s %s.\n# TYPE tunerd_%s %s\ntunerd_%s %lld\n", figures[i].name,
                figures[i].help, figures[i].name, figures[i].type, figures[i].name,
                atomic_load(&core->counters[i]));
    if (fclose(out))
        free(text), text = NULL;
    return alloc_sure(text);
}
