// Everything the daemon does happens in this loop and nothing in it waits: sockets are non-blocking, files
// are local, hostile or long work is done by children.
#include "worker/supervisor.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/cpu.h"
#include "worker/slots.h"

enum {
    MESSAGES_A_ROUND = 256,
    RESTARTS_MAX = 10, // of the fork server, within RESTARTS_S
    RESTARTS_S = 60,
};

struct supervisor {
    const struct supervisor_options *options;
    struct cache cache;
    struct spawner spawner;
    struct fetches fetches;
    struct slots slots;
    struct link link;
    int signals;
    zmq_pollitem_t *items;
    int *sockets;
    int max_sockets;
    unsigned char *payload; // [WIRE_CHUNK]
    double last_round;
    int64_t fresh_from;    // jobs are known to be good after the pong to this ping; 0: all are
    double drain_deadline; // INFINITY: not draining, or as long as it takes
    int restarts;
    double restarts_since;
    double watchdog_s; // 0: none
    double watchdog_at;
    char cpu[256];
};

static double monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// ---- the coordinator's messages ----

static void on_welcome(struct supervisor *s, struct link_message *message, double now)
{
    (void)message, (void)now;
    slots_rejoined(&s->slots);
    fetches_restart(&s->fetches);
}

static void on_pong(struct supervisor *s, struct link_message *message, double now)
{
    (void)now;
    if (json_integer_or(message->header, "number", 0) >= s->fresh_from)
        s->fresh_from = 0;
    slots_pong(&s->slots, message->header);
}

static void on_job(struct supervisor *s, struct link_message *message, double now)
{
    (void)now;
    slots_job(&s->slots, message->header, s->fresh_from == 0);
    message->header = NULL;
}

static void on_ack(struct supervisor *s, struct link_message *message, double now)
{
    slots_ack(&s->slots, message->header, now);
}

static void on_stop(struct supervisor *s, struct link_message *message, double now)
{
    (void)now;
    slots_stop(&s->slots, message->header);
}

static void on_expired(struct supervisor *s, struct link_message *message, double now)
{
    (void)now;
    slots_expired(&s->slots, message->header);
}

static void on_chunk(struct supervisor *s, struct link_message *message, double now)
{
    if (fetches_take(&s->fetches, message->header, zmq_msg_data(&message->payload),
                     zmq_msg_size(&message->payload), now))
        s->slots.ready = true;
}

static void on_drain(struct supervisor *s, struct link_message *message, double now)
{
    (void)message, (void)now;
    log_event(LOG_LEVEL_INFO, "draining", "the coordinator asked for it");
    slots_drain(&s->slots);
}

static const struct handler {
    const char *type;
    void (*handle)(struct supervisor *s, struct link_message *message, double now);
} handlers[] = {
    {"welcome", on_welcome}, {"pong", on_pong},       {"job", on_job},     {"ack", on_ack},
    {"stop", on_stop},       {"expired", on_expired}, {"chunk", on_chunk}, {"drain", on_drain},
};

static void receive(struct supervisor *s, double now)
{
    struct link_message message;
    for (int i = 0; i < MESSAGES_A_ROUND && link_receive(&s->link, now, &message); i++) {
        const char *type = json_string_or(message.header, "type", "");
        for (size_t k = 0; k < sizeof handlers / sizeof *handlers; k++)
            if (strcmp(type, handlers[k].type) == 0) {
                handlers[k].handle(s, &message, now);
                break;
            }
        link_message_close(&message);
    }
}

// ---- children, signals, time ----

static enum code read_spawner(struct supervisor *s, double now, struct error *err)
{
    struct spawner_news news;
    for (;;) {
        enum spawner_event event = spawner_read(&s->spawner, &news);
        if (event == SPAWNER_NOTHING)
            return OK;
        if (event != SPAWNER_GONE) {
            slots_news(&s->slots, event, &news, now);
            continue;
        }
        log_event(LOG_LEVEL_ERROR, "fork_server_died", "starting another one");
        spawner_close(&s->spawner);
        slots_lost(&s->slots, now);
        if (now - s->restarts_since > RESTARTS_S)
            s->restarts = 0, s->restarts_since = now;
        if (++s->restarts > RESTARTS_MAX)
            return fail(err, E_INTERNAL, "", "the fork server died %d times within %d s",
                        s->restarts, RESTARTS_S);
        return spawner_open(&s->spawner, err);
    }
}

static void read_signals(struct supervisor *s, double now)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == sizeof info) {
        bool again = isfinite(s->drain_deadline);
        log_event(LOG_LEVEL_INFO, again ? "giving_up" : "draining", "signal=%s",
                  strsignal((int)info.ssi_signo));
        s->drain_deadline = again ? now : now + s->options->drain_s;
        sd_notify(0, "STOPPING=1");
        slots_drain(&s->slots);
    }
}

// After a stop (SIGSTOP, a suspended machine) what lies in the buffers is old: one more period for
// everybody, and jobs count only when a pong to a ping of now knows them.
static void notice_gap(struct supervisor *s, double now)
{
    double gap = now - s->last_round;
    s->last_round = now;
    if (gap <= 2 * s->link.heartbeat_s + 1)
        return;
    log_event(LOG_LEVEL_WARNING, "stood_still", "for_s=%.1f", gap);
    slots_forgive(&s->slots, gap);
    link_recover(&s->link, now, gap);
    s->fresh_from = s->link.pings;
}

static void feed_watchdog(struct supervisor *s, double now)
{
    if (s->watchdog_s <= 0 || now < s->watchdog_at)
        return;
    sd_notify(0, "WATCHDOG=1");
    s->watchdog_at = now + s->watchdog_s / 2;
}

