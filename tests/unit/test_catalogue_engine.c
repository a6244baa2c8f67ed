// What the catalogue promises the engine must do: every layer, activation, initializer, regularizer,
// optimizer, loss, metric, callback and schedule, with its defaults and with its other choices, trains
// an epoch on generated data.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/catalogue.h"
#include "common/data/dataset.h"
#include "tests/test.h"
#include "worker/engine/engine.h"

struct sets {
    struct dataset blobs, linear;
};

static int generate(void **state)
{
    static struct sets sets;
    static const char blobs[] = "{\"samples\":48,\"features\":16,\"classes\":3}";
    static const char linear[] = "{\"samples\":48,\"features\":16}";
    struct error err;
    cJSON *a = json_read(blobs, strlen(blobs), NULL, NULL);
    cJSON *b = json_read(linear, strlen(linear), NULL, NULL);
    bool good = dataset_generate("blobs", a, 1, &sets.blobs, &err) == OK &&
                dataset_generate("linear", b, 1, &sets.linear, &err) == OK;

    cJSON_Delete(a);
    cJSON_Delete(b);
    *state = &sets;
    return good ? 0 : -1;
}

static int fini(void **state)
{
    struct sets *sets = *state;

    dataset_fini(&sets->blobs);
    dataset_fini(&sets->linear);
    return 0;
}

// Normalises and trains one epoch; says what was refused.
static void trains(const struct dataset *data, const char *layers, const char *compile,
                   const char *fit)
{
    static char json[8192];
    struct faults faults;
    struct error err = {0};
    struct training *training;
    struct epoch_log log;
    cJSON *study, *config = cJSON_CreateObject();

    snprintf(json, sizeof json,
             "{\"dataset\":{\"name\":\"x\",\"validation_split\":0.25},\"model\":{\"layers\":[%s]},"
             "\"compile\":%s,\"fit\":%s}",
             layers, compile, fit);
    study = json_read(json, strlen(json), NULL, &err);
    if (!study)
        fail_msg("%s: %s", json, err.message);
    faults_init(&faults);
    cJSON *sections[] = {
        catalogue_normalise_dataset(json_member(study, "dataset"), "/dataset", &faults),
        catalogue_normalise_model(json_member(study, "model"), "/model", &faults),
        catalogue_normalise_compile(json_member(study, "compile"), "/compile", &faults),
        catalogue_normalise_fit(json_member(study, "fit"), "/fit", &faults)};
    static const char *const names[] = {"dataset", "model", "compile", "fit"};
    if (faults.count)
        fail_msg("%s: %s: %s", json, faults.items[0].pointer, faults.items[0].message);
    for (int i = 0; i < 4; i++)
        cJSON_AddItemToObject(config, names[i], sections[i]);
    if (training_new(&training, config, data, 7, NULL, &err) != OK)
        fail_msg("%s: %s: %s", json, err.pointer, err.message);
    enum code code = training_epoch(training, &log, &err);
    if (code != OK && code != E_DIVERGED) // gates without bounds may
        fail_msg("%s: %s", json, err.message);
    assert_true(log.nmetrics >= 3);
    training_free(training);
    cJSON_Delete(study);
    cJSON_Delete(config);
    faults_fini(&faults);
}

#define LAST "{\"type\":\"Dense\",\"units\":3,\"activation\":\"softmax\"}"
#define COMPILE                                                                                    \
    "{\"optimizer\":\"SGD\",\"loss\":\"sparse_categorical_crossentropy\",\"metrics\":["            \
    "\"accuracy\"]}"

static bool needs(const struct entry *entry, const char *argument)
{
    for (const struct arg *arg = entry->args; arg && arg->name; arg++)
        if (strcmp(arg->name, argument) == 0 && arg->required)
            return true;
    return false;
}

// {"type": name, …} with something for every required argument, and `more` behind.
static void write_entry(const struct entry *entry, const char *more, char out[512])
{
    static const char *const values[][2] = {{"units", "4"},
                                            {"filters", "2"},
                                            {"kernel_size", "2"},
                                            {"rate", "0.5"},
                                            {"stddev", "0.1"},
                                            {"input_dim", "50"},
                                            {"output_dim", "2"},
                                            {"decay_steps", "4"},
                                            {"decay_rate", "0.5"},
                                            {"max_lr", "0.1"},
                                            {"initial_learning_rate", "0.1"},
                                            {"base_lr", "0.01"},
                                            {"boundaries", "[2]"},
                                            {"values", "[0.1,0.01]"},
                                            {"first_decay_steps", "3"},
                                            {"schedule", "\"step\""},
                                            {"activation", "\"relu\""},
                                            {"target_shape", "[2,8]"}};
    size_t n = (size_t)snprintf(out, 512, "{\"type\":\"%s\"%s", entry->name, more);

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char key[40];
        snprintf(key, sizeof key, "\"%s\"", values[i][0]);
        if (needs(entry, values[i][0]) && !strstr(more, key))
            n += (size_t)snprintf(out + n, 512 - n, ",%s:%s", key, values[i][1]);
    }
    snprintf(out + n, 512 - n, "}");
}

