#include "worker/slots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

void slots_init(struct slots *slots)
{
    slots->first = NULL;
    preparations_init(&slots->preparations, slots->cache, slots->spawner,
                      slots->memory * slots->count, slots->patience_s);
}

void slots_fini(struct slots *slots)
{
    while (slots->first != NULL) {
        struct task *task = slots->first;
        slots->first = task->next;
        task_free(task);
    }
    preparations_fini(&slots->preparations);
}

static void drop(struct slots *slots, struct task **at)
{
    struct task *task = *at;
    *at = task->next;
    task_free(task);
    slots->ready = true;
}

// The task of a lease that is not given up; attempt 0: any.
static struct task **find(struct slots *slots, const char *lease, int64_t attempt)
{
    struct task **at = &slots->first;
    while (*at != NULL && ((*at)->state == TASK_ABANDONED || strcmp((*at)->lease, lease) != 0 ||
                           (attempt != 0 && (*at)->attempt != attempt)))
        at = &(*at)->next;
    return at;
}

static void abandon(struct slots *slots, struct task **at, const char *why)
{
    log_event(LOG_LEVEL_INFO, "lease_ended", "lease=%s attempt=%d %s", (*at)->lease, (*at)->attempt,
              why);
    if (!task_abandon(*at))
        drop(slots, at);
}

static int count(const struct slots *slots, enum task_state state)
{
    int n = 0;
    for (const struct task *task = slots->first; task != NULL; task = task->next)
        n += task->state == state;
    return n;
}

// ---- a disk that takes nothing ----

static void give_back(struct task *task)
{
    task_end(task, "cancelled", code_name(E_DISK), NULL);
}

// What has not started goes to other workers; what runs may still get through.
static void pause_work(struct slots *slots, const struct error *err, int64_t bytes, double now)
{
    slots->disk_news = disk_failed(&slots->disk, err, bytes, now) || slots->disk_news;
    for (struct task *task = slots->first; task != NULL; task = task->next)
        if (task->state == TASK_WAITING)
            give_back(task);
}

// ---- the coordinator's messages ----

void slots_job(struct slots *slots, cJSON *job, bool fresh)
{
    const char *lease = json_string_or(job, "lease", "");
    int64_t attempt = json_integer_or(job, "attempt", 1);
    struct task **old = find(slots, lease, 0);
    bool repeated = *old != NULL && (*old)->attempt >= attempt;
    bool full = count(slots, TASK_WAITING) >= 2 * slots->count + 2;
    if (repeated || slots->draining || full) {
        if (!repeated)
            log_event(LOG_LEVEL_INFO, "job_declined", "lease=%s %s", lease,
                      slots->draining ? "draining" : "no free slot");
        cJSON_Delete(job);
        return;
    }
    if (*old != NULL)
        abandon(slots, old, "a newer attempt came");
    struct error err;
    struct task *task = task_new(job, fresh, &err);
    if (task == NULL || preparation_key(job, task->data_key, &err) != OK) {
        log_event(LOG_LEVEL_ERROR, "job_lost", "%s", err.message);
        if (task != NULL)
            task_free(task);
        return;
    }
    struct task **end = &slots->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = task;
    slots->ready = true;
    if (!disk_is_good(&slots->disk)) // it was on its way already
        give_back(task);
}

void slots_stop(struct slots *slots, const cJSON *message)
{
    struct task *task = *find(slots, json_string_or(message, "lease", ""), 0);
    bool cancel = strcmp(json_string_or(message, "how", ""), "cancel") == 0;
    if (task == NULL || task->state == TASK_SETTLING)
        return;
    if (task->state == TASK_WAITING)
        task_end(task, cancel ? "cancelled" : "stopped", cancel ? "cancelled" : "pruned", NULL);
    else if (cancel)
        child_kill(&task->child, CHILD_CANCELLED);
    else
        child_ask_to_end(&task->child);
}

void slots_expired(struct slots *slots, const cJSON *message)
{
    struct task **at =
        find(slots, json_string_or(message, "lease", ""), json_integer_or(message, "attempt", 1));
    if (*at != NULL)
        abandon(slots, at, "it was taken up elsewhere");
}

void slots_ack(struct slots *slots, const cJSON *message, double now)
{
    struct task **at =
        find(slots, json_string_or(message, "lease", ""), json_integer_or(message, "attempt", 1));
    if (*at == NULL)
        return;
    outbox_ack(&(*at)->outbox, (int)json_integer_or(message, "seq", 0));
    (*at)->quiet_since = now;
    if (task_is_over(*at))
        drop(slots, at);
}

static bool names(const cJSON *list, const char *lease)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list) if (strcmp(item->valuestring, lease) == 0) return true;
    return false;
}

