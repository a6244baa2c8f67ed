// The strict reader. It builds cJSON nodes itself instead of calling cJSON's parser, which accepts
// trailing text, duplicate keys, 01, raw control bytes, bad UTF-8 and \u0000, and tells no position.
#include "common/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct json_limits json_default_limits = {4u << 20, 64, 200000};

enum {
    NUMBER_MAX = 400
}; // characters; the longest exact double below 1 has more, nobody writes it

struct key {
    const char *name;
    size_t at; // offset of the key in the text
};

struct reader {
    const char *text;
    size_t len, at;
    struct json_limits limits;
    size_t nodes;
    int depth;
    struct key *keys; // of all open objects, the innermost last
    size_t nkeys, keys_cap;
    struct error *err;
};

static cJSON *read_value(struct reader *r);

// Always NULL, so that a check is one line.
static void *syntax(struct reader *r, size_t at, const char *what)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < at && i < r->len; i++) {
        unsigned char c = (unsigned char)r->text[i];
        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xc0) != 0x80) {
            column++;
        }
    }
    fail(r->err, E_SYNTAX, "", "line %zu, column %zu: %s", line, column, what);
    return NULL;
}

static void *no_memory(struct reader *r)
{
    fail(r->err, E_MEMORY, "", "out of memory while reading JSON");
    return NULL;
}

static int peek(const struct reader *r)
{
    return r->at < r->len ? (unsigned char)r->text[r->at] : -1;
}

static void skip_space(struct reader *r)
{
    int c;

    while ((c = peek(r)) == ' ' || c == '\t' || c == '\n' || c == '\r')
        r->at++;
}

