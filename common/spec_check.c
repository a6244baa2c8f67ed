// The sections of the document against the catalogue, with every value that a hyperparameter can take,
// and what their training will log.
#include <stdio.h>
#include <string.h>

#include "common/spec_parser.h"
#include "common/text.h"

static const struct hp *hp_of(void *user, const cJSON *item, const char *pointer)
{
    const struct spec_parser *parser = user;

    (void)pointer;
    return definition_at(parser, &parser->indices, item);
}

static struct taker taker_of(struct spec_parser *parser)
{
    return (struct taker){.faults = parser->faults, .hp_of = hp_of, .user = parser};
}

static void check_layers(struct spec_parser *parser, const cJSON *list, const char *pointer,
                         bool may_be_empty);

static void check_keys(struct spec_parser *parser, const cJSON *item, const char *pointer,
                       const char *what, const char *const *keys)
{
    for (const cJSON *child = item->child; child; child = child->next) {
        bool known = false;
        const char *near = NULL;
        for (int i = 0; keys[i]; i++) {
            known |= strcmp(keys[i], child->string) == 0;
            near = text_nearer(child->string, near, keys[i]);
        }
        if (known)
            continue;
        fault(parser->faults, E_UNKNOWN, json_pointer_of(pointer, child->string).text,
              near ? "a %s has no \"%.60s\"; did you mean \"%s\"?"
                   : "a %s has no \"%.60s\"; leave it out",
              what, child->string, near);
    }
}

static bool is_identifier(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

    return text[0] && strspn(text, letters) == strlen(text) && strlen(text) <= 32 &&
           (text[0] < '0' || text[0] > '9');
}

static void check_index_name(struct spec_parser *parser, const cJSON *as, const char *pointer)
{
    const char *name = as ? as->valuestring : "i";

    if (as && (!cJSON_IsString(as) || !is_identifier(as->valuestring))) {
        fault(parser->faults, E_INVALID, pointer,
              "as must be a short name of letters, digits and _");
        return;
    }
    for (int i = 0; i < parser->indices.n; i++)
        if (strcmp(parser->indices.items[i].name, name) == 0)
            fault(
                parser->faults, E_CONFLICT, pointer,
                "a repeat around this one counts with \"%s\" already; give this one another \"as\"",
                name);
}

static void check_repeat(struct spec_parser *parser, const cJSON *item, const char *pointer)
{
    static const char *const keys[] = {"repeat", "as", "layers", NULL};
    const struct arg count = {.name = "repeat", .type = ARG_INTEGER, .min = 0, .max = REPEAT_MAX};
    const cJSON *as = json_member(item, "as"), *layers = json_member(item, "layers");
    const struct taker t = taker_of(parser);
    struct json_pointer at = json_pointer_of(pointer, "repeat"),
                        body = json_pointer_of(pointer, "layers");
    int depth = parser->indices.n;

    check_keys(parser, item, pointer, "repeat", keys);
    cJSON_Delete(take_value(&t, &count, json_member(item, "repeat"), at.text));
    check_index_name(parser, as, json_pointer_of(pointer, "as").text);
    if (depth == 64)
        return;
    parser->indices.items[depth].name = cJSON_IsString(as) ? as->valuestring : "i";
    parser->indices.items[depth].value = 0;
    parser->indices.n++;
    check_layers(parser, layers, body.text, false);
    parser->indices.n = depth;
}

static bool is_value_of(const struct hp *hp, const char *name)
{
    char text[HP_NAME_MAX + 1];

    for (int i = 0; i < hp->nvalues; i++) {
        case_name(hp_grid_value(hp, i), text);
        if (strcmp(text, name) == 0)
            return true;
    }
    return false;
}

static void check_cases(struct spec_parser *parser, const struct hp *hp, const cJSON *cases,
                        const char *pointer)
{
    char name[HP_NAME_MAX + 1];

    for (const cJSON *one = cases->child; one; one = one->next)
        if (!is_value_of(hp, one->string))
            fault(parser->faults, E_UNKNOWN, json_pointer_of(pointer, one->string).text,
                  "\"%.60s\" is no value of the switch; add it to its values or leave the case out",
                  one->string);
    for (int i = 0; i < hp->nvalues; i++) {
        case_name(hp_grid_value(hp, i), name);
        if (!json_member(cases, name))
            fault(parser->faults, E_MISSING, json_pointer_of(pointer, name).text,
                  "no case for the value \"%s\"; add \"%s\": [] if it adds no layers", name, name);
    }
}

