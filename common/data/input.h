// Bytes of an untrusted file, read forwards: a plain file, a gzip file, or a member of a zip archive
// look the same to a reader. Nothing is allocated for a size that a header merely claims.
#ifndef TUNERD_COMMON_DATA_INPUT_H
#define TUNERD_COMMON_DATA_INPUT_H

#include <stdint.h>
#include <stdio.h>

#include "common/error.h"

// No data set is larger than this once unpacked; a packed one grows at most INPUT_RATIO_MAX-fold.
#define INPUT_BYTES_MAX ((int64_t)1 << 33)
enum { INPUT_RATIO_MAX = 250 };

struct input {
    const char *name; // for messages, borrowed
    int64_t offset;   // unpacked bytes read so far
    int64_t packed;   // size of what is read from, packed
    enum code (*read)(struct input *input, void *out, size_t size, size_t *got, struct error *err);
    void (*close)(struct input *input);
    void *state;
};

// Opens a regular file, gzip or not (by its first bytes). E_NOT_FOUND, E_IO, E_INVALID.
enum code input_open(struct input *input, const char *path, const char *name, struct error *err);
void input_close(struct input *input);

// Reads `size` bytes; *got is smaller only at the end. E_INVALID for damaged data, E_LIMIT for an
// archive that explodes.
enum code input_read(struct input *input, void *out, size_t size, size_t *got, struct error *err);
// Exactly `size` bytes: E_INVALID when the file ends before. `what` goes into the message.
enum code input_take(struct input *input, void *out, size_t size, const char *what,
                     struct error *err);
// Exactly `size` bytes into a new block, which grows with what really comes.
enum code input_take_block(struct input *input, int64_t size, const char *what, void **out,
                           struct error *err);
// All the rest, at most `limit` bytes, with a NUL behind it.
enum code input_take_rest(struct input *input, int64_t limit, char **out, int64_t *size,
                          struct error *err);
// E_INVALID when there is more.
enum code input_expect_end(struct input *input, struct error *err);

#endif
