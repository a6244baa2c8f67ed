// Objects of the catalogue: hyperparameters in their arguments, defaults, types, sections.
#include "common/catalogue_take.h"

#include <string.h>

#include "common/catalogue_value.h"
#include "common/text.h"

bool is_hp(const cJSON *item)
{
    return json_member(item, "hp") != NULL;
}

bool has_hp(const cJSON *item)
{
    if (is_hp(item))
        return true;
    if (cJSON_IsObject(item) || cJSON_IsArray(item))
        for (const cJSON *child = item->child; child; child = child->next)
            if (has_hp(child))
                return true;
    return false;
}

// Takes one of the values a hyperparameter can have and drops the result.
static bool try_value(const struct taker *t, const struct arg *arg, struct value value,
                      const char *pointer)
{
    cJSON *item = value.kind == V_STRING ? cJSON_CreateString(value.s)
                  : value.kind == V_BOOL ? cJSON_CreateBool(value.b)
                  : value.kind == V_INT  ? cJSON_CreateNumber((double)value.i)
                                         : cJSON_CreateNumber(value.f);
    cJSON *taken =
        item ? catalogue_takers[arg->type](t, arg, item, pointer) : catalogue_no_memory(t, pointer);
    bool good = taken != NULL;

    cJSON_Delete(taken);
    cJSON_Delete(item);
    return good;
}

static bool try_number(const struct taker *t, const struct arg *arg, const struct hp *hp, double x,
                       const char *pointer)
{
    struct value value = {.kind = V_FLOAT, .f = x};

    if (hp->type == HP_INT)
        value = (struct value){.kind = V_INT, .i = (int64_t)x};
    return try_value(t, arg, value, pointer);
}

static bool wants_whole_numbers(const struct arg *arg)
{
    return arg->type == ARG_INTEGER || arg->type == ARG_INTEGERS;
}

// Every value of a Choice, the ends of a range: bounds are intervals, so the ends stand for all.
static cJSON *take_hp(const struct taker *t, const struct arg *arg, const cJSON *item,
                      const char *pointer)
{
    const struct hp *hp;
    bool good = true, is_ref = strcmp(json_string_or(item, "hp", ""), "Ref") == 0;

    if (!t->hp_of || arg->fixed) {
        fault(t->faults, E_INVALID, pointer, "%s cannot be a hyperparameter; give a fixed value",
              arg->name);
        return NULL;
    }
    if (!(hp = t->hp_of(t->user, item, pointer)))
        return catalogue_copy(t, item, pointer);
    if (hp->type == HP_FLOAT && wants_whole_numbers(arg)) {
        fault(t->faults, E_TYPE, pointer,
              "%s takes whole numbers; use \"hp\": \"Int\" instead of Float", arg->name);
        return NULL;
    }
    if (!hp->values) {
        struct json_pointer low = json_pointer_of(pointer, "min_value"),
                            high = json_pointer_of(pointer, "max_value");
        good = try_number(t, arg, hp, hp->min, is_ref ? pointer : low.text);
        if (good || catalogue_within(arg, hp->min) != catalogue_within(arg, hp->max))
            good &= try_number(t, arg, hp, hp->max, is_ref ? pointer : high.text);
    }
    for (int i = 0; hp->values && i < hp->nvalues && (good || hp->type == HP_CHOICE); i++) {
        struct json_pointer at = json_pointer_at(json_pointer_of(pointer, "values").text, i);
        good &=
            try_value(t, arg, hp->values[i], hp->type == HP_CHOICE && !is_ref ? at.text : pointer);
    }
    return good ? catalogue_copy(t, item, pointer) : NULL;
}

cJSON *take_value(const struct taker *t, const struct arg *arg, const cJSON *item,
                  const char *pointer)
{
    if (is_hp(item))
        return take_hp(t, arg, item, pointer);
    if (!cJSON_IsNull(item) || !arg->nullable)
        return catalogue_takers[arg->type](t, arg, item, pointer);
    cJSON *made = arg->type == ARG_NAME_OF && arg->kind == CATALOGUE_ACTIVATION
                      ? cJSON_CreateString("linear")
                      : cJSON_CreateNull();
    return made ? made : catalogue_no_memory(t, pointer);
}

static cJSON *take_fallback(const struct taker *t, const struct arg *arg, const char *pointer)
{
    const char *text = arg->fallback ? arg->fallback : "null";
    cJSON *item = json_read(text, strlen(text), NULL, NULL), *made;

    if (!item)
        return catalogue_no_memory(t, pointer);
    made =
        cJSON_IsNull(item) ? catalogue_copy(t, item, pointer) : take_value(t, arg, item, pointer);
    cJSON_Delete(item);
    return made;
}

static const struct arg *find_arg(const struct entry *entry, const char *name)
{
    for (const struct arg *arg = entry->args; arg && arg->name; arg++)
        if (strcmp(arg->name, name) == 0)
            return arg;
    return NULL;
}

static bool take_unknown(const struct taker *t, const struct entry *entry, const cJSON *item,
                         const char *pointer, bool has_type)
{
    bool good = true;

    for (const cJSON *child = item->child; child; child = child->next) {
        const char *near = NULL;
        if (find_arg(entry, child->string) || (has_type && strcmp(child->string, "type") == 0))
            continue;
        for (const struct arg *arg = entry->args; arg && arg->name; arg++)
            near = text_nearer(child->string, near, arg->name);
        struct json_pointer at = json_pointer_of(pointer, child->string);
        if (near)
            fault(t->faults, E_UNKNOWN, at.text, "%s has no \"%.100s\"; did you mean \"%s\"?",
                  entry->name, child->string, near);
        else
            fault(t->faults, E_UNKNOWN, at.text, "%s has no \"%.100s\"; leave it out", entry->name,
                  child->string);
        good = false;
    }
    return good;
}

