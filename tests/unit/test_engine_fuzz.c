// Thousands of models, optimizers and callbacks drawn from the catalogue's tables with arguments good, odd and
// absurd. What the catalogue lets through is built or refused in words; what is built has the parameters
// the catalogue foretold, trains, is saved and restored, and reports. The sanitizers watch.
#include <stdio.h>
#include <string.h>

#include "common/catalogue.h"
#include "common/rng.h"
#include "tests/test.h"
#include "worker/engine/engine.h"

#ifndef FUZZ_ROUNDS
#define FUZZ_ROUNDS 1500
#endif
#ifndef FUZZ_SEED
#define FUZZ_SEED 1
#endif
enum { SAMPLES = 20, FEATURES = 16, MEMORY = 1 << 22 };

static int below(struct rng *rng, int n)
{
    return (int)rng_below(rng, (uint64_t)n);
}

// ---- arguments

static cJSON *odd_value(struct rng *rng)
{
    static const double numbers[] = {0, -1, 1e9, 1e300, -0.5, 0.5, 2147483648.0, 1e-320, 3};

    switch (below(rng, 6)) {
    case 0:
        return cJSON_CreateNull();
    case 1:
        return cJSON_CreateString("odd");
    case 2:
        return cJSON_CreateBool(below(rng, 2));
    case 3:
        return cJSON_CreateIntArray((const int[]){below(rng, 4), below(rng, 4) - 1}, below(rng, 3));
    default:
        return cJSON_CreateNumber(numbers[below(rng, sizeof numbers / sizeof *numbers)]);
    }
}

static cJSON *entry_of(struct rng *rng, enum catalogue_kind kind, int oddity);

static double number_in(struct rng *rng, const struct arg *arg)
{
    double high = arg->max > 1 || arg->max == arg->min ? 1 : arg->max;
    double low = arg->min > -1 ? arg->min : -1;

    return low + (high - low) * (0.05 + 0.9 * rng_uniform(rng));
}

static cJSON *good_value(struct rng *rng, const struct arg *arg, int oddity)
{
    int count = arg->count ? arg->count : 1 + below(rng, 3), list[4], names = 0;

    switch (arg->type) {
    case ARG_INTEGER:
        return cJSON_CreateNumber((arg->min > 0 ? arg->min : 0) + below(rng, 5));
    case ARG_NUMBER:
    case ARG_SCHEDULE:
        if (arg->type == ARG_SCHEDULE && below(rng, 4) == 0)
            return entry_of(rng, arg->kind, oddity);
        return cJSON_CreateNumber(number_in(rng, arg));
    case ARG_STRING: // the only ones: what a callback monitors, and names
        return cJSON_CreateString(below(rng, 2) ? "loss" : "learning_rate");
    case ARG_BOOL:
        return cJSON_CreateBool(below(rng, 2));
    case ARG_NAME:
        while (arg->names[names])
            names++;
        return cJSON_CreateString(arg->names[below(rng, names)]);
    case ARG_INTEGERS:
        for (int i = 0; i < 4; i++)
            list[i] = (arg->min > 0 ? 1 : 0) + below(rng, 4);
        return below(rng, 2) ? cJSON_CreateIntArray(list, count < 4 ? count : 4)
                             : cJSON_CreateNumber(list[0]);
    case ARG_NAME_OF: {
        const struct entry *all = catalogue_list(arg->kind, &names);
        return cJSON_CreateString(all[below(rng, names)].name);
    }
    case ARG_ENTRY:
        return entry_of(rng, arg->kind, oddity);
    default:
        return odd_value(rng);
    }
}

// `oddity` in a hundred arguments are odd.
static cJSON *entry_of(struct rng *rng, enum catalogue_kind kind, int oddity)
{
    int count = 0;
    const struct entry *all = catalogue_list(kind, &count), *entry = &all[below(rng, count)];
    cJSON *out = cJSON_CreateObject();

    cJSON_AddStringToObject(out, "type", entry->name);
    for (const struct arg *arg = entry->args; arg && arg->name; arg++) {
        // of the three ways to clip only one may be given
        if (!arg->required && below(rng, strstr(arg->name, "clip") ? 8 : 3) > 0)
            continue;
        cJSON_AddItemToObject(out, arg->name,
                              below(rng, 100) < oddity ? odd_value(rng)
                                                       : good_value(rng, arg, oddity));
    }
    return out;
}

