// "Used" is the file's modification time, which cache_has() sets: it is shared between daemons without
// any index of our own. A file that is deleted while it is mapped or open stays with whoever has it.
#include "worker/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/json.h"

enum { SPARED_S = 60 };

static const char *const rooms[] = {"blobs", "prepared", "tmp"};

static char *join(const char *dir, const char *room, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s%s%s", dir, room, *name ? "/" : "", name) < 0 ? NULL : path;
}

static enum code make_folder(const char *path, struct error *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail(err, E_IO, "", "cannot create the folder %.200s: %s", path, strerror(errno));
    return OK;
}

// The folder itself with its parents, as mkdir -p.
static enum code make_folders(const char *dir, struct error *err)
{
    char *path = strdup(dir);
    if (path == NULL)
        return fail(err, E_MEMORY, "", "out of memory");
    enum code code = OK;
    for (char *slash = strchr(path + 1, '/'); code == OK && slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        code = make_folder(path, err);
        *slash = '/';
    }
    if (code == OK)
        code = make_folder(path, err);
    free(path);
    static const char *const folders[] = {"blobs", "prepared", "tmp", "workers"};
    for (size_t i = 0; code == OK && i < sizeof folders / sizeof *folders; i++) {
        char *folder = join(dir, folders[i], "");
        code = folder ? make_folder(folder, err) : fail(err, E_MEMORY, "", "out of memory");
        free(folder);
    }
    return code;
}

// The id: random once, then for ever in the name's file.
static enum code read_id(struct cache *cache, struct error *err)
{
    static const char allowed[] = "0123456789abcdefw-";
    char text[80] = "";
    ssize_t len = pread(cache->lock, text, sizeof text - 1, 0);
    if (len < 0)
        return fail(err, E_IO, "", "cannot read the worker's id: %s", strerror(errno));
    size_t valid = strspn(text, allowed);
    if (valid >= 8 && valid <= 64 && text[valid] == '\n') {
        snprintf(cache->worker_id, sizeof cache->worker_id, "%.*s", (int)valid, text);
        return OK;
    }
    unsigned char bytes[16];
    char hex[2 * sizeof bytes + 1];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
    snprintf(cache->worker_id, sizeof cache->worker_id, "w-%s", hex);
    len = snprintf(text, sizeof text, "%s\n", cache->worker_id);
    if (ftruncate(cache->lock, 0) != 0 || pwrite(cache->lock, text, (size_t)len, 0) != len ||
        fsync(cache->lock) != 0)
        return fail(err, E_IO, "", "cannot write the worker's id: %s", strerror(errno));
    return OK;
}

// It is a file's name here and a text of the protocol.
static bool is_name(const char *name)
{
    size_t left = strlen(name), len;
    if (left == 0 || left > 200 || name[0] == '.')
        return false;
    for (; left > 0; name += len, left -= len) {
        len = json_utf8(name, left);
        if (len == 0 || (unsigned char)*name < 0x20 || *name == 0x7F || *name == '/')
            return false;
    }
    return true;
}

static enum code take_name(struct cache *cache, const char *name, struct error *err)
{
    if (!is_name(name))
        return fail(err, E_INVALID, "", "the worker's name \"%.64s\" cannot name a file", name);
    char *path = join(cache->dir, "workers", name);
    if (path == NULL)
        return fail(err, E_MEMORY, "", "out of memory");
    cache->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    enum code code = OK;
    if (cache->lock < 0)
        code = fail(err, E_IO, "", "cannot open %.200s: %s", path, strerror(errno));
    else if (flock(cache->lock, LOCK_EX | LOCK_NB) != 0)
        code = fail(err, E_CONFLICT, "",
                    "another worker named \"%.64s\" already runs on the cache folder %.200s; give "
                    "this one another --name or --cache-dir",
                    name, cache->dir);
    else
        code = read_id(cache, err);
    free(path);
    return code;
}

// What was left half written: in tmp/ this worker's own files, elsewhere whatever is no entry and old.
static void clear_leftovers(const struct cache *cache, enum cache_room room)
{
    enum { OLD_S = 3600 };
    char *folder = join(cache->dir, rooms[room], "");
    DIR *dir = folder ? opendir(folder) : NULL;
    size_t len = strlen(cache->worker_id);
    time_t now = time(NULL);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        const char *name = entry->d_name;
        struct stat status;
        bool ours = room == CACHE_TMP && strncmp(name, cache->worker_id, len) == 0;
        bool partial = strspn(name, "0123456789abcdef") != 64 || name[64] != '\0';
        if (ours || (partial && fstatat(dirfd(dir), name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                     S_ISREG(status.st_mode) && status.st_mtime + OLD_S < now))
            unlinkat(dirfd(dir), name, 0);
    }
    if (dir != NULL)
        closedir(dir);
    free(folder);
}

