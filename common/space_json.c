// Points and spaces as JSON.
#include "common/space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

static cJSON *value_to_json(struct value value)
{
    switch (value.kind) {
    case V_BOOL:
        return cJSON_CreateBool(value.b);
    case V_INT:
        return cJSON_CreateNumber((double)value.i);
    case V_FLOAT:
        return cJSON_CreateNumber(value.f);
    case V_STRING:
        return cJSON_CreateString(value.s);
    case V_NONE:
        break;
    }
    return cJSON_CreateNull();
}

// Adds and reports whether both steps had memory.
static bool add(cJSON *object, const char *name, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, name, item))
        return true;
    cJSON_Delete(item);
    return false;
}

static bool append(cJSON *array, cJSON *item)
{
    return item && cJSON_AddItemToArray(array, item);
}

cJSON *space_values_to_json(const struct space *space, const struct value *values)
{
    cJSON *object = cJSON_CreateObject();

    for (int i = 0; object && i < space->n; i++)
        if (values[i].kind != V_NONE &&
            !add(object, space->hps[i].name, value_to_json(values[i]))) {
            cJSON_Delete(object);
            return NULL;
        }
    return object;
}

// The value of an item by the hyperparameter's own kind: 1 is also a Float.
static struct value read_value(const struct hp *hp, const cJSON *item)
{
    struct value value = {0};
    bool is_float = hp->values ? hp->values[0].kind == V_FLOAT : hp->type == HP_FLOAT;

    if (cJSON_IsBool(item)) {
        value.kind = V_BOOL;
        value.b = cJSON_IsTrue(item);
    } else if (cJSON_IsString(item)) {
        value.kind = V_STRING;
        value.s = item->valuestring;
    } else if (cJSON_IsNumber(item) && is_float) {
        value.kind = V_FLOAT;
        value.f = item->valuedouble;
    } else if (json_is_integer(item, &value.i)) {
        value.kind = V_INT;
    }
    return value;
}

// What hp takes, for a message.
static void describe(const struct hp *hp, char *out, size_t size)
{
    char low[32], high[32], step[32];
    size_t n = 0;

    if (hp->values) {
        n = (size_t)snprintf(out, size, "one of");
        for (int i = 0; i < hp->nvalues && n < size; i++) {
            cJSON *item = value_to_json(hp->values[i]);
            char *text = item ? json_write(item) : NULL;
            n += (size_t)snprintf(out + n, size - n, "%s %s", i ? "," : "", text ? text : "?");
            free(text);
            cJSON_Delete(item);
        }
        return;
    }
    json_format_number(hp->min, low);
    json_format_number(hp->max, high);
    json_format_number(hp->step, step);
    snprintf(out, size, "%s from %s to %s%s%s", hp->type == HP_INT ? "an integer" : "a number", low,
             high,
             hp->step <= 0                     ? ""
             : hp->sampling == SAMPLING_LINEAR ? " in steps of "
                                               : " in factors of ",
             hp->step > 0 ? step : "");
}

static void read_member(const struct space *space, int i, const cJSON *item, const char *pointer,
                        struct value *values, struct faults *faults)
{
    const struct hp *hp = &space->hps[i];
    struct json_pointer at = json_pointer_of(pointer, hp->name);
    bool active = space_is_active(space, values, i);
    struct value value;
    char takes[200];

    values[i] = (struct value){0};
    if (!item) {
        if (active)
            fault(faults, E_MISSING, at.text, "hyperparameter \"%s\" is missing", hp->name);
        return;
    }
    if (!active) {
        fault(faults, E_INVALID, at.text,
              "hyperparameter \"%s\" does not exist with the other values given here; leave it out",
              hp->name);
        return;
    }
    value = read_value(hp, item);
    if (!hp_contains(hp, value)) {
        describe(hp, takes, sizeof takes);
        fault(faults, E_RANGE, at.text, "not a value of \"%s\", which is %s", hp->name, takes);
        return;
    }
    values[i] = hp->nvalues ? hp_grid_value(hp, hp_grid_index(hp, value)) : value;
}

