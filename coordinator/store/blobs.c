// Blobs: files named by their SHA-256. Rows of checkpoints, models and dataset_files keep them alive.

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "coordinator/alloc.h"
#include "coordinator/store/blobs.h"
#include "coordinator/store/store.h"

enum {
    YOUNG_S = 600, // an upload places its file before the row that names it
    STALE_S = 86400,
};

bool store_is_sha256(const char *text)
{
    return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

char *store_blob_path(const char *state_dir, const char *sha256)
{
    return alloc_format("%s/blobs/%s", state_dir, sha256);
}

static bool is_named(sqlite3_stmt *names, const char *file)
{
    sqlite3_bind_text(names, 1, file, -1, SQLITE_STATIC);
    int rc = sqlite3_step(names);
    sqlite3_reset(names);
    return rc != SQLITE_DONE; // on an error the file stays
}

static bool is_old(int folder, const char *file, time_t age_s)
{
    struct stat info;
    return fstatat(folder, file, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
           time(NULL) - info.st_mtime > age_s;
}

// Files that were still arriving a day ago never will: their sender is gone.
static void drop_stale_arrivals(const char *state_dir)
{
    char *path = alloc_format("%s/incoming", state_dir);
    DIR *folder = opendir(path);
    free(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.' && is_old(dirfd(folder), entry->d_name, STALE_S))
            unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
}

int blobs_collect(sqlite3 *db, const char *state_dir)
{
    sqlite3_stmt *names = NULL;
    int removed = 0;
    drop_stale_arrivals(state_dir);
    if (sqlite3_prepare_v2(db,
                           "SELECT 1 FROM checkpoints WHERE sha256 = ?1 UNION ALL "
                           "SELECT 1 FROM models WHERE sha256 = ?1 UNION ALL "
                           "SELECT 1 FROM dataset_files WHERE sha256 = ?1 LIMIT 1",
                           -1, &names, NULL) != SQLITE_OK)
        return 0;
    char *path = alloc_format("%s/blobs", state_dir);
    DIR *folder = opendir(path);
    free(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.' && is_old(dirfd(folder), entry->d_name, YOUNG_S) &&
            !is_named(names, entry->d_name) && unlinkat(dirfd(folder), entry->d_name, 0) == 0)
            removed++;
    if (folder)
        closedir(folder);
    sqlite3_finalize(names);
    return removed;
}
