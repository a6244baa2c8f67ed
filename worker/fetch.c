// Chunks come in the order asked (one connection, one coordinator), so a file is a write position and a
// running hash; a chunk for another position is a repeat and is dropped.
#include "worker/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

enum { AHEAD = 4 * WIRE_CHUNK, SYNC_STEP = 8 << 20 };

struct fetch {
    struct fetch *next;
    char sha256[65];
    int64_t size;
    int64_t have;  // bytes written
    int64_t asked; // bytes asked for
    int64_t synced;
    double moved; // when a chunk last came or was asked for
    int fd;       // in tmp/
    bool wanted;  // since the last sweep
    crypto_hash_sha256_state hash;
    struct error err; // code is not OK: failed
};

void fetches_init(struct fetches *fetches, const struct cache *cache)
{
    *fetches = (struct fetches){.cache = cache};
}

static void drop(struct fetches *fetches, struct fetch **at)
{
    struct fetch *fetch = *at;
    *at = fetch->next;
    if (fetch->fd >= 0) {
        close(fetch->fd);
        char *path = cache_path(fetches->cache, CACHE_TMP, fetch->sha256);
        if (path != NULL)
            unlink(path);
        free(path);
    }
    free(fetch);
}

void fetches_fini(struct fetches *fetches)
{
    while (fetches->first != NULL)
        drop(fetches, &fetches->first);
}

static struct fetch **find(struct fetches *fetches, const char *sha256)
{
    struct fetch **at = &fetches->first;
    while (*at != NULL && strcmp((*at)->sha256, sha256) != 0)
        at = &(*at)->next;
    return at;
}

static enum code begin(struct fetches *fetches, const char *sha256, int64_t size, struct error *err)
{
    if (size > fetches->cache->limit)
        return fail(err, E_LIMIT, "",
                    "the file is of %lld bytes, the worker's cache of %lld; raise --cache-size",
                    (long long)size, (long long)fetches->cache->limit);
    if (size <= 0)
        return fail(err, E_INVALID, "", "a file of the data set is empty");
    struct fetch *fetch = calloc(1, sizeof *fetch);
    char *path = cache_path(fetches->cache, CACHE_TMP, sha256);
    enum code code = OK;
    if (fetch == NULL || path == NULL) {
        code = fail(err, E_MEMORY, "", "out of memory");
    } else if ((fetch->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) < 0) {
        code = fail(err, E_DISK, "", "cannot create %.200s: %s", path, strerror(errno));
    } else {
        snprintf(fetch->sha256, sizeof fetch->sha256, "%s", sha256);
        fetch->size = size;
        fetch->moved = -INFINITY;
        crypto_hash_sha256_init(&fetch->hash);
        fetch->next = fetches->first;
        fetches->first = fetch;
        fetch = NULL;
    }
    free(fetch);
    free(path);
    return code;
}

enum fetch_state fetches_want(struct fetches *fetches, const char *sha256, int64_t size,
                              struct error *err)
{
    if (cache_has(fetches->cache, CACHE_BLOBS, sha256, size))
        return FETCH_READY;
    struct fetch **at = find(fetches, sha256);
    if (*at == NULL) {
        if (begin(fetches, sha256, size, err) != OK)
            return FETCH_FAILED;
        at = find(fetches, sha256);
    }
    (*at)->wanted = true;
    if ((*at)->err.code == OK)
        return FETCH_BUSY;
    if (err != NULL)
        *err = (*at)->err;
    drop(fetches, at);
    return FETCH_FAILED;
}

static enum code store(struct fetch *fetch, const void *payload, size_t len)
{
    if (len == 0 || (int64_t)len > fetch->size - fetch->have)
        return fail(&fetch->err, E_PROTOCOL, "",
                    "the coordinator sent a chunk of %zu bytes at "
                    "%lld of %lld of a file",
                    len, (long long)fetch->have, (long long)fetch->size);
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fetch->fd, (const char *)payload + done, len - done,
                           fetch->have + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(&fetch->err, E_DISK, "", "%s", strerror(errno));
        done += (size_t)n;
    }
    crypto_hash_sha256_update(&fetch->hash, payload, len);
    fetch->have += (int64_t)len;
    // Written out as it comes, so that the fsync at the end does not hold up the heartbeat.
    if (fetch->have - fetch->synced >= SYNC_STEP) {
        sync_file_range(fetch->fd, fetch->synced, fetch->have - fetch->synced,
                        SYNC_FILE_RANGE_WRITE);
        fetch->synced = fetch->have;
    }
    return OK;
}

