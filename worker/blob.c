#include "worker/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const unsigned char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return synced;
}

// The temporary file's name starts with a dot and ends with our pid: never a digest.
static enum code write_as(const char *folder, const char *name, const unsigned char *bytes,
                          size_t len, struct error *err)
{
    char *path = NULL, *temporary = NULL;
    enum code code = OK;
    int fd = -1;
    if (asprintf(&path, "%s/%s", folder, name) < 0 ||
        asprintf(&temporary, "%s/.%s.%d", folder, name, (int)getpid()) < 0) {
        code = fail(err, E_MEMORY, "", "out of memory");
        goto end;
    }
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || !write_all(fd, bytes, len) || fsync(fd) != 0 || rename(temporary, path) != 0 ||
        !sync_folder(folder)) {
        code = fail(err, E_DISK, "", "cannot write %.200s: %s", path, strerror(errno));
        unlink(temporary);
    }
end:
    if (fd >= 0)
        close(fd);
    free(path);
    free(temporary);
    return code;
}

enum code blob_write(const char *folder, const unsigned char *bytes, size_t len, char sha256[65],
                     struct error *err)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, bytes, len);
    sodium_bin2hex(sha256, 65, digest, sizeof digest);
    return write_as(folder, sha256, bytes, len, err);
}

static bool read_all(int fd, unsigned char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = read(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

enum code blob_read(const char *path, unsigned char **bytes, size_t *len, struct error *err)
{
    struct stat status;
    enum code code = OK;
    unsigned char *buffer = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        code = fail(err, E_IO, "", "cannot open %.200s: %s", path, strerror(errno));
    } else if ((buffer = malloc((size_t)status.st_size + 1)) == NULL) {
        code = fail(err, E_MEMORY, "", "out of memory for %lld bytes", (long long)status.st_size);
    } else if (!read_all(fd, buffer, (size_t)status.st_size)) {
        code = fail(err, E_IO, "", "cannot read %.200s: %s", path, strerror(errno));
        free(buffer);
    } else {
        *bytes = buffer;
        *len = (size_t)status.st_size;
    }
    if (fd >= 0)
        close(fd);
    return code;
}