static void check_switch(struct spec_parser *parser, const cJSON *item, const char *pointer)
{
    static const char *const keys[] = {"switch", "cases", NULL};
    const cJSON *which = json_member(item, "switch"), *cases = json_member(item, "cases");
    struct json_pointer at = json_pointer_of(pointer, "switch"),
                        body = json_pointer_of(pointer, "cases");
    const struct hp *hp = is_hp(which) ? definition_at(parser, &parser->indices, which) : NULL;
    char name[HP_NAME_MAX + 1];

    check_keys(parser, item, pointer, "switch", keys);
    if (!cJSON_IsObject(cases) || !cases->child) {
        fault(parser->faults, cases ? E_TYPE : E_MISSING, body.text,
              "cases must be an object {\"value\": [layers], …}");
        return;
    }
    if (hp && (hp->nvalues == 0 || hp->nvalues > 100))
        fault(parser->faults, E_TYPE, at.text, "a switch needs a Choice, a Boolean or few values");
    else if (hp)
        check_cases(parser, hp, cases, body.text);
    else if (!is_hp(which) && !case_of_fixed(which, name))
        fault(parser->faults, E_TYPE, at.text,
              "switch must be a hyperparameter or one of its values");
    else if (!is_hp(which) && !json_member(cases, name))
        fault(parser->faults, E_MISSING, json_pointer_of(body.text, name).text,
              "no case for the value \"%s\"", name);
    for (const cJSON *one = cases->child; one; one = one->next)
        check_layers(parser, one, json_pointer_of(body.text, one->string).text, true);
}

static void check_layers(struct spec_parser *parser, const cJSON *list, const char *pointer,
                         bool may_be_empty)
{
    const struct taker t = taker_of(parser);
    int index = 0;

    if (!cJSON_IsArray(list) || (!list->child && !may_be_empty)) {
        fault(parser->faults, list ? E_TYPE : E_MISSING, pointer, "give a list of %slayers",
              may_be_empty ? "" : "one or more ");
        return;
    }
    for (const cJSON *item = list->child; item; item = item->next, index++) {
        struct json_pointer at = json_pointer_at(pointer, index);
        if (json_member(item, "repeat"))
            check_repeat(parser, item, at.text);
        else if (json_member(item, "switch"))
            check_switch(parser, item, at.text);
        else
            cJSON_Delete(take_entry(&t, CATALOGUE_LAYER, item, at.text));
    }
}

static void check_model(struct spec_parser *parser, const cJSON *model)
{
    static const char *const keys[] = {"layers", NULL};

    if (!cJSON_IsObject(model)) {
        fault(parser->faults, E_TYPE, "/model", "model must be an object {\"layers\": [layers]}");
        return;
    }
    check_keys(parser, model, "/model", "model", keys);
    check_layers(parser, json_member(model, "layers"), "/model/layers", false);
}

static void add_name(struct spec_parser *parser, const char *name, int better)
{
    char *copy = arena_strdup(parser->builder.arena, name);

    if (!copy || parser->nnames == LOG_NAMES_MAX)
        return;
    parser->better[parser->nnames] = better;
    parser->names[parser->nnames++] = copy;
}

static bool is_logged(const struct spec_parser *parser, const char *name)
{
    for (int i = 0; i < parser->nnames; i++)
        if (strcmp(parser->names[i], name) == 0)
            return true;
    return false;
}

// A second metric of one name becomes name_1, as in Keras; f1 without an average one name a class.
static void add_metric(struct spec_parser *parser, const cJSON *metric, const char *type)
{
    const struct entry *entry = catalogue_find(CATALOGUE_METRIC, type);
    const char *name = json_string_or(metric, "name", type);
    char numbered[160];

    if (!entry)
        return;
    if (strcmp(type, "f1") == 0 && cJSON_IsNull(json_member(metric, "average"))) {
        snprintf(numbered, sizeof numbered, "%s_*", name);
        add_name(parser, numbered, entry->better);
        return;
    }
    snprintf(numbered, sizeof numbered, "%s", name);
    for (int i = 1; is_logged(parser, numbered) && i < LOG_NAMES_MAX; i++)
        snprintf(numbered, sizeof numbered, "%.128s_%d", name, i);
    add_name(parser, numbered, entry->better);
}

static void add_metrics(struct spec_parser *parser, const cJSON *compile)
{
    const cJSON *metric, *metrics = json_member(compile, "metrics");

    add_name(parser, "loss", -1);
    cJSON_ArrayForEach(metric, metrics)
    {
        const cJSON *type =
            cJSON_IsObject(metric) && !is_hp(metric) ? json_member(metric, "type") : metric;
        const struct hp *hp = is_hp(type) ? definition_at(parser, &parser->indices, type) : NULL;
        if (cJSON_IsString(type))
            add_metric(parser, metric, type->valuestring);
        for (int i = 0; hp && i < hp->nvalues; i++)
            if (hp->values && hp->values[i].kind == V_STRING)
                add_metric(parser, is_hp(metric) ? NULL : metric, hp->values[i].s);
    }
}

