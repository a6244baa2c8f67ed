// Hyperparameters of a document: first every definition is read where it stands, then the document is
// followed as a training would meet it, each repeat as often as it can go and each switch into all its
// cases, and every hyperparameter is declared with the conditions of the place.
#include <stdio.h>
#include <string.h>

#include "common/spec_parser.h"
#include "common/text.h"

static const char *const sections[] = {"dataset", "model", "compile", "fit"};

const struct definition *find_definition(const struct spec_parser *parser, const cJSON *item)
{
    for (int i = 0; i < parser->ndefinitions; i++)
        if (parser->definitions[i].item == item)
            return &parser->definitions[i];
    return NULL;
}

bool indices_expand(const struct indices *indices, const char *name, char out[HP_NAME_MAX + 1],
                    char unknown[HP_NAME_MAX + 1])
{
    size_t n = 0;

    unknown[0] = 0;
    while (*name) {
        const char *end = *name == '{' ? strchr(name, '}') : NULL;
        int found = -1;
        if (!end) {
            if (n >= HP_NAME_MAX)
                return false;
            out[n++] = *name++;
            continue;
        }
        size_t len = (size_t)(end - name - 1);
        for (int i = indices->n - 1; i >= 0 && found < 0; i--)
            if (strlen(indices->items[i].name) == len &&
                memcmp(indices->items[i].name, name + 1, len) == 0)
                found = i;
        if (found < 0) {
            snprintf(unknown, HP_NAME_MAX + 1, "%.*s", (int)(len < 60 ? len : 60), name + 1);
            return false;
        }
        n += (size_t)snprintf(out + n, HP_NAME_MAX + 1 - n, "%d", indices->items[found].value);
        if (n > HP_NAME_MAX)
            return false;
        name = end + 1;
    }
    out[n] = 0;
    return n > 0;
}

static void define_ref(struct spec_parser *parser, const cJSON *item, const char *pointer,
                       struct definition *made)
{
    made->is_ref = true;
    made->good = true;
    for (const cJSON *child = item->child; child; child = child->next)
        if (strcmp(child->string, "hp") != 0 && strcmp(child->string, "name") != 0) {
            fault(parser->faults, E_UNKNOWN, json_pointer_of(pointer, child->string).text,
                  "a Ref has a name and nothing else; \"%.60s\" belongs where it is declared",
                  child->string);
            made->good = false;
        }
}

static void define(struct spec_parser *parser, const cJSON *item, const char *pointer)
{
    struct definition made = {.item = item};

    if (parser->ndefinitions == parser->cap) {
        int cap = parser->cap ? 2 * parser->cap : 32;
        struct definition *more = arena_alloc(parser->builder.arena, (size_t)cap, sizeof *more);
        if (!more) {
            fault(parser->faults, E_MEMORY, pointer, "out of memory");
            return;
        }
        if (parser->ndefinitions)
            memcpy(more, parser->definitions, (size_t)parser->ndefinitions * sizeof *more);
        parser->definitions = more;
        parser->cap = cap;
    }
    if (strcmp(json_string_or(item, "hp", ""), "Ref") == 0)
        define_ref(parser, item, pointer, &made);
    else
        made.good = hp_define(item, pointer, parser->builder.arena, &made.hp, parser->faults);
    if (!hp_name(item, pointer, parser->faults))
        made.good = false;
    parser->definitions[parser->ndefinitions++] = made;
}

static void define_in(struct spec_parser *parser, const cJSON *item, const char *pointer)
{
    int index = 0;

    if (parser->ndefinitions > HYPERPARAMETERS_MAX)
        return;
    if (is_hp(item)) {
        if (parser->ndefinitions == HYPERPARAMETERS_MAX)
            fault(parser->faults, E_RANGE, pointer, "more than %d hyperparameters",
                  HYPERPARAMETERS_MAX);
        define(parser, item, pointer);
        return;
    }
    if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
        return;
    for (const cJSON *child = item->child; child; child = child->next)
        define_in(parser, child,
                  (child->string ? json_pointer_of(pointer, child->string)
                                 : json_pointer_at(pointer, index++))
                      .text);
}

