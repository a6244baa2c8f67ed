// Growing buffer and the small writers on top of it.
#include "coordinator/http/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/json.h"

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_fini(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

static bool reserve(struct buf *buf, size_t more)
{
    if (buf->failed)
        return false;
    if (more > buf->max - buf->len) {
        buf->failed = true;
        return false;
    }
    if (buf->size - buf->len >= more)
        return true;
    size_t size = buf->size ? buf->size : 256;
    while (size - buf->len < more)
        size *= 2;
    char *data = realloc(buf->data, size);
    if (!data) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->size = size;
    return true;
}

char *buf_take(struct buf *buf, size_t *len)
{
    char *data = buf->failed ? NULL : realloc(buf->data, buf->len + 1);
    if (data) {
        data[buf->len] = '\0';
        buf->data = NULL;
        if (len)
            *len = buf->len;
    }
    buf_fini(buf);
    return data;
}

void buf_bytes(struct buf *buf, const void *bytes, size_t len)
{
    if (len && reserve(buf, len)) {
        memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
    }
}

void buf_put(struct buf *buf, const char *string)
{
    buf_bytes(buf, string, strlen(string));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof line) {
        buf_bytes(buf, line, (size_t)len);
        return;
    }
    if (len < 0 || !reserve(buf, (size_t)len + 1)) {
        buf->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

static void json_escaped(struct buf *buf, unsigned char c)
{
    static const char short_names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *p = short_names; *p; p += 2) {
        if (c == (unsigned char)p[0]) {
            buf_bytes(buf, (char[]){'\\', p[1]}, 2);
            return;
        }
    }
    buf_printf(buf, "\\u%04x", c);
}

void buf_json_string_n(struct buf *buf, const char *string, size_t len)
{
    const unsigned char *s = (const unsigned char *)string;
    buf_put(buf, "\"");
    size_t from = 0;
    for (size_t i = 0; i < len;) {
        size_t n = json_utf8(string + i, len - i);
        if (n && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\' && s[i] != 0x7f) {
            i += n;
            continue;
        }
        buf_bytes(buf, s + from, i - from);
        if (!n)
            buf_put(buf, "\xef\xbf\xbd");
        else
            json_escaped(buf, s[i]);
        from = ++i;
    }
    buf_bytes(buf, s + from, len - from);
    buf_put(buf, "\"");
}

void buf_json_string(struct buf *buf, const char *string)
{
    if (string)
        buf_json_string_n(buf, string, strlen(string));
    else
        buf_put(buf, "null");
}

void buf_json_number(struct buf *buf, double value)
{
    char number[32];
    json_format_number(value, number);
    buf_put(buf, number);
}

void buf_json_integer(struct buf *buf, int64_t value)
{
    buf_printf(buf, "%lld", (long long)value);
}

void time_rfc3339(int64_t ms, char out[32])
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900) {
        snprintf(out, 32, "9999-12-31T23:59:59.999Z");
        return;
    }
    size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, 32 - n, ".%03dZ", (int)(ms - seconds * 1000));
}

void buf_json_time(struct buf *buf, int64_t ms)
{
    char stamp[32];
    time_rfc3339(ms, stamp);
    buf_printf(buf, "\"%s\"", stamp);
}

void buf_csv_field(struct buf *buf, const char *string, size_t len)
{
    bool quote = false;
    for (size_t i = 0; i < len; i++)
        quote = quote || (string[i] && strchr(",\"\r\n", string[i]));
    if (!quote) {
        buf_bytes(buf, string, len);
        return;
    }
    buf_put(buf, "\"");
    for (size_t i = 0; i < len; i++) {
        if (string[i] == '"')
            buf_put(buf, "\"");
        buf_bytes(buf, string + i, 1);
    }
    buf_put(buf, "\"");
}