static cJSON *entries_of(struct rng *rng, enum catalogue_kind kind, int most, int oddity)
{
    cJSON *list = cJSON_CreateArray();

    for (int n = below(rng, most + 1); n > 0; n--)
        cJSON_AddItemToArray(list, entry_of(rng, kind, oddity));
    return list;
}

// ---- a round

static const struct shape inputs[] = {{1, {16}}, {2, {4, 4}}, {3, {4, 4, 1}}, {3, {2, 4, 2}}};

static uint8_t bytes[SAMPLES * FEATURES];
static float floats[SAMPLES * FEATURES], values[SAMPLES];
static int32_t classes[SAMPLES];

static struct dataset some_data(struct rng *rng)
{
    const struct shape *shape = &inputs[below(rng, sizeof inputs / sizeof *inputs)];
    const bool as_bytes = below(rng, 2), regression = below(rng, 4) == 0;
    struct dataset data = {.info = {.train_samples = SAMPLES,
                                    .rank = shape->rank,
                                    .classes = regression ? 0 : 3,
                                    .features_bytes = as_bytes},
                           .target_width = 1,
                           .train_x = as_bytes ? (const void *)bytes : floats,
                           .train_y = regression ? (const void *)values : classes};

    memcpy(data.info.shape, shape->dim, sizeof data.info.shape);
    for (int i = 0; i < SAMPLES * FEATURES; i++) {
        bytes[i] = (uint8_t)below(rng, 5);
        floats[i] = (float)rng_normal(rng);
    }
    for (int i = 0; i < SAMPLES; i++) {
        values[i] = (float)rng_normal(rng);
        classes[i] = below(rng, 3);
    }
    return data;
}

typedef cJSON *normalise_fn(const cJSON *, const char *, struct faults *);

// Takes `part`; gives what the catalogue makes of it, or NULL.
static cJSON *normalised(normalise_fn *normalise, cJSON *part)
{
    struct faults faults;
    cJSON *made;

    faults_init(&faults);
    made = normalise(part, "/x", &faults);
    if (!made)
        assert_true(faults.count > 0 && faults.items[0].message[0]);
    faults_fini(&faults);
    cJSON_Delete(part);
    return made;
}

static cJSON *some_model(struct rng *rng, bool regression, int oddity)
{
    cJSON *model = cJSON_CreateObject();
    cJSON *list = entries_of(rng, CATALOGUE_LAYER, 5, oddity), *last = cJSON_CreateObject();

    if (below(rng, 2)) {
        cJSON *flatten = cJSON_CreateObject();
        cJSON_AddStringToObject(flatten, "type", "Flatten");
        cJSON_AddItemToArray(list, flatten);
    }
    cJSON_AddStringToObject(last, "type", "Dense");
    cJSON_AddNumberToObject(last, "units", regression ? 1 : 3);
    cJSON_AddStringToObject(last, "activation", regression ? "linear" : "softmax");
    cJSON_AddItemToArray(list, last);
    cJSON_AddItemToObject(model, "layers", list);
    return model;
}

static cJSON *some_compile(struct rng *rng, bool regression, int oddity)
{
    cJSON *compile = cJSON_CreateObject();

    cJSON_AddItemToObject(compile, "optimizer", entry_of(rng, CATALOGUE_OPTIMIZER, oddity));
    if (below(rng, 2))
        cJSON_AddItemToObject(compile, "loss", entry_of(rng, CATALOGUE_LOSS, oddity));
    else
        cJSON_AddStringToObject(compile, "loss",
                                regression ? "mse" : "sparse_categorical_crossentropy");
    cJSON_AddItemToObject(compile, "metrics", entries_of(rng, CATALOGUE_METRIC, 3, oddity));
    return compile;
}

static cJSON *some_fit(struct rng *rng, int oddity)
{
    cJSON *fit = cJSON_CreateObject();

    cJSON_AddNumberToObject(fit, "epochs", 1 + below(rng, 2));
    cJSON_AddNumberToObject(fit, "batch_size", 1 + below(rng, 30));
    cJSON_AddItemToObject(fit, "callbacks", entries_of(rng, CATALOGUE_CALLBACK, 2, oddity));
    return fit;
}

