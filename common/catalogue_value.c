// One taker for each type of argument.
#include "common/catalogue_value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

cJSON *catalogue_no_memory(const struct taker *t, const char *pointer)
{
    fault(t->faults, E_MEMORY, pointer, "out of memory");
    return NULL;
}

cJSON *catalogue_copy(const struct taker *t, const cJSON *item, const char *pointer)
{
    cJSON *made = cJSON_Duplicate(item, true);

    return made ? made : catalogue_no_memory(t, pointer);
}

// Takes over item; false when there was none or no memory.
bool catalogue_put(const struct taker *t, cJSON *object, const char *name, cJSON *item,
                   const char *pointer)
{
    if (item && cJSON_AddItemToObject(object, name, item))
        return true;
    if (item) {
        cJSON_Delete(item);
        catalogue_no_memory(t, pointer);
    }
    return false;
}

static bool append(const struct taker *t, cJSON *array, cJSON *item, const char *pointer)
{
    if (item && !cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
        item = catalogue_no_memory(t, pointer);
    }
    return item != NULL;
}

static bool has_bounds(const struct arg *arg)
{
    return arg->min != 0 || arg->max != 0;
}

// "a whole number from 1 to 1000000", "a number above 0", …
static const char *numbers_text(const struct arg *arg, bool whole, char out[120])
{
    const char *what = whole ? "a whole number" : "a number";
    char low[32], high[32];

    json_format_number(arg->min, low);
    json_format_number(arg->max, high);
    if (!has_bounds(arg))
        snprintf(out, 120, "%s", what);
    else if (arg->min == arg->max)
        snprintf(out, 120, "%s", low);
    else if (isinf(arg->max))
        snprintf(out, 120, arg->min_open ? "%s above %s" : "%s of %s or more", what, low);
    else
        snprintf(out, 120, "%s from %s%s to %s%s", what, low, arg->min_open ? " (excluded)" : "",
                 high, arg->max_open ? " (excluded)" : "");
    return out;
}

bool catalogue_within(const struct arg *arg, double x)
{
    if (!has_bounds(arg))
        return true;
    return (arg->min_open ? x > arg->min : x >= arg->min) &&
           (arg->max_open ? x < arg->max : x <= arg->max);
}

static cJSON *take_a_number(const struct taker *t, const struct arg *arg, const cJSON *item,
                            const char *pointer, bool whole)
{
    char takes[120];
    int64_t integer;
    bool right = whole ? json_is_integer(item, &integer) : cJSON_IsNumber(item);

    if (right && catalogue_within(arg, item->valuedouble))
        return catalogue_copy(t, item, pointer);
    numbers_text(arg, whole, takes);
    if (right) {
        char got[32];
        json_format_number(item->valuedouble, got);
        fault(t->faults, E_RANGE, pointer, "%s is %s; it must be %s", arg->name, got, takes);
    } else {
        fault(t->faults, E_TYPE, pointer, "%s must be %s%s", arg->name, takes,
              arg->nullable ? ", or null" : "");
    }
    return NULL;
}

static cJSON *take_integer(const struct taker *t, const struct arg *arg, const cJSON *item,
                           const char *pointer)
{
    return take_a_number(t, arg, item, pointer, true);
}

static cJSON *take_number(const struct taker *t, const struct arg *arg, const cJSON *item,
                          const char *pointer)
{
    return take_a_number(t, arg, item, pointer, false);
}

static cJSON *take_bool(const struct taker *t, const struct arg *arg, const cJSON *item,
                        const char *pointer)
{
    if (cJSON_IsBool(item))
        return catalogue_copy(t, item, pointer);
    fault(t->faults, E_TYPE, pointer, "%s must be true or false", arg->name);
    return NULL;
}

static cJSON *take_name(const struct taker *t, const struct arg *arg, const cJSON *item,
                        const char *pointer)
{
    char all[200] = "";
    size_t n = 0;

    for (int i = 0; arg->names[i]; i++) {
        if (cJSON_IsString(item) && strcmp(item->valuestring, arg->names[i]) == 0)
            return catalogue_copy(t, item, pointer);
        const char *joint = i == 0 ? "" : arg->names[i + 1] ? ", " : " or ";
        if (n < sizeof all)
            n += (size_t)snprintf(all + n, sizeof all - n, "%s\"%s\"", joint, arg->names[i]);
    }
    fault(t->faults, cJSON_IsString(item) ? E_UNKNOWN : E_TYPE, pointer, "%s must be %s%s",
          arg->name, all, arg->nullable ? ", or null" : "");
    return NULL;
}

