// Section fit of the reference: whole trainings from given weights.
#ifndef TUNERD_TESTS_CONFORMANCE_KERAS_FITS_H
#define TUNERD_TESTS_CONFORMANCE_KERAS_FITS_H

#include "tests/conformance/keras_layers.h"

// ---- fit

#define DENSE_5_3                                                                                  \
    "[{\"type\": \"Dense\", \"units\": 5, \"activation\": \"relu\"}, "                             \
    "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]"
#define WORDS(cell)                                                                                \
    "[{\"type\": \"Embedding\", \"input_dim\": 5, \"output_dim\": 3}, {\"type\": \"" cell          \
    "\", \"units\": 3}, {\"type\": \"Dense\", \"units\": 2, \"activation\": \"softmax\"}]"

// What the cases say in words.
static const struct {
    const char *name, *layers, *callbacks;
} fits[] = {
    {"mlp", DENSE_5_3, "[]"},
    {"mlp, l2 kernel and bias",
     "[{\"type\": \"Dense\", \"units\": 5, \"activation\": \"relu\", \"kernel_regularizer\": "
     "{\"type\": \"l2\", \"l2\": 0.01}, \"bias_regularizer\": {\"type\": \"l2\", \"l2\": 0.1}}, "
     "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]",
     "[]"},
    {"mlp, class_weight", DENSE_5_3, "[]"},
    {"mlp, clipnorm and weight_decay", DENSE_5_3, "[]"},
    {"batch normalisation",
     "[{\"type\": \"Dense\", \"units\": 5}, {\"type\": \"BatchNormalization\", \"momentum\": 0.8}, "
     "{\"type\": \"Activation\", \"activation\": \"relu\"}, "
     "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]",
     "[]"},
    {"binary",
     "[{\"type\": \"Dense\", \"units\": 4, \"activation\": \"tanh\"}, "
     "{\"type\": \"Dense\", \"units\": 1, \"activation\": \"sigmoid\"}]",
     "[]"},
    {"regression",
     "[{\"type\": \"Dense\", \"units\": 4, \"activation\": \"gelu\"}, "
     "{\"type\": \"Dense\", \"units\": 2}]",
     "[]"},
    {"cnn",
     "[{\"type\": \"Conv2D\", \"filters\": 2, \"kernel_size\": 3, \"padding\": \"same\", "
     "\"activation\": \"relu\"}, {\"type\": \"MaxPooling2D\"}, {\"type\": \"Conv2D\", "
     "\"filters\": 3, \"kernel_size\": 2, \"activation\": \"elu\"}, "
     "{\"type\": \"GlobalAveragePooling2D\"}, "
     "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]",
     "[]"},
    {"sequence SimpleRNN", WORDS("SimpleRNN"), "[]"},
    {"sequence LSTM", WORDS("LSTM"), "[]"},
    {"sequence GRU", WORDS("GRU"), "[]"},
    {"early stopping and plateau in fit", DENSE_5_3,
     "[{\"type\": \"ReduceLROnPlateau\", \"factor\": 0.5, \"patience\": 1}, {\"type\": "
     "\"EarlyStopping\", \"patience\": 3, \"restore_best_weights\": true}]"},
};

static cJSON *fit_config(const cJSON *item)
{
    const cJSON *args = json_member(item, "args");
    cJSON *config = cJSON_CreateObject(), *model = cJSON_AddObjectToObject(config, "model");
    cJSON *dataset = cJSON_AddObjectToObject(config, "dataset");
    cJSON *compile = cJSON_Duplicate(json_member(args, "compile"), true);
    cJSON *fit = cJSON_Duplicate(json_member(args, "fit"), true);

    cJSON_AddItemToObject(config, "compile", compile);
    cJSON_AddItemToObject(config, "fit", fit);
    cJSON_AddItemToObject(compile, "optimizer",
                          cJSON_Duplicate(json_member(args, "optimizer"), true));
    cJSON_AddStringToObject(dataset, "name", "x");
    if (json_member(json_member(args, "fit"), "validation_split"))
        cJSON_AddNumberToObject(dataset, "validation_split",
                                json_number_or(json_member(args, "fit"), "validation_split", 0));
    for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++)
        if (strcmp(fits[i].name, name_of(item)) == 0) {
            cJSON_AddItemToObject(model, "layers", parse(fits[i].layers));
            cJSON_AddItemToObject(fit, "callbacks", parse(fits[i].callbacks));
            return config;
        }
    fail_msg("a fit case that this test does not know: %s", name_of(item));
    return NULL;
}

