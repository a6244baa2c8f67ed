// PUT /api/v1/datasets/{name}/{file}: the bytes go to state-dir/incoming as they come, are hashed on the
// way, synced, and renamed to state-dir/blobs/<sha256>; only then does the core hear of the file.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"
#include "coordinator/store/store.h"

enum { NAME_MAX_LEN = 128, ROOM_LEFT = 64 << 20 };
static const int64_t file_max = INT64_C(64) << 30;

struct upload {
    int fd; // -1: closed
    char *path;
    int64_t size;
    crypto_hash_sha256_state hash;
    char sha256[65];
};

static bool is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t len = strlen(name);
    return len > 0 && len <= NAME_MAX_LEN && strchr(letters, name[0]) &&
           strspn(name, "._-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == len;
}

static bool check_names(struct request *request)
{
    static const char *const kinds[] = {"data set", "file"};
    for (int i = 0; i < 2; i++) {
        if (!is_name(request->arguments[i])) {
            reply_fail(request, 422, E_INVALID, "",
                       "'%.140s' is no name for a %s; use up to %d letters, digits, dots, dashes "
                       "and underscores, a letter or digit first",
                       request->arguments[i], kinds[i], NAME_MAX_LEN);
            return false;
        }
    }
    return true;
}

static bool has_room(struct request *request, int64_t size)
{
    struct statvfs fs;
    if (statvfs(request->http->state_dir, &fs) != 0)
        return true;
    if ((uint64_t)fs.f_bavail * fs.f_frsize >= (uint64_t)size + ROOM_LEFT)
        return true;
    reply_fail(request, 507, E_IO, "", "the coordinator's disk has no room for %lld bytes",
               (long long)size);
    return false;
}

static void io_failed(struct request *request, const char *what)
{
    int reason = errno;
    reply_fail(request, reason == ENOSPC ? 507 : 500, E_IO, "", "the upload cannot be %s: %s", what,
               strerror(reason));
}

static void begin(struct request *request)
{
    int64_t size = request->headers.content_length > 0 ? request->headers.content_length : 0;
    if (!check_names(request))
        return;
    if (size > file_max) {
        reply_fail(request, 0, E_LIMIT, "", "the file has %lld bytes; %lld are the most",
                   (long long)size, (long long)file_max);
        return;
    }
    if (!has_room(request, size))
        return;
    struct upload *u = calloc(1, sizeof *u);
    char *path = NULL;
    if (!u || asprintf(&path, "%s/incoming/upload-XXXXXX", request->http->state_dir) < 0) {
        free(u);
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
        return;
    }
    u->path = path;
    u->fd = mkostemp(path, O_CLOEXEC);
    crypto_hash_sha256_init(&u->hash);
    request->sink_state = u;
    if (u->fd < 0) {
        path[0] = '\0';
        io_failed(request, "begun");
    }
}

static void data(struct request *request, const char *bytes, size_t len)
{
    struct upload *u = request->sink_state;
    if (u->size > file_max - (int64_t)len) {
        reply_fail(request, 0, E_LIMIT, "", "the file has more than %lld bytes",
                   (long long)file_max);
        return;
    }
    crypto_hash_sha256_update(&u->hash, (const unsigned char *)bytes, len);
    u->size += (int64_t)len;
    while (len > 0) {
        ssize_t n = write(u->fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            io_failed(request, "stored");
            return;
        }
        bytes += n;
        len -= (size_t)n;
    }
}

static void drop(struct request *request)
{
    struct upload *u = request->sink_state;
    if (!u)
        return;
    if (u->fd >= 0)
        close(u->fd);
    if (u->path[0])
        unlink(u->path);
    free(u->path);
    free(u);
    request->sink_state = NULL;
}

const struct sink upload_sink = {begin, data, drop};

void upload_clean(const char *state_dir)
{
    char *folder = NULL;
    if (asprintf(&folder, "%s/incoming", state_dir) < 0)
        return;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
        if (strncmp(entry->d_name, "upload-", 7) == 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    free(folder);
}

static bool sync_folder(const char *blob)
{
    char *folder = strdup(blob);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    int fd = -1;
    if (slash) {
        *slash = '\0';
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    free(folder);
    return synced;
}

// Makes the blob durable under its digest.
static bool keep(struct request *request, struct upload *u)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&u->hash, digest);
    sodium_bin2hex(u->sha256, sizeof u->sha256, digest, sizeof digest);
    char *blob = store_blob_path(request->http->state_dir, u->sha256);
    if (!blob) {
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
        return false;
    }
    int fd = u->fd;
    u->fd = -1;
    bool synced = fsync(fd) == 0;
    bool kept = close(fd) == 0 && synced && rename(u->path, blob) == 0;
    if (kept)
        u->path[0] = '\0';
    kept = kept && sync_folder(blob);
    if (!kept)
        io_failed(request, "kept");
    free(blob);
    return kept;
}

void upload_handle(struct request *request)
{
    struct upload *u = request->sink_state;
    if (!keep(request, u))
        return;
    cJSON *body = cJSON_CreateObject();
    if (!body || !cJSON_AddStringToObject(body, "file", request->arguments[1]) ||
        !cJSON_AddStringToObject(body, "sha256", u->sha256) ||
        !cJSON_AddNumberToObject(body, "size", (double)u->size)) {
        cJSON_Delete(body);
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
        return;
    }
    request_command(request, COMMAND_ADD_DATASET_FILE, 0, body);
}

void upload_answered(struct request *request)
{
    struct upload *u = request->sink_state;
    struct buf out;
    buf_init(&out, 4096);
    buf_put(&out, "{\"file\":");
    buf_json_string(&out, request->arguments[1]);
    buf_printf(&out, ",\"sha256\":\"%s\",\"size\":%lld}", u->sha256, (long long)u->size);
    reply_text(request, request->answer->status, &out);
    buf_fini(&out);
}