static void try_layer(const struct dataset *data, const struct entry *entry, const char *more)
{
    bool image = strstr(entry->name, "2D"), sequence = strstr(entry->name, "1D");
    bool recurrent = strstr("SimpleRNN LSTM GRU", entry->name) != NULL;
    char layer[512], layers[1024];

    write_entry(entry, more, layer);
    snprintf(layers, sizeof layers, "%s%s,{\"type\":\"Flatten\"}," LAST,
             image                   ? "{\"type\":\"Reshape\",\"target_shape\":[4,4,1]},"
             : sequence || recurrent ? "{\"type\":\"Reshape\",\"target_shape\":[8,2]},"
                                     : "",
             layer);
    trains(data, layers, COMPILE, "{}");
}

// Each entry by its defaults, then with each other value of each argument that has a list of names, true
// and false, or names of a kind.
static void with_every_choice(const struct dataset *data, const struct entry *entry,
                              void (*attempt)(const struct dataset *, const struct entry *,
                                              const char *))
{
    char more[200];

    attempt(data, entry, "");
    for (const struct arg *arg = entry->args; arg && arg->name; arg++) {
        for (int i = 0; arg->names && arg->names[i]; i++) {
            snprintf(more, sizeof more, ",\"%s\":\"%s\"", arg->name, arg->names[i]);
            attempt(data, entry, more);
        }
        for (int i = 0; arg->type == ARG_BOOL && i < 2; i++) {
            snprintf(more, sizeof more, ",\"%s\":%s", arg->name, i ? "true" : "false");
            attempt(data, entry, more);
        }
        int count = 0;
        const struct entry *list = arg->kind == CATALOGUE_ACTIVATION ||
                                           arg->kind == CATALOGUE_INITIALIZER ||
                                           arg->kind == CATALOGUE_REGULARIZER
                                       ? catalogue_list(arg->kind, &count)
                                       : NULL;
        for (int i = 0; i < count; i++) {
            snprintf(more, sizeof more, ",\"%s\":\"%s\"", arg->name, list[i].name);
            attempt(data, entry, more);
        }
    }
}

static void of_kind(const struct dataset *data, enum catalogue_kind kind,
                    void (*attempt)(const struct dataset *, const struct entry *, const char *))
{
    int count;
    const struct entry *entries = catalogue_list(kind, &count);

    for (int i = 0; i < count; i++)
        with_every_choice(data, &entries[i], attempt);
}

static void every_layer_trains(void **state)
{
    const struct sets *sets = *state;
    // Rows of an embedding are whole numbers.
    static uint8_t words[48 * 16];
    struct dataset texts = sets->blobs;
    int count;
    const struct entry *entries = catalogue_list(CATALOGUE_LAYER, &count);

    for (size_t i = 0; i < sizeof words; i++)
        words[i] = (uint8_t)(i * 7 % 50);
    texts.train_x = texts.test_x = words;
    texts.info.features_bytes = true;
    for (int i = 0; i < count; i++)
        with_every_choice(strcmp(entries[i].name, "Embedding") == 0 ? &texts : &sets->blobs,
                          &entries[i], try_layer);
    static const char *const drops[] = {",\"dropout\":0.5", ",\"recurrent_dropout\":0.5",
                                        ",\"dropout\":0.5,\"recurrent_dropout\":0.5"};
    static const char *const recurrent[] = {"SimpleRNN", "LSTM", "GRU"};
    for (int i = 0; i < 9; i++)
        try_layer(&sets->blobs, catalogue_find(CATALOGUE_LAYER, recurrent[i / 3]), drops[i % 3]);
    try_layer(&sets->blobs, catalogue_find(CATALOGUE_LAYER, "Conv1D"), ",\"groups\":2");
}

static void try_optimizer(const struct dataset *data, const struct entry *entry, const char *more)
{
    char optimizer[512], compile[1024];

    write_entry(entry, more, optimizer);
    snprintf(compile, sizeof compile,
             "{\"optimizer\":%s,\"loss\":\"sparse_categorical_crossentropy\"}", optimizer);
    trains(data, LAST, compile, "{}");
}

static void every_optimizer_trains(void **state)
{
    static const char *const more[] = {",\"weight_decay\":0.01", ",\"clipnorm\":1",
                                       ",\"global_clipnorm\":1", ",\"clipvalue\":0.1",
                                       ",\"momentum\":0.9",      ",\"learning_rate\":0"};
    const struct sets *sets = *state;
    int count;
    const struct entry *entries = catalogue_list(CATALOGUE_OPTIMIZER, &count);

    of_kind(&sets->blobs, CATALOGUE_OPTIMIZER, try_optimizer);
    for (int i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof more / sizeof *more; k++)
            if (k != 4 || i < 2) // momentum: SGD and RMSprop
                try_optimizer(&sets->blobs, &entries[i], more[k]);
}

