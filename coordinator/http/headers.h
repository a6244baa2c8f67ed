// What libmicrohttpd 0.9.75 lets through and no server should: the strict check of a request's header
// lines, done before anything else looks at them. Pure: no connection, so that it can be fuzzed.
#ifndef TUNERD_COORDINATOR_HTTP_HEADERS_H
#define TUNERD_COORDINATOR_HTTP_HEADERS_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum { HEADERS_MAX = 64 };

struct header {
    const char *name, *value;
    size_t name_len, value_len;
};

// What the server needs of them; pointers into the lines given, NULL where absent. All single-valued.
struct headers {
    const char *host, *origin, *content_type, *content_encoding, *authorization, *expect;
    const char *idempotency_key, *if_none_match, *accept_encoding, *last_event_id;
    int64_t content_length; // -1: none given
    bool chunked;
};

// Refuses: names that are not tokens ("Host :"), control bytes and NUL in values, more than
// HEADERS_MAX lines, two of any line that must be single, a Content-Length that is not digits, one
// beside Transfer-Encoding. *status is the answer's: 400, 413 (too many), or 501 for a coding other
// than chunked. The error's pointer is "#Name" of the line.
enum code headers_check(const struct header *lines, size_t n, struct headers *out, int *status,
                        struct error *err);

// True when the list-valued header (Accept-Encoding, If-None-Match) has the item, weights aside;
// a weight of 0 says no. The item "*" in the list also counts when `star`.
bool header_lists(const char *value, const char *item, bool star);

#endif
