// Networks of every kind on real pictures: the first 4,000 of Fashion-MNIST (Debian package
// dataset-fashion-mnist), the last quarter of them for validation. A broken layer stays far below these
// accuracies; whole epochs against Keras' accuracy are the bench's matter.
#include <stdio.h>
#include <string.h>

#include "tests/fashion.h"
#include "tests/test.h"
#include "worker/engine/engine.h"

static struct dataset fashion;

static int load(void **state)
{
    struct error err;

    (void)state;
    if (fashion_open("/usr/share/datasets/fashion-mnist", &fashion, &err))
        fail_msg("%s", err.message);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    dataset_fini(&fashion);
    return 0;
}

#define RELU "\"activation\": \"relu\"}, "
#define DENSE(units) "{\"type\": \"Dense\", \"units\": " #units ", "
#define LAST "{\"type\": \"Dense\", \"units\": 10, \"activation\": \"softmax\"}"
#define PICTURE "{\"type\": \"Reshape\", \"target_shape\": [28, 28, 1]}, "
#define CONV(filters) "{\"type\": \"Conv2D\", \"kernel_size\": 3, \"filters\": " #filters
#define POOL "{\"type\": \"MaxPooling2D\"}, "
// The moving statistics must be near after the few batches there are.
#define NORM                                                                                       \
    "{\"type\": \"BatchNormalization\", \"momentum\": 0.8}, {\"type\": \"Activation\", " RELU
// The rate fades out over the five epochs: at a constant one the weights outrun the moving statistics,
// and the accuracy after an epoch swings by 0.2 with the last bits of the kernels.
#define FADING "{\"type\": \"CosineDecay\", \"initial_learning_rate\": 0.05, \"decay_steps\": 470}"

static const struct {
    const char *name, *layers, *optimizer;
    int epochs;
    double accuracy;
} networks[] = {
    {"MLP, dropout, Adam",
     "{\"type\": \"Flatten\"}, " DENSE(128) RELU "{\"type\": \"Dropout\", \"rate\": 0.2}, " DENSE(
         64) RELU "{\"type\": \"Dropout\", \"rate\": 0.2}, " LAST,
     "\"Adam\"", 5, 0.79},
    {"MLP, RMSprop", "{\"type\": \"Flatten\"}, " DENSE(64) RELU LAST, "\"RMSprop\"", 5, 0.78},
    {"MLP, nesterov", "{\"type\": \"Flatten\"}, " DENSE(64) RELU LAST,
     "{\"type\": \"SGD\", \"learning_rate\": 0.02, \"momentum\": 0.9, \"nesterov\": true}", 5,
     0.78},
    {"CNN, Adam",
     PICTURE CONV(16) ", " RELU POOL CONV(32) ", " RELU POOL "{\"type\": \"Flatten\"}, " DENSE(64)
         RELU LAST,
     "\"Adam\"", 4, 0.72},
    {"CNN with normalisation, SGD",
     PICTURE CONV(8) "}, " NORM POOL CONV(16) "}, " NORM
                                              "{\"type\": \"GlobalAveragePooling2D\"}, " LAST,
     "{\"type\": \"SGD\", \"learning_rate\": " FADING ", \"momentum\": 0.9}", 5, 0.65},
    {"LSTM over rows, Nadam", "{\"type\": \"LSTM\", \"units\": 32}, " LAST,
     "{\"type\": \"Nadam\", \"learning_rate\": 0.005}", 4, 0.70},
    {"GRU over rows, AdamW", "{\"type\": \"GRU\", \"units\": 32}, " LAST,
     "{\"type\": \"AdamW\", \"learning_rate\": 0.005}", 4, 0.70},
};

static double train(const char *layers, const char *optimizer, int epochs)
{
    char text[4096];
    struct training *t;
    struct epoch_log log = {0};
    struct error err;
    cJSON *config;
    double best = 0;

    snprintf(text, sizeof(text),
             "{\"dataset\": {\"name\": \"fashion-mnist\", \"scale\": \"0-1\", \"limit\": 4000, "
             "\"validation_split\": 0.25}, \"model\": {\"layers\": [%s]}, \"compile\": "
             "{\"optimizer\": %s, \"loss\": \"sparse_categorical_crossentropy\", \"metrics\": "
             "[\"accuracy\"]}, \"fit\": {\"epochs\": %d, \"batch_size\": 32}}",
             layers, optimizer, epochs);
    config = json_read(text, strlen(text), NULL, &err);
    assert_non_null(config);
    if (training_new(&t, config, &fashion, 1, NULL, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    while (!training_done(t)) {
        assert_int_equal(training_epoch(t, &log, &err), OK);
        assert_string_equal(log.metrics[3].name, "val_accuracy");
        best = log.metrics[3].value > best ? log.metrics[3].value : best;
    }
    training_free(t);
    cJSON_Delete(config);
    return best;
}

static void networks_of_every_kind_learn_real_pictures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        const double accuracy =
            train(networks[i].layers, networks[i].optimizer, networks[i].epochs);

        print_message("    %s: %.3f\n", networks[i].name, accuracy);
        if (accuracy < networks[i].accuracy)
            fail_msg("%s reaches %.3f, not %.2f", networks[i].name, accuracy, networks[i].accuracy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_of_every_kind_learn_real_pictures),
    };
    return cmocka_run_group_tests_name("engine on pictures", tests, load, unload);
}
