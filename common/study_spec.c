// A study document from its outside: top-level fields, then section by section.
#include "common/study_spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/dataset.h"
#include "common/spec_parser.h"

static uint64_t seed_from(const char *name)
{
    uint64_t hash = 0;

    for (const char *c = name; *c; c++)
        hash = rng_mix(hash, (unsigned char)*c);
    return hash >> 11; // 53 bits, so that it survives as a JSON number
}

static bool has(const cJSON *document, const char *name)
{
    const cJSON *item = json_member(document, name);

    return item && !cJSON_IsNull(item);
}

// A study either trains (dataset, model, compile, fit) or asks and tells (parameters).
static void check_kind(struct spec_parser *parser, struct study_spec *spec)
{
    static const char *const trained[] = {"dataset", "compile", "fit"};
    const cJSON *document = parser->document;

    spec->has_model = has(document, "model");
    if (spec->has_model && has(document, "parameters"))
        fault(
            parser->faults, E_CONFLICT, "/parameters",
            "a study has a model or parameters, not both; hyperparameters of a model stand in it");
    if (!spec->has_model && !has(document, "parameters"))
        fault(parser->faults, E_MISSING, "/model", "a study needs a model, or parameters");
    for (int i = 0; i < 3; i++) {
        struct json_pointer at = json_pointer_of("", trained[i]);
        bool needed = spec->has_model && i < 2;
        if (needed && !has(document, trained[i]))
            fault(parser->faults, E_MISSING, at.text, "a study with a model needs %s", trained[i]);
        if (!spec->has_model && has(document, "parameters") && has(document, trained[i]))
            fault(parser->faults, E_CONFLICT, at.text,
                  "a study with parameters has no %s; leave it out", trained[i]);
    }
}

static int64_t most_epochs(struct spec_parser *parser)
{
    const cJSON *epochs = json_member(json_member(parser->document, "fit"), "epochs");
    const struct hp *hp = is_hp(epochs) ? definition_at(parser, &parser->indices, epochs) : NULL;
    double most = cJSON_IsNumber(epochs) ? epochs->valuedouble : hp && !hp->values ? hp->max : 1;

    for (int i = 0; hp && hp->values && i < hp->nvalues; i++)
        if (hp->values[i].kind == V_INT && (i == 0 || (double)hp->values[i].i > most))
            most = (double)hp->values[i].i;
    return most >= 0 && most <= 0x1p53 ? (int64_t)most : 1;
}

static void parse_model(struct spec_parser *parser, struct study_spec *spec)
{
    spec_define_all(parser);
    spec_declare_all(parser);
    spec_check_sections(parser);
    spec->epochs = most_epochs(parser);
}

static void parse_parameters(struct spec_parser *parser, struct study_spec *spec)
{
    const cJSON *parameters = json_member(parser->document, "parameters");

    if (!cJSON_IsArray(parameters) || !parameters->child)
        fault(parser->faults, E_TYPE, "/parameters",
              "parameters must be a list of hyperparameters");
    else
        space_from_parameters(parameters, "/parameters", &spec->space, parser->faults);
}

// The generated data sets are always there: they can be checked at once.
static void check_generated(const struct study_spec *spec, struct faults *faults)
{
    const cJSON *generate = json_member(json_member(spec->document, "dataset"), "generate");
    struct dataset_info info;
    struct error err;

    const char *name = spec->dataset ? spec->dataset : "";

    if (strcmp(name, "blobs") != 0 && strcmp(name, "spirals") != 0 && strcmp(name, "linear") != 0) {
        spec_check_parameters(spec, faults);
        return;
    }
    if (dataset_generate_info(name, cJSON_IsNull(generate) ? NULL : generate, &info, &err) != OK)
        faults_add(faults, &err);
    else
        study_spec_check_data(spec, &info, faults);
}

static bool copy_document(const cJSON *document, struct study_spec *spec)
{
    const char *name = json_string_or(document, "name", "");
    const char *description = json_string_or(document, "description", NULL);
    const char *dataset = json_string_or(json_member(document, "dataset"), "name", NULL);

    spec->document = cJSON_Duplicate(document, true);
    spec->name = strdup(name);
    spec->description = description ? strdup(description) : NULL;
    spec->dataset = dataset && spec->has_model ? strdup(dataset) : NULL;
    spec->seed = (uint64_t)json_integer_or(document, "seed", (int64_t)seed_from(name));
    spec->priority = json_integer_or(document, "priority", 0);
    return spec->document && spec->name && (spec->description || !description) &&
           (spec->dataset || !dataset || !spec->has_model);
}

static void parse(struct spec_parser *parser, struct study_spec *spec)
{
    const struct taker t = {.faults = parser->faults};

    cJSON_Delete(take_section(&t, "study", parser->document, ""));
    check_kind(parser, spec);
    if (spec->has_model)
        parse_model(parser, spec);
    else if (has(parser->document, "parameters"))
        parse_parameters(parser, spec);
    if (has(parser->document, "tuner"))
        spec_read_tuner(parser, json_member(parser->document, "tuner"), spec);
}

enum code study_spec_parse(const cJSON *document, struct study_spec *out, struct faults *faults)
{
    struct study_spec spec = {0};
    struct spec_parser *parser = calloc(1, sizeof *parser);
    int before = faults->count;
    struct error err;

    if (!parser || space_builder_init(&parser->builder, &err) != OK) {
        free(parser);
        return fault(faults, E_MEMORY, "", "out of memory");
    }
    parser->document = document;
    parser->faults = faults;
    if (cJSON_IsObject(document))
        parse(parser, &spec);
    else
        fault(faults, E_TYPE, "", "a study must be an object");
    if (faults->count == before && spec.has_model)
        space_builder_finish(&parser->builder, &spec.space, faults);
    if (faults->count == before && !copy_document(document, &spec))
        fault(faults, E_MEMORY, "", "out of memory");
    if (faults->count == before && spec.has_model)
        check_generated(&spec, faults);
    space_builder_fini(&parser->builder);
    free(parser);
    if (faults->count > before) {
        study_spec_fini(&spec);
        return faults->items[before < FAULTS_MAX ? before : 0].code;
    }
    *out = spec;
    return OK;
}

int study_spec_executions(const struct study_spec *spec)
{
    return spec->has_model ? (int)spec->tuner.executions_per_trial : 1;
}

void study_spec_fini(struct study_spec *spec)
{
    for (int i = 0; i < spec->tuner.nobjectives; i++) {
        free(spec->tuner.objectives[i].name);
        free(spec->tuner.objectives[i].expression);
    }
    free(spec->tuner.objectives);
    for (int i = 0; i < spec->tuner.nwarm_start; i++)
        free(spec->tuner.warm_start_from[i]);
    free(spec->tuner.warm_start_from);
    free(spec->name);
    free(spec->description);
    free(spec->dataset);
    cJSON_Delete(spec->document);
    space_fini(&spec->space);
    *spec = (struct study_spec){0};
}
