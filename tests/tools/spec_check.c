// For tests/system: reads study documents, one a line, from stdin and answers with a line each:
// {"ok": true} or {"ok": false, "faults": [{"pointer", "code", "detail"}]}. With --tables it prints the
// catalogue's tables as JSON instead.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/catalogue.h"
#include "common/study_spec.h"

static cJSON *fault_to_json(const struct error *err)
{
    cJSON *item = cJSON_CreateObject();

    cJSON_AddStringToObject(item, "pointer", err->pointer);
    cJSON_AddStringToObject(item, "code", code_name(err->code));
    cJSON_AddStringToObject(item, "detail", err->message);
    return item;
}

static void answer(const char *line, size_t len)
{
    cJSON *document, *reply = cJSON_CreateObject(), *list = cJSON_CreateArray();
    struct study_spec spec = {0};
    struct faults faults;
    struct error err;
    bool ok = false;

    faults_init(&faults);
    if (!(document = json_read(line, len, NULL, &err)))
        faults_add(&faults, &err);
    else
        ok = study_spec_parse(document, &spec, &faults) == OK;
    cJSON_AddBoolToObject(reply, "ok", ok);
    for (int i = 0; i < faults.count && i < FAULTS_MAX; i++)
        cJSON_AddItemToArray(list, fault_to_json(&faults.items[i]));
    cJSON_AddItemToObject(reply, "faults", list);
    if (ok) {
        struct value *values = calloc((size_t)spec.space.n + 1, sizeof *values);
        space_default(&spec.space, values);
        cJSON_AddItemToObject(reply, "space", space_to_json(&spec.space));
        cJSON *config = study_spec_resolve(&spec, values, &err);
        if (config)
            cJSON_AddItemToObject(reply, "config", config);
        free(values);
        study_spec_fini(&spec);
    }
    char *text = json_write(reply);
    puts(text);
    fflush(stdout);
    free(text);
    cJSON_Delete(reply);
    cJSON_Delete(document);
    faults_fini(&faults);
}

static const char *const types[] = {
    [ARG_INTEGER] = "integer",   [ARG_NUMBER] = "number",   [ARG_BOOL] = "boolean",
    [ARG_NAME] = "name",         [ARG_STRING] = "string",   [ARG_STRINGS] = "strings",
    [ARG_INTEGERS] = "integers", [ARG_NUMBERS] = "numbers", [ARG_NAME_OF] = "name_of",
    [ARG_ENTRY] = "entry",       [ARG_ENTRIES] = "entries", [ARG_SCHEDULE] = "schedule",
    [ARG_OBJECT] = "object",     [ARG_WEIGHTS] = "weights", [ARG_ANY] = "any",
};

static cJSON *arg_to_json(const struct arg *arg)
{
    cJSON *item = cJSON_CreateObject();

    cJSON_AddStringToObject(item, "name", arg->name);
    cJSON_AddStringToObject(item, "type", types[arg->type]);
    cJSON_AddBoolToObject(item, "required", arg->required);
    cJSON_AddBoolToObject(item, "nullable", arg->nullable);
    cJSON_AddBoolToObject(item, "fixed", arg->fixed);
    cJSON_AddBoolToObject(item, "plain", arg->plain);
    cJSON_AddStringToObject(item, "default", arg->fallback ? arg->fallback : "null");
    if (arg->min != 0 || arg->max != 0) {
        cJSON_AddNumberToObject(item, arg->min_open ? "exclusiveMinimum" : "minimum", arg->min);
        if (isfinite(arg->max))
            cJSON_AddNumberToObject(item, arg->max_open ? "exclusiveMaximum" : "maximum", arg->max);
    }
    cJSON_AddNumberToObject(item, "count", arg->count);
    if (arg->names) {
        cJSON *names = cJSON_AddArrayToObject(item, "names");
        for (int i = 0; arg->names[i]; i++)
            cJSON_AddItemToArray(names, cJSON_CreateString(arg->names[i]));
    }
    if (arg->kind)
        cJSON_AddStringToObject(item, "kind", catalogue_kind_name(arg->kind));
    if (arg->of)
        cJSON_AddStringToObject(item, "of", arg->of);
    return item;
}

static cJSON *kind_to_json(enum catalogue_kind kind)
{
    cJSON *entries = cJSON_CreateArray();
    const char *alias, *name;
    int count;
    const struct entry *list = catalogue_list(kind, &count);

    for (int i = 0; i < count; i++) {
        cJSON *entry = cJSON_CreateObject(), *aliases, *args;
        cJSON_AddStringToObject(entry, "name", list[i].name);
        aliases = cJSON_AddArrayToObject(entry, "aliases");
        for (int k = 0; (alias = catalogue_alias(kind, k, &name)); k++)
            if (strcmp(name, list[i].name) == 0)
                cJSON_AddItemToArray(aliases, cJSON_CreateString(alias));
        args = cJSON_AddArrayToObject(entry, "args");
        for (const struct arg *arg = list[i].args; arg && arg->name; arg++)
            cJSON_AddItemToArray(args, arg_to_json(arg));
        cJSON_AddItemToArray(entries, entry);
    }
    return entries;
}

static void print_tables(void)
{
    cJSON *tables = cJSON_CreateObject();

    for (int kind = CATALOGUE_NONE + 1; kind < CATALOGUE_KINDS; kind++)
        cJSON_AddItemToObject(tables, catalogue_kind_name((enum catalogue_kind)kind),
                              kind_to_json((enum catalogue_kind)kind));
    char *text = json_write_pretty(tables);
    fputs(text, stdout);
    free(text);
    cJSON_Delete(tables);
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    if (argc > 1 && strcmp(argv[1], "--tables") == 0) {
        print_tables();
        return 0;
    }
    while ((len = getline(&line, &cap, stdin)) > 0)
        answer(line, (size_t)len - (line[len - 1] == '\n'));
    free(line);
    return 0;
}
