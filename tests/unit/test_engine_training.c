// Trainings through the engine's door: real images, generated sets, checkpoints, limits, faults.
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/rng.h"
#include "tests/json.h"
#include "tests/test.h"
#include "worker/engine/engine.h"

#define CONFIG(dataset, layers, compile, fit)                                                      \
    "{\"dataset\": {\"name\": \"set\", " dataset "}, \"model\": {\"layers\": [" layers             \
    "]}, \"compile\": {" compile "}, \"fit\": {" fit "}}"
#define HALF "\"validation_split\": 0.25, \"scale\": \"standard\""
#define LAYERS                                                                                     \
    "{\"type\": \"Dense\", \"units\": 16, \"activation\": \"relu\"}, "                             \
    "{\"type\": \"Dropout\", \"rate\": 0.2}, "                                                     \
    "{\"type\": \"Dense\", \"units\": 8, \"activation\": \"tanh\"}, "                              \
    "{\"type\": \"BatchNormalization\"}, {\"type\": \"GaussianNoise\", \"stddev\": 0.1}, "         \
    "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}"
#define COMPILE                                                                                    \
    "\"optimizer\": {\"type\": \"Nadam\", \"learning_rate\": 0.01}, \"loss\": "                    \
    "\"sparse_categorical_crossentropy\", \"metrics\": [\"accuracy\"]"
#define FIT                                                                                        \
    "\"epochs\": 6, \"batch_size\": 16, \"callbacks\": [{\"type\": \"ReduceLROnPlateau\", "        \
    "\"factor\": 0.5, \"patience\": 1}, {\"type\": \"EarlyStopping\", \"patience\": 5, "           \
    "\"restore_best_weights\": true}]"

static struct dataset blobs(void)
{
    cJSON *size = parse("{\"samples\": 300, \"features\": 5, \"classes\": 3, \"noise\": 1.5}");
    struct dataset data;
    struct error err;

    if (dataset_generate("blobs", size, 7, &data, &err))
        fail_msg("%s", err.message);
    cJSON_Delete(size);
    return data;
}

static struct training *make(const char *text, const struct dataset *data, uint64_t seed)
{
    cJSON *config = parse(text);
    struct training *t = NULL;
    struct error err;