enum code space_values_from_json(const struct space *space, const cJSON *object,
                                 const char *pointer, struct value *values, struct faults *faults)
{
    int before = faults->count;

    if (!cJSON_IsObject(object))
        return fault(faults, E_TYPE, pointer, "give an object {\"name\": value, …}");
    for (const cJSON *item = object->child; item; item = item->next)
        if (space_find(space, item->string) < 0) {
            const char *near = NULL;
            for (int i = 0; i < space->n; i++)
                near = text_nearer(item->string, near, space->hps[i].name);
            fault(faults, E_UNKNOWN, json_pointer_of(pointer, item->string).text,
                  near ? "no hyperparameter \"%s\"; did you mean \"%s\"?"
                       : "no hyperparameter \"%s\"",
                  item->string, near);
        }
    for (int i = 0; i < space->n; i++)
        values[i] = (struct value){0};
    for (int i = 0; i < space->n; i++)
        read_member(space, i, json_member(object, space->hps[i].name), pointer, values, faults);
    return faults->count > before ? faults->items[before < FAULTS_MAX ? before : 0].code : OK;
}

static cJSON *values_to_json(const struct value *values, int n)
{
    cJSON *array = cJSON_CreateArray();

    for (int i = 0; array && i < n; i++)
        if (!append(array, value_to_json(values[i]))) {
            cJSON_Delete(array);
            return NULL;
        }
    return array;
}

static cJSON *condition_to_json(const struct space *space, const struct condition *condition)
{
    cJSON *object = cJSON_CreateObject();

    if (object &&
        add(object, "parent_name", cJSON_CreateString(space->hps[condition->parent].name)) &&
        add(object, "parent_values", values_to_json(condition->values, condition->nvalues)))
        return object;
    cJSON_Delete(object);
    return NULL;
}

// Any of the outer list, all of the inner one.
static cJSON *clauses_to_json(const struct space *space, const struct hp *hp)
{
    cJSON *any = cJSON_CreateArray();

    for (int i = 0; any && i < hp->nclauses; i++) {
        cJSON *all = cJSON_CreateArray();
        if (!append(any, all))
            goto bad;
        for (int k = 0; k < hp->clauses[i].nconditions; k++)
            if (!append(all, condition_to_json(space, &hp->clauses[i].conditions[k])))
                goto bad;
    }
    return any;
bad:
    cJSON_Delete(any);
    return NULL;
}

static bool add_numbers(cJSON *object, const struct hp *hp)
{
    static const char *const samplings[] = {"linear", "log", "reverse_log"};

    return add(object, "min_value", cJSON_CreateNumber(hp->min)) &&
           add(object, "max_value", cJSON_CreateNumber(hp->max)) &&
           add(object, "step", hp->step > 0 ? cJSON_CreateNumber(hp->step) : cJSON_CreateNull()) &&
           add(object, "sampling", cJSON_CreateString(samplings[hp->sampling]));
}

static cJSON *hp_to_json(const struct space *space, const struct hp *hp)
{
    static const char *const types[] = {"Int", "Float", "Choice", "Boolean", "Fixed"};
    cJSON *object = cJSON_CreateObject();
    bool ok = object && add(object, "name", cJSON_CreateString(hp->name)) &&
              add(object, "hp", cJSON_CreateString(types[hp->type]));

    if (ok && !hp->values)
        ok = add_numbers(object, hp);
    if (ok && hp->type == HP_CHOICE)
        ok = add(object, "values", values_to_json(hp->values, hp->nvalues)) &&
             add(object, "ordered", cJSON_CreateBool(hp->ordered));
    if (ok)
        ok = add(object, hp->type == HP_FIXED ? "value" : "default", value_to_json(hp->fallback));
    if (ok && hp->nclauses)
        ok = add(object, "conditions", clauses_to_json(space, hp));
    if (ok)
        return object;
    cJSON_Delete(object);
    return NULL;
}

cJSON *space_to_json(const struct space *space)
{
    cJSON *array = cJSON_CreateArray();

    for (int i = 0; array && i < space->n; i++)
        if (!append(array, hp_to_json(space, &space->hps[i]))) {
            cJSON_Delete(array);
            return NULL;
        }
    return array;
}