// Every training has a validation part.
static bool validates(struct spec_parser *parser, const cJSON *dataset)
{
    const cJSON *split = json_member(dataset, "validation_split");
    const struct hp *hp = is_hp(split) ? definition_at(parser, &parser->indices, split) : NULL;

    if (cJSON_IsString(json_member(dataset, "validation_data")))
        return true;
    if (!hp)
        return cJSON_IsNumber(split) && split->valuedouble > 0;
    for (int i = 0; hp->values && i < hp->nvalues; i++)
        if (hp->values[i].kind != V_FLOAT || hp->values[i].f <= 0)
            return false;
    return hp->values || hp->min > 0;
}

static void add_validation_names(struct spec_parser *parser)
{
    int n = parser->nnames;
    char name[200];

    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "val_%s", parser->names[i]);
        add_name(parser, name, parser->better[i]);
    }
}

static void check_callbacks(struct spec_parser *parser, const cJSON *fit, const cJSON *compile)
{
    const cJSON *callbacks = json_member(fit, "callbacks"), *callback;
    const cJSON *rate = json_member(json_member(compile, "optimizer"), "learning_rate");
    bool scheduled = cJSON_IsObject(rate) && !is_hp(rate);
    int index = 0;

    cJSON_ArrayForEach(callback, callbacks)
    {
        struct json_pointer at = json_pointer_at("/fit/callbacks", index++);
        const cJSON *monitor = json_member(callback, "monitor");
        const char *type = json_string_or(callback, "type", "");
        if (cJSON_IsString(monitor))
            spec_find_logged(parser, monitor->valuestring, json_pointer_of(at.text, "monitor").text,
                             parser->faults);
        if (scheduled &&
            (strcmp(type, "LearningRateScheduler") == 0 || strcmp(type, "ReduceLROnPlateau") == 0))
            fault(parser->faults, E_CONFLICT, at.text,
                  "%s cannot set the rate of an optimizer whose learning_rate is a schedule; use "
                  "one of "
                  "the two",
                  type);
    }
}

int spec_find_logged(const struct spec_parser *parser, const char *name, const char *pointer,
                     struct faults *faults)
{
    char all[300] = "";
    const char *near = NULL;
    size_t n = 0;

    for (int i = 0; i < parser->nnames; i++) {
        const char *logged = parser->names[i];
        size_t len = strlen(logged);
        bool numbered = logged[len - 1] == '*' && strncmp(name, logged, len - 1) == 0 &&
                        name[len - 1] &&
                        strspn(name + len - 1, "0123456789") == strlen(name + len - 1);
        if (numbered || strcmp(logged, name) == 0)
            return i;
        near = text_nearer(name, near, logged);
        if (n < sizeof all)
            n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", logged);
    }
    if (strncmp(name, "val_", 4) == 0 && is_logged(parser, name + 4))
        fault(faults, E_UNKNOWN, pointer,
              "\"%.60s\" needs a validation part in every trial; give the dataset a "
              "validation_split above 0 or validation_data",
              name);
    else if (near)
        fault(faults, E_UNKNOWN, pointer,
              "this study does not log \"%.60s\"; did you mean \"%s\"? It logs %s", name, near,
              all);
    else
        fault(faults, E_UNKNOWN, pointer, "this study does not log \"%.60s\"; it logs %s", name,
              all);
    return -1;
}

// NULL when the section is absent or faulty.
static cJSON *take(struct spec_parser *parser, const char *name)
{
    const struct taker t = taker_of(parser);
    const cJSON *item = json_member(parser->document, name);

    if (!item || cJSON_IsNull(item))
        return NULL;
    return take_section(&t, name, item, json_pointer_of("", name).text);
}

void spec_check_sections(struct spec_parser *parser)
{
    const cJSON *document = parser->document;
    cJSON *dataset = take(parser, "dataset"), *compile = take(parser, "compile"),
          *fit = take(parser, "fit");

    check_model(parser, json_member(document, "model"));
    if (compile && dataset) {
        add_metrics(parser, json_member(document, "compile"));
        if (validates(parser, json_member(document, "dataset")))
            add_validation_names(parser);
        add_name(parser, "learning_rate", 0);
        check_callbacks(parser, fit, compile);
    }
    cJSON_Delete(dataset);
    cJSON_Delete(compile);
    cJSON_Delete(fit);
}