static void check_together(const struct taker *t, const struct entry *entry, const cJSON *made,
                           const char *pointer, bool *good)
{
    struct error err;
    enum code code;

    if (!entry->check || has_hp(made) || (code = entry->check(made, &err)) == OK)
        return;
    fault(t->faults, code, json_pointer_join(pointer, err.pointer).text, "%s", err.message);
    *good = false;
}

// The members of an object: all of entry's arguments into `made`.
static bool take_members(const struct taker *t, const struct entry *entry, const cJSON *item,
                         const char *pointer, bool has_type, cJSON *made)
{
    bool good = take_unknown(t, entry, item, pointer, has_type);

    for (const struct arg *arg = entry->args; arg && arg->name; arg++) {
        const cJSON *given = json_member(item, arg->name);
        struct json_pointer at = json_pointer_of(pointer, arg->name);
        if (given) {
            good &= catalogue_put(t, made, arg->name, take_value(t, arg, given, at.text), pointer);
        } else if (arg->required) {
            fault(t->faults, E_MISSING, at.text, "%s needs \"%s\"", entry->name, arg->name);
            good = false;
        } else {
            good &= catalogue_put(t, made, arg->name, take_fallback(t, arg, at.text), pointer);
        }
    }
    for (const struct arg *arg = entry->args; arg && arg->name && good; arg++)
        if (arg->like && cJSON_IsNull(json_member(made, arg->name))) {
            cJSON_DeleteItemFromObjectCaseSensitive(made, arg->name);
            good &=
                catalogue_put(t, made, arg->name,
                              catalogue_copy(t, json_member(made, arg->like), pointer), pointer);
        }
    if (good)
        check_together(t, entry, made, pointer, &good);
    return good;
}

static cJSON *take_typed(const struct taker *t, const struct entry *entry, const cJSON *item,
                         const char *pointer)
{
    cJSON *made = cJSON_CreateObject(), *type = cJSON_CreateString(entry->name);

    if (!made) {
        cJSON_Delete(type);
        return catalogue_no_memory(t, pointer);
    }
    if (catalogue_put(t, made, "type", type, pointer) &&
        take_members(t, entry, item, pointer, cJSON_IsObject(item), made))
        return made;
    cJSON_Delete(made);
    return NULL;
}

// "type" is a hyperparameter: the arguments must be right for each of its values.
static cJSON *take_any_type(const struct taker *t, enum catalogue_kind kind, const cJSON *item,
                            const char *pointer)
{
    const struct arg arg = {.name = "type", .type = ARG_NAME_OF, .kind = kind};
    const cJSON *type = json_member(item, "type");
    struct json_pointer at = json_pointer_of(pointer, "type");
    cJSON *taken = take_hp(t, &arg, type, at.text);
    const struct hp *hp = taken ? t->hp_of(t->user, type, at.text) : NULL;
    bool good = taken != NULL;

    cJSON_Delete(taken);
    for (int i = 0; hp && i < hp->nvalues && good; i++) {
        cJSON *made = take_typed(t, catalogue_find(kind, hp->values[i].s), item, pointer);
        good &= made != NULL;
        cJSON_Delete(made);
    }
    return good ? catalogue_copy(t, item, pointer) : NULL;
}

cJSON *take_entry(const struct taker *t, enum catalogue_kind kind, const cJSON *item,
                  const char *pointer)
{
    const cJSON *type = cJSON_IsObject(item) ? json_member(item, "type") : item;
    const struct entry *entry;
    static const cJSON none = {.type = cJSON_Array};

    if (is_hp(type) && type != item)
        return take_any_type(t, kind, item, pointer);
    struct json_pointer at = json_pointer_of(pointer, "type");
    const char *place = cJSON_IsObject(item) ? at.text : pointer;
    bool bare = kind != CATALOGUE_LAYER; // layers are always objects
    if (!cJSON_IsString(type) || (type == item && !bare)) {
        fault(t->faults, type ? E_TYPE : E_MISSING, place,
              bare ? "give the %s as a name, or as an object {\"type\": name, …}"
                   : "give the %s as an object {\"type\": name, …}",
              catalogue_kind_name(kind));
        return NULL;
    }
    if (!(entry = catalogue_find(kind, type->valuestring))) {
        catalogue_unknown_name(t, kind, type->valuestring, place);
        return NULL;
    }
    return take_typed(t, entry, cJSON_IsObject(item) ? item : &none, pointer);
}

cJSON *take_section(const struct taker *t, const char *name, const cJSON *item, const char *pointer)
{
    const struct entry *entry = catalogue_find(CATALOGUE_SECTION, name);
    cJSON *made;

    if (!cJSON_IsObject(item)) {
        fault(t->faults, E_TYPE, pointer, "%s must be an object", name);
        return NULL;
    }
    if (!(made = cJSON_CreateObject()))
        return catalogue_no_memory(t, pointer);
    if (take_members(t, entry, item, pointer, false, made))
        return made;
    cJSON_Delete(made);
    return NULL;
}
