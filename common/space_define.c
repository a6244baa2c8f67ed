// One {"hp": …} object: which kind it is, its keys, and the kinds that are lists of values.
#include "common/space_define.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"

void definition_bad(struct definition *d, enum code code, const char *key, const char *format, ...)
{
    struct error err = {.code = code};
    struct json_pointer at = json_pointer_of(d->pointer, key);
    va_list args;

    snprintf(err.pointer, sizeof err.pointer, "%s", key[0] ? at.text : d->pointer);
    va_start(args, format);
    vsnprintf(err.message, sizeof err.message, format, args);
    va_end(args);
    faults_add(d->faults, &err);
    d->ok = false;
}

const cJSON *definition_given(const struct definition *d, const char *key)
{
    const cJSON *item = json_member(d->item, key);

    return cJSON_IsNull(item) ? NULL : item;
}

static enum value_kind kind_of(const cJSON *item)
{
    int64_t whole;

    return cJSON_IsBool(item)              ? V_BOOL
           : cJSON_IsString(item)          ? V_STRING
           : json_is_integer(item, &whole) ? V_INT
           : cJSON_IsNumber(item)          ? V_FLOAT
                                           : V_NONE;
}

static bool read_scalar(struct definition *d, const cJSON *item, enum value_kind kind,
                        struct value *out)
{
    out->kind = kind;
    if (kind == V_BOOL)
        out->b = cJSON_IsTrue(item);
    else if (kind == V_INT)
        out->i = (int64_t)item->valuedouble;
    else if (kind == V_FLOAT)
        out->f = item->valuedouble;
    else if (!(out->s = arena_strdup(d->arena, item->valuestring)))
        definition_bad(d, E_MEMORY, "", "out of memory");
    return d->ok;
}

// The common kind of all values, V_NONE with a fault: whole numbers beside others count as numbers.
static enum value_kind common_kind(struct definition *d, const cJSON *values)
{
    enum value_kind common = V_NONE;
    int index = 0;

    for (const cJSON *item = values->child; item; item = item->next, index++) {
        enum value_kind kind = kind_of(item);
        bool fits = kind == common || (kind == V_INT && common == V_FLOAT) || common == V_NONE ||
                    (kind == V_FLOAT && common == V_INT);
        if (fits && kind != V_NONE) {
            common = kind == V_INT && common == V_FLOAT ? V_FLOAT : kind;
            continue;
        }
        struct json_pointer at = json_pointer_at(json_pointer_of(d->pointer, "values").text, index);
        fault(d->faults, E_TYPE, at.text,
              "the values of a Choice must be all strings, all numbers or all true/false");
        d->ok = false;
        return V_NONE;
    }
    return common;
}

static void take_choice_default(struct definition *d, enum value_kind kind)
{
    struct hp *hp = d->hp;
    const cJSON *item = definition_given(d, "default");
    struct value value;

    hp->fallback = hp->values[0];
    if (!item)
        return;
    enum value_kind own = kind_of(item);
    if (own != kind && !(own == V_INT && kind == V_FLOAT)) {
        definition_bad(d, E_TYPE, "default", "the default must be one of the values");
        return;
    }
    if (!read_scalar(d, item, kind, &value))
        return;
    int k = hp_grid_index(hp, value);
    if (k < 0)
        definition_bad(d, E_RANGE, "default", "the default must be one of the values");
    else
        hp->fallback = hp->values[k];
}

static void define_choice(struct definition *d)
{
    struct hp *hp = d->hp;
    const cJSON *values = json_member(d->item, "values"), *ordered = definition_given(d, "ordered");
    int n = cJSON_GetArraySize(values), k = 0;

    if (!cJSON_IsArray(values) || n == 0) {
        definition_bad(d, values ? E_TYPE : E_MISSING, "values",
                       "values must be a list of at least one value");
        return;
    }
    if (n > GRID_TABLE_MAX) {
        definition_bad(d, E_RANGE, "values", "%d values; at most %d are taken", n, GRID_TABLE_MAX);
        return;
    }
    enum value_kind kind = common_kind(d, values);
    if (!d->ok)
        return;
    hp->values = arena_alloc(d->arena, (size_t)n, sizeof *hp->values);
    if (!hp->values) {
        definition_bad(d, E_MEMORY, "", "out of memory");
        return;
    }
    for (const cJSON *item = values->child; item; item = item->next, k++) {
        if (!read_scalar(d, item, kind, &hp->values[k]))
            return;
        if (hp_grid_index(hp, hp->values[k]) >= 0) {
            struct json_pointer at = json_pointer_at(json_pointer_of(d->pointer, "values").text, k);
            fault(d->faults, E_INVALID, at.text, "this value stands twice; leave one out");
            d->ok = false;
            return;
        }
        hp->nvalues = k + 1;
    }
    hp->ordered = kind != V_STRING;
    if (ordered && !cJSON_IsBool(ordered))
        definition_bad(d, E_TYPE, "ordered", "ordered must be true or false");
    else if (cJSON_IsTrue(ordered) && kind == V_STRING)
        definition_bad(d, E_INVALID, "ordered", "strings have no order; leave ordered out");
    else if (ordered)
        hp->ordered = cJSON_IsTrue(ordered);
    take_choice_default(d, kind);
}

