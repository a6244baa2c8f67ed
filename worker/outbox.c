// A list of entries, each covering one number or, for a file, one a chunk.
#include "worker/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct outbox_entry {
    struct outbox_entry *next;
    int first, count; // numbers it covers
    char *header;     // of a single message
    size_t header_len;
    const char *type; // of a file, from here on
    int fd;           // else -1
    int64_t offset, size;
    int epoch;
    char sha256[65];
};

void outbox_init(struct outbox *outbox, const char *lease, int attempt)
{
    *outbox = (struct outbox){.attempt = attempt};
    snprintf(outbox->lease, sizeof outbox->lease, "%s", lease);
    outbox->end = &outbox->first;
}

static void drop_first(struct outbox *outbox)
{
    struct outbox_entry *entry = outbox->first;
    outbox->first = entry->next;
    if (outbox->first == NULL)
        outbox->end = &outbox->first;
    if (entry->fd >= 0)
        close(entry->fd);
    free(entry->header);
    free(entry);
}

void outbox_fini(struct outbox *outbox)
{
    while (outbox->first != NULL)
        drop_first(outbox);
}

static void append(struct outbox *outbox, struct outbox_entry *entry, int count)
{
    entry->first = outbox->last + 1;
    entry->count = count;
    outbox->last += count;
    *outbox->end = entry;
    outbox->end = &entry->next;
}

static bool number(const struct outbox *outbox, cJSON *message, int seq)
{
    return cJSON_AddStringToObject(message, "lease", outbox->lease) != NULL &&
           cJSON_AddNumberToObject(message, "attempt", outbox->attempt) != NULL &&
           cJSON_AddNumberToObject(message, "seq", seq) != NULL;
}

enum code outbox_add(struct outbox *outbox, cJSON *message, struct error *err)
{
    if (message == NULL || !number(outbox, message, outbox->last + 1)) {
        cJSON_Delete(message);
        return fail(err, E_MEMORY, "", "out of memory");
    }
    size_t len;
    char *header = wire_encode(message, &len);
    if (header == NULL)
        return fail(err, E_LIMIT, "", "a message is above %d bytes", WIRE_HEADER_MAX);
    cJSON *checked = wire_decode(header, len, err);
    struct outbox_entry *entry = checked ? calloc(1, sizeof *entry) : NULL;
    if (entry == NULL) {
        free(header);
        cJSON_Delete(checked);
        return checked ? fail(err, E_MEMORY, "", "out of memory") : E_PROTOCOL;
    }
    cJSON_Delete(checked);
    entry->fd = -1;
    entry->header = header;
    entry->header_len = len;
    append(outbox, entry, 1);
    return OK;
}

enum code outbox_add_file(struct outbox *outbox, const struct outbox_file *file, struct error *err)
{
    int64_t chunks = file->size / WIRE_CHUNK + (file->size % WIRE_CHUNK != 0);
    bool fits = file->size > 0 && chunks <= INT32_MAX / 2 - outbox->last;
    struct outbox_entry *entry = fits ? calloc(1, sizeof *entry) : NULL;
    if (entry == NULL) {
        close(file->fd);
        return fits ? fail(err, E_MEMORY, "", "out of memory")
                    : fail(err, E_LIMIT, "", "a %s of %lld bytes cannot be sent", file->type,
                           (long long)file->size);
    }
    *entry = (struct outbox_entry){.type = file->type,
                                   .fd = file->fd,
                                   .offset = file->offset,
                                   .size = file->size,
                                   .epoch = file->epoch};
    snprintf(entry->sha256, sizeof entry->sha256, "%s", file->sha256);
    append(outbox, entry, (int)chunks);
    return OK;
}

static bool read_chunk(int fd, int64_t offset, size_t len, unsigned char *payload)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd, payload + done, len - done, offset + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool next_chunk(const struct outbox *outbox, const struct outbox_entry *entry, int seq,
                       struct outbox_message *out, unsigned char *payload)
{
    int64_t offset = (int64_t)(seq - entry->first) * WIRE_CHUNK;
    int64_t left = entry->size - offset;
    size_t len = left > WIRE_CHUNK ? WIRE_CHUNK : (size_t)left;
    cJSON *message = wire_message(entry->type);
    if (message == NULL || !read_chunk(entry->fd, entry->offset + offset, len, payload) ||
        !number(outbox, message, seq) ||
        cJSON_AddNumberToObject(message, "epoch", entry->epoch) == NULL ||
        cJSON_AddStringToObject(message, "sha256", entry->sha256) == NULL ||
        cJSON_AddNumberToObject(message, "size", (double)entry->size) == NULL ||
        cJSON_AddNumberToObject(message, "offset", (double)offset) == NULL) {
        cJSON_Delete(message);
        return false;
    }
    out->header = wire_encode(message, &out->header_len);
    out->payload_len = len;
    return out->header != NULL;
}

bool outbox_next(const struct outbox *outbox, struct outbox_message *out, unsigned char *payload)
{
    if (outbox->sent >= outbox->last || outbox->sent - outbox->acked >= OUTBOX_WINDOW)
        return false;
    int seq = outbox->sent + 1;
    const struct outbox_entry *entry = outbox->first;
    while (entry != NULL && entry->first + entry->count <= seq)
        entry = entry->next;
    if (entry == NULL)
        return false;
    if (entry->fd >= 0)
        return next_chunk(outbox, entry, seq, out, payload);
    out->header = strdup(entry->header);
    out->header_len = entry->header_len;
    out->payload_len = 0;
    return out->header != NULL;
}

void outbox_sent(struct outbox *outbox)
{
    outbox->sent++;
}

void outbox_ack(struct outbox *outbox, int seq)
{
    if (seq > outbox->last)
        seq = outbox->last;
    if (seq <= outbox->acked)
        return;
    outbox->acked = seq;
    if (outbox->sent < seq)
        outbox->sent = seq;
    while (outbox->first != NULL && outbox->first->first + outbox->first->count - 1 <= seq)
        drop_first(outbox);
}

void outbox_rewind(struct outbox *outbox)
{
    outbox->sent = outbox->acked;
}

bool outbox_empty(const struct outbox *outbox)
{
    return outbox->acked == outbox->last;
}
