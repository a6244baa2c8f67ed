// See csv.h.

#include "common/data/csv.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/data/input.h"
#include "common/json.h"

enum { CSV_BYTES_MAX = 1 << 30 };

static enum code check_text(const struct csv_text *t, struct error *err)
{
    int64_t line = 1;

    for (int64_t i = 0; i < t->size;) {
        size_t length = t->text[i] ? json_utf8(t->text + i, (size_t)(t->size - i)) : 0;
        if (length == 0)
            return fail(err, E_INVALID, "", "%s:%lld: a byte that is not UTF-8 text (0x%02x)",
                        t->name, (long long)line, (unsigned char)t->text[i]);
        line += t->text[i] == '\n';
        i += (int64_t)length;
    }
    return OK;
}

enum code csv_load(struct csv_text *text, const char *path, const char *name, struct error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct input input;
    struct csv_text loaded = {.name = name};
    enum code code = input_open(&input, path, name, err);

    if (code)
        return code;
    code = input_take_rest(&input, CSV_BYTES_MAX, &loaded.text, &loaded.size, err);
    input_close(&input);
    if (!code)
        code = check_text(&loaded, err);
    if (code) {
        free(loaded.text);
        return code;
    }
    if (strncmp(loaded.text, mark, 3) == 0) {
        loaded.size -= 3;
        memmove(loaded.text, loaded.text + 3, (size_t)loaded.size + 1);
    }
    size_t first = strcspn(loaded.text, "\n");
    loaded.delimiter = ',';
    if (!memchr(loaded.text, ',', first))
        loaded.delimiter = memchr(loaded.text, ';', first) ? ';' : '\t';
    *text = loaded;
    return OK;
}

void csv_unload(struct csv_text *text)
{
    free(text->text);
    *text = (struct csv_text){0};
}

void csv_begin(struct csv_scanner *scanner, const struct csv_text *source)
{
    *scanner = (struct csv_scanner){.source = source, .at = source->text, .line = 1, .ended = true};
}

void csv_end(struct csv_scanner *scanner)
{
    free(scanner->field);
    *scanner = (struct csv_scanner){0};
}

// Steps over one line end; false when there is none here.
static bool step_line(struct csv_scanner *s)
{
    size_t length = s->at[0] == '\n' ? 1 : s->at[0] == '\r' && s->at[1] == '\n' ? 2 : 0;
    s->at += length;
    s->line += length > 0;
    return length > 0;
}

bool csv_record(struct csv_scanner *scanner)
{
    while (step_line(scanner))
        ;
    scanner->record = scanner->line;
    scanner->ended = false;
    return *scanner->at != '\0';
}

static bool put(struct csv_scanner *s, const char *from, size_t length)
{
    if (s->length + length + 1 > s->capacity) {
        size_t capacity = 2 * (s->length + length) + 64;
        char *more = realloc(s->field, capacity);
        if (!more)
            return false;
        s->field = more;
        s->capacity = capacity;
    }
    memcpy(s->field + s->length, from, length);
    s->length += length;
    s->field[s->length] = '\0';
    return true;
}

static enum code quoted_field(struct csv_scanner *s, struct error *err)
{
    int64_t opened = s->line;

    for (s->at++;;) {
        size_t length = strcspn(s->at, "\"\n");
        if (!put(s, s->at, length + (s->at[length] == '\n')))
            return fail(err, E_MEMORY, "", "out of memory reading %s", s->source->name);
        s->at += length;
        if (*s->at == '\0')
            return fail(err, E_INVALID, "", "%s:%lld: a quoted field that never ends",
                        s->source->name, (long long)opened);
        s->line += *s->at == '\n';
        if (*s->at++ == '\n')
            continue;
        if (*s->at != '"')
            break;
        if (!put(s, s->at++, 1))
            return fail(err, E_MEMORY, "", "out of memory reading %s", s->source->name);
    }
    if (*s->at && *s->at != s->source->delimiter && *s->at != '\n' &&
        strncmp(s->at, "\r\n", 2) != 0)
        return fail(err, E_INVALID, "",
                    "%s:%lld: text behind a closing quote; a quote inside a quoted "
                    "field is written twice",
                    s->source->name, (long long)s->line);
    return OK;
}

enum code csv_field(struct csv_scanner *scanner, struct error *err)
{
    char delimiter = scanner->source->delimiter;

    scanner->length = 0;
    if (!put(scanner, "", 0))
        return fail(err, E_MEMORY, "", "out of memory reading %s", scanner->source->name);
    if (*scanner->at == '"') {
        enum code code = quoted_field(scanner, err);
        if (code)
            return code;
    } else {
        const char *end = scanner->at;
        while (*end && *end != delimiter && *end != '\n')
            end++;
        size_t kept = (size_t)(end - scanner->at);
        if (kept > 0 && *end == '\n' && end[-1] == '\r')
            kept--;
        if (!put(scanner, scanner->at, kept))
            return fail(err, E_MEMORY, "", "out of memory reading %s", scanner->source->name);
        scanner->at += kept;
    }
    scanner->ended = *scanner->at != delimiter;
    if (!scanner->ended)
        scanner->at++;
    else
        step_line(scanner);
    return OK;
}

static const char *skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

// strtod() over the whole field; hexadecimal ones are text.
static bool read_number(const struct csv_scanner *scanner, double *out)
{
    const char *at = skip_blanks(scanner->field);
    char *end = NULL;

    if (isspace((unsigned char)*at))
        return false;
    *out = strtod(at, &end);
    if (end == at || *skip_blanks(end) != '\0')
        return false;
    return !memchr(at, 'x', (size_t)(end - at)) && !memchr(at, 'X', (size_t)(end - at));
}

bool csv_number(const struct csv_scanner *scanner, double *out)
{
    double value;

    if (!read_number(scanner, &value) || !isfinite((float)value))
        return false;
    *out = value;
    return true;
}

bool csv_infinite(const struct csv_scanner *scanner)
{
    double value;

    return read_number(scanner, &value) && isinf((float)value);
}

bool csv_missing(const struct csv_scanner *scanner)
{
    static const char *const marks[] = {"", "na", "n/a", "nan", "null", "?"};
    const char *at = skip_blanks(scanner->field);
    size_t length = strcspn(at, " \t");

    if (*skip_blanks(at + length) != '\0')
        return false;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (strlen(marks[i]) == length && strncasecmp(at, marks[i], length) == 0)
            return true;
    }
    return false;
}