static cJSON *some_dataset(struct rng *rng)
{
    static const char *const scales[] = {"none", "0-1", "standard"};
    cJSON *dataset = cJSON_CreateObject();

    cJSON_AddStringToObject(dataset, "name", "x");
    cJSON_AddStringToObject(dataset, "scale", scales[below(rng, 3)]);
    if (below(rng, 4))
        cJSON_AddNumberToObject(dataset, "validation_split", 0.25);
    return dataset;
}

// The normalised configuration, or NULL.
static cJSON *some_config(struct rng *rng, bool regression)
{
    const int oddity = below(rng, 2) ? 0 : 4;
    cJSON *config = cJSON_CreateObject();
    cJSON *model = normalised(catalogue_normalise_model, some_model(rng, regression, oddity));
    cJSON *compile = normalised(catalogue_normalise_compile, some_compile(rng, regression, oddity));
    cJSON *fit = normalised(catalogue_normalise_fit, some_fit(rng, oddity));
    cJSON *dataset = normalised(catalogue_normalise_dataset, some_dataset(rng));
    const bool good = model && compile && fit && dataset;

    cJSON_AddItemToObject(config, "model", model);
    cJSON_AddItemToObject(config, "compile", compile);
    cJSON_AddItemToObject(config, "fit", fit);
    cJSON_AddItemToObject(config, "dataset", dataset);
    if (good)
        return config;
    cJSON_Delete(config);
    return NULL;
}

// All a training can do.
static void use(struct training *training, const struct dataset *data)
{
    struct epoch_log log;
    struct error err;
    unsigned char *saved;
    size_t len;
    static real outputs[1 << 20];
    enum code code = OK;

    while (code == OK && !training_done(training))
        code = training_epoch(training, &log, &err);
    assert_true(code == OK || code == E_DIVERGED);
    assert_int_equal(training_save(training, &saved, &len, &err), OK);
    assert_int_equal(training_restore(training, saved, len, &err), OK);
    free(saved);
    if (training_outputs(training) <= 1000)
        assert_int_equal(training_predict(training, data->train_x, SAMPLES, outputs, &err), OK);
    cJSON *report = training_report(training, &err);
    assert_non_null(report);
    cJSON_Delete(report);
}

static bool play(uint64_t round)
{
    const struct training_limits limits = {MEMORY};
    struct training *training = NULL;
    struct rng rng;
    struct error err = {0};
    int64_t trainable = 0, frozen = 0;

    rng_init(&rng, FUZZ_SEED, round);
    const struct dataset data = some_data(&rng);
    cJSON *config = some_config(&rng, data.info.classes == 0);
    if (!config)
        return false;
    struct shape input = {.rank = data.info.rank};
    memcpy(input.dim, data.info.shape, sizeof input.dim);
    const enum code foretold = catalogue_infer_model(json_member(config, "model"), &input, NULL,
                                                     &trainable, &frozen, &err);
    if (foretold != OK)
        assert_true(err.message[0] && err.pointer[0]);
    const enum code code = training_new(&training, config, &data, round, &limits, &err);
    if (code == OK) {
        char *text = json_write(config);

        if (foretold != OK || training_parameters(training) != trainable + frozen)
            fail_msg("round %d: the catalogue gives %s and %lld parameters, the engine %lld: %s",
                     (int)round, code_name(foretold), (long long)(trainable + frozen),
                     (long long)training_parameters(training), text);
        free(text);
        use(training, &data);
    } else {
        assert_null(training);
        assert_true(err.message[0] && (err.pointer[0] || code == E_MEMORY));
    }
    training_free(training);
    cJSON_Delete(config);
    return code == OK;
}

static void whatever_the_catalogue_takes_is_built_or_refused_in_words(void **state)
{
    int built = 0;
    (void)state;

    for (int round = 0; round < FUZZ_ROUNDS; round++)
        built += play((uint64_t)round);
    print_message("    %d of %d trained\n", built, FUZZ_ROUNDS);
    assert_true(built > FUZZ_ROUNDS / 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_catalogue_takes_is_built_or_refused_in_words),
    };
    return cmocka_run_group_tests_name("engine, drawn models", tests, NULL, NULL);
}
