// Zip archives as numpy.savez writes them: stored or deflated members, zip64 sizes, no encryption, no
// parts. The central directory is what counts; members are read as inputs (input.h), their CRC checked.
#ifndef TUNERD_COMMON_DATA_ZIP_H
#define TUNERD_COMMON_DATA_ZIP_H

#include "common/data/input.h"

enum { ZIP_MEMBERS_MAX = 64, ZIP_NAME_MAX = 128 };

struct zip_member {
    char name[ZIP_NAME_MAX];
    int64_t header; // offset of the local header
    int64_t packed, size;
    uint32_t crc;
    bool deflated;
};

struct zip {
    const char *name; // borrowed
    int fd;
    int64_t size;
    int count;
    struct zip_member members[ZIP_MEMBERS_MAX];
};

// E_NOT_FOUND, E_IO, E_INVALID (not a zip archive, damaged), E_LIMIT.
enum code zip_open(struct zip *zip, const char *path, const char *name, struct error *err);
void zip_close(struct zip *zip);
// The zip must stay open as long as the input.
enum code zip_open_member(struct zip *zip, int index, struct input *input, struct error *err);

#endif