    if (training_new(&t, config, data, seed, NULL, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_Delete(config);
    return t;
}

static struct epoch_log epoch_of(struct training *t)
{
    struct epoch_log log;
    struct error err;

    if (training_epoch(t, &log, &err))
        fail_msg("%s", err.message);
    return log;
}

static void assert_same_log(const struct epoch_log *a, const struct epoch_log *b)
{
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->nmetrics, b->nmetrics);
    for (int i = 0; i < a->nmetrics; i++) {
        assert_string_equal(a->metrics[i].name, b->metrics[i].name);
        assert_memory_equal(&a->metrics[i].value, &b->metrics[i].value, sizeof(double));
    }
}

static double metric(const struct epoch_log *log, const char *name)
{
    for (int i = 0; i < log->nmetrics; i++)
        if (strcmp(log->metrics[i].name, name) == 0)
            return log->metrics[i].value;
    fail_msg("no metric %s", name);
    return 0;
}

// Clipping far above any norm leaves gradients as they are, but they are then made all at once and applied
// at the end, not piece by piece, nor turned round where that leaves out more zeros (batch 96, dense x).
static void weights_that_step_themselves_step_as_all_do(void **state)
{
#define WIDE                                                                                       \
    "{\"type\": \"Dense\", \"units\": 80, \"activation\": \"relu\"}, "                             \
    "{\"type\": \"Dense\", \"units\": 70, \"activation\": \"relu\"}, "                             \
    "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}"
#define ADAM(more)                                                                                 \
    "\"optimizer\": {\"type\": \"Adam\"" more                                                      \
    "}, \"loss\": \"sparse_categorical_crossentropy\", \"metrics\": []"
    cJSON *size = parse("{\"samples\": 300, \"features\": 200, \"classes\": 3, \"noise\": 8}");
    struct training *t[2];
    struct dataset data;
    struct error err;

    (void)state;
    assert_int_equal(dataset_generate("blobs", size, 7, &data, &err), OK);
    t[0] = make(CONFIG(HALF, WIDE, ADAM(""), "\"epochs\": 3, \"batch_size\": 96"), &data, 1);
    t[1] =
        make(CONFIG(HALF, WIDE, ADAM(", \"clipnorm\": 1e30"), "\"epochs\": 3, \"batch_size\": 96"),
             &data, 1);
    for (int e = 0; e < 3; e++) {
        const struct epoch_log a = epoch_of(t[0]), b = epoch_of(t[1]);

        assert_true(fabs(metric(&a, "loss") - metric(&b, "loss")) < 1e-5 * metric(&b, "loss"));
        assert_true(fabs(metric(&a, "val_loss") - metric(&b, "val_loss")) <
                    1e-5 * metric(&b, "val_loss"));
    }
    for (int i = 0; i < 2; i++)
        training_free(t[i]);
    cJSON_Delete(size);
    dataset_fini(&data);
}

static void the_same_seed_gives_the_same_numbers_and_another_others(void **state)
{
    struct dataset data = blobs();
    struct training *t[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        t[i] = make(CONFIG(HALF, LAYERS, COMPILE, FIT), &data, i < 2 ? 1 : 2);
    for (int e = 0; e < 3; e++) {
        const struct epoch_log a = epoch_of(t[0]), b = epoch_of(t[1]), c = epoch_of(t[2]);

        assert_same_log(&a, &b);
        assert_true(metric(&a, "loss") != metric(&c, "loss"));
    }
    for (int i = 0; i < 3; i++)
        training_free(t[i]);
    dataset_fini(&data);
}

static void the_log_has_keras_names_in_keras_order(void **state)
{
    static const char *const names[] = {"loss", "accuracy", "val_loss", "val_accuracy",
                                        "learning_rate"};
    struct dataset data = blobs();
    struct training *t = make(CONFIG(HALF, LAYERS, COMPILE, FIT), &data, 1);
    const struct epoch_log log = epoch_of(t);

    (void)state;
    assert_int_equal(log.epoch, 1);
    assert_int_equal(log.nmetrics, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(log.metrics[i].name, names[i]);
    training_free(t);
    dataset_fini(&data);
}

// Saved after each epoch and restored into a new training, the rest is the same to the last bit.
static void going_on_from_a_checkpoint_equals_never_having_stopped(void **state)
{
    struct dataset data = blobs();
    const char *const text = CONFIG(HALF, LAYERS, COMPILE, FIT);
    struct training *t = make(text, &data, 3);
    unsigned char *bytes[6], *last, *again;
    size_t len[6], last_len, again_len;
    struct epoch_log logs[6];
    struct error err;
    int epochs = 0;

    (void)state;
    for (; !training_done(t); epochs++) {
        assert_int_equal(training_save(t, &bytes[epochs], &len[epochs], &err), OK);
        logs[epochs] = epoch_of(t);
    }
    assert_int_equal(training_save(t, &last, &last_len, &err), OK);
    for (int from = 0; from < epochs; from++) {
        struct training *r = make(text, &data, 3);

        assert_int_equal(training_restore(r, bytes[from], len[from], &err), OK);
        assert_int_equal(training_epochs_done(r), from);
        for (int e = from; e < epochs; e++) {
            const struct epoch_log log = epoch_of(r);

            assert_same_log(&log, &logs[e]);
        }
        assert_true(training_done(r));
        assert_int_equal(training_save(r, &again, &again_len, &err), OK);
        assert_int_equal(again_len, last_len);
        assert_memory_equal(again, last, last_len);
        free(again);
        training_free(r);
        free(bytes[from]);
    }
    free(last);
    training_free(t);
    dataset_fini(&data);
}

static void damaged_and_foreign_checkpoints_are_refused(void **state)
{
    struct dataset data = blobs();
    struct training *t = make(CONFIG(HALF, LAYERS, COMPILE, FIT), &data, 3);
    struct training *other = make(CONFIG(HALF,
                                         "{\"type\": \"Dense\", \"units\": 3, "
                                         "\"activation\": \"softmax\"}",
                                         COMPILE, FIT),
                                  &data, 3);
    unsigned char *bytes;
    size_t len;
    struct error err;

    (void)state;
    epoch_of(t);
    assert_int_equal(training_save(t, &bytes, &len, &err), OK);
    assert_int_equal(training_restore(other, bytes, len, &err), E_INVALID);
    assert_int_equal(training_restore(t, bytes, len - 1, &err), E_INVALID);
    assert_int_equal(training_restore(t, bytes, 5, &err), E_INVALID);
    for (size_t i = 0; i < len; i += 97) {
        bytes[i] ^= 1;
        assert_int_equal(training_restore(t, bytes, len, &err), E_INVALID);
        bytes[i] ^= 1;
    }
    assert_int_equal(training_restore(t, bytes, len, &err), OK);
    free(bytes);
    training_free(t);
    training_free(other);
    dataset_fini(&data);
}

static void more_epochs_can_be_given_to_a_training_that_used_them_up(void **state)
{
    struct dataset data = blobs();
    struct training *t =
        make(CONFIG(HALF, LAYERS, COMPILE, "\"epochs\": 2, \"batch_size\": 16"), &data, 3);
    struct training *straight =
        make(CONFIG(HALF, LAYERS, COMPILE, "\"epochs\": 4, \"batch_size\": 16"), &data, 3);
    struct epoch_log log, expected;
    struct error err;

    (void)state;
    epoch_of(t);
    epoch_of(t);
    assert_true(training_done(t));
    assert_string_equal(training_end_reason(t), "epochs");
    assert_int_equal(training_epoch(t, &log, &err), E_STATE);
    training_set_epochs(t, 4);
    assert_false(training_done(t));
    for (int i = 0; i < 3; i++)
        expected = epoch_of(straight);
    log = epoch_of(t);
    assert_same_log(&log, &expected);
    training_free(t);
    training_free(straight);
    dataset_fini(&data);
}

// As a float it is 1, and a float drop of everything would scale by 1 / 0.
static void a_rate_next_to_1_drops_and_stays_finite(void **state)
{
    static const char *const layers[] = {
        "{\"type\": \"Dense\", \"units\": 8, \"activation\": \"relu\"}, {\"type\": \"Dropout\", "
        "\"rate\": 0.9999999999}, ",
        "{\"type\": \"Dropout\", \"rate\": 0.9999999999}, ",
        "{\"type\": \"Reshape\", \"target_shape\": [5, 1]}, {\"type\": \"LSTM\", \"units\": 3, "
        "\"dropout\": 0.9999999999, \"recurrent_dropout\": 0.9999999999}, "};
    struct dataset data = blobs();

    (void)state;
    for (int i = 0; i < 3; i++) {
        char text[1024];
        struct training *t;
        struct epoch_log log;

        snprintf(text, sizeof(text),
                 CONFIG(HALF, "%s{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}",
                        COMPILE, "\"epochs\": 1"),
                 layers[i]);
        t = make(text, &data, 1);
        log = epoch_of(t);
        assert_true(isfinite(metric(&log, "loss")) && isfinite(metric(&log, "val_loss")));
        training_free(t);
    }
    dataset_fini(&data);
}

static void a_loss_that_is_no_number_ends_the_training(void **state)
{
    struct dataset data = blobs();
    struct training *t = make(
        CONFIG(HALF, "{\"type\": \"Dense\", \"units\": 16}, {\"type\": \"Dense\", \"units\": 3}",
               "\"optimizer\": {\"type\": \"SGD\", \"learning_rate\": 1e6}, \"loss\": "
               "\"mean_squared_error\"",
               "\"epochs\": 50, \"batch_size\": 16"),
        &data, 3);
    struct epoch_log log;
    struct error err;
    enum code code = OK;

    (void)state;
    while (code == OK && !training_done(t))
        code = training_epoch(t, &log, &err);
    assert_int_equal(code, E_DIVERGED);
    assert_true(training_done(t));
    assert_false(isfinite(metric(&log, "loss")));
    assert_non_null(strstr(err.message, "learning_rate"));
    training_free(t);
    dataset_fini(&data);
}

// Weights that only decay, to a tenth a step, pass from normal numbers to 0: those between would cost a hundred
// times as much. Outside the engine they are as before.
static void denormal_numbers_are_flushed_while_the_engine_computes_only(void **state)
{
    static const float x[4], y[4];
    const struct dataset data = {.info = {.train_samples = 4, .rank = 1, .shape = {1}},
                                 .train_x = x,
                                 .train_y = y,
                                 .target_width = 1};
    struct training *t = make(CONFIG("\"scale\": \"none\"",
                                     "{\"type\": \"Dense\", \"units\": 1, \"use_bias\": false, "
                                     "\"kernel_initializer\": \"ones\"}",
                                     "\"optimizer\": {\"type\": \"SGD\", \"learning_rate\": 0.9, "
                                     "\"weight_decay\": 1}, \"loss\": \"mse\"",
                                     "\"epochs\": 60, \"batch_size\": 4"),
                              &data, 1);
    volatile float small = 1e-20f;
    struct training_weights w;

    (void)state;
    for (int epoch = 1; epoch <= 60; epoch++) {
        epoch_of(t);
        assert_true(training_weights(t, 0, &w));
        assert_true(fpclassify(w.values[0]) == (epoch < 38 ? FP_NORMAL : FP_ZERO));
        assert_true(small * small > 0);
    }
    training_free(t);
}

static void a_model_above_the_memory_allowed_is_refused_before_it_is_built(void **state)
{
    struct dataset data = blobs();
    const struct training_limits limits = {.memory = 1 << 20};
    cJSON *large = parse(CONFIG(HALF,
                                "{\"type\": \"Dense\", \"units\": 1000000}, {\"type\": "
                                "\"Dense\", \"units\": 1000000}",
                                COMPILE, FIT));
    cJSON *absurd = parse(CONFIG(HALF,
                                 "{\"type\": \"Dense\", \"units\": 1000000}, {\"type\": "
                                 "\"Dense\", \"units\": 1000000}, {\"type\": \"Dense\", "
                                 "\"units\": 1000000}",
                                 COMPILE, FIT));
    cJSON *fits = parse(CONFIG(HALF, LAYERS, COMPILE, FIT));
    struct training *t = NULL;
    struct error err;

    (void)state;
    assert_int_equal(training_new(&t, absurd, &data, 1, NULL, &err), E_LIMIT);
    assert_non_null(strstr(err.message, "4398046511104 bytes"));
    assert_int_equal(training_new(&t, large, &data, 1, &limits, &err), E_LIMIT);
    assert_null(t);
    assert_non_null(strstr(err.message, "bytes"));
    assert_int_equal(training_new(&t, fits, &data, 1, &limits, &err), OK);
    assert_true(training_memory(t) < limits.memory);
    assert_int_equal(training_parameters(t), 5 * 16 + 16 + 16 * 8 + 8 + 4 * 8 + 8 * 3 + 3);
    training_free(t);
    cJSON_Delete(absurd);
    cJSON_Delete(large);
    cJSON_Delete(fits);
    dataset_fini(&data);
}

static void faults_name_the_place_the_layer_and_the_shapes(void **state)
{
    static const struct {
        const char *text, *pointer, *words;
    } faults[] = {
        {CONFIG(HALF, "{\"type\": \"Conv2D\", \"filters\": 3, \"kernel_size\": 3}", COMPILE, FIT),
         "/model/layers/0", "Conv2D"},
        {CONFIG(HALF,
                "{\"type\": \"Reshape\", \"target_shape\": [5, 1, 1]}, {\"type\": \"Conv2D\", "
                "\"filters\": 3, \"kernel_size\": 3}",
                COMPILE, FIT),
         "/model/layers/1", "(5, 1, 1)"},
        {CONFIG(HALF, "{\"type\": \"Reshape\", \"target_shape\": [4, 2]}", COMPILE, FIT),
         "/model/layers/0/target_shape", "5 numbers"},
        {CONFIG(HALF, "{\"type\": \"LSTM\", \"units\": 3}", COMPILE, FIT), "/model/layers/0",
         "steps"},
        {CONFIG(HALF, "{\"type\": \"Dense\", \"units\": 2, \"activation\": \"softmax\"}", COMPILE,
                FIT),
         "/model/layers", "3 classes"},
        {CONFIG(HALF, "{\"type\": \"Dense\", \"units\": 1}", COMPILE, FIT), "/compile/loss",
         "one output for each class"},
        {CONFIG(HALF, "{\"type\": \"Nothing\"}", COMPILE, FIT), "/model/layers/0/type", "Nothing"},
        {CONFIG("\"scale\": \"none\"",
                "{\"type\": \"Embedding\", \"input_dim\": 2, \"output_dim\": 2}, {\"type\": "
                "\"Flatten\"}, {\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}",
                COMPILE, "\"epochs\": 1"),
         "/model/layers", "Embedding"},
        {CONFIG("\"scale\": \"none\"", LAYERS, COMPILE,
                "\"epochs\": 2, \"callbacks\": [{\"type\": \"EarlyStopping\", \"monitor\": "
                "\"val_loss\"}]"),
         "/fit/callbacks/0/monitor", "val_loss"},
        {CONFIG(HALF, LAYERS, COMPILE, "\"class_weight\": {\"7\": 2}"), "/fit/class_weight",
         "class"},
    };
    struct dataset data = blobs();

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        cJSON *config = parse(faults[i].text);
        struct training *t = NULL;
        struct error err = {0};

        assert_int_not_equal(training_new(&t, config, &data, 1, NULL, &err), OK);
        assert_null(t);
        if (strcmp(err.pointer, faults[i].pointer) != 0 || !strstr(err.message, faults[i].words))
            fail_msg("%s: %s (expected %s, %s)", err.pointer, err.message, faults[i].pointer,
                     faults[i].words);
        cJSON_Delete(config);
    }
    dataset_fini(&data);
}

static void the_report_has_every_part(void **state)
{
    struct dataset data = blobs();
    struct training *t = make(CONFIG(HALF, LAYERS, COMPILE, FIT), &data, 1);
    struct error err;
    const cJSON *item = NULL, *row = NULL;
    cJSON *report;
    double sum = 0;

    (void)state;
    while (!training_done(t))
        epoch_of(t);
    report = training_report(t, &err);
    assert_non_null(report);
    assert_int_equal(cJSON_GetArraySize(json_member(json_member(report, "summary"), "layers")), 6);
    assert_string_equal(json_string_or(report, "evaluated_on", ""),
                        data.info.test_samples ? "test" : "validation");
    assert_true(json_number_or(json_member(report, "test"), "accuracy", 0) > 0.5);
    assert_non_null(json_member(json_member(report, "classification_report"), "macro avg"));
    cJSON_ArrayForEach(row, json_member(report, "confusion_matrix"))
    {
        cJSON_ArrayForEach(item, row) sum += item->valuedouble;
    }
    assert_int_equal((int)sum, data.info.test_samples ? (int)data.info.test_samples : 75);
    assert_int_equal(cJSON_GetArraySize(json_member(report, "samples")), 16);
    cJSON_Delete(report);
    training_free(t);
    dataset_fini(&data);
}

// As Keras prints it; a layer with a name of its own is not counted among dense, dense_1, …
static void the_summary_names_layers_as_keras_does(void **state)
{
    static const char *const names[] = {"dense", "head", "dense_1", "out"};
    struct dataset data = blobs();
    struct training *t = make(CONFIG(HALF,
                                     "{\"type\": \"Dense\", \"units\": 4}, {\"type\": \"Dense\", "
                                     "\"units\": 4, \"name\": \"head\"}, {\"type\": \"Dense\", "
                                     "\"units\": 4}, {\"type\": \"Dense\", \"units\": 3, "
                                     "\"activation\": \"softmax\", \"name\": \"out\"}",
                                     COMPILE, "\"epochs\": 1"),
                              &data, 1);
    struct error err;
    cJSON *report = training_report(t, &err);
    const cJSON *summary = json_member(report, "summary"), *layer = NULL;
    int i = 0;

    (void)state;
    assert_non_null(report);
    cJSON_ArrayForEach(layer, json_member(summary, "layers"))
        assert_string_equal(json_string_or(layer, "name", ""), names[i++]);
    assert_int_equal(i, 4);
    assert_non_null(strstr(json_string_or(summary, "text", ""), "│ head (Dense) "));
    assert_non_null(strstr(json_string_or(summary, "text", ""), " Total params: 79 (316.00 B)"));
    cJSON_Delete(report);
    training_free(t);
    dataset_fini(&data);
}

static void predictions_are_those_of_the_report(void **state)
{
    struct dataset data = blobs();
    struct training *t = make(CONFIG(HALF, LAYERS, COMPILE, FIT), &data, 1);
    struct error err;
    real p[40][3];
    cJSON *report;

    (void)state;
    assert_int_equal(training_outputs(t), 3);
    epoch_of(t);
    assert_true(data.info.test_samples >= 40);
    assert_int_equal(training_predict(t, data.test_x, 40, p[0], &err), OK); // in batches of 16
    report = training_report(t, &err);
    assert_non_null(report);
    for (int i = 0; i < 16; i++) {
        const cJSON *sample = cJSON_GetArrayItem(json_member(report, "samples"), i);
        const int class = (int)json_integer_or(sample, "prediction", -1);

        assert_in_range(class, 0, 2);
        assert_true(fabs((double)p[i][class] - json_number_or(sample, "probability", 0)) < 1e-6);
        for (int c = 0; c < 3; c++)
            assert_true(p[i][c] <= p[i][class]);
    }
    cJSON_Delete(report);
    training_free(t);
    dataset_fini(&data);
}

static void predictions_of_words_without_a_row_are_refused(void **state)
{
    static const uint8_t x[8] = {0, 1, 2, 3, 3, 2, 1, 0}, other[2] = {0, 4};
    static const int32_t y[4] = {0, 1, 0, 1};
    const struct dataset data = {
        .info = {.train_samples = 4, .rank = 1, .shape = {2}, .classes = 2, .features_bytes = true},
        .train_x = x,
        .train_y = y,
        .target_width = 1};
    struct training *t =
        make(CONFIG("\"scale\": \"none\"",
                    "{\"type\": \"Embedding\", \"input_dim\": 4, \"output_dim\": 2}, {\"type\": "
                    "\"Flatten\"}, {\"type\": \"Dense\", \"units\": 2, \"activation\": "
                    "\"softmax\"}",
                    COMPILE, "\"epochs\": 1"),
             &data, 1);
    struct error err;
    real p[8];

    (void)state;
    assert_int_equal(training_predict(t, x, 4, p, &err), OK);
    assert_int_equal(training_predict(t, other, 1, p, &err), E_RANGE);
    assert_non_null(strstr(err.message, "has 4"));
    training_free(t);
}

static void weights_come_layer_by_layer_as_in_keras(void **state)
{
    static const struct {
        const char *path, *name;
        int layer, rank;
        int64_t dim[2];
        bool trainable;
    } expected[] = {
        {"dense/kernel", "kernel", 0, 2, {5, 16}, true},
        {"dense/bias", "bias", 0, 1, {16}, true},
        {"dense_1/kernel", "kernel", 2, 2, {16, 8}, true},
        {"dense_1/bias", "bias", 2, 1, {8}, true},
        {"batch_normalization/gamma", "gamma", 3, 1, {8}, true},
        {"batch_normalization/beta", "beta", 3, 1, {8}, true},
        {"batch_normalization/moving_mean", "moving_mean", 3, 1, {8}, false},
        {"batch_normalization/moving_variance", "moving_variance", 3, 1, {8}, false},
        {"dense_2/kernel", "kernel", 5, 2, {8, 3}, true},
        {"dense_2/bias", "bias", 5, 1, {3}, true},
    };
    enum { COUNT = sizeof(expected) / sizeof(expected[0]) };
    struct dataset data = blobs();
    struct training *t = make(CONFIG(HALF, LAYERS, COMPILE, FIT), &data, 1);
    struct training_weights w;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        assert_true(training_weights(t, i, &w));
        assert_string_equal(w.name, expected[i].name);
        assert_string_equal(w.path, expected[i].path);
        assert_int_equal(w.layer, expected[i].layer);
        assert_int_equal(w.rank, expected[i].rank);
        assert_int_equal(w.trainable, expected[i].trainable);
        for (int d = 0; d < w.rank; d++)
            assert_int_equal(w.dim[d], expected[i].dim[d]);
        assert_int_equal(w.size, w.dim[0] * (w.rank > 1 ? w.dim[1] : 1));
        if (strcmp(w.name, "moving_variance") == 0)
            assert_true(w.values[7] == 1);
    }
    assert_false(training_weights(t, COUNT, &w));
    training_free(t);
    dataset_fini(&data);
}

// Keras 3's weight.path without the model's name; Keras refuses two layers of one name.
static void cells_and_repeated_names_are_in_the_paths(void **state)
{
    static const char *const expected[] = {
        "same/kernel",
        "same/bias",
        "same_1/kernel",
        "same_1/bias",
        "lstm/lstm_cell/kernel",
        "lstm/lstm_cell/recurrent_kernel",
        "lstm/lstm_cell/bias",
        "gru/gru_cell/kernel",
        "gru/gru_cell/recurrent_kernel",
        "gru/gru_cell/bias",
        "simple_rnn/simple_rnn_cell/kernel",
        "simple_rnn/simple_rnn_cell/recurrent_kernel",
        "dense/kernel",
        "dense/bias",
    };
    enum { COUNT = sizeof(expected) / sizeof(expected[0]) };
    static const char layers[] =
        CONFIG(HALF,
               "{\"type\": \"Dense\", \"units\": 6, \"name\": \"same\"},"
               "{\"type\": \"Dense\", \"units\": 6, \"name\": \"same\"},"
               "{\"type\": \"Reshape\", \"target_shape\": [3, 2]},"
               "{\"type\": \"LSTM\", \"units\": 2, \"return_sequences\": true},"
               "{\"type\": \"GRU\", \"units\": 2, \"return_sequences\": true},"
               "{\"type\": \"SimpleRNN\", \"units\": 2, \"use_bias\": false},"
               "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}",
               COMPILE, FIT);
    struct dataset data = blobs();
    struct training *t = make(layers, &data, 1);
    struct training_weights w;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        assert_true(training_weights(t, i, &w));
        assert_string_equal(w.path, expected[i]);
    }
    assert_false(training_weights(t, COUNT, &w));
    training_free(t);
    dataset_fini(&data);
}