void slots_pong(struct slots *slots, const cJSON *message)
{
    int64_t number = json_integer_or(message, "number", 0);
    const cJSON *known = json_member(message, "known");
    for (struct task **at = &slots->first; *at != NULL;) {
        struct task *task = *at;
        bool active = task->state == TASK_WAITING || task->state == TASK_RUNNING;
        bool asked = task->first_ping != 0 && task->first_ping <= number;
        if (active && asked && !task->child.ended) {
            task->fresh = task->fresh || names(known, task->lease);
            slots->ready = true;
            if (!names(known, task->lease))
                abandon(slots, at, "the coordinator does not know it any more");
        }
        if (*at == task)
            at = &task->next;
    }
}

void slots_rejoined(struct slots *slots)
{
    for (struct task *task = slots->first; task != NULL; task = task->next)
        outbox_rewind(&task->outbox);
    slots->ready = true;
}

// ---- what hello and ping tell ----

int slots_free(void *context)
{
    const struct slots *slots = context;
    int taken =
        count(slots, TASK_WAITING) + count(slots, TASK_RUNNING) + count(slots, TASK_ABANDONED);
    bool none = slots->draining || !disk_is_good(&slots->disk) || taken >= slots->count;
    return none ? 0 : slots->count - taken;
}

const char *slots_trouble(void *context)
{
    const struct slots *slots = context;
    return slots->disk.trouble;
}

void slots_list_held(void *context, cJSON *array)
{
    const struct slots *slots = context;
    for (const struct task *task = slots->first; task != NULL; task = task->next) {
        if (task->state == TASK_ABANDONED)
            continue;
        cJSON *held = cJSON_CreateObject();
        cJSON_AddStringToObject(held, "lease", task->lease);
        cJSON_AddNumberToObject(held, "attempt", task->attempt);
        cJSON_AddItemToArray(array, held);
    }
}

void slots_list_running(void *context, cJSON *array, int64_t ping)
{
    struct slots *slots = context;
    for (struct task *task = slots->first; task != NULL; task = task->next) {
        if (task->state == TASK_ABANDONED)
            continue;
        cJSON_AddItemToArray(array, cJSON_CreateString(task->lease));
        if (task->first_ping == 0)
            task->first_ping = ping;
    }
}

// ---- children ----

void slots_news(struct slots *slots, enum spawner_event event, const struct spawner_news *news,
                double now)
{
    if (preparations_news(&slots->preparations, event, news, now)) {
        slots->ready = true;
        return;
    }
    struct task **at = &slots->first;
    while (*at != NULL && ((*at)->child.id == 0 || (*at)->child.id != news->id))
        at = &(*at)->next;
    struct task *task = *at;
    if (task == NULL)
        return;
    if (event == SPAWNER_SPAWNED) {
        child_spawned(&task->child, news->pidfd, now);
        return;
    }
    slots->ready = true;
    if (event == SPAWNER_REFUSED) {
        log_event(LOG_LEVEL_WARNING, "spawn_failed", "lease=%s %s", task->lease,
                  strerror(news->error));
        child_close(&task->child);
        task->state = task->state == TASK_RUNNING ? TASK_WAITING : task->state;
    } else {
        task_exited(task, slots->cache, news->status, now);
    }
    if (task_is_over(task))
        drop(slots, at);
}

void slots_lost(struct slots *slots, double now)
{
    preparations_lost(&slots->preparations);
    for (struct task **at = &slots->first; *at != NULL;) {
        if ((*at)->child.id != 0)
            task_orphaned(*at, slots->cache, now);
        if (task_is_over(*at))
            drop(slots, at);
        else
            at = &(*at)->next;
    }
    slots->ready = true;
}

// Wants a file of the job; E_BUSY: it is on its way.
static enum code want_file(struct slots *slots, const cJSON *file, int64_t *bytes,
                           struct error *err)
{
    int64_t size = json_integer_or(file, "size", 0);
    *bytes += size;
    switch (fetches_want(slots->fetches, json_string_or(file, "sha256", ""), size, err)) {
    case FETCH_READY:
        return OK;
    case FETCH_BUSY:
        return E_BUSY;
    case FETCH_FAILED:
        break;
    }
    return err->code;
}

// What two things wanted come to: a failure, the first of them, before what is on its way.
static enum code worse(enum code all, enum code one)
{
    bool failed = all != OK && all != E_BUSY;
    return failed || one == OK ? all : one;
}

// Wants all that a task needs; what is not there is set going, E_BUSY. Another error: it cannot be had.
// *bytes: of the files.
static enum code want_all(struct slots *slots, struct task *task, double now, int64_t *bytes,
                          struct error *err)
{
    const cJSON *files = json_member(json_member(task->job, "dataset"), "files"), *file;
    const cJSON *checkpoint = json_member(task->job, "checkpoint");
    enum code all = OK;
    cJSON_ArrayForEach(file, files)
    {
        all = worse(all, want_file(slots, file, bytes, err));
    }
    if (cJSON_IsObject(checkpoint))
        all = worse(all, want_file(slots, checkpoint, bytes, err));
    if (all != OK)
        return all;
    switch (preparations_want(&slots->preparations, task->job, task->data_key, now, err)) {
    case PREPARATION_READY:
        return OK;
    case PREPARATION_BUSY:
        return E_BUSY;
    case PREPARATION_FAILED:
        break;
    }
    return err->code;
}

