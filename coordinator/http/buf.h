// A growing byte buffer that is told its maximum when it is made, and JSON, CSV and time written
// straight into it: answers are put together from the store's columns, which hold JSON text already,
// so that nothing is parsed and every number stays as it was.
#ifndef TUNERD_COORDINATOR_HTTP_BUF_H
#define TUNERD_COORDINATOR_HTTP_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; // owned; not ended by NUL until buf_take()
    size_t len, size, max;
    bool failed; // out of memory or above max: sticky, so that it is checked once at the end
};

void buf_init(struct buf *buf, size_t max);
void buf_fini(struct buf *buf);
void buf_clear(struct buf *buf); // len 0, keeps the memory
// The bytes, ended by NUL (not counted in *len, which may be NULL), the caller's to free(); NULL when
// it failed. `text` is empty afterwards.
char *buf_take(struct buf *buf, size_t *len);

void buf_bytes(struct buf *buf, const void *bytes, size_t len);
void buf_put(struct buf *buf, const char *string);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

// A JSON string with its quotes. NULL: null. Bytes that are not UTF-8 become U+FFFD.
void buf_json_string(struct buf *buf, const char *string);
void buf_json_string_n(struct buf *buf, const char *string, size_t len);
// As json_write(): shortest exact text, null for NaN and infinity.
void buf_json_number(struct buf *buf, double value);
void buf_json_integer(struct buf *buf, int64_t value);
// "2026-11-24T06:02:11.120Z" with its quotes, from milliseconds since the epoch.
void buf_json_time(struct buf *buf, int64_t ms);
// The same without quotes into out.
void time_rfc3339(int64_t ms, char out[32]);
// A CSV field by RFC 4180, quoted only where needed.
void buf_csv_field(struct buf *buf, const char *string, size_t len);

#endif
