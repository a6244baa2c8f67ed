// The exact writer: cJSON's own loses 18 % of doubles and writes 2^53 as 9.00719925474099e+15.
#include "common/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    char *text;
    size_t len, cap;
    bool pretty;
    bool failed;
};

static void put(struct writer *w, const char *bytes, size_t n)
{
    if (w->failed)
        return;
    if (w->cap - w->len <= n) {
        size_t cap = w->cap ? w->cap : 256;
        while (cap - w->len <= n && cap <= SIZE_MAX / 4)
            cap *= 2;
        char *text = cap - w->len > n ? realloc(w->text, cap) : NULL;
        if (!text) {
            w->failed = true;
            return;
        }
        w->text = text;
        w->cap = cap;
    }
    memcpy(w->text + w->len, bytes, n);
    w->len += n;
}

static void put_text(struct writer *w, const char *text)
{
    put(w, text, strlen(text));
}

void json_format_number(double value, char out[32])
{
    if (!isfinite(value)) {
        snprintf(out, 32, "null");
        return;
    }
    if (fabs(value) <= 0x1p53 && value == floor(value)) {
        snprintf(out, 32, "%.0f", value);
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(out, 32, "%.*g", precision, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

// Bytes that are not UTF-8 become U+FFFD: the reader lets none in, but texts of the system (file names,
// messages) may bring one, and the document must stay valid.
static void put_string(struct writer *w, const char *text)
{
    static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";

    const char *end = text + strlen(text);

    put_text(w, "\"");
    for (const char *p = text; *p;) {
        unsigned char c = (unsigned char)*p;
        const char *found = strchr(special, c);
        char escape[8];
        size_t n = json_utf8(p, (size_t)(end - p));
        if (found) {
            escape[0] = '\\';
            escape[1] = letters[found - special];
            put(w, escape, 2);
        } else if (c < 0x20) {
            snprintf(escape, sizeof escape, "\\u%04x", c);
            put_text(w, escape);
        } else {
            put(w, n ? p : "\xef\xbf\xbd", n ? n : 3);
        }
        p += n ? n : 1;
    }
    put_text(w, "\"");
}

static void new_line(struct writer *w, int depth)
{
    if (!w->pretty)
        return;
    put_text(w, "\n");
    for (int i = 0; i < depth; i++)
        put_text(w, "  ");
}

static void put_value(struct writer *w, const cJSON *item, int depth);

static void put_members(struct writer *w, const cJSON *parent, int depth)
{
    bool object = cJSON_IsObject(parent);

    put_text(w, object ? "{" : "[");
    for (const cJSON *item = parent->child; item; item = item->next) {
        if (item != parent->child)
            put_text(w, ",");
        new_line(w, depth + 1);
        if (object) {
            put_string(w, item->string ? item->string : "");
            put_text(w, w->pretty ? ": " : ":");
        }
        put_value(w, item, depth + 1);
    }
    if (parent->child)
        new_line(w, depth);
    put_text(w, object ? "}" : "]");
}

static void put_value(struct writer *w, const cJSON *item, int depth)
{
    char number[32];

    switch (item->type & 0xff) {
    case cJSON_Object:
    case cJSON_Array:
        put_members(w, item, depth);
        break;
    case cJSON_String:
        put_string(w, item->valuestring);
        break;
    case cJSON_Number:
        json_format_number(item->valuedouble, number);
        put_text(w, number);
        break;
    case cJSON_True:
        put_text(w, "true");
        break;
    case cJSON_False:
        put_text(w, "false");
        break;
    case cJSON_Raw:
        put_text(w, item->valuestring);
        break;
    default:
        put_text(w, "null");
    }
}

static char *write_tree(const cJSON *tree, bool pretty)
{
    struct writer w = {.pretty = pretty};

    if (tree)
        put_value(&w, tree, 0);
    else
        put_text(&w, "null");
    if (pretty)
        put_text(&w, "\n");
    put(&w, "", 1);
    if (w.failed) {
        free(w.text);
        return NULL;
    }
    return w.text;
}

char *json_write(const cJSON *tree)
{
    return write_tree(tree, false);
}

char *json_write_pretty(const cJSON *tree)
{
    return write_tree(tree, true);
}
