// One child, one piece of work. Everything it meets may be hostile (files, configurations), so it has a
// memory limit of its own, talks to nobody but the daemon and ends with the work.
#include "worker/trainer.h"

#include <cblas.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "worker/blob.h"
#include "worker/engine/engine.h"
#include "worker/frame.h"
#include "worker/keeper.h"

void trainer_warm_up(void)
{
    enum { N = 256 }; // small products go without the buffers
    float *matrices = calloc(3 * N * N, sizeof *matrices);
    if (matrices == NULL)
        return;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, matrices, N,
                matrices + N * N, N, 0, matrices + 2 * N * N, N);
    free(matrices);
}

// Results near zero become zero: slow denormals change no metric (engine notes).
static void flush_denormals(void)
{
#ifdef __SSE__
    _mm_setcsr(_mm_getcsr() | 0x8040); // FTZ and DAZ
#endif
}

static cJSON *frame(const char *type)
{
    cJSON *tree = cJSON_CreateObject();
    cJSON_AddStringToObject(tree, "type", type);
    return tree;
}

// Bytes of private writable memory the process has now (VmData): RLIMIT_DATA counts the same, and mapped
// files count in neither.
static size_t data_size(void)
{
    unsigned long pages[6] = {0};
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu %lu %lu %lu %lu", &pages[0], &pages[1], &pages[2], &pages[3],
               &pages[4], &pages[5]) != 6)
        pages[5] = 0;
    fclose(file);
    return pages[5] * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit_memory(size_t bytes)
{
    if (bytes == 0)
        return;
    struct rlimit limit = {data_size() + bytes, data_size() + bytes};
    setrlimit(RLIMIT_DATA, &limit);
}

static cJSON *read_work(int fd, int64_t *size)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_size <= 0 || status.st_size > FRAME_MAX)
        return NULL;
    static const struct json_limits limits = {FRAME_MAX, 64, 1000000};
    char *text = malloc((size_t)status.st_size);
    cJSON *work = NULL;
    if (text != NULL && pread(fd, text, (size_t)status.st_size, 0) == status.st_size)
        work = json_read(text, (size_t)status.st_size, &limits, NULL);
    *size = status.st_size;
    free(text);
    return work;
}

// ---- a data set ----

static void read_list(const cJSON *list, const char **out)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list) *out++ = cJSON_IsString(item) ? item->valuestring : "";
}

static int prepare(int socket, const cJSON *work)
{
    const cJSON *names = json_member(work, "names"), *paths = json_member(work, "paths");
    int nfiles = cJSON_GetArraySize(names);
    const char **texts = calloc((size_t)nfiles * 2 + 1, sizeof *texts);
    struct error err = {.code = OK};
    enum code code = OK;
    if (texts == NULL || cJSON_GetArraySize(paths) != nfiles) {
        code = fail(&err, E_MEMORY, "", "out of memory");
    } else {
        read_list(names, texts);
        read_list(paths, texts + nfiles);
        const cJSON *spec = json_member(work, "source");
        const struct dataset_source source = {
            .format = json_string_or(spec, "format", NULL),
            .target = json_string_or(spec, "target", NULL),
            .categories = json_string_or(spec, "categories", NULL),
            .class_names = json_member(spec, "class_names"),
            .nfiles = nfiles,
            .names = texts,
            .paths = texts + nfiles,
            .generate = json_member(work, "generate"),
            .generator = json_string_or(work, "generator", NULL),
        };
        code = dataset_prepare(&source, json_string_or(work, "target", ""), &err);
    }
    cJSON *answer = frame(code == OK ? "prepared" : "failed");
    if (code != OK) {
        cJSON_AddStringToObject(answer, "code", code_name(code));
        cJSON_AddStringToObject(answer, "error", err.message);
    }
    free(texts);
    return frame_write(socket, answer, NULL) == OK ? TRAINER_EXIT_DONE : TRAINER_EXIT_LOST;
}

// ---- an execution ----

