// Hyperparameters of a document where they stand: their definitions, names with indices in them.
#include <stdio.h>
#include <string.h>

#include "common/spec_parser.h"
#include "common/text.h"

const char *const spec_sections[] = {"dataset", "model", "compile", "fit", NULL};

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
    for (int i = 0; spec_sections[i]; i++)
        define_in(parser, json_member(parser->document, spec_sections[i]),
                  json_pointer_of("", spec_sections[i]).text);
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
