// Reading with a limit on everything: see input.h. zlib's gzip functions read plain files as they are,
// so only members of a zip archive (zip.c) need another reader.

#include "common/data/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { FIRST_BLOCK = 1 << 20, READ_MAX = 1 << 30 };

static enum code gzip_read(struct input *input, void *out, size_t size, size_t *got,
                           struct error *err)
{
    gzFile gz = input->state;
    size_t done = 0;

    while (done < size) {
        unsigned want = size - done < READ_MAX ? (unsigned)(size - done) : READ_MAX;
        int n = gzread(gz, (char *)out + done, want);
        int fault = Z_OK;
        const char *text = gzerror(gz, &fault);
        if (n < 0 || (fault != Z_OK && fault != Z_STREAM_END))
            return fail(err, E_INVALID, "",
                        "%s: the gzip data is damaged or cut off near byte %lld"
                        " (%s)",
                        input->name, (long long)(input->offset + (int64_t)done),
                        fault == Z_ERRNO ? strerror(errno) : text);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *got = done;
    return OK;
}

static void gzip_close(struct input *input)
{
    gzclose(input->state);
}

enum code input_open(struct input *input, const char *path, const char *name, struct error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return fail(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "", "%s: %s", name, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return fail(err, E_INVALID, "", "%s is not a regular file", name);
    }
    gzFile gz = gzdopen(fd, "rb");
    if (!gz) {
        close(fd);
        return fail(err, E_MEMORY, "", "out of memory reading %s", name);
    }
    gzbuffer(gz, 1 << 18);
    *input = (struct input){
        .name = name, .packed = st.st_size, .read = gzip_read, .close = gzip_close, .state = gz};
    return OK;
}

void input_close(struct input *input)
{
    if (input->close)
        input->close(input);
    *input = (struct input){0};
}

enum code input_read(struct input *input, void *out, size_t size, size_t *got, struct error *err)
{
    enum code code = input->read(input, out, size, got, err);
    if (code)
        return code;
    input->offset += (int64_t)*got;
    if (input->offset > INPUT_BYTES_MAX)
        return fail(err, E_LIMIT, "", "%s is larger than %lld bytes unpacked", input->name,
                    (long long)INPUT_BYTES_MAX);
    if (input->offset > FIRST_BLOCK * 64LL && input->offset / INPUT_RATIO_MAX > input->packed)
        return fail(err, E_LIMIT, "",
                    "%s unpacks to more than %d times its size; store it unpacked "
                    "if it is meant to be so",
                    input->name, INPUT_RATIO_MAX);
    return OK;
}

enum code input_take(struct input *input, void *out, size_t size, const char *what,
                     struct error *err)
{
    int64_t start = input->offset;
    size_t got = 0;
    enum code code = input_read(input, out, size, &got, err);

    if (code)
        return code;
    if (got < size)
        return fail(err, E_INVALID, "",
                    "%s ends at byte %lld, in the middle of the %s (%zu bytes "
                    "from byte %lld)",
                    input->name, (long long)input->offset, what, size, (long long)start);
    return OK;
}

// Grows *block so that `size` bytes are used up to at most `limit`; all but the last growth double.
static bool grow(char **block, size_t *capacity, size_t limit)
{
    size_t next = *capacity ? *capacity * 2 : FIRST_BLOCK;
    if (next > limit)
        next = limit;
    char *more = realloc(*block, next ? next : 1);
    if (!more)
        return false;
    *block = more;
    *capacity = next;
    return true;
}

enum code input_take_block(struct input *input, int64_t size, const char *what, void **out,
                           struct error *err)
{
    char *block = NULL;
    size_t capacity = 0, used = 0;

    if (size < 0 || size > INPUT_BYTES_MAX)
        return fail(err, E_LIMIT, "", "%s: its header claims %s of %lld bytes; the limit is %lld",
                    input->name, what, (long long)size, (long long)INPUT_BYTES_MAX);
    do {
        if (!grow(&block, &capacity, (size_t)size)) {
            free(block);
            return fail(err, E_MEMORY, "", "out of memory reading %s", input->name);
        }
        enum code code = input_take(input, block + used, capacity - used, what, err);
        if (code) {
            free(block);
            return code;
        }
        used = capacity;
    } while (used < (size_t)size);
    *out = block;
    return OK;
}

enum code input_take_rest(struct input *input, int64_t limit, char **out, int64_t *size,
                          struct error *err)
{
    char *block = NULL;
    size_t capacity = 0, used = 0, got = 0;
    enum code code = OK;

    do {
        if (used == capacity && !grow(&block, &capacity, (size_t)limit + 1)) {
            code = fail(err, E_MEMORY, "", "out of memory reading %s", input->name);
            break;
        }
        code = input_read(input, block + used, capacity - used, &got, err);
        used += code ? 0 : got;
        if (!code && used > (size_t)limit)
            code = fail(err, E_LIMIT, "", "%s is larger than %lld bytes", input->name,
                        (long long)limit);
    } while (!code && used == capacity);
    if (code) {
        free(block);
        return code;
    }
    block[used] = '\0';
    *out = block;
    *size = (int64_t)used;
    return OK;
}

enum code input_expect_end(struct input *input, struct error *err)
{
    char byte;
    size_t got = 0;
    enum code code = input_read(input, &byte, 1, &got, err);

    if (code)
        return code;
    if (got)
        return fail(err, E_INVALID, "", "%s: more data than its header says, from byte %lld",
                    input->name, (long long)input->offset - 1);
    return OK;
}
