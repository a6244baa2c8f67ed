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

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    while ((len = getline(&line, &cap, stdin)) > 0)
        answer(line, (size_t)len - (line[len - 1] == '\n'));
    free(line);
    return 0;
}