static void a_line_is_learned_by_regression(void **state)
{
    cJSON *size = parse("{\"samples\": 400, \"features\": 3, \"noise\": 0.05}");
    struct dataset data;
    struct training *t;
    struct error err;
    struct epoch_log log;
    cJSON *report;

    (void)state;
    assert_int_equal(dataset_generate("linear", size, 3, &data, &err), OK);
    t = make(CONFIG("\"scale\": \"none\", \"validation_split\": 0.2",
                    "{\"type\": \"Dense\", \"units\": 1}",
                    "\"optimizer\": {\"type\": \"Adam\", \"learning_rate\": 0.05}, \"loss\": "
                    "\"mean_squared_error\", \"metrics\": [\"mae\"]",
                    "\"epochs\": 40, \"batch_size\": 16"),
             &data, 1);
    while (!training_done(t))
        log = epoch_of(t);
    assert_true(metric(&log, "val_loss") < 0.01);
    report = training_report(t, &err);
    assert_non_null(report);
    assert_int_equal(cJSON_GetArraySize(json_member(report, "samples")), 16);
    cJSON_Delete(report);
    training_free(t);
    dataset_fini(&data);
    cJSON_Delete(size);
}

// ---- sequences with a known optimum: is the number of ones even?

enum { PARITY_BITS = 5, PARITY_SAMPLES = 512 };