struct run {
    int socket;
    const cJSON *work, *job;
    struct dataset data;
    struct training *training; // NULL when there is nothing to train
    struct keeper keeper;
    bool pruned;
    struct error err;
};

static cJSON *metrics_of(const struct epoch_log *log)
{
    cJSON *metrics = cJSON_CreateObject();
    for (int i = 0; i < log->nmetrics; i++) {
        if (isfinite(log->metrics[i].value))
            cJSON_AddNumberToObject(metrics, log->metrics[i].name, log->metrics[i].value);
        else
            cJSON_AddNullToObject(metrics, log->metrics[i].name);
    }
    cJSON_AddNumberToObject(metrics, "seconds", log->seconds);
    cJSON_AddNumberToObject(metrics, "val_seconds", log->val_seconds);
    return metrics;
}

static void observe(void *context, const struct training *training, const struct epoch_log *log)
{
    struct run *run = context;
    cJSON *metrics = metrics_of(log);
    keeper_look(&run->keeper, training, log->epoch, metrics);
    cJSON_Delete(metrics);
}

static enum code restore(struct run *run, const char *path)
{
    unsigned char *bytes;
    size_t len;
    enum code code = blob_read(path, &bytes, &len, &run->err);
    if (code != OK)
        return code;
    code = training_restore(run->training, bytes, len, &run->err);
    free(bytes);
    int64_t from = json_integer_or(run->job, "initial_epoch", 0);
    if (code == OK && training_epochs_done(run->training) != from)
        code = fail(&run->err, E_INVALID, "", "the checkpoint is of epoch %d, not of epoch %lld",
                    training_epochs_done(run->training), (long long)from);
    return code;
}

static enum code start(struct run *run, int file, int64_t used)
{
    const char *path = json_string_or(run->work, "dataset", "");
    enum code code = dataset_map(path, &run->data, &run->err);
    if (code != OK) {
        unlink(path); // damaged: made anew for the next execution
        return E_IO;  // no fault of the configuration's
    }
    const struct training_limits limits = {.memory =
                                               (size_t)json_number_or(run->work, "memory", 0)};
    code = training_new(&run->training, json_member(run->job, "config"), &run->data,
                        (uint64_t)json_integer_or(run->job, "seed", 0), &limits, &run->err);
    if (code == OK)
        code = keeper_init(&run->keeper, run->job, file, used, &run->err);
    if (code != OK)
        return code;
    training_observe(run->training, observe, run);
    const char *checkpoint = json_string_or(run->work, "checkpoint", NULL);
    if (checkpoint != NULL)
        code = restore(run, checkpoint) == OK ? OK : E_IO;
    if (code == OK)
        training_set_epochs(run->training, (int)json_integer_or(run->job, "epochs", 0));
    return code;
}

static bool send_epoch(const struct run *run, const struct epoch_log *log)
{
    cJSON *message = frame("epoch");
    cJSON_AddNumberToObject(message, "epoch", log->epoch);
    cJSON_AddItemToObject(message, "metrics", metrics_of(log));
    return frame_write(run->socket, message, NULL) == OK;
}

