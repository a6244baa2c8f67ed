// Files to and from workers, in chunks. Chunks down are read beside the core, by one thread: they leave in
// the order they were asked for, which is the only one a worker takes. Chunks up are appended to a
// file under incoming/, hashed as they come, and become a blob in the transaction that names it.
//
// A chunk is acknowledged once it is written, not synced: a killed coordinator finds the file again, and
// after a power failure the next chunk does not fit and the attempt is given up as lost.

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/wire.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"

enum { FETCHES_MAX = 16, CHECKPOINT_MAX = 1 << 30 };

// ---- down

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

// ---- up

struct upload {
    struct lease_key key;
    int attempt, epoch;
    char sha256[65];
    int64_t size, received;
    int fd;
    char *path;
    crypto_hash_sha256_state hash;
    UT_hash_handle hh;
};

static void drop(struct core *core, struct upload *upload)
{
    HASH_DEL(core->uploads, upload);
    if (upload->fd >= 0)
        close(upload->fd);
    free(upload->path);
    free(upload);
}

void transfer_reset(struct core *core)
{
    struct upload *upload, *next;
    HASH_ITER(hh, core->uploads, upload, next)
    drop(core, upload);
}

static struct upload *find(struct core *core, struct lease_key key)
{
    struct upload *upload;
    HASH_FIND(hh, core->uploads, &key, sizeof key, upload);
    return upload;
}

// Hashes what the file holds already, up to `offset`: after a restart of the coordinator.
static bool take_up(struct upload *upload, int64_t offset)
{
    unsigned char *bytes = alloc_zero(1, WIRE_CHUNK);
    while (upload->received < offset) {
        int64_t left = offset - upload->received;
        size_t want = left < WIRE_CHUNK ? (size_t)left : WIRE_CHUNK;
        ssize_t n = pread(upload->fd, bytes, want, upload->received);
        if (n <= 0)
            break;
        crypto_hash_sha256_update(&upload->hash, bytes, (unsigned long long)n);
        upload->received += n;
    }
    free(bytes);
    return upload->received == offset;
}

static struct upload *begin(struct core *core, const struct lease *lease, const cJSON *message,
                            int64_t offset)
{
    char name[64];
    struct upload *upload = alloc_zero(1, sizeof *upload);
    upload->key = lease->key;
    upload->attempt = lease->attempt;
    upload->epoch = (int)json_integer_or(message, "epoch", 0);
    upload->size = json_integer_or(message, "size", 0);
    snprintf(upload->sha256, sizeof upload->sha256, "%s", json_string_or(message, "sha256", ""));
    lease_key_text(lease->key, name);
    upload->path = alloc_format("%s/incoming/%s.%d", core->state_dir, name, lease->attempt);
    upload->fd = open(upload->path, O_RDWR | O_CREAT | O_CLOEXEC | (offset ? 0 : O_TRUNC), 0640);
    crypto_hash_sha256_init(&upload->hash);
    HASH_ADD(hh, core->uploads, key, sizeof upload->key, upload);
    if (upload->fd < 0 || upload->size > CHECKPOINT_MAX || !take_up(upload, offset)) {
        drop(core, upload);
        return NULL;
    }
    return upload;
}

static bool matches(const struct upload *upload, const struct lease *lease, const cJSON *message)
{
    return upload->attempt == lease->attempt &&
           strcmp(upload->sha256, json_string_or(message, "sha256", "")) == 0;
}

static void remember(struct held_study *held, const struct upload *upload)
{
    int64_t key = (int64_t)upload->key.trial * held->study->nexecutions + upload->key.execution;
    struct checkpoint_entry *entry;
    HASH_FIND(hh, held->checkpoints, &key, sizeof key, entry);
    if (!entry) {
        entry = alloc_zero(1, sizeof *entry);
        entry->key = key;
        HASH_ADD(hh, held->checkpoints, key, sizeof entry->key, entry);
    }
    entry->epoch = upload->epoch;
    entry->size = upload->size;
    snprintf(entry->sha256, sizeof entry->sha256, "%s", upload->sha256);
}

// All of it is there: it becomes a blob with the next group.
static bool finish(struct core *core, struct held_study *held, struct upload *upload)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char text[2 * crypto_hash_sha256_BYTES + 1];
    crypto_hash_sha256_final(&upload->hash, digest);
    sodium_bin2hex(text, sizeof text, digest, sizeof digest);
    bool whole = strcmp(text, upload->sha256) == 0;
    if (whole) {
        char *blob = store_blob_path(core->state_dir, upload->sha256);
        struct checkpoint_row row = {held->id,      upload->key.trial, upload->key.execution,
                                     upload->epoch, upload->sha256,    upload->size};
        batch_add_file(core->group->batch, upload->path, blob);
        core_put(core, ROW_PUT, ROW_CHECKPOINT, &row);
        remember(held, upload);
        free(blob);
    } else {
        log_event(LOG_LEVEL_WARNING, "checkpoint_damaged", "file=%s", upload->path);
    }
    drop(core, upload);
    return whole;
}

bool transfer_chunk(struct core *core, struct held_study *held, const struct lease *lease,
                    const cJSON *message, const void *payload, size_t len)
{
    int64_t offset = json_integer_or(message, "offset", 0);
    struct upload *upload = find(core, lease->key);
    if (upload && (!matches(upload, lease, message) || (offset == 0 && upload->received > 0))) {
        drop(core, upload);
        upload = NULL;
    }
    if (!upload)
        upload = begin(core, lease, message, offset);
    if (!upload || upload->received != offset || (int64_t)len > upload->size - offset)
        return false;
    if (pwrite(upload->fd, payload, len, offset) != (ssize_t)len) {
        log_event(LOG_LEVEL_ERROR, "checkpoint_lost", "%s: %s", upload->path, strerror(errno));
        drop(core, upload);
        return false;
    }
    crypto_hash_sha256_update(&upload->hash, payload, len);
    upload->received += (int64_t)len;
    return upload->received < upload->size || finish(core, held, upload);
}