static enum code finish(struct fetches *fetches, struct fetch *fetch)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[65];
    crypto_hash_sha256_final(&fetch->hash, digest);
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    if (strcmp(hex, fetch->sha256) != 0)
        return fail(&fetch->err, E_INVALID, "",
                    "a fetched file has the SHA-256 %.12s… instead of %.12s…", hex, fetch->sha256);
    if (fsync(fetch->fd) != 0)
        return fail(&fetch->err, E_DISK, "", "cannot sync: %s", strerror(errno));
    return cache_keep(fetches->cache, fetch->sha256, CACHE_BLOBS, &fetch->err);
}

bool fetches_take(struct fetches *fetches, const cJSON *header, const void *payload, size_t len,
                  double now)
{
    struct fetch **at = find(fetches, json_string_or(header, "sha256", ""));
    struct fetch *fetch = *at;
    if (fetch == NULL || fetch->err.code != OK)
        return false;
    const char *error = json_string_or(header, "error", NULL);
    if (error != NULL) {
        fail(&fetch->err, E_NOT_FOUND, "", "the coordinator cannot give a file: %.300s", error);
        return true;
    }
    if (json_integer_or(header, "offset", -1) != fetch->have)
        return false;
    if (json_integer_or(header, "size", -1) != fetch->size) {
        fail(&fetch->err, E_PROTOCOL, "", "a file is of another size than the job says");
        return true;
    }
    fetch->moved = now;
    if (store(fetch, payload, len) != OK)
        return true;
    if (fetch->have < fetch->size)
        return false;
    if (finish(fetches, fetch) == OK) {
        log_event(LOG_LEVEL_INFO, "file_fetched", "sha256=%.12s size=%lld", fetch->sha256,
                  (long long)fetch->size);
        close(fetch->fd);
        fetch->fd = -1;
        drop(fetches, at);
        cache_evict(fetches->cache);
    }
    return true;
}

static bool ask(struct link *link, const struct fetch *fetch)
{
    cJSON *message = wire_message("fetch");
    cJSON_AddStringToObject(message, "sha256", fetch->sha256);
    cJSON_AddNumberToObject(message, "offset", (double)fetch->asked);
    return link_send(link, message, "", 0);
}

void fetches_step(struct fetches *fetches, struct link *link, double now, double patience_s)
{
    for (struct fetch *fetch = fetches->first; fetch != NULL; fetch = fetch->next) {
        if (fetch->err.code != OK)
            continue;
        if (now - fetch->moved > patience_s)
            fetch->asked = fetch->have;
        while (fetch->asked < fetch->size && fetch->asked - fetch->have < AHEAD &&
               ask(link, fetch)) {
            if (fetch->asked == fetch->have)
                fetch->moved = now;
            fetch->asked += WIRE_CHUNK;
        }
    }
}

void fetches_restart(struct fetches *fetches)
{
    for (struct fetch *fetch = fetches->first; fetch != NULL; fetch = fetch->next)
        fetch->asked = fetch->have;
}

void fetches_sweep(struct fetches *fetches)
{
    for (struct fetch **at = &fetches->first; *at != NULL;)
        if ((*at)->wanted) {
            (*at)->wanted = false;
            at = &(*at)->next;
        } else {
            drop(fetches, at);
        }
}

double fetches_due(const struct fetches *fetches, double patience_s)
{
    double due = INFINITY;
    for (const struct fetch *fetch = fetches->first; fetch != NULL; fetch = fetch->next)
        if (fetch->err.code == OK && fetch->moved + patience_s < due)
            due = fetch->moved + patience_s;
    return due;
}