// True when the daemon has sent something: the one thing it sends is the wish to end.
static bool asked_to_end(int socket)
{
    char byte;
    return recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static enum code train(struct run *run)
{
    struct epoch_log log;
    while (!training_done(run->training) && !(run->pruned = asked_to_end(run->socket))) {
        log.epoch = 0;
        enum code code = training_epoch(run->training, &log, &run->err);
        if ((code == OK || code == E_DIVERGED) && log.epoch > 0 && !send_epoch(run, &log))
            _exit(TRAINER_EXIT_LOST);
        if (code != OK)
            return code;
    }
    return OK;
}

// The state goes to the cache under its digest, where a promoted trial finds it again without asking.
static enum code save(struct run *run, cJSON *answer)
{
    unsigned char *bytes;
    size_t len;
    enum code code = training_save(run->training, &bytes, &len, &run->err);
    if (code != OK)
        return code;
    char sha256[65];
    code = blob_write(json_string_or(run->work, "blobs", ""), bytes, len, sha256, &run->err);
    free(bytes);
    if (code != OK)
        return code;
    cJSON *checkpoint = cJSON_AddObjectToObject(answer, "checkpoint");
    cJSON_AddStringToObject(checkpoint, "sha256", sha256);
    cJSON_AddNumberToObject(checkpoint, "size", (double)len);
    cJSON_AddNumberToObject(checkpoint, "epoch", training_epochs_done(run->training));
    return OK;
}

// Weights that cannot be kept are no reason to lose the training: the trial then has none.
static void add_model(struct run *run, cJSON *answer)
{
    cJSON *model = NULL;
    struct error err;
    if (keeper_finish(&run->keeper, run->training, run->job, &model, &err) != OK)
        cJSON_AddStringToObject(answer, "model_error", err.message);
    else if (model != NULL)
        cJSON_AddItemToObject(answer, "model", model);
}

// A report too large for a message (thousands of classes) is left out; the result counts without it.
static bool fits(const cJSON *report)
{
    char *text = json_write(report);
    bool small = text != NULL && strlen(text) < FRAME_MAX / 4 * 3;
    free(text);
    return small;
}

static enum code finish(struct run *run, cJSON *answer)
{
    enum code code = OK;
    if (json_bool_or(run->job, "save_checkpoint", false))
        code = save(run, answer);
    if (code == OK && json_bool_or(run->job, "report", false)) {
        if (frame_write(run->socket, frame("alive"), NULL) != OK)
            _exit(TRAINER_EXIT_LOST);
        cJSON *report = training_report(run->training, &run->err);
        if (report == NULL)
            return run->err.code;
        if (fits(report))
            cJSON_AddItemToObject(answer, "report", report);
    }
    if (code == OK && !run->pruned)
        add_model(run, answer);
    return code;
}

// What a failure means for the trial: another attempt may mend it, or none can.
static const char *state_of(enum code code)
{
    static const enum code final[] = {E_TYPE,    E_RANGE, E_UNKNOWN, E_MISSING,
                                      E_INVALID, E_LIMIT, E_SYNTAX};
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        if (code == final[i])
            return "infeasible";
    return "failed";
}

static int execute(int socket, const cJSON *work, int file, int64_t used)
{
    struct run run = {.socket = socket, .work = work, .job = json_member(work, "job")};
    cJSON *answer = frame("ended");
    enum code code = OK;
    bool needs_model = json_bool_or(run.job, "report", false) ||
                       json_bool_or(run.job, "save_checkpoint", false) ||
                       json_integer_or(run.job, "epochs", 0) > 0;
    if (needs_model) {
        code = start(&run, file, used);
        if (code == OK)
            code = train(&run);
        if (code == OK)
            code = finish(&run, answer);
    }
    const char *state = code != OK ? state_of(code) : run.pruned ? "stopped" : "completed";
    const char *reason = code != OK     ? code_name(code)
                         : run.pruned   ? "pruned"
                         : run.training ? training_end_reason(run.training)
                                        : "epochs";
    cJSON_AddStringToObject(answer, "state", state);
    cJSON_AddStringToObject(answer, "end_reason", reason ? reason : "epochs");
    cJSON_AddNumberToObject(answer, "epochs",
                            run.training ? training_epochs_done(run.training) : 0);
    if (code != OK)
        cJSON_AddStringToObject(answer, "error", run.err.message);
    return frame_write(socket, answer, NULL) == OK ? TRAINER_EXIT_DONE : TRAINER_EXIT_LOST;
}

int trainer_run(int socket, int job)
{
    int64_t size = 0;
    cJSON *work = read_work(job, &size);
    if (work == NULL)
        return TRAINER_EXIT_SETUP;
    flush_denormals();
    limit_memory((size_t)json_number_or(work, "memory", 0));
    bool preparing = strcmp(json_string_or(work, "work", ""), "prepare") == 0;
    // The process ends here: what it holds goes back to the system at once, unfreed.
    return preparing ? prepare(socket, work) : execute(socket, work, job, size);
}
