// What a child says is checked like a stranger's message: a training gone wild may send anything, and
// outbox_add() passes only what holds against the wire's tables.
#include "worker/task.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

enum { RERUNS_MAX = 3 };

struct task *task_new(cJSON *job, bool fresh, struct error *err)
{
    struct task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        cJSON_Delete(job);
        fail(err, E_MEMORY, "", "out of memory");
        return NULL;
    }
    task->job = job;
    task->fresh = fresh;
    task->child.socket = task->child.pidfd = task->child.file = -1;
    snprintf(task->lease, sizeof task->lease, "%s", json_string_or(job, "lease", ""));
    task->attempt = (int)json_integer_or(job, "attempt", 1);
    task->epochs = (int)json_integer_or(job, "initial_epoch", 0);
    outbox_init(&task->outbox, task->lease, task->attempt);
    return task;
}

void task_free(struct task *task)
{
    child_close(&task->child);
    outbox_fini(&task->outbox);
    cJSON_Delete(task->job);
    free(task);
}

static void add_path(cJSON *object, const char *name, char *path)
{
    cJSON_AddStringToObject(object, name, path ? path : "");
    free(path);
}

enum code task_start(struct task *task, struct spawner *spawner, const struct cache *cache,
                     double memory, double now, double patience_s, struct error *err)
{
    cJSON *work = cJSON_CreateObject();
    cJSON_AddStringToObject(work, "work", "train");
    cJSON_AddItemReferenceToObject(work, "job", task->job);
    cJSON_AddNumberToObject(work, "memory", memory);
    add_path(work, "dataset", cache_path(cache, CACHE_PREPARED, task->data_key));
    add_path(work, "blobs", cache_path(cache, CACHE_BLOBS, ""));
    const cJSON *checkpoint = json_member(task->job, "checkpoint");
    if (cJSON_IsObject(checkpoint))
        add_path(work, "checkpoint",
                 cache_path(cache, CACHE_BLOBS, json_string_or(checkpoint, "sha256", "")));
    enum code code = child_start(&task->child, spawner, work, now, patience_s, err);
    if (code != OK)
        return code;
    task->state = TASK_RUNNING;
    log_event(LOG_LEVEL_DEBUG, "execution_started", "lease=%s attempt=%d study=%s", task->lease,
              task->attempt, json_string_or(task->job, "study", ""));
    return OK;
}

static cJSON *result(const struct task *task, const char *state, const char *reason,
                     const char *error)
{
    cJSON *message = wire_message("result");
    cJSON_AddStringToObject(message, "state", state);
    cJSON_AddNumberToObject(message, "epochs", task->epochs);
    cJSON_AddStringToObject(message, "end_reason", reason);
    if (error != NULL)
        cJSON_AddStringToObject(message, "error", error);
    return message;
}

// A result always gets out: when its text does not hold, without the parts that came from elsewhere.
static void add_result(struct task *task, cJSON *message)
{
    struct error err = {.code = OK};
    task->child.ended = true;
    log_event(LOG_LEVEL_DEBUG, "execution_ended", "lease=%s attempt=%d state=%s epochs=%d %s",
              task->lease, task->attempt, json_string_or(message, "state", ""), task->epochs,
              json_string_or(message, "error", ""));
    if (outbox_add(&task->outbox, message, &err) == OK)
        return;
    log_event(LOG_LEVEL_WARNING, "bad_result", "lease=%s %s", task->lease, err.message);
    message = result(task, "failed", code_name(err.code), err.message);
    cJSON_AddNullToObject(message, "report");
    if (outbox_add(&task->outbox, message, &err) != OK)
        log_event(LOG_LEVEL_ERROR, "result_lost", "lease=%s %s", task->lease, err.message);
}

void task_end(struct task *task, const char *state, const char *reason, const char *error)
{
    cJSON *message = result(task, state, reason, error);
    cJSON_AddNullToObject(message, "report");
    add_result(task, message);
    task->state = TASK_SETTLING;
}

static void on_epoch(struct task *task, const cJSON *frame)
{
    int64_t epoch;
    struct error err;
    if (!json_is_integer(json_member(frame, "epoch"), &epoch) || epoch > INT32_MAX) {
        child_kill(&task->child, CHILD_WILD);
        return;
    }
    if (epoch <= task->epochs)
        return; // a rerun repeats what is told already
    cJSON *message = wire_message("epoch");
    cJSON_AddNumberToObject(message, "epoch", (double)epoch);
    cJSON_AddItemToObject(message, "metrics", cJSON_Duplicate(json_member(frame, "metrics"), true));
    if (outbox_add(&task->outbox, message, &err) == OK) {
        task->epochs = (int)epoch;
        return;
    }
    log_event(LOG_LEVEL_WARNING, "bad_epoch", "lease=%s %s", task->lease, err.message);
    child_kill(&task->child, CHILD_WILD);
}

// The child has written the file under its digest; here it is opened, so that it stays until sent.
static enum code add_checkpoint(struct task *task, const struct cache *cache,
                                const cJSON *checkpoint, struct error *err)
{
    struct stat status;
    char *path = cache_path(cache, CACHE_BLOBS, json_string_or(checkpoint, "sha256", "none"));
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    free(path);
    if (fd < 0 || fstat(fd, &status) != 0) {
        if (fd >= 0)
            close(fd);
        return fail(err, E_IO, "", "the checkpoint was not written");
    }
    const struct outbox_file file = {.type = "checkpoint",
                                     .fd = fd,
                                     .size = status.st_size,
                                     .sha256 = json_string_or(checkpoint, "sha256", ""),
                                     .epoch = (int)json_integer_or(checkpoint, "epoch", 0)};
    return outbox_add_file(&task->outbox, &file, err);
}