static double ack_patience(const struct supervisor *s)
{
    return 2 * s->link.heartbeat_s;
}

static long wait_ms(const struct supervisor *s, double now)
{
    double due = fmin(link_due(&s->link), s->drain_deadline);
    due = fmin(due, slots_due(&s->slots, ack_patience(s)));
    due = fmin(due, fetches_due(&s->fetches, ack_patience(s)));
    due = fmin(due, now + s->link.heartbeat_s); // so that a gap is seen for what it is
    if (s->watchdog_s > 0)
        due = fmin(due, s->watchdog_at);
    return due <= now ? 0 : (long)((due - now) * 1000) + 1;
}

static int gather(struct supervisor *s)
{
    int n = 0;
    zmq_pollitem_t link[2];
    link_poll_items(&s->link, link);
    for (int i = 0; i < 2; i++)
        if (link[i].socket != NULL)
            s->items[n++] = link[i];
    s->items[n++] = (zmq_pollitem_t){.fd = s->signals, .events = ZMQ_POLLIN};
    s->items[n++] = (zmq_pollitem_t){.fd = s->spawner.control, .events = ZMQ_POLLIN};
    int count = slots_sockets(&s->slots, s->sockets, s->max_sockets);
    for (int i = 0; i < count; i++)
        s->items[n++] = (zmq_pollitem_t){.fd = s->sockets[i], .events = ZMQ_POLLIN};
    return n;
}

static enum code round_once(struct supervisor *s, struct error *err)
{
    double now = monotonic();
    notice_gap(s, now);
    read_signals(s, now);
    receive(s, now);
    enum code code = read_spawner(s, now, err);
    if (code != OK)
        return code;
    if (now >= s->drain_deadline)
        slots_give_up(&s->slots);
    slots_step(&s->slots, now);
    if (s->slots.disk_news)
        link_ping_soon(&s->link);
    s->slots.disk_news = false;
    link_step(&s->link, now);
    fetches_step(&s->fetches, &s->link, now, ack_patience(s));
    slots_send(&s->slots, &s->link, now, ack_patience(s), s->payload);
    feed_watchdog(s, now);
    if (s->slots.draining && slots_empty(&s->slots))
        return OK;
    if (zmq_poll(s->items, gather(s), wait_ms(s, now)) < 0 && errno != EINTR)
        return fail(err, E_IO, "", "cannot poll: %s", zmq_strerror(errno));
    return OK;
}

static enum code open_all(struct supervisor *s, struct error *err)
{
    const struct supervisor_options *options = s->options;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    s->max_sockets = 4 * options->slots + 4;
    s->items = calloc((size_t)s->max_sockets + 4, sizeof *s->items);
    s->sockets = calloc((size_t)s->max_sockets, sizeof *s->sockets);
    s->payload = malloc(WIRE_CHUNK);
    if (s->items == NULL || s->sockets == NULL || s->payload == NULL)
        return fail(err, E_MEMORY, "", "out of memory");
    s->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signals < 0)
        return fail(err, E_IO, "", "cannot watch signals: %s", strerror(errno));
    enum code code =
        cache_open(&s->cache, options->cache_dir, options->name, options->cache_bytes, err);
    if (code == OK)
        code = spawner_open(&s->spawner, err);
    if (code != OK)
        return code;
    fetches_init(&s->fetches, &s->cache);
    s->slots = (struct slots){.count = options->slots,
                              .memory = (double)options->memory_bytes,
                              .patience_s = options->patience_s,
                              .cache = &s->cache,
                              .spawner = &s->spawner,
                              .fetches = &s->fetches};
    slots_init(&s->slots);
    cpu_describe(s->cpu, sizeof s->cpu);
    const struct link_options link = {.endpoint = options->coordinator,
                                      .worker = s->cache.worker_id,
                                      .name = options->name,
                                      .cpu = s->cpu,
                                      .slots = options->slots,
                                      .keys = &options->keys,
                                      .context = &s->slots,
                                      .free_slots = slots_free,
                                      .list_held = slots_list_held,
                                      .list_running = slots_list_running,
                                      .trouble = slots_trouble};
    return link_init(&s->link, &link, err);
}

static void close_all(struct supervisor *s)
{
    slots_fini(&s->slots);
    fetches_fini(&s->fetches);
    spawner_close(&s->spawner);
    link_fini(&s->link);
    cache_close(&s->cache);
    if (s->signals >= 0)
        close(s->signals);
    free(s->items);
    free(s->sockets);
    free(s->payload);
}

enum code supervisor_run(const struct supervisor_options *options, struct error *err)
{
    struct supervisor s = {.options = options,
                           .signals = -1,
                           .cache = {.lock = -1},
                           .drain_deadline = INFINITY,
                           .last_round = monotonic()};
    enum code code = open_all(&s, err);
    if (code == OK) {
        uint64_t watchdog_us = 0;
        if (sd_watchdog_enabled(0, &watchdog_us) > 0)
            s.watchdog_s = (double)watchdog_us / 1e6;
        sd_notify(0, "READY=1");
        log_event(LOG_LEVEL_INFO, "started", "worker=%s name=%s slots=%d coordinator=%s cpu=%s",
                  s.cache.worker_id, options->name, options->slots, options->coordinator, s.cpu);
        while (code == OK && !(s.slots.draining && slots_empty(&s.slots)))
            code = round_once(&s, err);
    }
    if (code == OK) {
        link_bye(&s.link);
        log_event(LOG_LEVEL_INFO, "drained", "worker=%s", s.cache.worker_id);
    }
    close_all(&s);
    return code;
}
