// The buffer grows to what the announced length needs and is capped by FRAME_MAX, so a child that went
// wild costs the daemon at most that.
#include "worker/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void frame_reader_init(struct frame_reader *reader)
{
    *reader = (struct frame_reader){.bytes = NULL};
}

void frame_reader_fini(struct frame_reader *reader)
{
    free(reader->bytes);
    *reader = (struct frame_reader){.bytes = NULL};
}

static bool reserve(struct frame_reader *reader, size_t capacity)
{
    if (capacity <= reader->capacity)
        return true;
    unsigned char *bytes = realloc(reader->bytes, capacity);
    if (bytes == NULL)
        return false;
    reader->bytes = bytes;
    reader->capacity = capacity;
    return true;
}

// Bytes that the frame at the buffer's start needs in all; its length word alone when that is not here.
static size_t wanted(const struct frame_reader *reader)
{
    uint32_t length;
    if (reader->len < sizeof length)
        return sizeof length;
    memcpy(&length, reader->bytes, sizeof length);
    return sizeof length + length;
}

enum frame_status frame_read(struct frame_reader *reader, int socket, cJSON **out)
{
    static const struct json_limits limits = {FRAME_MAX, 64, 1000000};
    size_t need;
    while (reader->len < (need = wanted(reader)) || need == sizeof(uint32_t)) {
        if (need > FRAME_MAX + sizeof(uint32_t) || !reserve(reader, need) ||
            (need == sizeof(uint32_t) && reader->len == need))
            return FRAME_BROKEN;
        ssize_t n = recv(socket, reader->bytes + reader->len, need - reader->len, 0);
        if (n == 0)
            return reader->len == 0 ? FRAME_END : FRAME_BROKEN;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return FRAME_WAIT;
        if (n < 0)
            return errno == ECONNRESET ? FRAME_END : FRAME_BROKEN;
        reader->len += (size_t)n;
    }
    *out = json_read((const char *)reader->bytes + sizeof(uint32_t), need - sizeof(uint32_t),
                     &limits, NULL);
    reader->len = 0;
    return *out ? FRAME_READY : FRAME_BROKEN;
}

static enum code send_all(int socket, const void *bytes, size_t len, struct error *err)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = send(socket, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(err, E_IO, "", "cannot write to the other process: %s", strerror(errno));
        at += n;
        len -= (size_t)n;
    }
    return OK;
}

enum code frame_write(int socket, cJSON *tree, struct error *err)
{
    char *text = tree ? json_write(tree) : NULL;
    cJSON_Delete(tree);
    if (text == NULL)
        return fail(err, E_MEMORY, "", "out of memory");
    size_t len = strlen(text);
    enum code code = OK;
    if (len > FRAME_MAX) {
        code = fail(err, E_LIMIT, "", "a message of %zu bytes is above the limit of %d", len,
                    FRAME_MAX);
    } else {
        uint32_t length = (uint32_t)len;
        code = send_all(socket, &length, sizeof length, err);
        if (code == OK)
            code = send_all(socket, text, len, err);
    }
    free(text);
    return code;
}
