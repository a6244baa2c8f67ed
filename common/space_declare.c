// A declaration's name and condition, and flat lists of declarations.
#include <string.h>

#include "common/space_build.h"

const char *hp_name(const cJSON *item, const char *pointer, struct faults *faults)
{
    const cJSON *name = json_member(item, "name");
    struct json_pointer at = json_pointer_of(pointer, "name");

    if (!name) {
        fault(faults, E_MISSING, at.text, "a hyperparameter needs a name");
        return NULL;
    }
    if (!cJSON_IsString(name)) {
        fault(faults, E_TYPE, at.text, "the name must be a string");
        return NULL;
    }
    size_t len = strlen(name->valuestring);
    if (len < 1 || len > HP_NAME_MAX) {
        fault(faults, E_RANGE, at.text, "the name must have 1 to %d characters", HP_NAME_MAX);
        return NULL;
    }
    for (const char *c = name->valuestring; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            fault(faults, E_INVALID, at.text, "the name must not have control characters");
            return NULL;
        }
    return name->valuestring;
}

static bool read_value(const cJSON *item, struct arena *arena, struct value *out)
{
    *out = (struct value){0};
    if (cJSON_IsBool(item)) {
        out->kind = V_BOOL;
        out->b = cJSON_IsTrue(item);
    } else if (cJSON_IsString(item)) {
        out->kind = V_STRING;
        out->s = arena_strdup(arena, item->valuestring);
    } else if (json_is_integer(item, &out->i)) {
        out->kind = V_INT;
    } else if (cJSON_IsNumber(item)) {
        out->kind = V_FLOAT;
        out->f = item->valuedouble;
    }
    return out->kind != V_NONE && (out->kind != V_STRING || out->s);
}

int hp_own_condition(const cJSON *item, const char *pointer, struct arena *arena,
                     struct named_condition *out, struct faults *faults)
{
    const cJSON *parent = json_member(item, "parent_name"),
                *values = json_member(item, "parent_values");
    struct json_pointer at = json_pointer_of(pointer, "parent_values");
    struct value *read;
    int n = cJSON_IsArray(values) ? cJSON_GetArraySize(values) : 1, k = 0;

    if (!parent && !values)
        return 0;
    if (!parent || !cJSON_IsString(parent)) {
        fault_once(faults, parent ? E_TYPE : E_MISSING,
                   json_pointer_of(pointer, "parent_name").text,
                   "parent_name must be the name of a hyperparameter");
        return -1;
    }
    if (!values || n < 1 || n > GRID_TABLE_MAX) {
        fault_once(faults, values ? E_RANGE : E_MISSING, at.text,
                   "parent_values must list the values of \"%s\" with which this exists",
                   parent->valuestring);
        return -1;
    }
    *out = (struct named_condition){.nvalues = n};
    out->values = read = arena_alloc(arena, (size_t)n, sizeof *read);
    out->parent = arena_strdup(arena, parent->valuestring);
    out->pointer = arena_strdup(arena, at.text);
    if (!out->values || !out->parent || !out->pointer) {
        fault_once(faults, E_MEMORY, pointer, "out of memory");
        return -1;
    }
    for (const cJSON *v = cJSON_IsArray(values) ? values->child : values; k < n; v = v->next, k++)
        if (!read_value(v, arena, &read[k])) {
            fault_once(faults, E_TYPE, at.text,
                       "parent_values must be strings, numbers or true/false");
            return -1;
        }
    return 1;
}

enum code space_from_parameters(const cJSON *parameters, const char *pointer, struct space *out,
                                struct faults *faults)
{
    struct space_builder builder;
    struct error err;
    int index = 0, before = faults->count;

    if (space_builder_init(&builder, &err) != OK)
        return fault(faults, E_MEMORY, pointer, "out of memory");
    for (const cJSON *item = parameters->child; item; item = item->next, index++) {
        struct json_pointer at = json_pointer_at(pointer, index);
        const char *name;
        struct hp hp;
        struct named_condition condition;
        if (!cJSON_IsObject(item)) {
            fault(faults, E_TYPE, at.text, "give an object with \"hp\" and \"name\"");
            continue;
        }
        bool defined = hp_define(item, at.text, builder.arena, &hp, faults);
        name = hp_name(item, at.text, faults);
        int conditions = hp_own_condition(item, at.text, builder.arena, &condition, faults);
        if (defined && name && conditions >= 0)
            space_builder_declare(&builder, name, &hp, at.text, &condition, conditions, faults);
    }
    if (faults->count == before)
        space_builder_finish(&builder, out, faults);
    space_builder_fini(&builder);
    return faults->count == before ? OK : faults->items[before < FAULTS_MAX ? before : 0].code;
}
