// See zip.h; the format is PKWARE's APPNOTE 6.3, sections 4.3 and 4.5.3.

#include "common/data/zip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    END_SIZE = 22,
    ENTRY_SIZE = 46,
    LOCAL_SIZE = 30,
    COMMENT_MAX = 65535,
    DIRECTORY_MAX = 1 << 20,
    CHUNK = 1 << 16,
};

static uint32_t le16(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const unsigned char *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static int64_t le64(const unsigned char *p)
{
    return (int64_t)((uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32);
}

// Exactly size bytes at offset; false at the end of the file, on negative offsets, on errors.
static bool read_at(const struct zip *zip, int64_t offset, void *out, size_t size)
{
    char *to = out;

    if (offset < 0 || (int64_t)size > zip->size || offset > zip->size - (int64_t)size)
        return false;
    while (size > 0) {
        ssize_t n = pread(zip->fd, to, size, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        to += n;
        offset += n;
        size -= (size_t)n;
    }
    return true;
}

// The end record lies in the last 64 KiB: finds it from behind.
static bool find_end(const struct zip *zip, unsigned char end[END_SIZE])
{
    int64_t size = zip->size < END_SIZE + COMMENT_MAX ? zip->size : END_SIZE + COMMENT_MAX;
    unsigned char *tail = malloc((size_t)size + 1);
    bool found = false;

    if (tail && read_at(zip, zip->size - size, tail, (size_t)size)) {
        for (int64_t i = size - END_SIZE; i >= 0 && !found; i--) {
            found = memcmp(tail + i, "PK\5\6", 4) == 0;
            if (found)
                memcpy(end, tail + i, END_SIZE);
        }
    }
    free(tail);
    return found;
}

// Sizes of 2^32 - 1 stand in the extra field 1, in this order and only these.
static bool read_zip64(const unsigned char *extra, size_t length, struct zip_member *member)
{
    int64_t *wide[] = {&member->size, &member->packed, &member->header};

    while (length >= 4) {
        size_t field = le16(extra + 2);
        if (field > length - 4)
            return false;
        const unsigned char *at = extra + 4, *end = at + field;
        for (int i = 0; le16(extra) == 1 && i < 3; i++) {
            if (*wide[i] != UINT32_MAX)
                continue;
            if (end - at < 8)
                return false;
            *wide[i] = le64(at);
            at += 8;
        }
        extra += 4 + field;
        length -= 4 + field;
    }
    return true;
}

static bool read_entry(const unsigned char *entry, size_t length, struct zip_member *member,
                       size_t *used, const char **fault)
{
    if (length < ENTRY_SIZE || memcmp(entry, "PK\1\2", 4) != 0)
        return false;
    size_t name = le16(entry + 28), extra = le16(entry + 30), comment = le16(entry + 32);
    *used = ENTRY_SIZE + name + extra + comment;
    if (*used > length || name == 0 || name >= ZIP_NAME_MAX ||
        memchr(entry + ENTRY_SIZE, '\0', name))
        return false;
    uint32_t method = le16(entry + 10);
    if ((le16(entry + 8) & 1) || (method != 0 && method != 8)) {
        *fault = "is encrypted or packed by another method than deflate";
        return false;
    }
    memcpy(member->name, entry + ENTRY_SIZE, name);
    member->name[name] = '\0';
    member->deflated = method == 8;
    member->crc = le32(entry + 16);
    member->packed = le32(entry + 20);
    member->size = le32(entry + 24);
    member->header = le32(entry + 42);
    return read_zip64(entry + ENTRY_SIZE + name, extra, member) && member->packed >= 0 &&
           member->size >= 0 && member->header >= 0;
}

static enum code read_directory(struct zip *zip, struct error *err)
{
    unsigned char end[END_SIZE];
    const char *fault = "has a damaged directory";
    enum code code = OK;

    if (!find_end(zip, end))
        return fail(err, E_INVALID, "", "%s is not a zip archive, or it is cut off", zip->name);
    size_t count = le16(end + 10), size = le32(end + 12), used = 0;
    if (count > ZIP_MEMBERS_MAX || size > DIRECTORY_MAX)
        return fail(err, E_LIMIT, "", "%s has %zu members; the limit is %d", zip->name, count,
                    ZIP_MEMBERS_MAX);
    unsigned char *directory = malloc(size + 1);
    if (!directory)
        return fail(err, E_MEMORY, "", "out of memory reading %s", zip->name);
    if (!read_at(zip, le32(end + 16), directory, size))
        code = fail(err, E_INVALID, "", "%s %s", zip->name, fault);
    for (size_t at = 0; zip->count < (int)count && !code; at += used) {
        if (read_entry(directory + at, size - at, &zip->members[zip->count], &used, &fault))
            zip->count++;
        else
            code = fail(err, E_INVALID, "", "%s %s (member %d)", zip->name, fault, zip->count);
    }
    free(directory);
    return code;
}

enum code zip_open(struct zip *zip, const char *path, const char *name, struct error *err)
{
    struct stat st;

    *zip = (struct zip){.name = name, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (zip->fd < 0)
        return fail(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "", "%s: %s", name, strerror(errno));
    if (fstat(zip->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(zip->fd);
        return fail(err, E_INVALID, "", "%s is not a regular file", name);
    }
    zip->size = st.st_size;
    enum code code = read_directory(zip, err);
    if (code)
        zip_close(zip);
    return code;
}

void zip_close(struct zip *zip)
{
    close(zip->fd);
    zip->fd = -1;
}

struct member_state {
    struct zip *zip;
    const struct zip_member *member;
    int64_t at, left; // in the archive: where the next packed byte is, how many are left
    int64_t unpacked; // bytes that may still come, by the directory
    uint32_t crc;
    bool ended;
    z_stream stream;
    unsigned char chunk[CHUNK];
};

// More packed bytes into the chunk; false at the end of the member or of the file.
static bool refill(struct member_state *m)
{
    size_t n = m->left < CHUNK ? (size_t)m->left : CHUNK;
    if (n == 0 || !read_at(m->zip, m->at, m->chunk, n))
        return false;
    m->at += (int64_t)n;
    m->left -= (int64_t)n;
    m->stream.next_in = m->chunk;
    m->stream.avail_in = (unsigned)n;
    return true;
}

static enum code damaged(const struct member_state *m, struct error *err)
{
    return fail(err, E_INVALID, "", "%s: member %s is damaged or cut off near byte %lld",
                m->zip->name, m->member->name, (long long)m->at);
}

// Unpacks into out[0..size); *got is smaller only at the end of the member.
static enum code unpack(struct member_state *m, unsigned char *out, size_t size, size_t *got,
                        struct error *err)
{
    m->stream.next_out = out;
    m->stream.avail_out = (unsigned)size;
    while (m->stream.avail_out > 0 && !m->ended) {
        if (m->stream.avail_in == 0 && !refill(m) && !m->member->deflated)
            break;
        if (m->member->deflated) {
            int status = inflate(&m->stream, Z_NO_FLUSH);
            m->ended = status == Z_STREAM_END;
            if (status != Z_OK && !m->ended)
                return damaged(m, err);
        } else {
            size_t n =
                m->stream.avail_in < m->stream.avail_out ? m->stream.avail_in : m->stream.avail_out;
            memcpy(m->stream.next_out, m->stream.next_in, n);
            m->stream.next_in += n;
            m->stream.next_out += n;
            m->stream.avail_in -= (unsigned)n;
            m->stream.avail_out -= (unsigned)n;
        }
    }
    *got = size - m->stream.avail_out;
    return OK;
}

static enum code member_read(struct input *input, void *out, size_t size, size_t *got,
                             struct error *err)
{
    struct member_state *m = input->state;
    size_t done = 0;

    while (done < size) {
        size_t want = size - done < (1u << 30) ? size - done : 1u << 30, n = 0;
        enum code code = unpack(m, (unsigned char *)out + done, want, &n, err);
        if (code)
            return code;
        m->crc = (uint32_t)crc32_z(m->crc, (unsigned char *)out + done, n);
        m->unpacked -= (int64_t)n;
        done += n;
        if (m->unpacked < 0)
            return damaged(m, err);
        if (n < want) {
            if (m->unpacked != 0 || m->crc != m->member->crc)
                return damaged(m, err);
            break;
        }
    }
    *got = done;
    return OK;
}

static void member_close(struct input *input)
{
    struct member_state *m = input->state;
    if (m->member->deflated)
        inflateEnd(&m->stream);
    free(m);
}

enum code zip_open_member(struct zip *zip, int index, struct input *input, struct error *err)
{
    const struct zip_member *member = &zip->members[index];
    unsigned char local[LOCAL_SIZE];

    if (!read_at(zip, member->header, local, sizeof local) || memcmp(local, "PK\3\4", 4) != 0)
        return fail(err, E_INVALID, "", "%s: member %s has no header at byte %lld", zip->name,
                    member->name, (long long)member->header);
    struct member_state *m = calloc(1, sizeof *m);
    if (!m || (member->deflated && inflateInit2(&m->stream, -MAX_WBITS) != Z_OK)) {
        free(m);
        return fail(err, E_MEMORY, "", "out of memory reading %s", zip->name);
    }
    m->zip = zip;
    m->member = member;
    m->at = member->header + LOCAL_SIZE + le16(local + 26) + le16(local + 28);
    m->left = member->packed;
    m->unpacked = member->size;
    *input = (struct input){.name = member->name,
                            .packed = member->packed,
                            .read = member_read,
                            .close = member_close,
                            .state = m};
    return OK;
}
