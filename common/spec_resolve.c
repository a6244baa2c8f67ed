// One point's concrete configuration: repeats and switches expanded, hyperparameters replaced by their
// values, defaults filled in by the catalogue.
#include <stdlib.h>
#include <string.h>

#include "common/spec_parser.h"

struct resolver {
    const struct study_spec *spec;
    const struct value *values;
    struct indices indices;
    cJSON *layers;
    int nlayers, cap;
    struct json_pointer *pointers; // [nlayers]
    struct error *err;
    enum code code; // the first failure
};

static bool is_failed(struct resolver *r, enum code code, const char *pointer, const char *message)
{
    if (r->code == OK)
        r->code = fail(r->err, code, pointer, "%s", message);
    return true;
}

// The value of a hyperparameter here; V_NONE with the failure noted.
static struct value value_of(struct resolver *r, const cJSON *item, const char *pointer)
{
    char name[HP_NAME_MAX + 1], unknown[HP_NAME_MAX + 1];
    struct value value = {0};
    int index = -1;

    if (indices_expand(&r->indices, json_string_or(item, "name", ""), name, unknown))
        index = space_find(&r->spec->space, name);
    if (index >= 0)
        value = r->values[index];
    if (value.kind == V_NONE)
        is_failed(r, E_INVALID, pointer, "the point has no value for this hyperparameter");
    return value;
}

static cJSON *value_to_json(struct value value)
{
    return value.kind == V_STRING ? cJSON_CreateString(value.s)
           : value.kind == V_BOOL
               ? cJSON_CreateBool(value.b)
               : cJSON_CreateNumber(value.kind == V_INT ? (double)value.i : value.f);
}

// A copy with every hyperparameter replaced. What is inactive by a condition of its own is left out, so
// that the argument takes its default; NULL then and after a failure.
static cJSON *resolve_value(struct resolver *r, const cJSON *item, const char *pointer);

static bool is_inactive(struct resolver *r, const cJSON *item)
{
    char name[HP_NAME_MAX + 1], unknown[HP_NAME_MAX + 1];
    int index;

    return is_hp(item) && json_member(item, "parent_name") &&
           indices_expand(&r->indices, json_string_or(item, "name", ""), name, unknown) &&
           (index = space_find(&r->spec->space, name)) >= 0 && r->values[index].kind == V_NONE;
}

static cJSON *resolve_members(struct resolver *r, const cJSON *item, const char *pointer)
{
    cJSON *made = cJSON_IsArray(item) ? cJSON_CreateArray() : cJSON_CreateObject();
    int index = 0;

    for (const cJSON *child = item->child; made && child; child = child->next) {
        struct json_pointer at = child->string ? json_pointer_of(pointer, child->string)
                                               : json_pointer_at(pointer, index++);
        if (is_inactive(r, child))
            continue;
        cJSON *value = resolve_value(r, child, at.text);
        bool added = value && (child->string ? cJSON_AddItemToObject(made, child->string, value)
                                             : cJSON_AddItemToArray(made, value));
        if (!added) {
            cJSON_Delete(value);
            cJSON_Delete(made);
            made = NULL;
        }
    }
    if (!made)
        is_failed(r, E_MEMORY, pointer, "out of memory");
    return made;
}

static cJSON *resolve_value(struct resolver *r, const cJSON *item, const char *pointer)
{
    cJSON *made;

    if (is_hp(item)) {
        struct value value = value_of(r, item, pointer);
        made = value.kind == V_NONE ? NULL : value_to_json(value);
    } else if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
        return resolve_members(r, item, pointer);
    } else {
        made = cJSON_Duplicate(item, true);
    }
    if (!made)
        is_failed(r, E_MEMORY, pointer, "out of memory");
    return made;
}

static void add_layer(struct resolver *r, const cJSON *item, const char *pointer)
{
    cJSON *layer = resolve_value(r, item, pointer);

    if (r->nlayers == r->cap) {
        int cap = r->cap ? 2 * r->cap : 32;
        struct json_pointer *more = realloc(r->pointers, (size_t)cap * sizeof *more);
        if (!more) {
            cJSON_Delete(layer);
            is_failed(r, E_MEMORY, pointer, "out of memory");
            return;
        }
        r->pointers = more;
        r->cap = cap;
    }
    if (!layer || !cJSON_AddItemToArray(r->layers, layer)) {
        cJSON_Delete(layer);
        is_failed(r, E_MEMORY, pointer, "out of memory");
        return;
    }
    r->pointers[r->nlayers++] = json_pointer_join(pointer, "");
}

static void resolve_layers(struct resolver *r, const cJSON *list, const char *pointer);

static void resolve_repeat(struct resolver *r, const cJSON *item, const char *pointer)
{
    const cJSON *count = json_member(item, "repeat");
    struct json_pointer at = json_pointer_of(pointer, "repeat"),
                        body = json_pointer_of(pointer, "layers");
    int depth = r->indices.n;
    int64_t n = 0;

    if (is_hp(count)) {
        struct value value = value_of(r, count, at.text);
        n = value.kind == V_INT ? value.i : 0;
    } else {
        json_is_integer(count, &n);
    }
    if (depth == 64)
        return;
    r->indices.items[depth].name = json_string_or(item, "as", "i");
    r->indices.n++;
    for (int i = 0; i < n && r->code == OK; i++) {
        r->indices.items[depth].value = i;
        resolve_layers(r, json_member(item, "layers"), body.text);
    }
    r->indices.n = depth;
}

