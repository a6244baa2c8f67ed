// JSON through cJSON, with what cJSON leaves open closed: one strict reader (RFC 8259, bounded size,
// depth and node count, no duplicate keys, valid UTF-8) and one exact writer.
// A tree is an ordinary cJSON tree: build it with cJSON's own functions, release with cJSON_Delete().
#ifndef TUNERD_COMMON_JSON_H
#define TUNERD_COMMON_JSON_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "common/error.h"

struct json_limits {
    size_t bytes;
    int depth;
    size_t nodes;
};
extern const struct json_limits json_default_limits; // 4 MiB, depth 64, 200,000 nodes

// Reads text[0..len), which need not end with NUL. NULL on a fault: E_SYNTAX (with line and column in
// the message; also for too deep a nesting), E_LIMIT (bytes, nodes), E_MEMORY. limits NULL: the
// default ones. Integers beyond 2^53 become the nearest double. The tree is the caller's.
cJSON *json_read(const char *text, size_t len, const struct json_limits *limits, struct error *err);

// Compact text of a tree, malloc'ed; NULL when out of memory. Numbers are the shortest text that reads
// back to the same double (integers without a point up to 2^53); NaN and infinity become null.
char *json_write(const cJSON *tree);
char *json_write_pretty(const cJSON *tree);
// One number as json_write() prints it; buffer of at least 32 bytes.
void json_format_number(double value, char out[32]);

// Length in bytes of the well-formed UTF-8 sequence (RFC 3629) at p, of which `left` > 0 bytes exist; 0
// if there is none.
size_t json_utf8(const char *p, size_t left);

// Member of an object by exact name (case matters); NULL when absent or not an object.
const cJSON *json_member(const cJSON *object, const char *name);
// Typed members with a fallback for absent ones or ones of another type.
double json_number_or(const cJSON *object, const char *name, double fallback);
int64_t json_integer_or(const cJSON *object, const char *name, int64_t fallback);
bool json_bool_or(const cJSON *object, const char *name, bool fallback);
const char *json_string_or(const cJSON *object, const char *name, const char *fallback);
// True when item is a number without a fraction within ±2^53; then *out has it.
bool json_is_integer(const cJSON *item, int64_t *out);

// Builds pointers: appends "/token" (escaped by RFC 6901) or "/index" to a copy of base. What does not
// fit is left out whole, so that the pointer still names something around the place.
struct json_pointer {
    char text[256];
};
struct json_pointer json_pointer_of(const char *base, const char *token);
struct json_pointer json_pointer_at(const char *base, int index);
// rest is a pointer itself ("" or "/…").
struct json_pointer json_pointer_join(const char *base, const char *rest);

#endif
