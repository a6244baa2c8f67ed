// Follows a document as a training would meet it, each repeat as often as it can go and each switch into
// all its cases, and declares every hyperparameter with the conditions of the place.
#include <string.h>

#include "common/spec_parser.h"
#include "common/text.h"

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

    for (int i = 0; spec_sections[i]; i++) {
        const cJSON *section = json_member(parser->document, spec_sections[i]);
        struct json_pointer at = json_pointer_of("", spec_sections[i]);
        if (strcmp(spec_sections[i], "model") == 0)
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
