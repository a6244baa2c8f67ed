// Files named by the SHA-256 of what they hold.
#ifndef TUNERD_WORKER_BLOB_H
#define TUNERD_WORKER_BLOB_H

#include "common/error.h"

// Writes bytes to `folder`/SHA256 (temporary file, fsync, rename) and gives the digest. E_DISK.
enum code blob_write(const char *folder, const unsigned char *bytes, size_t len, char sha256[65],
                     struct error *err);
// Reads a whole file, malloc'ed. E_IO, E_MEMORY.
enum code blob_read(const char *path, unsigned char **bytes, size_t *len, struct error *err);

#endif