void spec_define_all(struct spec_parser *parser)
{
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        define_in(parser, json_member(parser->document, sections[i]),
                  json_pointer_of("", sections[i]).text);
}

const struct hp *definition_at(const struct spec_parser *parser, const struct indices *indices,
                               const cJSON *item)
{
    const struct definition *definition = find_definition(parser, item);
    char name[HP_NAME_MAX + 1], unknown[HP_NAME_MAX + 1];

    if (!definition || !definition->good)
        return NULL;
    if (!definition->is_ref)
        return &definition->hp;
    return indices_expand(indices, json_string_or(item, "name", ""), name, unknown)
               ? space_builder_find(&parser->builder, name)
               : NULL;
}

enum { WALK_DEPTH_MAX = 128 };

// A walk through the document as a training would meet it.
struct walk {
    struct spec_parser *parser;
    struct indices indices;
    int nconditions;
    struct named_condition conditions[WALK_DEPTH_MAX + 1];
    int layers, steps;
    bool too_long;
    bool last;      // report Refs that nothing declares
    int unresolved; // Refs whose declaration has not been met
};

static void walk_layers(struct walk *w, const cJSON *list, const char *pointer);

// The expanded name of a hyperparameter here; false with the fault told.
static bool name_here(struct walk *w, const cJSON *item, const char *pointer,
                      char out[HP_NAME_MAX + 1])
{
    struct json_pointer at = json_pointer_of(pointer, "name");
    char unknown[HP_NAME_MAX + 1];

    if (indices_expand(&w->indices, json_string_or(item, "name", ""), out, unknown))
        return true;
    if (unknown[0])
        fault_once(w->parser->faults, E_UNKNOWN, at.text,
                   "no repeat around this place has \"as\": \"%s\"", unknown);
    else
        fault_once(w->parser->faults, E_RANGE, at.text, "the name gets longer than %d characters",
                   HP_NAME_MAX);
    return false;
}

static void ref_is_unresolved(struct walk *w, const char *name, const char *pointer)
{
    const char *near = NULL;

    w->unresolved++;
    if (!w->last)
        return;
    for (int i = 0; i < w->parser->ndefinitions; i++)
        if (!w->parser->definitions[i].is_ref)
            near =
                text_nearer(name, near, json_string_or(w->parser->definitions[i].item, "name", ""));
    struct json_pointer at = json_pointer_of(pointer, "name");
    if (near)
        fault_once(w->parser->faults, E_UNKNOWN, at.text,
                   "no hyperparameter \"%s\" is declared; did you mean \"%s\"?", name, near);
    else
        fault_once(w->parser->faults, E_UNKNOWN, at.text, "no hyperparameter \"%s\" is declared",
                   name);
}

// Declares item where the walk stands. Gives its definition and, in `name`, its name here.
static const struct hp *declare(struct walk *w, const cJSON *item, const char *pointer,
                                char name[HP_NAME_MAX + 1])
{
    struct spec_parser *parser = w->parser;
    const struct definition *definition = find_definition(parser, item);
    const struct hp *hp;
    struct named_condition *own = &w->conditions[w->nconditions];
    char parent[HP_NAME_MAX + 1];
    int has_own = 0;

    if (!definition || !definition->good || !name_here(w, item, pointer, name))
        return NULL;
    hp = definition->is_ref ? space_builder_find(&parser->builder, name) : &definition->hp;
    if (!hp) {
        ref_is_unresolved(w, name, pointer);
        return NULL;
    }
    if (!definition->is_ref)
        has_own = hp_own_condition(item, pointer, parser->builder.arena, own, parser->faults);
    if (has_own < 0)
        return NULL;
    if (has_own) {
        char unknown[HP_NAME_MAX + 1];
        if (indices_expand(&w->indices, own->parent, parent, unknown))
            own->parent = arena_strdup(parser->builder.arena, parent);
        if (!own->parent)
            return NULL;
    }
    enum code code = space_builder_declare(&parser->builder, name, hp, pointer, w->conditions,
                                           w->nconditions + has_own, parser->faults);
    return code == OK ? space_builder_find(&parser->builder, name) : NULL;
}

