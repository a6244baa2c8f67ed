// Files to workers, in chunks. They are read beside the core, by one thread: they leave in the order they
// were asked for, which is the only one a worker takes.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/wire.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"

enum { FETCHES_MAX = 16 };

struct fetch {
    struct task task;
    char worker[65], sha256[65];
    char *path;
    int64_t offset, size;
    ssize_t n;
    char *bytes;
};

static void read_chunk(struct task *task)
{
    struct fetch *fetch = (struct fetch *)task;
    struct stat info;
    int fd = open(fetch->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    if (fstat(fd, &info) == 0 && fetch->offset <= info.st_size) {
        fetch->bytes = malloc(WIRE_CHUNK);
        fetch->size = info.st_size;
        fetch->n = fetch->bytes ? pread(fd, fetch->bytes, WIRE_CHUNK, fetch->offset) : -1;
    }
    close(fd);
}

static void send_chunk(struct core *core, const struct fetch *fetch)
{
    size_t len;
    cJSON *message = alloc_sure(wire_message("chunk"));
    cJSON_AddStringToObject(message, "sha256", fetch->sha256);
    cJSON_AddNumberToObject(message, "offset", (double)fetch->offset);
    cJSON_AddNumberToObject(message, "size", fetch->n >= 0 ? (double)fetch->size : 0);
    if (fetch->n < 0)
        cJSON_AddStringToObject(message, "error", "the coordinator has no such file");
    char *header = alloc_sure(wire_encode(message, &len));
    core->send(core->send_context, fetch->worker, header, len, fetch->bytes,
               fetch->n > 0 ? (size_t)fetch->n : 0);
    free(header);
}

static void chunk_is_read(struct task *task, void *context)
{
    struct fetch *fetch = (struct fetch *)task;
    struct core *core = context;
    if (core) {
        struct worker *worker = fleet_find(&core->fleet, fetch->worker);
        if (worker)
            worker->fetching--;
        send_chunk(core, fetch);
    }
    free(fetch->path);
    free(fetch->bytes);
    free(fetch);
}

void transfer_fetch(struct core *core, const char *id, const cJSON *message)
{
    struct worker *worker = fleet_find(&core->fleet, id);
    if (!worker || worker->fetching >= FETCHES_MAX)
        return; // it asks again
    struct fetch *fetch = alloc_zero(1, sizeof *fetch);
    fetch->task = (struct task){.run = read_chunk, .done = chunk_is_read};
    fetch->n = -1;
    fetch->offset = json_integer_or(message, "offset", 0);
    snprintf(fetch->worker, sizeof fetch->worker, "%s", id);
    snprintf(fetch->sha256, sizeof fetch->sha256, "%s", json_string_or(message, "sha256", ""));
    fetch->path = store_blob_path(core->state_dir, fetch->sha256);
    worker->fetching++;
    beside_do(core->chunks, &fetch->task);
}