// A failure ends the task; one of the disk's pauses the worker.
static bool is_ready(struct slots *slots, struct task *task, double now)
{
    struct error err = {.code = OK};
    int64_t bytes = 0;
    enum code code = want_all(slots, task, now, &bytes, &err);
    if (code == E_DISK)
        pause_work(slots, &err, bytes, now);
    else if (code != OK && code != E_BUSY)
        task_end(task, "failed", "data", err.message);
    return code == OK;
}

static void start_waiting(struct slots *slots, double now)
{
    int taken = count(slots, TASK_RUNNING) + count(slots, TASK_ABANDONED);
    bool again = false;
    for (struct task *task = slots->first; task != NULL; task = task->next) {
        if (task->state != TASK_WAITING || !is_ready(slots, task, now) || !task->fresh ||
            taken >= slots->count)
            continue;
        struct error err = {.code = OK};
        enum code code = task_start(task, slots->spawner, slots->cache, slots->memory, now,
                                    slots->patience_s, &err);
        if (code == OK)
            taken++;
        else if (code == E_BUSY || code == E_IO)
            again = true;
        else
            task_end(task, "failed", "worker", err.message);
    }
    slots->ready = again;
    fetches_sweep(slots->fetches);
}

// Trainings that could not leave what they had to, and whether there is room again.
static void heed_disk(struct slots *slots, double now)
{
    for (struct task *task = slots->first; task != NULL; task = task->next) {
        if (task->disk.code != OK)
            pause_work(slots, &task->disk, 0, now);
        else if (task->proved)
            disk_proved(&slots->disk);
        task->disk.code = OK;
        task->proved = false;
    }
    slots->disk_news = disk_look(&slots->disk, slots->cache, now) || slots->disk_news;
}

void slots_step(struct slots *slots, double now)
{
    slots->looked_at = now;
    for (struct task *task = slots->first; task != NULL; task = task->next)
        if (task->child.id != 0) {
            task_read(task, slots->cache, now);
            if (!child_check(&task->child, now))
                spawner_kill(slots->spawner);
        }
    heed_disk(slots, now);
    if (preparations_step(&slots->preparations, now))
        slots->ready = true;
    if (slots->ready)
        start_waiting(slots, now);
}

static bool in_flight(const struct outbox *outbox)
{
    return outbox->sent > outbox->acked;
}

void slots_send(struct slots *slots, struct link *link, double now, double patience_s,
                unsigned char *payload)
{
    for (struct task *task = slots->first; task != NULL; task = task->next) {
        struct outbox_message message;
        if (task->state == TASK_ABANDONED)
            continue;
        if (in_flight(&task->outbox) && now - task->quiet_since >= patience_s)
            outbox_rewind(&task->outbox);
        while (link->state == LINK_JOINED && outbox_next(&task->outbox, &message, payload)) {
            bool sent = link_send_text(link, message.header, message.header_len, payload,
                                       message.payload_len);
            free(message.header);
            if (!sent)
                return;
            if (!in_flight(&task->outbox))
                task->quiet_since = now;
            outbox_sent(&task->outbox);
        }
    }
}

double slots_due(const struct slots *slots, double patience_s)
{
    double due = disk_is_good(&slots->disk) ? (double)INFINITY : slots->disk.look_at;
    for (const struct task *task = slots->first; task != NULL; task = task->next) {
        if (in_flight(&task->outbox))
            due = fmin(due, task->quiet_since + patience_s);
        if (task->child.id != 0 && task->child.deadline > slots->looked_at)
            due = fmin(due, task->child.deadline);
    }
    for (const struct preparation *p = slots->preparations.first; p != NULL; p = p->next)
        if (p->child.id != 0 && p->child.deadline > slots->looked_at)
            due = fmin(due, p->child.deadline);
    return due;
}

void slots_forgive(struct slots *slots, double gap_s)
{
    for (struct task *task = slots->first; task != NULL; task = task->next)
        task->child.deadline += gap_s;
    for (struct preparation *p = slots->preparations.first; p != NULL; p = p->next)
        p->child.deadline += gap_s;
}

int slots_sockets(const struct slots *slots, int *out, int max)
{
    int n = 0;
    for (const struct task *task = slots->first; task != NULL && n < max; task = task->next)
        if (task->child.socket >= 0)
            out[n++] = task->child.socket;
    for (const struct preparation *p = slots->preparations.first; p != NULL && n < max; p = p->next)
        if (p->child.socket >= 0)
            out[n++] = p->child.socket;
    return n;
}

void slots_drain(struct slots *slots)
{
    slots->draining = true;
    for (struct task **at = &slots->first; *at != NULL;)
        if ((*at)->state == TASK_WAITING)
            drop(slots, at);
        else
            at = &(*at)->next;
}

void slots_give_up(struct slots *slots)
{
    slots->draining = true;
    for (struct task **at = &slots->first; *at != NULL;)
        if (task_abandon(*at))
            at = &(*at)->next;
        else
            drop(slots, at);
}

bool slots_empty(const struct slots *slots)
{
    return slots->first == NULL;
}