enum code cache_open(struct cache *cache, const char *dir, const char *name, int64_t limit,
                     struct error *err)
{
    *cache = (struct cache){.limit = limit, .lock = -1};
    if (sodium_init() < 0)
        return fail(err, E_INTERNAL, "", "cannot initialise libsodium");
    cache->dir = strdup(dir);
    enum code code = cache->dir ? make_folders(dir, err) : fail(err, E_MEMORY, "", "out of memory");
    if (code == OK)
        code = take_name(cache, name, err);
    for (int room = CACHE_BLOBS; code == OK && room <= CACHE_TMP; room++)
        clear_leftovers(cache, (enum cache_room)room);
    if (code != OK)
        cache_close(cache);
    return code;
}

void cache_close(struct cache *cache)
{
    if (cache->lock >= 0)
        close(cache->lock);
    free(cache->dir);
    *cache = (struct cache){.lock = -1};
}

char *cache_path(const struct cache *cache, enum cache_room room, const char *key)
{
    if (room != CACHE_TMP)
        return join(cache->dir, rooms[room], key);
    char name[160];
    snprintf(name, sizeof name, "%s.%s", cache->worker_id, key);
    return join(cache->dir, rooms[room], name);
}

bool cache_has(const struct cache *cache, enum cache_room room, const char *key, int64_t size)
{
    char *path = cache_path(cache, room, key);
    struct stat status;
    bool there = path != NULL && stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
                 (size < 0 || status.st_size == size);
    if (there && status.st_mtime + SPARED_S / 2 < time(NULL))
        utimensat(AT_FDCWD, path, NULL, 0);
    free(path);
    return there;
}

static enum code sync_folder(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    int failure = errno;
    if (fd >= 0)
        close(fd);
    return synced ? OK : fail(err, E_DISK, "", "cannot sync %.200s: %s", path, strerror(failure));
}

enum code cache_keep(const struct cache *cache, const char *key, enum cache_room room,
                     struct error *err)
{
    char *from = cache_path(cache, CACHE_TMP, key), *to = cache_path(cache, room, key);
    char *folder = join(cache->dir, rooms[room], "");
    enum code code = OK;
    if (from == NULL || to == NULL || folder == NULL)
        code = fail(err, E_MEMORY, "", "out of memory");
    else if (rename(from, to) != 0)
        code = fail(err, E_DISK, "", "cannot move a file to %.200s: %s", to, strerror(errno));
    else
        code = sync_folder(folder, err);
    free(from);
    free(to);
    free(folder);
    return code;
}

enum code cache_try(const struct cache *cache, int64_t bytes)
{
    char *path = cache_path(cache, CACHE_TMP, "probe");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    bool good = fd >= 0 && posix_fallocate(fd, 0, bytes) == 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    free(path);
    return good ? OK : E_DISK;
}

struct entry {
    char *path;
    int64_t size;
    time_t used;
};

struct listing {
    struct entry *entries;
    size_t count, capacity;
    int64_t total;
};

static void list_room(const struct cache *cache, enum cache_room room, struct listing *listing)
{
    char *folder = join(cache->dir, rooms[room], "");
    DIR *dir = folder ? opendir(folder) : NULL;
    for (struct dirent *found; dir != NULL && (found = readdir(dir)) != NULL;) {
        struct stat status;
        if (fstatat(dirfd(dir), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        if (listing->count == listing->capacity) {
            size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
            struct entry *more = realloc(listing->entries, capacity * sizeof *more);
            if (more == NULL)
                break;
            listing->entries = more;
            listing->capacity = capacity;
        }
        char *path = join(folder, found->d_name, "");
        if (path == NULL)
            break;
        listing->total += status.st_size;
        listing->entries[listing->count++] = (struct entry){path, status.st_size, status.st_mtime};
    }
    if (dir != NULL)
        closedir(dir);
    free(folder);
}

static int by_use(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return (x->used > y->used) - (x->used < y->used);
}

static void list_all(const struct cache *cache, struct listing *listing)
{
    *listing = (struct listing){.entries = NULL};
    list_room(cache, CACHE_BLOBS, listing);
    list_room(cache, CACHE_PREPARED, listing);
}

// Until they take at most `most` bytes. Frees the listing.
static void evict(struct listing listing, int64_t most)
{
    if (listing.entries != NULL && listing.total > most)
        qsort(listing.entries, listing.count, sizeof *listing.entries, by_use);
    time_t now = time(NULL);
    for (size_t i = 0; listing.entries != NULL && i < listing.count; i++) {
        struct entry *entry = &listing.entries[i];
        if (listing.total > most && entry->used + SPARED_S < now && unlink(entry->path) == 0)
            listing.total -= entry->size;
        free(entry->path);
    }
    free(listing.entries);
}

void cache_evict(const struct cache *cache)
{
    struct listing listing;
    list_all(cache, &listing);
    evict(listing, cache->limit);
}

void cache_make_room(const struct cache *cache, int64_t bytes)
{
    struct listing listing;
    list_all(cache, &listing);
    evict(listing, listing.total > bytes ? listing.total - bytes : 0);
}
