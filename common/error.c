// Errors as values, and lists of them for documents with many faults.
#include "common/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

#undef fail // error.h, under static analysis

static const struct {
    const char *name, *title;
    int status;
} codes[] = {
#define X(code, name, status, title) [code] = {name, title, status},
    ERROR_CODES(X)
#undef X
};

static bool known(enum code code)
{
    return (size_t)code < sizeof codes / sizeof *codes;
}

const char *code_name(enum code code)
{
    return known(code) ? codes[code].name : "unknown_code";
}

const char *code_title(enum code code)
{
    return known(code) ? codes[code].title : "Unknown code";
}

int code_http_status(enum code code)
{
    return known(code) ? codes[code].status : 500;
}

// Cuts a text that vsnprintf() cut in the middle of a UTF-8 sequence back to whole characters.
static void cut_to_whole_characters(char *text)
{
    size_t len = strlen(text), at = len;

    while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
        at--;
    if (at == 0)
        return;
    unsigned char lead = (unsigned char)text[at - 1];
    size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (need > 1 && len - (at - 1) < need)
        text[at - 1] = 0;
}

// What files and peers put into a message may be anything; what leaves must be text.
static void replace_what_is_no_text(char *text)
{
    for (size_t left = strlen(text), length; left > 0; text += length, left -= length) {
        length = json_utf8(text, left);
        if (length > 0)
            continue;
        *text = '?';
        length = 1;
    }
}

static void fill(struct error *err, enum code code, const char *pointer, const char *format,
                 va_list args)
{
    // The arguments may lie in *err itself: format into a copy.
    struct error made = {.code = code};

    snprintf(made.pointer, sizeof made.pointer, "%s", pointer ? pointer : "");
    vsnprintf(made.message, sizeof made.message, format, args);
    cut_to_whole_characters(made.pointer);
    cut_to_whole_characters(made.message);
    replace_what_is_no_text(made.pointer);
    replace_what_is_no_text(made.message);
    *err = made;
}

enum code fail(struct error *err, enum code code, const char *pointer, const char *format, ...)
{
    va_list args;

    if (err) {
        va_start(args, format);
        fill(err, code, pointer, format, args);
        va_end(args);
    }
    return code;
}

void faults_init(struct faults *faults)
{
    *faults = (struct faults){0};
}

void faults_fini(struct faults *faults)
{
    if (faults->items != &faults->reserve)
        free(faults->items);
    *faults = (struct faults){0};
}

void faults_add(struct faults *faults, const struct error *err)
{
    if (!faults || faults->items == &faults->reserve)
        return;
    if (!faults->items)
        faults->items = calloc(FAULTS_MAX, sizeof *faults->items);
    if (!faults->items) {
        faults->items = &faults->reserve;
        fail(&faults->reserve, E_MEMORY, "", "out of memory while checking the document");
        faults->count = 1;
        return;
    }
    if (faults->count < FAULTS_MAX)
        faults->items[faults->count] = *err;
    faults->count++;
}

enum code fault(struct faults *faults, enum code code, const char *pointer, const char *format, ...)
{
    struct error err;
    va_list args;

    if (faults) {
        va_start(args, format);
        fill(&err, code, pointer, format, args);
        va_end(args);
        faults_add(faults, &err);
    }
    return code;
}

static bool is_there(const struct faults *faults, const struct error *err)
{
    for (int i = 0; i < faults->count && i < FAULTS_MAX; i++)
        if (strcmp(faults->items[i].pointer, err->pointer) == 0 &&
            strcmp(faults->items[i].message, err->message) == 0)
            return true;
    return false;
}

enum code fault_once(struct faults *faults, enum code code, const char *pointer, const char *format,
                     ...)
{
    struct error err;
    va_list args;

    if (faults) {
        va_start(args, format);
        fill(&err, code, pointer, format, args);
        va_end(args);
        if (!is_there(faults, &err))
            faults_add(faults, &err);
    }
    return code;
}