static int hex4(const struct reader *r, size_t at)
{
    int value = 0;

    if (r->len - at < 4)
        return -1;
    for (size_t i = at; i < at + 4; i++) {
        char c = r->text[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

// \uXXXX at r->at (behind the u); false with the fault told.
static bool read_unicode_escape(struct reader *r, char *out, size_t *n)
{
    size_t start = r->at - 2;
    int high = hex4(r, r->at), low;

    if (high < 0)
        return syntax(r, start, "\\u needs four hexadecimal digits");
    if (high == 0)
        return syntax(r, start, "\\u0000 is not allowed in a string");
    r->at += 4;
    if (high < 0xd800 || high > 0xdfff) {
        *n += put_utf8(out + *n, (uint32_t)high);
        return true;
    }
    low = r->len - r->at >= 2 && r->text[r->at] == '\\' && r->text[r->at + 1] == 'u'
              ? hex4(r, r->at + 2)
              : -1;
    if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return syntax(r, start,
                      "half of a surrogate pair; write \\uD8xx\\uDCxx or the character itself");
    r->at += 6;
    *n +=
        put_utf8(out + *n, 0x10000u + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
    return true;
}

static bool read_escape(struct reader *r, char *out, size_t *n)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = ++r->at < r->len ? peek(r) : 0;
    const char *found = c ? strchr(names, c) : NULL;

    r->at++;
    if (c == 'u')
        return read_unicode_escape(r, out, n);
    if (!found)
        return syntax(r, r->at - 2,
                      "unknown escape; JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    out[(*n)++] = values[found - names];
    return true;
}

// Where the string that opens at r->at ends at the latest: one pass so that its memory is exact.
static size_t string_bound(const struct reader *r)
{
    size_t i = r->at + 1;

    while (i < r->len && r->text[i] != '"')
        i += r->text[i] == '\\' ? 2 : 1;
    return (i < r->len ? i : r->len) - r->at;
}

// A decoded string by cJSON's allocator (malloc unless hooks are set), NULL with the fault told.
static char *read_string(struct reader *r)
{
    size_t start = r->at, n = 0;
    char *out = cJSON_malloc(string_bound(r) + 1);

    if (!out)
        return no_memory(r);
    for (r->at++;;) {
        int c = peek(r);
        if (c == '"')
            break;
        if (c < 0) {
            syntax(r, start, "string without an end");
            goto bad;
        }
        if (c < 0x20) {
            syntax(r, r->at, "control character in a string; write it as \\n, \\t or \\u00XX");
            goto bad;
        }
        if (c == '\\') {
            if (!read_escape(r, out, &n))
                goto bad;
            continue;
        }
        size_t len = json_utf8(r->text + r->at, r->len - r->at);
        if (len == 0) {
            syntax(r, r->at, "bytes that are not UTF-8");
            goto bad;
        }
        memcpy(out + n, r->text + r->at, len);
        n += len;
        r->at += len;
    }
    r->at++;
    out[n] = 0;
    return out;
bad:
    cJSON_free(out);
    return NULL;
}

static bool digits(struct reader *r)
{
    size_t start = r->at;

    while (peek(r) >= '0' && peek(r) <= '9')
        r->at++;
    return r->at > start;
}

static cJSON *read_number(struct reader *r)
{
    size_t start = r->at;
    char text[NUMBER_MAX + 1];
    cJSON *item;
    double value;

    if (peek(r) == '-')
        r->at++;
    if (peek(r) == '0') {
        r->at++;
        if (peek(r) >= '0' && peek(r) <= '9')
            return syntax(r, start, "number with a leading zero");
    } else if (!digits(r)) {
        return syntax(
            r, start,
            "not a value; expected an object, array, string, number, true, false or null");
    }
    if (peek(r) == '.') {
        r->at++;
        if (!digits(r))
            return syntax(r, start, "number without digits after its point");
    }
    if (peek(r) == 'e' || peek(r) == 'E') {
        r->at++;
        if (peek(r) == '+' || peek(r) == '-')
            r->at++;
        if (!digits(r))
            return syntax(r, start, "number without digits in its exponent");
    }
    if (r->at - start > NUMBER_MAX)
        return syntax(r, start, "number with more than 400 characters");
    memcpy(text, r->text + start, r->at - start);
    text[r->at - start] = 0;
    value = strtod(text, NULL);
    if (!isfinite(value))
        return syntax(r, start, "number beyond the range of a double (about 1.8e308)");
    item = cJSON_CreateNumber(value);
    return item ? item : no_memory(r);
}

static cJSON *read_word(struct reader *r)
{
    static const struct {
        const char *text;
        cJSON *(*make)(void);
    } words[] = {
        {"true", cJSON_CreateTrue}, {"false", cJSON_CreateFalse}, {"null", cJSON_CreateNull}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i].text);
        if (r->len - r->at >= n && memcmp(r->text + r->at, words[i].text, n) == 0) {
            cJSON *item = words[i].make();
            r->at += n;
            return item ? item : no_memory(r);
        }
    }
    return read_number(r);
}

static bool enter(struct reader *r)
{
    if (++r->depth > r->limits.depth) {
        char what[80];
        snprintf(what, sizeof what, "nested more than %d deep", r->limits.depth);
        return syntax(r, r->at, what);
    }
    r->at++;
    skip_space(r);
    return true;
}

static cJSON *read_array(struct reader *r)
{
    cJSON *array, *item;

    if (!enter(r))
        return NULL;
    if (!(array = cJSON_CreateArray()))
        return no_memory(r);
    for (bool first = true; !(first && peek(r) == ']'); first = false) {
        if (!(item = read_value(r)))
            goto bad;
        cJSON_AddItemToArray(array, item);
        skip_space(r);
        if (peek(r) == ']')
            break;
        if (peek(r) != ',') {
            syntax(r, r->at, "expected , or ] in an array");
            goto bad;
        }
        r->at++;
    }
    r->at++;
    r->depth--;
    return array;
bad:
    cJSON_Delete(array);
    return NULL;
}

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static bool keys_differ(struct reader *r, size_t from)
{
    char what[120];

    if (r->nkeys - from < 2)
        return true;
    qsort(r->keys + from, r->nkeys - from, sizeof *r->keys, compare_keys);
    for (size_t i = from + 1; i < r->nkeys; i++)
        if (strcmp(r->keys[i - 1].name, r->keys[i].name) == 0) {
            snprintf(what, sizeof what, "key \"%.60s\" stands twice in one object",
                     r->keys[i].name);
            return syntax(r, r->keys[i].at, what);
        }
    return true;
}

static bool push_key(struct reader *r, const char *name, size_t at)
{
    if (r->nkeys == r->keys_cap) {
        size_t cap = r->keys_cap ? 2 * r->keys_cap : 64;
        struct key *keys = realloc(r->keys, cap * sizeof *keys);
        if (!keys)
            return no_memory(r);
        r->keys = keys;
        r->keys_cap = cap;
    }
    r->keys[r->nkeys++] = (struct key){name, at};
    return true;
}

static bool read_member(struct reader *r, cJSON *object)
{
    size_t at = r->at;
    char *name;
    cJSON *item;

    if (peek(r) != '"')
        return syntax(r, at, "expected a key in double quotes");
    if (!(name = read_string(r)))
        return false;
    skip_space(r);
    if (peek(r) != ':') {
        cJSON_free(name);
        return syntax(r, r->at, "expected : after a key");
    }
    r->at++;
    if (!(item = read_value(r))) {
        cJSON_free(name);
        return false;
    }
    item->string = name;
    cJSON_AddItemToArray(object, item);
    return push_key(r, name, at);
}

static cJSON *read_object(struct reader *r)
{
    size_t from = r->nkeys;
    cJSON *object;

    if (!enter(r))
        return NULL;
    if (!(object = cJSON_CreateObject()))
        return no_memory(r);
    for (bool first = true; !(first && peek(r) == '}'); first = false) {
        skip_space(r);
        if (!read_member(r, object))
            goto bad;
        skip_space(r);
        if (peek(r) == '}')
            break;
        if (peek(r) != ',') {
            syntax(r, r->at, "expected , or } in an object");
            goto bad;
        }
        r->at++;
    }
    if (!keys_differ(r, from))
        goto bad;
    r->nkeys = from;
    r->at++;
    r->depth--;
    return object;
bad:
    cJSON_Delete(object);
    return NULL;
}

static cJSON *read_string_value(struct reader *r)
{
    char *text = read_string(r);
    cJSON *item;

    if (!text)
        return NULL;
    if (!(item = cJSON_CreateNull())) {
        cJSON_free(text);
        return no_memory(r);
    }
    item->type = cJSON_String;
    item->valuestring = text;
    return item;
}

static cJSON *read_value(struct reader *r)
{
    skip_space(r);
    if (++r->nodes > r->limits.nodes) {
        fail(r->err, E_LIMIT, "", "more than %zu values in one document", r->limits.nodes);
        return NULL;
    }
    if (r->at >= r->len)
        return syntax(r, r->at, "the text ends where a value is expected");
    int c = peek(r);
    return c == '{'   ? read_object(r)
           : c == '[' ? read_array(r)
           : c == '"' ? read_string_value(r)
                      : read_word(r);
}

cJSON *json_read(const char *text, size_t len, const struct json_limits *limits, struct error *err)
{
    struct reader r = {.text = text, .len = len, .err = err};
    cJSON *tree;

    r.limits = limits ? *limits : json_default_limits;
    if (len > r.limits.bytes) {
        fail(err, E_LIMIT, "", "%zu bytes; at most %zu are taken", len, r.limits.bytes);
        return NULL;
    }
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        return syntax(&r, 0, "byte order mark; send plain UTF-8 without it");
    tree = read_value(&r);
    skip_space(&r);
    if (tree && r.at < len) {
        cJSON_Delete(tree);
        tree = syntax(&r, r.at, "text after the end of the document");
    }
    free(r.keys);
    return tree;
}