static void try_rate(const struct dataset *data, const struct entry *entry, const char *more)
{
    char schedule[512], compile[1024], with_rate[300];
    size_t n = (size_t)snprintf(with_rate, sizeof with_rate, "%s", more);

    // Optional for a LearningRateScheduler only.
    for (const struct arg *arg = entry->args; arg->name; arg++)
        if (!arg->required &&
            (strcmp(arg->name, "initial_learning_rate") == 0 || strcmp(arg->name, "max_lr") == 0))
            n += (size_t)snprintf(with_rate + n, sizeof with_rate - n, ",\"%s\":0.1", arg->name);
    write_entry(entry, with_rate, schedule);
    snprintf(compile, sizeof compile,
             "{\"optimizer\":{\"type\":\"SGD\",\"learning_rate\":%s},\"loss\":\"sparse_categorical_"
             "crossentropy\"}",
             schedule);
    trains(data, LAST, compile, "{}");
}

static void try_scheduler(const struct dataset *data, const struct entry *entry, const char *more)
{
    char schedule[512], fit[1024];

    write_entry(entry, more, schedule);
    snprintf(fit, sizeof fit,
             "{\"callbacks\":[{\"type\":\"LearningRateScheduler\",\"schedule\":%s}]}", schedule);
    trains(data, LAST, COMPILE, fit);
}

static void every_schedule_trains_in_both_places(void **state)
{
    const struct sets *sets = *state;

    of_kind(&sets->blobs, CATALOGUE_SCHEDULE, try_rate);
    of_kind(&sets->blobs, CATALOGUE_SCHEDULE, try_scheduler);
}

static void try_callback(const struct dataset *data, const struct entry *entry, const char *more)
{
    char callback[512], fit[1024];

    write_entry(entry, more, callback);
    snprintf(fit, sizeof fit, "{\"callbacks\":[%s]}", callback);
    trains(data, LAST, COMPILE, fit);
}

static void every_callback_trains(void **state)
{
    const struct sets *sets = *state;

    of_kind(&sets->blobs, CATALOGUE_CALLBACK, try_callback);
}

static void try_metric(const struct dataset *data, const struct entry *entry, const char *more)
{
    char metric[512], compile[1024];

    write_entry(entry, more, metric);
    snprintf(compile, sizeof compile,
             "{\"loss\":\"sparse_categorical_crossentropy\",\"metrics\":[%s]}", metric);
    trains(data, LAST, compile, "{}");
}

static void every_metric_is_computed(void **state)
{
    static const char *const more[] = {",\"thresholds\":0.3", ",\"class_id\":1", ",\"top_k\":2",
                                       ",\"name\":\"mine\""};
    const struct sets *sets = *state;

    of_kind(&sets->blobs, CATALOGUE_METRIC, try_metric);
    for (int i = 0; i < 4; i++)
        try_metric(&sets->blobs, catalogue_find(CATALOGUE_METRIC, "precision"), more[i]);
    try_metric(&sets->blobs, catalogue_find(CATALOGUE_METRIC, "f1"), ",\"average\":null");
    try_metric(&sets->blobs, catalogue_find(CATALOGUE_METRIC, "f1"), ",\"threshold\":0.5");
    try_metric(&sets->blobs, catalogue_find(CATALOGUE_METRIC, "top_k_accuracy"), ",\"k\":2");
}

static void try_loss(const struct dataset *data, const struct entry *entry, const char *more)
{
    char loss[512], compile[1024];

    write_entry(entry, more, loss);
    snprintf(compile, sizeof compile, "{\"loss\":%s}", loss);
    trains(data,
           data->info.classes ? LAST
                              : "{\"type\":\"Dense\",\"units\":1,\"activation\":\"sigmoid\"}",
           compile, "{}");
}

static void every_loss_trains(void **state)
{
    static const char *const numbers[] = {"binary_crossentropy", "mean_squared_error",
                                          "mean_absolute_error", "huber"};
    const struct sets *sets = *state;

    of_kind(&sets->blobs, CATALOGUE_LOSS, try_loss);
    for (int i = 0; i < 4; i++)
        try_loss(&sets->linear, catalogue_find(CATALOGUE_LOSS, numbers[i]), "");
    try_loss(&sets->blobs, catalogue_find(CATALOGUE_LOSS, "categorical_crossentropy"),
             ",\"label_smoothing\":0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_trains),
        cmocka_unit_test(every_optimizer_trains),
        cmocka_unit_test(every_loss_trains),
        cmocka_unit_test(every_schedule_trains_in_both_places),
        cmocka_unit_test(every_callback_trains),
        cmocka_unit_test(every_metric_is_computed),
    };
    return cmocka_run_group_tests(tests, generate, fini);
}
