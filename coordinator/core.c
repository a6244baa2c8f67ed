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
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"

static const double TICK_S = 1;  // how often the fleet is looked at
static const double STALL_S = 5; // a turn longer than this is a stall of our own

static struct moment read_clock(void)
{
    struct timespec monotonic, utc;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &utc);
    return (struct moment){(double)monotonic.tv_sec + (double)monotonic.tv_nsec * 1e-9,
                           (int64_t)utc.tv_sec * 1000 + utc.tv_nsec / 1000000};
}

static void wake(void *context)
{
    struct core *core = context;
    uint64_t one = 1;
    while (write(core->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
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
        wake(core);
        return;
    }
    struct error err;
    fail(&err, E_BUSY, "", "the coordinator is stopping; try again when it is back");
    command_free(command);
    free(request);
    done(context, core_unavailable(&err));
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

// ---- the loop

static void tick(struct core *core)
{
    if (core->now.s < core->tick_s)
        return;
    core->tick_s = core->now.s + TICK_S;
    core_tick(core);
    sd_notify(0, "WATCHDOG=1");
}

static void wait_for_news(struct core *core)
{
    double until = fmin(core->tick_s, core->patience_s);
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

static void hand_over(struct core *core)
{
    struct batch *batch = core_depart(core);
    if (batch)
        writer_submit(core->writer, batch);
}

static void turn(struct core *core)
{
    enum code code;
    struct error err = {0};
    if (writer_collect(core->writer, &code, &err))
        core_land(core, code, &err);
    if (core->retry_s > 0 && core->now.s < core->retry_s)
        return;
    core->retry_s = 0;
    core->patience_s = INFINITY;
    dispatch_receive(core);
    take_commands(core);
    beside_collect(core->beside, core);
    beside_collect(core->chunks, core);
    core_take_advice(core);
    tick(core);
    core_retry_suggestions(core);
    dispatch_schedule(core);
    hand_over(core);
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
            hand_over(core);
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
    beside_free(core->chunks);
    writer_free(core->writer);
    store_reader_close(core->reader);
    store_close(core->store);
    leases_free(core->leases);
    leases_free(core->client_leases);
    fleet_clear(&core->fleet);
    effects_fini(&core->fx);
    core_group_free(core->group);
    if (core->wake >= 0)
        close(core->wake);
    pthread_mutex_destroy(&core->lock);
    pthread_mutex_destroy(&core->news_lock);
    free(core->state_dir);
    free(core);
}

static void send_to_worker(void *router, const char *worker, const char *header, size_t header_len,
                           const void *payload, size_t payload_len)
{
    router_send(router, worker, header, header_len, payload, payload_len);
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
    const struct gate_files files = {.key = options->key, .workers = options->worker_keys};
    if (!code)
        code = router_open(options->worker_listen, &files, &core->router, err);
    if (code)
        return code;
    int removed = store_collect_blobs(core->store);
    if (removed)
        log_event(LOG_LEVEL_INFO, "blobs_removed", "%d files that nothing names", removed);
    core->leases = leases_new(core->lease_s);
    core->client_leases = leases_new(core->client_lease_s);
    core->advisor = advisor_new(core->state_dir, wake, core);
    core->beside = beside_new(1, wake, core);
    core->chunks = beside_new(1, wake, core);
    core->writer = writer_new(core->store, wake, core);
    core->group = core_group_new();
    core->send = send_to_worker;
    core->send_context = core->router;
    return core_load(core, err);
}

enum code core_start(const struct core_options *options, struct core **out, struct error *err)
{
    struct core *core = alloc_zero(1, sizeof *core);
    core->state_dir = alloc_text(options->state_dir);
    core->lease_s = options->lease_s;
    core->heartbeat_s = options->heartbeat_s;
    core->client_lease_s = options->client_lease_s;
    core->models_kept = options->models_kept;
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
    wake(core);
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