static bool is_digest(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

// The weights lie in the child's file, which is memory and stays until they are sent. Without them the
// result counts all the same.
static void add_model(struct task *task, const cJSON *frame)
{
    const cJSON *model = json_member(frame, "model");
    const char *error = json_string_or(frame, "model_error", NULL);
    struct error err = {.code = OK};
    struct stat status;
    if (cJSON_IsObject(model)) {
        const struct outbox_file file = {.type = "model",
                                         .fd = fcntl(task->child.file, F_DUPFD_CLOEXEC, 0),
                                         .offset = json_integer_or(model, "offset", -1),
                                         .size = json_integer_or(model, "size", -1),
                                         .sha256 = json_string_or(model, "sha256", ""),
                                         .epoch = (int)json_integer_or(model, "epoch", 0)};
        if (file.fd < 0 || fstat(file.fd, &status) != 0 || file.offset < 0 || file.epoch < 1 ||
            file.size > status.st_size - file.offset || !is_digest(file.sha256)) {
            if (file.fd >= 0)
                close(file.fd);
            error = "the training told of weights that are not there";
        } else if (outbox_add_file(&task->outbox, &file, &err) != OK) {
            error = err.message;
        }
    }
    if (error != NULL)
        log_event(LOG_LEVEL_WARNING, "model_lost", "lease=%s %s", task->lease, error);
}

static void on_ended(struct task *task, const struct cache *cache, const cJSON *frame)
{
    struct error err = {.code = OK};
    if (strcmp(json_string_or(frame, "end_reason", ""), code_name(E_DISK)) == 0) {
        fail(&task->disk, E_DISK, "", "%.400s", json_string_or(frame, "error", ""));
        cJSON *given_back = result(task, "cancelled", code_name(E_DISK), NULL);
        cJSON_AddNullToObject(given_back, "report");
        add_result(task, given_back);
        return;
    }
    const cJSON *checkpoint = json_member(frame, "checkpoint");
    if (cJSON_IsObject(checkpoint) && add_checkpoint(task, cache, checkpoint, &err) != OK) {
        cJSON *message = result(task, "failed", code_name(err.code), err.message);
        cJSON_AddNullToObject(message, "report");
        add_result(task, message);
        return;
    }
    add_model(task, frame);
    task->proved = strcmp(json_string_or(frame, "state", ""), "completed") == 0;
    cJSON *message =
        result(task, json_string_or(frame, "state", "failed"),
               json_string_or(frame, "end_reason", ""), json_string_or(frame, "error", NULL));
    const cJSON *report = json_member(frame, "report");
    cJSON_AddItemToObject(message, "report",
                          report ? cJSON_Duplicate(report, true) : cJSON_CreateNull());
    add_result(task, message);
}

bool task_read(struct task *task, const struct cache *cache, double now)
{
    bool told = false;
    cJSON *frame;
    while ((frame = child_read(&task->child, now)) != NULL) {
        const char *type = json_string_or(frame, "type", "");
        bool heard = task->state == TASK_RUNNING && !task->child.ended;
        if (heard && strcmp(type, "epoch") == 0)
            on_epoch(task, frame);
        else if (heard && strcmp(type, "ended") == 0)
            on_ended(task, cache, frame);
        told = told || heard;
        cJSON_Delete(frame);
    }
    return told;
}

void task_exited(struct task *task, const struct cache *cache, int status, double now)
{
    task_read(task, cache, now);
    if (task->state == TASK_RUNNING && !task->child.ended) {
        char how[200], error[400];
        bool cancelled = task->child.killed == CHILD_CANCELLED;
        child_describe(&task->child, status, how, sizeof how);
        snprintf(error, sizeof error, "%s, after epoch %d", how, task->epochs);
        task_end(task, cancelled ? "cancelled" : "failed", cancelled ? "cancelled" : "crashed",
                 cancelled ? NULL : error);
        if (!cancelled)
            log_event(LOG_LEVEL_WARNING, "execution_crashed", "lease=%s attempt=%d %s", task->lease,
                      task->attempt, error);
    }
    child_close(&task->child);
    if (task->state == TASK_RUNNING)
        task->state = TASK_SETTLING;
}

void task_orphaned(struct task *task, const struct cache *cache, double now)
{
    task_read(task, cache, now);
    bool cancelled = task->child.killed == CHILD_CANCELLED, ended = task->child.ended;
    child_close(&task->child);
    if (task->state != TASK_RUNNING)
        return;
    if (ended) {
        task->state = TASK_SETTLING;
    } else if (cancelled) {
        task_end(task, "cancelled", "cancelled", NULL);
    } else if (task->reruns == RERUNS_MAX) {
        task_end(task, "failed", "crashed",
                 "the worker's fork server died under it again and again");
    } else {
        task->state = TASK_WAITING;
        task->reruns++;
    }
}

bool task_is_over(const struct task *task)
{
    return task->child.id == 0 && (task->state == TASK_ABANDONED ||
                                   (task->state == TASK_SETTLING && outbox_empty(&task->outbox)));
}

bool task_abandon(struct task *task)
{
    if (task->child.id == 0)
        return false;
    child_kill(&task->child, CHILD_CANCELLED);
    task->state = TASK_ABANDONED;
    return true;
}
