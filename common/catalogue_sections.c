// The sections of a study that a training is made of, and their normalised forms.
#include <string.h>

#include "common/catalogue_tables.h"
#include "common/catalogue_take.h"

static const char *const scales[] = {"none", "0-1", "standard", NULL};
static const char *const parts[] = {"test", NULL};
static const char *const generators[] = {"blobs", "spirals", "linear"};

// clang-format off
static const struct arg study_args[] = {
    {"name", ARG_STRING, .required = true, .fixed = true, .plain = true},
    {"description", ARG_STRING, .nullable = true, .fixed = true, .max = 10000},
    {"seed", ARG_INTEGER, .nullable = true, .fixed = true, .min = 0, .max = 9007199254740991.0},
    {"priority", ARG_INTEGER, .fallback = "0", .fixed = true, .min = -1000, .max = 1000},
    {.name = "dataset", .type = ARG_ANY, .nullable = true},
    {.name = "model", .type = ARG_ANY, .nullable = true},
    {.name = "compile", .type = ARG_ANY, .nullable = true},
    {.name = "fit", .type = ARG_ANY, .nullable = true},
    {.name = "parameters", .type = ARG_ANY, .nullable = true},
    {"tuner", ARG_ANY, .required = true},
    {0},
};
static const struct arg dataset_args[] = {
    {"name", ARG_STRING, .required = true, .fixed = true, .plain = true},
    {"scale", ARG_NAME, .fallback = "\"none\"", .names = scales},
    {"validation_split", ARG_NUMBER, .nullable = true, .min = 0, .max = 1, .max_open = true},
    {"validation_data", ARG_NAME, .nullable = true, .fixed = true, .names = parts},
    {"split", ARG_OBJECT, .nullable = true, .of = "split"},
    {"limit", ARG_INTEGER, .nullable = true, .min = 1, .max = 1e12},
    {"generate", ARG_OBJECT, .nullable = true, .of = "generate"},
    {0},
};
static const struct arg split_args[] = {
    {"test_size", ARG_NUMBER, .fallback = "0.25", .fixed = true, .min = 0, .max = 1e12, .min_open = true},
    {"random_state", ARG_INTEGER, .nullable = true, .fixed = true, .min = 0, .max = 4294967295.0},
    {"stratify", ARG_BOOL, .fallback = "false", .fixed = true},
    {0},
};
static const struct arg generate_args[] = {
    {"samples", ARG_INTEGER, .nullable = true, .fixed = true, .min = 1, .max = 10000000},
    {"test_samples", ARG_INTEGER, .nullable = true, .fixed = true, .min = 0, .max = 10000000},
    {"features", ARG_INTEGER, .nullable = true, .fixed = true, .min = 1, .max = 10000},
    {"classes", ARG_INTEGER, .nullable = true, .fixed = true, .min = 0, .max = 1000},
    {"noise", ARG_NUMBER, .nullable = true, .fixed = true, .min = 0, .max = 1e6},
    {0},
};
static const struct arg compile_args[] = {
    {"optimizer", ARG_ENTRY, .fallback = "\"RMSprop\"", .kind = CATALOGUE_OPTIMIZER},
    {"loss", ARG_ENTRY, .required = true, .kind = CATALOGUE_LOSS},
    {"metrics", ARG_ENTRIES, .fallback = "[]", .kind = CATALOGUE_METRIC, .count = 14},
    {0},
};
static const struct arg fit_args[] = {
    {"epochs", ARG_INTEGER, .fallback = "1", .min = 0, .max = 100000},
    {"batch_size", ARG_INTEGER, .fallback = "32", .min = 1, .max = 1000000},
    {"callbacks", ARG_ENTRIES, .fallback = "[]", .kind = CATALOGUE_CALLBACK, .count = 32},
    {"shuffle", ARG_BOOL, .fallback = "true"},
    {"class_weight", ARG_WEIGHTS, .nullable = true},
    {0},
};
// clang-format on

static bool is_null(const cJSON *config, const char *name)
{
    const cJSON *item = json_member(config, name);

    return !item || cJSON_IsNull(item);
}

static bool is_generated(const char *name)
{
    for (size_t i = 0; i < sizeof generators / sizeof *generators; i++)
        if (strcmp(generators[i], name) == 0)
            return true;
    return false;
}

static enum code check_dataset(const cJSON *config, struct error *err)
{
    const char *name = json_string_or(config, "name", "");

    if (json_number_or(config, "validation_split", 0) > 0 && !is_null(config, "validation_data"))
        return fail(err, E_INVALID, "/validation_data",
                    "validation_split and validation_data exclude each other; leave one out");
    if (!is_null(config, "generate") && !is_generated(name))
        return fail(
            err, E_INVALID, "/generate",
            "\"%s\" is not a generated data set; leave generate out or name blobs, spirals or "
            "linear",
            name);
    return OK;
}

static enum code check_split(const cJSON *config, struct error *err)
{
    double size = json_number_or(config, "test_size", 0);

    if (size >= 1 && size != floor(size))
        return fail(err, E_RANGE, "/test_size",
                    "test_size is a fraction below 1 or a whole number of samples");
    return OK;
}

const struct entry catalogue_sections[] = {
    {.name = "study", .args = study_args},
    {.name = "dataset", .args = dataset_args, .check = check_dataset},
    {.name = "split", .args = split_args, .check = check_split},
    {.name = "generate", .args = generate_args},
    {.name = "compile", .args = compile_args},
    {.name = "fit", .args = fit_args},
    {0},
};

static cJSON *normalise(const char *section, const cJSON *item, const char *pointer,
                        struct faults *faults)
{
    const struct taker t = {.faults = faults};

    return take_section(&t, section, item, pointer);
}

cJSON *catalogue_normalise_compile(const cJSON *compile, const char *pointer, struct faults *faults)
{
    return normalise("compile", compile, pointer, faults);
}

cJSON *catalogue_normalise_fit(const cJSON *fit, const char *pointer, struct faults *faults)
{
    return normalise("fit", fit, pointer, faults);
}

cJSON *catalogue_normalise_dataset(const cJSON *dataset, const char *pointer, struct faults *faults)
{
    return normalise("dataset", dataset, pointer, faults);
}

cJSON *catalogue_normalise_model(const cJSON *model, const char *pointer, struct faults *faults)
{
    const struct taker t = {.faults = faults};
    const cJSON *layers = json_member(model, "layers");
    struct json_pointer at = json_pointer_of(pointer, "layers");
    cJSON *made = cJSON_CreateObject(),
          *list = made ? cJSON_AddArrayToObject(made, "layers") : NULL;
    int index = 0;
    bool good = list != NULL;

    if (!list)
        fault(faults, E_MEMORY, pointer, "out of memory");
    if (!cJSON_IsArray(layers) || !layers->child) {
        fault(faults, layers ? E_TYPE : E_MISSING, at.text,
              "layers must be a list of at least one layer");
        good = false;
    }
    for (const cJSON *layer = good ? layers->child : NULL; layer; layer = layer->next, index++) {
        cJSON *taken = take_entry(&t, CATALOGUE_LAYER, layer, json_pointer_at(at.text, index).text);
        good &= taken && cJSON_AddItemToArray(list, taken);
    }
    if (good)
        return made;
    cJSON_Delete(made);
    return NULL;
}
