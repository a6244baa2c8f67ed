// Files from workers, in chunks: appended to a file under incoming/, hashed as they come; they become a
// blob in the transaction that names it.
//
// A chunk is acknowledged once it is written, not synced: a killed coordinator finds the file again, and
// after a power failure the next chunk does not fit.

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/wire.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"
#include "coordinator/dispatch/uploads.h"

enum { CHECKPOINT_MAX = 1 << 30 };

static void drop(struct core *core, struct upload *upload)
{
    HASH_DEL(core->uploads, upload);
    if (upload->fd >= 0)
        close(upload->fd);
    free(upload->path);
    free(upload);
}

static void discard(struct core *core, struct upload *upload)
{
    unlink(upload->path);
    drop(core, upload);
}

// It cannot go on: its file goes too.
static void give_up(struct core *core, struct upload *upload, const char *why)
{
    log_event(LOG_LEVEL_WARNING, "upload_lost", "%s: %s", upload->path, why);
    discard(core, upload);
}

void uploads_reset(struct core *core)
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

static struct upload *begin(struct core *core, const struct upload_kind *kind,
                            struct held_study *held, const struct lease *lease,
                            const cJSON *message, int64_t offset)
{
    char name[64];
    int epoch = (int)json_integer_or(message, "epoch", 0);
    int64_t size = json_integer_or(message, "size", 0);
    if (size < 1 || size > kind->most(core, held, lease, epoch))
        return NULL;
    struct upload *upload = alloc_zero(1, sizeof *upload);
    upload->kind = kind;
    upload->key = lease->key;
    upload->attempt = lease->attempt;
    upload->epoch = epoch;
    upload->size = size;
    snprintf(upload->sha256, sizeof upload->sha256, "%s", json_string_or(message, "sha256", ""));
    lease_key_text(lease->key, name);
    upload->path =
        alloc_format("%s/incoming/%s.%d%s", core->state_dir, name, lease->attempt, kind->suffix);
    upload->fd = open(upload->path,
                      O_RDWR | O_CLOEXEC | O_NOFOLLOW | (offset ? 0 : O_CREAT | O_TRUNC), 0640);
    crypto_hash_sha256_init(&upload->hash);
    HASH_ADD(hh, core->uploads, key, sizeof upload->key, upload);
    if (upload->fd < 0 || !take_up(upload, offset)) {
        give_up(core, upload, upload->fd < 0 ? strerror(errno) : "its beginning is not there");
        return NULL;
    }
    return upload;
}

static bool matches(const struct upload *upload, const struct upload_kind *kind,
                    const struct lease *lease, const cJSON *message)
{
    return upload->kind == kind && upload->attempt == lease->attempt &&
           upload->epoch == json_integer_or(message, "epoch", 0) &&
           strcmp(upload->sha256, json_string_or(message, "sha256", "")) == 0;
}

// All of it is there: it becomes a blob with the next group.
static bool finish(struct core *core, struct held_study *held, struct upload *upload)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char text[2 * crypto_hash_sha256_BYTES + 1];
    struct error err = {.message = "it came damaged"};
    crypto_hash_sha256_final(&upload->hash, digest);
    sodium_bin2hex(text, sizeof text, digest, sizeof digest);
    if (strcmp(text, upload->sha256) != 0 || upload->kind->keep(core, held, upload, &err) != OK) {
        give_up(core, upload, err.message);
        return false;
    }
    char *blob = store_blob_path(core->state_dir, upload->sha256);
    batch_add_file(core->group->batch, upload->path, blob);
    free(blob);
    drop(core, upload);
    return true;
}

bool upload_chunk(struct core *core, const struct upload_kind *kind, struct held_study *held,
                  const struct lease *lease, const cJSON *message, const void *payload, size_t len)
{
    int64_t offset = json_integer_or(message, "offset", 0);
    struct upload *upload = find(core, lease->key);
    if (upload &&
        (!matches(upload, kind, lease, message) || (offset == 0 && upload->received > 0))) {
        discard(core, upload); // of an attempt that is over, or told anew from its beginning
        upload = NULL;
    }
    if (!upload)
        upload = begin(core, kind, held, lease, message, offset);
    if (!upload)
        return false;
    if (upload->received != offset || (int64_t)len > upload->size - offset) {
        give_up(core, upload, "a chunk does not fit");
        return false;
    }
    if (pwrite(upload->fd, payload, len, offset) != (ssize_t)len) {
        give_up(core, upload, strerror(errno));
        return false;
    }
    crypto_hash_sha256_update(&upload->hash, payload, len);
    upload->received += (int64_t)len;
    return upload->received < upload->size || finish(core, held, upload);
}

// ---- checkpoints

static int64_t most_of_checkpoint(struct core *core, const struct held_study *held,
                                  const struct lease *lease, int epoch)
{
    (void)core, (void)held, (void)lease, (void)epoch;
    return CHECKPOINT_MAX;
}

static enum code keep_checkpoint(struct core *core, struct held_study *held,
                                 const struct upload *upload, struct error *err)
{
    (void)err;
    struct checkpoint_row row = {held->id,      upload->key.trial, upload->key.execution,
                                 upload->epoch, upload->sha256,    upload->size};
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
    core_put(core, ROW_PUT, ROW_CHECKPOINT, &row);
    return OK;
}

const struct upload_kind upload_checkpoint = {"", most_of_checkpoint, keep_checkpoint};