static void parity_of_bits_is_learned_by_recurrent_layers(void **state)
{
    static const char *const cells[] = {"SimpleRNN", "LSTM", "GRU"};
    static uint8_t x[PARITY_SAMPLES * PARITY_BITS];
    static int32_t y[PARITY_SAMPLES];
    const struct dataset data = {.info = {.train_samples = PARITY_SAMPLES,
                                          .rank = 1,
                                          .shape = {PARITY_BITS},
                                          .classes = 2,
                                          .features_bytes = true},
                                 .train_x = x,
                                 .train_y = y,
                                 .target_width = 1};
    struct rng rng;

    (void)state;
    rng_init(&rng, 1, 1);
    for (int i = 0; i < PARITY_SAMPLES; i++)
        for (int b = 0; b < PARITY_BITS; b++) {
            x[i * PARITY_BITS + b] = (uint8_t)rng_below(&rng, 2);
            y[i] ^= x[i * PARITY_BITS + b];
        }
    for (int c = 0; c < 3; c++) {
        char text[1024];
        struct training *t;
        struct epoch_log log;

        snprintf(text, sizeof(text),
                 CONFIG("\"scale\": \"none\"",
                        "{\"type\": \"Embedding\", \"input_dim\": 2, \"output_dim\": 4}, "
                        "{\"type\": \"%s\", \"units\": 16, \"unit_forget_bias\": true}, "
                        "{\"type\": \"Dense\", \"units\": 1, \"activation\": \"sigmoid\"}",
                        "\"optimizer\": {\"type\": \"Adam\", \"learning_rate\": 0.02}, \"loss\": "
                        "\"binary_crossentropy\", \"metrics\": [\"accuracy\"]",
                        "\"epochs\": 60, \"batch_size\": 32"),
                 cells[c]);
        t = make(text, &data, 1);
        do
            log = epoch_of(t);
        while (!training_done(t) && metric(&log, "accuracy") < 1);
        if (metric(&log, "accuracy") < 0.99)
            fail_msg("%s stays at an accuracy of %g", cells[c], metric(&log, "accuracy"));
        training_free(t);
    }
}