static void define_boolean(struct definition *d)
{
    struct hp *hp = d->hp;
    const cJSON *item = definition_given(d, "default");

    if (!(hp->values = arena_alloc(d->arena, 2, sizeof *hp->values))) {
        definition_bad(d, E_MEMORY, "", "out of memory");
        return;
    }
    hp->nvalues = 2;
    hp->values[0] = (struct value){.kind = V_BOOL, .b = false};
    hp->values[1] = (struct value){.kind = V_BOOL, .b = true};
    if (item && !cJSON_IsBool(item))
        definition_bad(d, E_TYPE, "default", "the default of a Boolean must be true or false");
    hp->fallback = hp->values[cJSON_IsTrue(item)];
}

static void define_fixed(struct definition *d)
{
    struct hp *hp = d->hp;
    const cJSON *item = json_member(d->item, "value");
    enum value_kind kind = item ? kind_of(item) : V_NONE;

    if (kind == V_NONE) {
        definition_bad(d, item ? E_TYPE : E_MISSING, "value",
                       "value must be a string, a number, true or false");
        return;
    }
    if (!(hp->values = arena_alloc(d->arena, 1, sizeof *hp->values)))
        definition_bad(d, E_MEMORY, "", "out of memory");
    else if (read_scalar(d, item, kind, &hp->values[0])) {
        hp->nvalues = 1;
        hp->fallback = hp->values[0];
    }
}

#define COMMON "hp", "name", "parent_name", "parent_values"
static const struct {
    const char *name;
    enum hp_type type;
    void (*define)(struct definition *);
    const char *keys[12];
} types[] = {
    {"Int",
     HP_INT,
     define_number,
     {COMMON, "min_value", "max_value", "step", "sampling", "default"}},
    {"Float",
     HP_FLOAT,
     define_number,
     {COMMON, "min_value", "max_value", "step", "sampling", "default"}},
    {"Choice", HP_CHOICE, define_choice, {COMMON, "values", "ordered", "default"}},
    {"Boolean", HP_BOOLEAN, define_boolean, {COMMON, "default"}},
    {"Fixed", HP_FIXED, define_fixed, {COMMON, "value"}},
};

static void check_keys(struct definition *d, const char *const *keys, const char *type)
{
    for (const cJSON *item = d->item->child; item; item = item->next) {
        const char *near = NULL;
        bool known = false;
        for (int i = 0; i < 12 && keys[i]; i++) {
            known |= strcmp(keys[i], item->string) == 0;
            near = text_nearer(item->string, near, keys[i]);
        }
        if (known)
            continue;
        if (near)
            definition_bad(d, E_UNKNOWN, item->string, "%s has no \"%s\"; did you mean \"%s\"?",
                           type, item->string, near);
        else
            definition_bad(d, E_UNKNOWN, item->string, "%s has no \"%s\"; leave it out", type,
                           item->string);
    }
}

bool hp_define(const cJSON *item, const char *pointer, struct arena *arena, struct hp *out,
               struct faults *faults)
{
    struct hp hp = {0};
    struct definition d = {item, pointer, arena, &hp, faults, true};
    const char *type = json_string_or(item, "hp", "");

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, type) == 0) {
            hp.type = types[i].type;
            check_keys(&d, types[i].keys, type);
            types[i].define(&d);
            if (d.ok)
                *out = hp;
            return d.ok;
        }
    definition_bad(&d, E_UNKNOWN, "hp",
                   "hp must be \"Int\", \"Float\", \"Choice\", \"Boolean\", \"Fixed\" or \"Ref\"");
    return false;
}

bool hp_same_definition(const struct hp *a, const struct hp *b)
{
    if (a->type != b->type || a->sampling != b->sampling || a->min != b->min || a->max != b->max ||
        a->step != b->step || a->ordered != b->ordered || a->nvalues != b->nvalues ||
        !value_equal(a->fallback, b->fallback))
        return false;
    for (int i = 0; a->values && i < a->nvalues; i++)
        if (!value_equal(a->values[i], b->values[i]))
            return false;
    return true;
}
