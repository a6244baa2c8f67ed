// The table is walked three times: defaults, file, flags; each later one overwrites. One function turns
// text into a value, so a flag and a line of the file are checked alike.
#include "common/options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char tunerd_version[] = TUNERD_VERSION;

struct table {
    const struct option_spec *specs;
    int nspecs;
    struct error *err;
};

static const struct option_spec *find(const struct table *table, const char *name, size_t len)
{
    for (int i = 0; i < table->nspecs; i++)
        if (strlen(table->specs[i].name) == len && memcmp(table->specs[i].name, name, len) == 0)
            return &table->specs[i];
    return NULL;
}

// Levenshtein's distance; names longer than the row are never near.
static int distance(const char *a, size_t na, const char *b)
{
    enum { WIDEST = 64 };
    int row[WIDEST + 1];
    size_t nb = strlen(b);
    if (na > WIDEST || nb > WIDEST)
        return INT_MAX;
    for (size_t j = 0; j <= nb; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[nb];
}

// where: "" for a flag, "FILE:LINE: " for the file. dashes: "--" or "".
static enum code unknown(const struct table *table, const char *where, const char *dashes,
                         const char *name, size_t len)
{
    const char *nearest = NULL;
    int least = INT_MAX;
    for (int i = 0; i < table->nspecs; i++) {
        int d = distance(name, len, table->specs[i].name);
        if (d < least) {
            least = d;
            nearest = table->specs[i].name;
        }
    }
    int shown = len > 64 ? 64 : (int)len;
    if (nearest == NULL || least > 1 + (int)len / 2)
        return fail(table->err, E_UNKNOWN, "", "%sunknown option %s%.*s; see --help", where, dashes,
                    shown, name);
    return fail(table->err, E_UNKNOWN, "", "%sunknown option %s%.*s; did you mean %s%s?", where,
                dashes, shown, name, dashes, nearest);
}

static enum code set_integer(const struct table *table, const struct option_spec *spec,
                             const char *where, const char *text)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || isspace((unsigned char)*text))
        return fail(table->err, E_TYPE, "", "%s%s takes an integer, not \"%.64s\"", where,
                    spec->name, text);
    if (errno == ERANGE || value < spec->min || value > spec->max)
        return fail(table->err, E_RANGE, "", "%s%s is %.64s; use %" PRId64 " to %" PRId64, where,
                    spec->name, text, spec->min, spec->max);
    *(int64_t *)spec->target = value;
    return OK;
}

static enum code set_bool(const struct table *table, const struct option_spec *spec,
                          const char *where, const char *text)
{
    static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int value = 0; value < 2; value++)
            if (strcmp(text, words[i][value]) == 0) {
                *(bool *)spec->target = value == 1;
                return OK;
            }
    return fail(table->err, E_TYPE, "", "%s%s takes true or false, not \"%.64s\"", where,
                spec->name, text);
}

static enum code set_string(const struct table *table, const struct option_spec *spec,
                            const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return fail(table->err, E_MEMORY, "", "out of memory");
    char **target = spec->target;
    free(*target);
    *target = copy;
    return OK;
}

static enum code set(const struct table *table, const struct option_spec *spec, const char *where,
                     const char *text)
{
    if (spec->type == OPTION_INTEGER)
        return set_integer(table, spec, where, text);
    if (spec->type == OPTION_BOOL)
        return set_bool(table, spec, where, text);
    return set_string(table, spec, text);
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

static enum code read_line(const struct table *table, const char *where, char *line)
{
    char *text = trim(line);
    if (*text == '\0' || *text == '#')
        return OK;
    char *equals = strchr(text, '=');
    if (equals == NULL)
        return fail(table->err, E_SYNTAX, "", "%s\"%.64s\" is not of the form name = value", where,
                    text);
    *equals = '\0';
    char *name = trim(text), *value = trim(equals + 1);
    const struct option_spec *spec = find(table, name, strlen(name));
    if (spec == NULL)
        return unknown(table, where, "", name, strlen(name));
    return set(table, spec, where, value);
}

static enum code read_file(const struct table *table, const char *path, bool must_exist)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        if (errno == ENOENT && !must_exist)
            return OK;
        return fail(table->err, errno == ENOENT ? E_NOT_FOUND : E_IO, "",
                    "cannot read the configuration file %.200s: %s", path, strerror(errno));
    }
    char line[4096];
    enum code code = OK;
    for (int number = 1; code == OK && fgets(line, sizeof line, file) != NULL; number++) {
        char where[300];
        snprintf(where, sizeof where, "%.200s:%d: ", path, number);
        if (strchr(line, '\n') == NULL && !feof(file))
            code = fail(table->err, E_LIMIT, "", "%sthe line is longer than %zu bytes", where,
                        sizeof line - 2);
        else
            code = read_line(table, where, line);
    }
    if (code == OK && ferror(file))
        code = fail(table->err, E_IO, "", "cannot read the configuration file %.200s: %s", path,
                    strerror(errno));
    fclose(file);
    return code;
}