static void walk_value(struct walk *w, const cJSON *item, const char *pointer)
{
    char name[HP_NAME_MAX + 1];
    int index = 0;

    if (is_hp(item)) {
        declare(w, item, pointer, name);
        return;
    }
    if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
        return;
    for (const cJSON *child = item->child; child; child = child->next)
        walk_value(w, child,
                   (child->string ? json_pointer_of(pointer, child->string)
                                  : json_pointer_at(pointer, index++))
                       .text);
}

static int64_t whole(struct value value)
{
    return value.kind == V_INT ? value.i : -1;
}

// Adds the condition that hp has one of its values for which `wanted` holds.
static bool push_condition(struct walk *w, const struct hp *hp, const char *name,
                           const char *pointer,
                           bool (*wanted)(struct value value, const void *with), const void *with)
{
    struct arena *arena = w->parser->builder.arena;
    struct value *values = arena_alloc(arena, (size_t)hp->nvalues, sizeof *values);
    struct named_condition *made = &w->conditions[w->nconditions];

    *made = (struct named_condition){.parent = arena_strdup(arena, name),
                                     .values = values,
                                     .pointer = arena_strdup(arena, pointer)};
    if (w->nconditions >= WALK_DEPTH_MAX || !values || !made->parent || !made->pointer) {
        fault_once(w->parser->faults, E_MEMORY, pointer, "out of memory");
        return false;
    }
    for (int i = 0; i < hp->nvalues; i++)
        if (wanted(hp_grid_value(hp, i), with))
            values[made->nvalues++] = hp_grid_value(hp, i);
    w->nconditions++;
    return true;
}

static bool is_above(struct value value, const void *index)
{
    return whole(value) > *(const int *)index;
}

static bool is_called(struct value value, const void *name)
{
    char text[HP_NAME_MAX + 1];

    case_name(value, text);
    return strcmp(text, name) == 0;
}

void case_name(struct value value, char out[HP_NAME_MAX + 1])
{
    char number[32] = "";

    if (value.kind == V_BOOL)
        snprintf(number, sizeof number, "%s", value.b ? "true" : "false");
    else if (value.kind == V_INT || value.kind == V_FLOAT)
        json_format_number(value.kind == V_INT ? (double)value.i : value.f, number);
    snprintf(out, HP_NAME_MAX + 1, "%s", value.kind == V_STRING ? value.s : number);
}

bool case_of_fixed(const cJSON *item, char out[HP_NAME_MAX + 1])
{
    struct value value = {0};

    if (cJSON_IsString(item) && strlen(item->valuestring) <= HP_NAME_MAX)
        value = (struct value){.kind = V_STRING, .s = item->valuestring};
    else if (cJSON_IsBool(item))
        value = (struct value){.kind = V_BOOL, .b = cJSON_IsTrue(item)};
    else if (cJSON_IsNumber(item))
        value = (struct value){.kind = V_FLOAT, .f = item->valuedouble};
    case_name(value, out);
    return value.kind != V_NONE;
}

// The largest count a repeat can have; 0 for anything but whole numbers up to REPEAT_MAX.
static int most_repeats(const struct hp *hp)
{
    int64_t most = 0;

    for (int i = 0; i < hp->nvalues && i <= REPEAT_MAX + 1; i++) {
        int64_t value = whole(hp_grid_value(hp, i));
        if (value < 0 || value > REPEAT_MAX)
            return 0;
        most = value > most ? value : most;
    }
    return (int)most;
}