// ---- two at once

struct job {
    const struct dataset *data;
    struct epoch_log last;
};

static void *train(void *arg)
{
    struct job *job = arg;
    struct training *t = make(CONFIG(HALF, LAYERS, COMPILE, FIT), job->data, 9);

    while (!training_done(t))
        job->last = epoch_of(t);
    training_free(t);
    return NULL;
}

static void trainings_side_by_side_give_what_each_gives_alone(void **state)
{
    struct dataset data = blobs();
    struct job alone = {.data = &data}, both[2] = {{.data = &data}, {.data = &data}};
    pthread_t threads[2];

    (void)state;
    train(&alone);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, train, &both[i]), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_same_log(&both[i].last, &alone.last);
    }
    dataset_fini(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_that_step_themselves_step_as_all_do),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers_and_another_others),
        cmocka_unit_test(the_log_has_keras_names_in_keras_order),
        cmocka_unit_test(going_on_from_a_checkpoint_equals_never_having_stopped),
        cmocka_unit_test(damaged_and_foreign_checkpoints_are_refused),
        cmocka_unit_test(more_epochs_can_be_given_to_a_training_that_used_them_up),
        cmocka_unit_test(a_rate_next_to_1_drops_and_stays_finite),
        cmocka_unit_test(a_loss_that_is_no_number_ends_the_training),
        cmocka_unit_test(denormal_numbers_are_flushed_while_the_engine_computes_only),
        cmocka_unit_test(a_model_above_the_memory_allowed_is_refused_before_it_is_built),
        cmocka_unit_test(faults_name_the_place_the_layer_and_the_shapes),
        cmocka_unit_test(the_report_has_every_part),
        cmocka_unit_test(the_summary_names_layers_as_keras_does),
        cmocka_unit_test(predictions_are_those_of_the_report),
        cmocka_unit_test(predictions_of_words_without_a_row_are_refused),
        cmocka_unit_test(weights_come_layer_by_layer_as_in_keras),
        cmocka_unit_test(cells_and_repeated_names_are_in_the_paths),
        cmocka_unit_test(a_line_is_learned_by_regression),
        cmocka_unit_test(parity_of_bits_is_learned_by_recurrent_layers),
        cmocka_unit_test(trainings_side_by_side_give_what_each_gives_alone),
    };
    return cmocka_run_group_tests_name("engine trainings", tests, NULL, NULL);
}