static void resolve_switch(struct resolver *r, const cJSON *item, const char *pointer)
{
    const cJSON *which = json_member(item, "switch");
    struct json_pointer at = json_pointer_of(pointer, "switch"),
                        body = json_pointer_of(pointer, "cases");
    char name[HP_NAME_MAX + 1];

    if (is_hp(which))
        case_name(value_of(r, which, at.text), name);
    else
        case_of_fixed(which, name);
    if (r->code == OK)
        resolve_layers(r, json_member(json_member(item, "cases"), name),
                       json_pointer_of(body.text, name).text);
}

static void resolve_layers(struct resolver *r, const cJSON *list, const char *pointer)
{
    int index = 0;

    for (const cJSON *item = list ? list->child : NULL; item && r->code == OK;
         item = item->next, index++) {
        struct json_pointer at = json_pointer_at(pointer, index);
        if (json_member(item, "repeat"))
            resolve_repeat(r, item, at.text);
        else if (json_member(item, "switch"))
            resolve_switch(r, item, at.text);
        else
            add_layer(r, item, at.text);
    }
}

static struct resolver resolver_of(const struct study_spec *spec, const struct value *values,
                                   struct error *err)
{
    return (struct resolver){.spec = spec, .values = values, .err = err, .code = OK};
}

cJSON *spec_expand_model(const struct study_spec *spec, const struct value *values,
                         struct json_pointer **pointers, struct error *err)
{
    struct resolver r = resolver_of(spec, values, err);
    cJSON *model = cJSON_CreateObject();

    r.layers = model ? cJSON_AddArrayToObject(model, "layers") : NULL;
    if (r.layers)
        resolve_layers(&r, json_member(json_member(spec->document, "model"), "layers"),
                       "/model/layers");
    else
        is_failed(&r, E_MEMORY, "", "out of memory");
    if (r.code != OK || !pointers) {
        free(r.pointers);
        r.pointers = NULL;
    }
    if (r.code != OK) {
        cJSON_Delete(model);
        return NULL;
    }
    if (pointers)
        *pointers = r.pointers;
    return model;
}

void spec_point_into_document(const struct study_spec *spec, const struct value *values,
                              const char *prefix, struct error *err)
{
    struct json_pointer *pointers, at;
    struct error ignored;
    char *rest;
    long index;
    cJSON *model;

    if (!err || strncmp(err->pointer, prefix, strlen(prefix)) != 0)
        return;
    index = strtol(err->pointer + strlen(prefix), &rest, 10);
    if (!(model = spec_expand_model(spec, values, &pointers, &ignored)))
        return;
    if (index >= 0 && index < cJSON_GetArraySize(json_member(model, "layers"))) {
        at = json_pointer_join(pointers[index].text, rest);
        memcpy(err->pointer, at.text, sizeof err->pointer);
    }
    free(pointers);
    cJSON_Delete(model);
}

// The resolved and normalised section into config; false with the failure in err.
static bool add_section(const struct study_spec *spec, const struct value *values, const char *name,
                        cJSON *(*normalise)(const cJSON *, const char *, struct faults *),
                        cJSON *config, struct error *err)
{
    struct resolver r = resolver_of(spec, values, err);
    struct json_pointer at = json_pointer_of("", name);
    const cJSON *item = json_member(spec->document, name);
    struct faults faults;
    cJSON *resolved, *made = NULL;

    faults_init(&faults);
    if (strcmp(name, "model") == 0)
        resolved = spec_expand_model(spec, values, NULL, err);
    else if (item && !cJSON_IsNull(item))
        resolved = resolve_value(&r, item, at.text);
    else
        resolved = cJSON_CreateObject();
    if (resolved && !(made = normalise(resolved, at.text, &faults)) && faults.count && err) {
        *err = faults.items[0];
        spec_point_into_document(spec, values, "/model/layers/", err);
    }
    cJSON_Delete(resolved);
    faults_fini(&faults);
    if (made && cJSON_AddItemToObject(config, name, made))
        return true;
    cJSON_Delete(made);
    return false;
}

cJSON *study_spec_resolve(const struct study_spec *spec, const struct value *values,
                          struct error *err)
{
    cJSON *config;

    if (!spec->has_model) {
        fail(err, E_INVALID, "/model", "a study with parameters has nothing to train");
        return NULL;
    }
    fail(err, E_MEMORY, "", "out of memory");
    config = cJSON_CreateObject();
    if (!config ||
        !add_section(spec, values, "dataset", catalogue_normalise_dataset, config, err) ||
        !add_section(spec, values, "model", catalogue_normalise_model, config, err) ||
        !add_section(spec, values, "compile", catalogue_normalise_compile, config, err) ||
        !add_section(spec, values, "fit", catalogue_normalise_fit, config, err))
        goto bad;
    // Under Hyperband and ASHA the rounds' epochs rule; the rest of the program asks for fit.epochs.
    if (spec->tuner.max_epochs > 0 && json_member(config, "fit"))
        cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(
                                 cJSON_GetObjectItemCaseSensitive(config, "fit"), "epochs"),
                             (double)spec->tuner.max_epochs);
    return config;
bad:
    cJSON_Delete(config);
    return NULL;
}