// What stands in file names and URLs: "." and ".." would not survive there.
static bool is_plain(const char *name)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return strspn(name, letters) == strlen(name) && strspn(name, ".") < strlen(name);
}

static cJSON *take_string(const struct taker *t, const struct arg *arg, const cJSON *item,
                          const char *pointer)
{
    size_t len = cJSON_IsString(item) ? strlen(item->valuestring) : 0;
    size_t longest = arg->max > 0 ? (size_t)arg->max : 128;

    if (arg->plain && len && !is_plain(item->valuestring)) {
        fault(t->faults, E_INVALID, pointer,
              "%s can have letters, digits and . _ - only, and not dots alone", arg->name);
        return NULL;
    }
    if (len >= 1 && len <= longest)
        return catalogue_copy(t, item, pointer);
    fault(t->faults, cJSON_IsString(item) ? E_RANGE : E_TYPE, pointer,
          "%s must be a string of 1 to %zu characters", arg->name, longest);
    return NULL;
}

enum { LIST_MAX = 64 };

// A list of numbers or hyperparameters, each taken by `element`; a single one counts for all.
static cJSON *take_integers(const struct taker *t, const struct arg *arg, const cJSON *item,
                            const char *pointer)
{
    struct arg element = *arg;
    int n = cJSON_IsArray(item) ? cJSON_GetArraySize(item) : arg->count ? arg->count : 1, index = 0;
    cJSON *list;
    bool good = true;

    element.type = ARG_INTEGER;
    element.nullable = false;
    if (arg->count ? n != arg->count : n < 1 || n > LIST_MAX) {
        if (arg->count)
            fault(t->faults, E_RANGE, pointer, "%s must be one whole number or a list of %d",
                  arg->name, arg->count);
        else
            fault(t->faults, E_RANGE, pointer, "%s must be a list of 1 to %d whole numbers",
                  arg->name, LIST_MAX);
        return NULL;
    }
    if (!(list = cJSON_CreateArray()))
        return catalogue_no_memory(t, pointer);
    if (!cJSON_IsArray(item)) {
        for (int i = 0; i < n && good; i++)
            good = append(t, list, take_value(t, &element, item, pointer), pointer);
    } else {
        for (const cJSON *child = item->child; child; child = child->next, index++)
            good &= append(t, list,
                           take_value(t, &element, child, json_pointer_at(pointer, index).text),
                           pointer);
    }
    if (good)
        return list;
    cJSON_Delete(list);
    return NULL;
}

static cJSON *take_list(const struct taker *t, const struct arg *element, const cJSON *item,
                        const char *pointer, int least, int most, const char *of_what)
{
    int n = cJSON_GetArraySize(item), index = 0;
    cJSON *list;
    bool good = true;

    if (!cJSON_IsArray(item) || n < least || n > most) {
        fault(t->faults, cJSON_IsArray(item) ? E_RANGE : E_TYPE, pointer,
              "%s must be a list of %d to %d %s", element->name, least, most, of_what);
        return NULL;
    }
    if (!(list = cJSON_CreateArray()))
        return catalogue_no_memory(t, pointer);
    for (const cJSON *child = item->child; child; child = child->next, index++)
        good &= append(t, list, take_value(t, element, child, json_pointer_at(pointer, index).text),
                       pointer);
    if (good)
        return list;
    cJSON_Delete(list);
    return NULL;
}

static cJSON *take_strings(const struct taker *t, const struct arg *arg, const cJSON *item,
                           const char *pointer)
{
    struct arg element = *arg;

    element.type = ARG_STRING;
    if (cJSON_IsArray(item))
        return take_list(t, &element, item, pointer, 0, LIST_MAX, "strings");
    cJSON *list = cJSON_CreateArray();
    if (list && append(t, list, take_string(t, &element, item, pointer), pointer))
        return list;
    cJSON_Delete(list);
    return NULL;
}

static cJSON *take_anything(const struct taker *t, const struct arg *arg, const cJSON *item,
                            const char *pointer)
{
    if (!cJSON_IsNull(item))
        return catalogue_copy(t, item, pointer);
    fault(t->faults, E_MISSING, pointer, "%s must not be null", arg->name);
    return NULL;
}

static cJSON *take_numbers(const struct taker *t, const struct arg *arg, const cJSON *item,
                           const char *pointer)
{
    struct arg element = *arg;

    element.type = ARG_NUMBER;
    return take_list(t, &element, item, pointer, 1, LIST_MAX, "numbers");
}