static void walk_repeat(struct walk *w, const cJSON *item, const char *pointer)
{
    const cJSON *count = json_member(item, "repeat"), *layers = json_member(item, "layers");
    struct json_pointer at = json_pointer_of(pointer, "repeat"),
                        body = json_pointer_of(pointer, "layers");
    char name[HP_NAME_MAX + 1];
    const struct hp *hp = NULL;
    int64_t most = 0;

    if (is_hp(count)) {
        if (!(hp = declare(w, count, at.text, name)))
            return;
        most = most_repeats(hp);
    } else if (!json_is_integer(count, &most) || most > REPEAT_MAX) {
        return;
    }
    if (w->indices.n == 64)
        return;
    int depth = w->indices.n++, conditions = w->nconditions;
    w->indices.items[depth].name = json_string_or(item, "as", "i");
    for (int i = 0; i < most && !w->too_long; i++) {
        w->indices.items[depth].value = i;
        if (!hp || push_condition(w, hp, name, at.text, is_above, &i))
            walk_layers(w, layers, body.text);
        w->nconditions = conditions;
    }
    w->indices.n = depth;
}

static void walk_switch(struct walk *w, const cJSON *item, const char *pointer)
{
    const cJSON *which = json_member(item, "switch"), *cases = json_member(item, "cases");
    struct json_pointer at = json_pointer_of(pointer, "switch"),
                        body = json_pointer_of(pointer, "cases");
    char name[HP_NAME_MAX + 1];
    const struct hp *hp = is_hp(which) ? declare(w, which, at.text, name) : NULL;
    int conditions = w->nconditions;

    if (!is_hp(which) && case_of_fixed(which, name)) // its case alone exists, without a condition
        walk_layers(w, json_member(cases, name), json_pointer_of(body.text, name).text);
    if (!hp || hp->nvalues == 0 || hp->nvalues > GRID_TABLE_MAX || !cJSON_IsObject(cases))
        return;
    for (const cJSON *one = cases->child; one && !w->too_long; one = one->next) {
        if (push_condition(w, hp, name, at.text, is_called, one->string) &&
            w->conditions[conditions].nvalues > 0)
            walk_layers(w, one, json_pointer_of(body.text, one->string).text);
        w->nconditions = conditions;
    }
}

static void walk_layers(struct walk *w, const cJSON *list, const char *pointer)
{
    int index = 0;

    if (!cJSON_IsArray(list))
        return;
    for (const cJSON *item = list->child; item && !w->too_long; item = item->next, index++) {
        struct json_pointer at = json_pointer_at(pointer, index);
        bool repeat = json_member(item, "repeat") != NULL,
             choose = json_member(item, "switch") != NULL;
        w->layers += !repeat && !choose;
        if (w->layers > LAYERS_MAX || ++w->steps > STEPS_MAX) {
            fault_once(w->parser->faults, E_RANGE, at.text,
                       "repeats and cases make more than %d layers in all; use fewer", LAYERS_MAX);
            w->too_long = true;
        } else if (repeat) {
            walk_repeat(w, item, at.text);
        } else if (choose) {
            walk_switch(w, item, at.text);
        } else {
            walk_value(w, item, at.text);
        }
    }
}

static struct walk walk_all(struct spec_parser *parser, bool last)
{
    struct walk w = {.parser = parser, .last = last};

    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const cJSON *section = json_member(parser->document, sections[i]);
        struct json_pointer at = json_pointer_of("", sections[i]);
        if (strcmp(sections[i], "model") == 0)
            walk_layers(&w, json_member(section, "layers"),
                        json_pointer_of(at.text, "layers").text);
        else
            walk_value(&w, section, at.text);
    }
    return w;
}

// A Ref may stand before its declaration, and a repeat over a Ref hides what is declared inside, so the
// walk goes on until it finds nothing new. Declaring once more changes nothing.
void spec_declare_all(struct spec_parser *parser)
{
    int before = -1;
    struct walk w = {.unresolved = 1};

    for (int pass = 0; pass < 16 && w.unresolved && parser->builder.n > before; pass++) {
        before = parser->builder.n;
        w = walk_all(parser, false);
    }
    if (w.unresolved)
        walk_all(parser, true);
}
