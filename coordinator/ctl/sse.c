// Lines end with LF, CR or CRLF; a blank one dispatches.
#include "coordinator/ctl/sse.h"

#include <stdlib.h>
#include <string.h>

void sse_init(struct sse *sse, void (*dispatch)(void *, const char *, const char *), void *context)
{
    *sse = (struct sse){.id = -1, .pending_id = -1, .dispatch = dispatch, .context = context};
}

void sse_fini(struct sse *sse)
{
    free(sse->line);
    free(sse->data);
    sse->line = sse->data = NULL;
}

void sse_reset(struct sse *sse)
{
    sse->len = sse->data_len = 0;
    sse->event[0] = '\0';
    sse->pending_id = sse->id;
    sse->skip_lf = false;
}

// Appends and ends with NUL.
static bool append(char **buffer, size_t *len, size_t *room, const char *bytes, size_t n)
{
    if (n > SSE_MAX - *len)
        return false;
    if (!*buffer || *len + n + 1 > *room) {
        size_t more = 2 * (*len + n + 1);
        char *bigger = realloc(*buffer, more);
        if (!bigger)
            return false;
        *buffer = bigger;
        *room = more;
    }
    if (n)
        memcpy(*buffer + *len, bytes, n);
    *len += n;
    (*buffer)[*len] = '\0';
    return true;
}

static void end_event(struct sse *sse)
{
    sse->id = sse->pending_id;
    const char *data = sse->data_len ? sse->data : NULL;
    if (data)
        sse->data[sse->data_len - 1] = '\0'; // the last line's LF
    sse->dispatch(sse->context, sse->event[0] ? sse->event : "message", data);
    sse->data_len = 0;
    sse->event[0] = '\0';
}

static void take_field(struct sse *sse, const char *name, const char *value)
{
    size_t len = strlen(value);
    if (strcmp(name, "data") == 0) {
        if (!append(&sse->data, &sse->data_len, &sse->data_room, value, len) ||
            !append(&sse->data, &sse->data_len, &sse->data_room, "\n", 1))
            sse->failed = true;
    } else if (strcmp(name, "event") == 0 && len < sizeof sse->event) {
        memcpy(sse->event, value, len + 1);
    } else if (strcmp(name, "id") == 0 && len > 0 && len <= 18 &&
               strspn(value, "0123456789") == len) {
        sse->pending_id = strtoll(value, NULL, 10);
    }
}

static void end_line(struct sse *sse)
{
    char *line = sse->len ? sse->line : NULL;
    sse->len = 0;
    if (!line) {
        end_event(sse);
        return;
    }
    char *colon = strchr(line, ':');
    if (colon == line)
        return; // a comment
    char *value = colon ? colon + 1 : line + strlen(line);
    if (colon)
        *colon = '\0';
    take_field(sse, line, value + (*value == ' '));
}

void sse_feed(struct sse *sse, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && !sse->failed;) {
        if (sse->skip_lf && bytes[i] == '\n') {
            sse->skip_lf = false;
            i++;
            continue;
        }
        sse->skip_lf = false;
        size_t n = 0;
        while (i + n < len && bytes[i + n] != '\n' && bytes[i + n] != '\r')
            n++;
        if (n && !append(&sse->line, &sse->len, &sse->room, bytes + i, n))
            sse->failed = true;
        i += n;
        if (i < len && !sse->failed) {
            sse->skip_lf = bytes[i++] == '\r';
            end_line(sse);
        }
    }
}
