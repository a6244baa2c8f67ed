// Strict header check. Every single-valued line the server reads is one entry of the table below.
#include "coordinator/http/headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct single {
    const char *name;
    size_t slot; // offset of its pointer in struct headers; NO_SLOT: only counted
} singles[] = {
#define NO_SLOT ((size_t)-1)
    {"Host", offsetof(struct headers, host)},
    {"Origin", offsetof(struct headers, origin)},
    {"Content-Type", offsetof(struct headers, content_type)},
    {"Content-Encoding", offsetof(struct headers, content_encoding)},
    {"Authorization", offsetof(struct headers, authorization)},
    {"Expect", offsetof(struct headers, expect)},
    {"Idempotency-Key", offsetof(struct headers, idempotency_key)},
    {"If-None-Match", offsetof(struct headers, if_none_match)},
    {"Accept-Encoding", offsetof(struct headers, accept_encoding)},
    {"Last-Event-ID", offsetof(struct headers, last_event_id)},
    {"Content-Length", NO_SLOT},
    {"Transfer-Encoding", NO_SLOT},
    {"Content-Range", NO_SLOT},
    {"User-Agent", NO_SLOT},
};
enum { NSINGLES = sizeof singles / sizeof singles[0] };

// RFC 9110 5.6.2
static bool is_token(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return len > 0;
}

static bool is_field_value(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_named(const struct header *line, const char *name)
{
    return line->name_len == strlen(name) && strncasecmp(line->name, name, line->name_len) == 0;
}

static enum code read_length(const struct header *line, int64_t *out, struct error *err)
{
    int64_t length = 0;
    bool digits = line->value_len > 0 && line->value_len <= 18;
    for (size_t i = 0; digits && i < line->value_len; i++) {
        digits = line->value[i] >= '0' && line->value[i] <= '9';
        length = length * 10 + (line->value[i] - '0');
    }
    if (!digits)
        return fail(err, E_SYNTAX, "#Content-Length",
                    "Content-Length is not a number of up to 18 digits; send the body's size");
    *out = length;
    return OK;
}

static enum code check_line(const struct header *line, struct error *err)
{
    if (!is_token(line->name, line->name_len))
        return fail(err, E_SYNTAX, "",
                    "a header's name has a byte that names may not have; no space stands before "
                    "its colon");
    char where[64];
    size_t shown = line->name_len < sizeof where - 2 ? line->name_len : sizeof where - 2;
    where[0] = '#';
    memcpy(where + 1, line->name, shown);
    where[shown + 1] = '\0';
    if (!is_field_value(line->value, line->value_len))
        return fail(err, E_SYNTAX, where, "the value of %s has control bytes; send plain text",
                    where + 1);
    return OK;
}

static enum code check_framing(const struct header *length, const struct header *coding,
                               struct headers *out, int *status, struct error *err)
{
    if (coding) {
        if (!(coding->value_len == 7 && strncasecmp(coding->value, "chunked", 7) == 0)) {
            *status = 501;
            return fail(err, E_SYNTAX, "#Transfer-Encoding",
                        "this transfer coding is not known; send the body as it is, or chunked");
        }
        if (length)
            return fail(err, E_SYNTAX, "#Content-Length",
                        "Content-Length and Transfer-Encoding exclude each other; send one");
        out->chunked = true;
    }
    return length ? read_length(length, &out->content_length, err) : OK;
}

enum code headers_check(const struct header *lines, size_t n, struct headers *out, int *status,
                        struct error *err)
{
    const struct header *seen[NSINGLES] = {NULL};
    struct headers found = {.content_length = -1};
    *status = 400;
    if (n > HEADERS_MAX) {
        *status = 413;
        return fail(err, E_LIMIT, "", "%zu header lines; send %d or fewer", n, HEADERS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        enum code code = check_line(&lines[i], err);
        if (code)
            return code;
        for (size_t k = 0; k < NSINGLES; k++) {
            if (!is_named(&lines[i], singles[k].name))
                continue;
            if (seen[k]) {
                char where[64];
                snprintf(where, sizeof where, "#%s", singles[k].name);
                return fail(err, E_SYNTAX, where, "%s was sent twice; send it once", where + 1);
            }
            seen[k] = &lines[i];
            if (singles[k].slot != NO_SLOT)
                *(const char **)((char *)&found + singles[k].slot) = lines[i].value;
        }
    }
    const struct header *length = NULL, *coding = NULL;
    for (size_t k = 0; k < NSINGLES; k++) {
        if (strcmp(singles[k].name, "Content-Length") == 0)
            length = seen[k];
        else if (strcmp(singles[k].name, "Transfer-Encoding") == 0)
            coding = seen[k];
    }
    enum code code = check_framing(length, coding, &found, status, err);
    if (code == OK)
        *out = found;
    return code;
}

// One item of a comma-separated list: its bytes without space around and without parameters.
static bool item_is(const char *from, const char *to, const char *item, bool *zero)
{
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    const char *end = from < to ? memchr(from, ';', (size_t)(to - from)) : NULL;
    const char *weight = end ? memchr(end, '=', (size_t)(to - end)) : NULL;
    *zero = weight && strtod(weight + 1, NULL) == 0;
    end = end ? end : to;
    while (end > from && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t len = strlen(item);
    return (size_t)(end - from) == len && strncasecmp(from, item, len) == 0;
}

bool header_lists(const char *value, const char *item, bool star)
{
    while (value && *value) {
        const char *end = strchr(value, ',');
        const char *to = end ? end : value + strlen(value);
        bool zero = false;
        if (item_is(value, to, item, &zero) || (star && item_is(value, to, "*", &zero)))
            return !zero;
        value = end ? end + 1 : NULL;
    }
    return false;
}