static void print_help(const struct table *table, const char *usage)
{
    printf("%s\n\nOptions (each also as `name = value` in the configuration file; flags win):\n",
           usage);
    for (int i = 0; i < table->nspecs; i++) {
        const struct option_spec *spec = &table->specs[i];
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", spec->name, spec->argument ? " " : "",
                 spec->argument ? spec->argument : "");
        printf("  %-28s %s", left, spec->help);
        if (spec->fallback != NULL && spec->fallback[0] != '\0' && spec->type != OPTION_BOOL)
            printf(" (%s)", spec->fallback);
        printf("\n");
    }
    printf("  %-28s %s\n", "--config FILE", "read options from FILE");
    printf("  %-28s %s\n", "--help", "show this text");
    printf("  %-28s %s\n", "--version", "show the version");
}

// One flag as it stands in argv: its name, and its value when one is attached by '='.
struct flag {
    const char *name;
    size_t len;
    const char *value;
};

// False when argv[i] is no flag: the options end here.
static bool read_flag(const char *argument, struct flag *flag)
{
    if (argument[0] != '-' || argument[1] == '\0' || strcmp(argument, "--") == 0)
        return false;
    flag->name = argument + (argument[1] == '-' ? 2 : 1);
    const char *equals = strchr(flag->name, '=');
    flag->len = equals ? (size_t)(equals - flag->name) : strlen(flag->name);
    flag->value = equals ? equals + 1 : NULL;
    if (argument[1] != '-' && strcmp(flag->name, "h") == 0)
        flag->name = "help", flag->len = 4;
    return true;
}

static bool is(const struct flag *flag, const char *name)
{
    return flag->len == strlen(name) && memcmp(flag->name, name, flag->len) == 0;
}

// What the flags ask for: called with every flag and its value, in order.
struct walk {
    const char *config; // the last --config
    bool help, version;
    bool apply; // second walk: set the values
};

static enum code walk_flags(const struct table *table, int argc, char **argv, int *rest,
                            struct walk *walk)
{
    int i = 1;
    for (; i < argc; i++) {
        struct flag flag;
        if (!read_flag(argv[i], &flag))
            break;
        const struct option_spec *spec = find(table, flag.name, flag.len);
        bool config = is(&flag, "config");
        if (is(&flag, "help") || is(&flag, "version")) {
            *(is(&flag, "help") ? &walk->help : &walk->version) = true;
            continue;
        }
        if ((spec == NULL && !config) || argv[i][1] != '-')
            return unknown(table, "", argv[i][1] == '-' ? "--" : "-", flag.name, flag.len);
        const char *value = flag.value;
        if (value == NULL && spec != NULL && spec->type == OPTION_BOOL)
            value = "true";
        if (value == NULL && ++i < argc)
            value = argv[i];
        if (value == NULL)
            return fail(table->err, E_MISSING, "", "--%.*s needs a value", (int)flag.len,
                        flag.name);
        if (config)
            walk->config = value;
        enum code code = walk->apply && !config ? set(table, spec, "--", value) : OK;
        if (code != OK)
            return code;
    }
    *rest = i < argc && strcmp(argv[i], "--") == 0 ? i + 1 : i;
    return OK;
}

enum code options_parse(const struct option_spec *specs, int nspecs, const char *usage,
                        const char *config_default, int argc, char **argv, int *rest,
                        bool *exit_now, struct error *err)
{
    struct error local;
    struct table table = {specs, nspecs, err ? err : &local};
    struct walk walk = {.config = NULL};
    *exit_now = false;
    enum code code = walk_flags(&table, argc, argv, rest, &walk);
    if (code != OK)
        return code;
    if (walk.help || walk.version) {
        if (walk.help)
            print_help(&table, usage);
        else
            printf("%s\n", tunerd_version);
        *exit_now = true;
        return OK;
    }
    for (int i = 0; i < nspecs && code == OK; i++)
        if (specs[i].fallback != NULL)
            code = set(&table, &specs[i], "default of ", specs[i].fallback);
    if (code == OK && (walk.config != NULL || config_default != NULL))
        code = read_file(&table, walk.config ? walk.config : config_default, walk.config != NULL);
    walk.apply = true;
    if (code == OK)
        code = walk_flags(&table, argc, argv, rest, &walk);
    return code;
}

void options_free(const struct option_spec *specs, int nspecs)
{
    for (int i = 0; i < nspecs; i++)
        if (specs[i].type == OPTION_STRING) {
            char **target = specs[i].target;
            free(*target);
            *target = NULL;
        }
}