// The data are floats, the reference's have three decimals: kept as thousandths, which floats hold
// exactly, and scaled where the batch is gathered.
struct fit_data {
    struct dataset dataset;
    double unit; // of x
    float x[512], y[64];
    int32_t classes[16];
};

static void make_data(const cJSON *item, struct fit_data *data)
{
    const cJSON *inputs = json_member(item, "inputs"), *y = json_member(inputs, "y");
    const struct shape shape = shape_of(json_member(inputs, "x"));
    const bool values = cJSON_IsArray(cJSON_GetArrayItem(y, 0));
    struct dataset *set = &data->dataset;
    real numbers[512];
    size_t n;

    *data = (struct fit_data){.unit = strncmp(name_of(item), "sequence", 8) == 0 ? 1 : 0.001};
    set->info.train_samples = cJSON_GetArraySize(y);
    set->info.rank = shape.rank;
    set->target_width = 1;
    memcpy(set->info.shape, shape.dim, sizeof(shape.dim));
    n = flat(json_member(inputs, "x"), numbers);
    for (size_t i = 0; i < n; i++)
        data->x[i] = (float)round((double)numbers[i] / data->unit);
    n = flat(y, numbers);
    for (size_t i = 0; i < n; i++) {
        data->y[i] = (float)numbers[i];
        if (!values) {
            data->classes[i] = (int32_t)numbers[i];
            if (data->classes[i] >= set->info.classes)
                set->info.classes = data->classes[i] + 1;
        }
    }
    if (values)
        set->target_width = (int64_t)n / set->info.train_samples;
    set->train_x = data->x;
    set->train_y = values ? (const void *)data->y : data->classes;
}

// Our accuracy has Keras' names; weighted_metrics are left out.
static void check_log(const cJSON *history, const struct epoch_log *log, int epoch,
                      double tolerance)
{
    for (int i = 0; i < log->nmetrics; i++) {
        const cJSON *expected =
            cJSON_GetArrayItem(json_member(history, log->metrics[i].name), epoch);

        if (strcmp(log->metrics[i].name, "learning_rate") == 0 && !expected)
            continue;
        if (!reference_near(log->metrics[i].value, reference_number(expected), tolerance))
            fail_msg("epoch %d: %s is %.12g, expected %.12g", epoch + 1, log->metrics[i].name,
                     log->metrics[i].value, reference_number(expected));
    }
}

static void check_fit(const cJSON *item, const struct kernels *k)
{
    const cJSON *expected = json_member(item, "expected");
    const cJSON *history = json_member(expected, "history");
    const cJSON *last = json_member(expected, "evaluate_on_x");
    const int epochs = cJSON_GetArraySize(json_member(history, "loss"));
    const double tolerance = near_value * (strcmp(name_of(item), "regression") == 0 ? 3 : 1);
    struct fit_data data;
    cJSON *config = fit_config(item);
    struct training *t;
    struct epoch_log log;
    struct error err;
    int epoch = 0;

    make_data(item, &data);
    print_message("    %s: %s\n", k->name, name_of(item));
    if (training_new(&t, config, &data.dataset, 1, NULL, &err))
        fail_msg("%s: %s %s", name_of(item), err.pointer, err.message);
    t->factor[0] = (real)data.unit;
    t->kernels = k;
    set_weights(&t->model, reference_at(item, "inputs", "weights"), "value");
    for (; !training_done(t); epoch++) {
        assert_int_equal(training_epoch(t, &log, &err), OK);
        check_log(history, &log, epoch, tolerance);
    }
    assert_int_equal(epoch, epochs);
    check_weights(&t->model, json_member(expected, "weights"), tolerance);
    const struct data_part all = {data.dataset.info.train_samples, data.dataset.train_x,
                                  data.dataset.train_y, NULL};

    assert_near(training_evaluate(t, &all, NULL), json_number_or(last, "loss", 0), tolerance);
    for (int i = 0; i < metrics_count(t->metrics); i++)
        assert_near(metrics_value(t->metrics, i),
                    json_number_or(last, metrics_name(t->metrics, i), -1), tolerance);
    training_free(t);
    cJSON_Delete(config);
}

static void whole_trainings_give_keras_history_and_weights(void **state)
{
    const struct kernels *k[4];
    const int count = kernels_list(k);
    const cJSON *item = NULL;
    int checked = 0;

    (void)state;
    open_section("fit");
    cJSON_ArrayForEach(item, json_member(reference, "fit"))
    {
        for (int i = 0; i < count; i++)
            check_fit(item, k[i]);
        checked++;
    }
    reference_account("fit", "engine_keras", checked);
}

#endif