static cJSON *take_entries(const struct taker *t, const struct arg *arg, const cJSON *item,
                           const char *pointer)
{
    struct arg element = *arg;

    element.type = ARG_ENTRY;
    return take_list(t, &element, item, pointer, 0, arg->count, "entries");
}

void catalogue_unknown_name(const struct taker *t, enum catalogue_kind kind, const char *name,
                            const char *pointer)
{
    const char *near = NULL;
    char all[400] = "";
    size_t n = 0;
    int count;
    const struct entry *entries = catalogue_list(kind, &count);

    for (int i = 0; i < count; i++) {
        near = text_nearer(name, near, entries[i].name);
        if (n < sizeof all)
            n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", entries[i].name);
    }
    if (near)
        fault(t->faults, E_UNKNOWN, pointer, "unknown %s \"%.100s\"; did you mean \"%s\"?",
              catalogue_kind_name(kind), name, near);
    else
        fault(t->faults, E_UNKNOWN, pointer, "unknown %s \"%.100s\"; there are %s",
              catalogue_kind_name(kind), name, all);
}

static cJSON *take_name_of(const struct taker *t, const struct arg *arg, const cJSON *item,
                           const char *pointer)
{
    const struct entry *entry;

    if (!cJSON_IsString(item)) {
        fault(t->faults, E_TYPE, pointer, "%s must be the name of an %s", arg->name,
              catalogue_kind_name(arg->kind));
        return NULL;
    }
    if (!(entry = catalogue_find(arg->kind, item->valuestring))) {
        catalogue_unknown_name(t, arg->kind, item->valuestring, pointer);
        return NULL;
    }
    cJSON *made = cJSON_CreateString(entry->name);
    return made ? made : catalogue_no_memory(t, pointer);
}

static cJSON *take_an_entry(const struct taker *t, const struct arg *arg, const cJSON *item,
                            const char *pointer)
{
    return take_entry(t, arg->kind, item, pointer);
}

static cJSON *take_schedule(const struct taker *t, const struct arg *arg, const cJSON *item,
                            const char *pointer)
{
    return cJSON_IsObject(item) || cJSON_IsString(item) ? take_entry(t, arg->kind, item, pointer)
                                                        : take_number(t, arg, item, pointer);
}

static cJSON *take_object(const struct taker *t, const struct arg *arg, const cJSON *item,
                          const char *pointer)
{
    return take_section(t, arg->of, item, pointer);
}

static bool is_class_number(const char *text)
{
    size_t n = strspn(text, "0123456789");

    return n >= 1 && n <= 7 && text[n] == 0 && (text[0] != '0' || n == 1);
}

static cJSON *take_weights(const struct taker *t, const struct arg *arg, const cJSON *item,
                           const char *pointer)
{
    const struct arg weight = {
        .name = "a class weight", .type = ARG_NUMBER, .min = 0, .max = INFINITY};
    cJSON *made;
    bool good = true;

    if (!cJSON_IsObject(item)) {
        fault(t->faults, E_TYPE, pointer,
              "%s must be an object {\"0\": weight, \"1\": weight, …}, or null", arg->name);
        return NULL;
    }
    if (!(made = cJSON_CreateObject()))
        return catalogue_no_memory(t, pointer);
    for (const cJSON *child = item->child; child; child = child->next) {
        struct json_pointer at = json_pointer_of(pointer, child->string);
        if (!is_class_number(child->string)) {
            fault(t->faults, E_INVALID, at.text, "keys of %s are class numbers: \"0\", \"1\", …",
                  arg->name);
            good = false;
        } else {
            good &= catalogue_put(t, made, child->string, take_value(t, &weight, child, at.text),
                                  pointer);
        }
    }
    if (good)
        return made;
    cJSON_Delete(made);
    return NULL;
}

take_fn *const catalogue_takers[] = {
    [ARG_INTEGER] = take_integer, [ARG_NUMBER] = take_number,     [ARG_BOOL] = take_bool,
    [ARG_NAME] = take_name,       [ARG_STRING] = take_string,     [ARG_INTEGERS] = take_integers,
    [ARG_NUMBERS] = take_numbers, [ARG_NAME_OF] = take_name_of,   [ARG_ENTRY] = take_an_entry,
    [ARG_ENTRIES] = take_entries, [ARG_SCHEDULE] = take_schedule, [ARG_OBJECT] = take_object,
    [ARG_WEIGHTS] = take_weights, [ARG_ANY] = take_anything,      [ARG_STRINGS] = take_strings,
};
