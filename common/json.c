// UTF-8, look-ups in a tree, and pointers into it.
#include "common/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

size_t json_utf8(const char *p, size_t left)
{
    const unsigned char *s = (const unsigned char *)p;
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;

    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

const cJSON *json_member(const cJSON *object, const char *name)
{
    if (!cJSON_IsObject(object))
        return NULL;
    for (const cJSON *item = object->child; item; item = item->next)
        if (item->string && strcmp(item->string, name) == 0)
            return item;
    return NULL;
}

double json_number_or(const cJSON *object, const char *name, double fallback)
{
    const cJSON *item = json_member(object, name);

    return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}

int64_t json_integer_or(const cJSON *object, const char *name, int64_t fallback)
{
    int64_t value;

    return json_is_integer(json_member(object, name), &value) ? value : fallback;
}

bool json_bool_or(const cJSON *object, const char *name, bool fallback)
{
    const cJSON *item = json_member(object, name);

    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

const char *json_string_or(const cJSON *object, const char *name, const char *fallback)
{
    const cJSON *item = json_member(object, name);

    return cJSON_IsString(item) ? item->valuestring : fallback;
}

bool json_is_integer(const cJSON *item, int64_t *out)
{
    if (!cJSON_IsNumber(item))
        return false;
    double value = item->valuedouble;
    if (!(fabs(value) <= 0x1p53) || value != floor(value))
        return false;
    *out = (int64_t)value;
    return true;
}

struct json_pointer json_pointer_of(const char *base, const char *token)
{
    struct json_pointer p;
    size_t start = (size_t)snprintf(p.text, sizeof p.text, "%s", base), n = start;

    if (start >= sizeof p.text - 1)
        return p;
    p.text[n++] = '/';
    for (const char *c = token; *c; c++) {
        const char *escaped = *c == '~' ? "~0" : *c == '/' ? "~1" : NULL;
        size_t len = escaped ? 2 : 1;
        if (n + len >= sizeof p.text) {
            n = start;
            break;
        }
        memcpy(p.text + n, escaped ? escaped : c, len);
        n += len;
    }
    p.text[n] = 0;
    return p;
}

struct json_pointer json_pointer_at(const char *base, int index)
{
    char token[16];

    snprintf(token, sizeof token, "%d", index);
    return json_pointer_of(base, token);
}

struct json_pointer json_pointer_join(const char *base, const char *rest)
{
    struct json_pointer p;

    if ((size_t)snprintf(p.text, sizeof p.text, "%s%s", base, rest) >= sizeof p.text)
        snprintf(p.text, sizeof p.text, "%s", base);
    return p;
}
