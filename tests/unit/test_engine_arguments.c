// Arguments by name: each regularizer argument of each layer adds its penalty for its own weights, and what
// Keras has beyond the contract is refused with the argument's name.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/catalogue.h"
#include "tests/json.h"
#include "tests/test.h"
#include "worker/engine/engine.h"

// ---- regularizers

enum { SAMPLES = 8, FEATURES = 8 };

static const char *required_of(const char *type)
{
    if (strncmp(type, "Conv", 4) == 0)
        return "\"filters\": 2, \"kernel_size\": 2, ";
    if (strcmp(type, "Embedding") == 0)
        return "\"input_dim\": 4, \"output_dim\": 2, ";
    return strstr(type, "Normalization") ? "" : "\"units\": 2, ";
}

static const char *shape_for(const char *type)
{
    if (strcmp(type, "Conv2D") == 0)
        return "[4, 2, 1]";
    return strcmp(type, "Embedding") == 0 || strcmp(type, "Dense") == 0 ? "[8]" : "[4, 2]";
}

static struct training *train_with(const char *type, const char *argument, double strength)
{
    static const uint8_t x[SAMPLES * FEATURES] = {0, 1, 2, 3, 3, 2, 1};
    static const int32_t y[SAMPLES] = {0, 1, 0, 1};
    static const struct dataset data = {.info = {.train_samples = SAMPLES,
                                                 .rank = 1,
                                                 .shape = {FEATURES},
                                                 .classes = 2,
                                                 .features_bytes = true},
                                        .train_x = x,
                                        .train_y = y,
                                        .target_width = 1};
    char text[1024];
    struct training *training = NULL;
    struct error err;

    // biases and betas would start at 0, where nothing is to be seen
    snprintf(text, sizeof(text),
             "{\"dataset\": {\"scale\": \"none\"}, \"model\": {\"layers\": [{\"type\": "
             "\"Reshape\", \"target_shape\": %s}, {\"type\": \"%s\", %s\"bias_initializer\": "
             "\"ones\", \"beta_initializer\": \"ones\", \"%s\": {\"type\": \"l2\", \"l2\": %g}}, "
             "{\"type\": \"Flatten\"}, {\"type\": \"Dense\", \"units\": 2, \"activation\": "
             "\"softmax\"}]}, \"compile\": {\"optimizer\": {\"type\": \"SGD\", "
             "\"learning_rate\": 0}, \"loss\": \"sparse_categorical_crossentropy\"}, \"fit\": "
             "{\"epochs\": 1, \"batch_size\": 8}}",
             shape_for(type), type, required_of(type), argument, strength);
    cJSON *config = parse(text);
    if (training_new(&training, config, &data, 1, NULL, &err))
        fail_msg("%s: %s: %s", text, err.pointer, err.message);
    cJSON_Delete(config);
    return training;
}

static double loss_of(struct training *training)
{
    struct epoch_log log;
    struct error err;

    assert_int_equal(training_epoch(training, &log, &err), OK);
    assert_string_equal(log.metrics[0].name, "loss");
    return log.metrics[0].value;
}

// The sum of squares of the layer's weights that the argument is named for.
static double squares(const struct training *training, const char *argument)
{
    const int stem = (int)(strstr(argument, "_regularizer") - argument);
    struct training_weights w;
    double sum = 0;
    int found = 0;

    for (int i = 0; training_weights(training, i, &w); i++) {
        const bool recurrent = strcmp(w.name, "recurrent_kernel") == 0;
        const char *const name = recurrent ? "recurrent" : w.name;

        if (w.layer != 1 || (int)strlen(name) != stem || strncmp(name, argument, (size_t)stem) != 0)
            continue;
        found++;
        for (size_t k = 0; k < w.size; k++)
            sum += (double)w.values[k] * (double)w.values[k];
    }
    assert_int_equal(found, 1);
    return sum;
}

static void every_regularizer_adds_its_penalty_for_its_own_weights(void **state)
{
    int count, checked = 0;
    const struct entry *layers = catalogue_list(CATALOGUE_LAYER, &count);
    (void)state;

    for (int i = 0; i < count; i++)
        for (const struct arg *arg = layers[i].args; arg && arg->name; arg++) {
            if (arg->kind != CATALOGUE_REGULARIZER)
                continue;
            struct training *with = train_with(layers[i].name, arg->name, 0.5);
            struct training *without = train_with(layers[i].name, arg->name, 0);
            const double penalty = 0.5 * squares(with, arg->name);
            const double difference = loss_of(with) - loss_of(without);

            if (penalty == 0 || fabs(difference - penalty) > 1e-5 * (1 + penalty))
                fail_msg("%s: %s adds %g, not %g", layers[i].name, arg->name, difference, penalty);
            training_free(with);
            training_free(without);
            checked++;
        }
    assert_int_equal(checked, 3 * 2 + 2 * 2 + 1 + 3 * 3);
}

// ---- what Keras has beyond the contract

typedef cJSON *normalise_fn(const cJSON *, const char *, struct faults *);

static void is_refused(normalise_fn *normalise, const char *text, const char *pointer)
{
    struct faults faults;
    cJSON *item = parse(text);
    cJSON *made;

    faults_init(&faults);
    made = normalise(item, "", &faults);
    if (made || faults.count != 1 || strcmp(faults.items[0].pointer, pointer) != 0 ||
        !strstr(faults.items[0].message, strrchr(pointer, '/') + 1))
        fail_msg("%s: %d faults, the first at \"%s\": %s", text, faults.count,
                 faults.count ? faults.items[0].pointer : "",
                 faults.count ? faults.items[0].message : "");
    cJSON_Delete(item);
    faults_fini(&faults);
}

static void arguments_that_do_not_exist_here_are_named(void **state)
{
    static const char *const layers[][2] = {
        {"\"Dense\", \"units\": 3", "kernel_constraint"},
        {"\"Dense\", \"units\": 3", "activity_regularizer"},
        {"\"Dropout\", \"rate\": 0.1", "noise_shape"},
        {"\"Dropout\", \"rate\": 0.1", "seed"},
        {"\"BatchNormalization\"", "synchronized"},
        {"\"Embedding\", \"input_dim\": 3, \"output_dim\": 2", "mask_zero"},
        {"\"LSTM\", \"units\": 3", "stateful"},
        {"\"LSTM\", \"units\": 3", "return_state"},
        {"\"GRU\", \"units\": 3", "unroll"},
        {"\"Conv2D\", \"filters\": 3, \"kernel_size\": 3", "kernel_constraint"},
        {"\"Dense\", \"units\": 3", "trainable"},
    };
    static const char *const optimizers[] = {"use_ema", "ema_momentum", "loss_scale_factor",
                                             "gradient_accumulation_steps"};
    static const char *const fits[] = {"steps_per_epoch", "validation_freq", "sample_weight"};
    char text[256], pointer[64];
    (void)state;

    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        snprintf(text, sizeof(text), "{\"layers\": [{\"type\": %s, \"%s\": true}]}", layers[i][0],
                 layers[i][1]);
        snprintf(pointer, sizeof(pointer), "/layers/0/%s", layers[i][1]);
        is_refused(catalogue_normalise_model, text, pointer);
    }
    for (size_t i = 0; i < sizeof(optimizers) / sizeof(optimizers[0]); i++) {
        snprintf(text, sizeof(text),
                 "{\"optimizer\": {\"type\": \"Adam\", \"%s\": 1}, \"loss\": \"mse\"}",
                 optimizers[i]);
        snprintf(pointer, sizeof(pointer), "/optimizer/%s", optimizers[i]);
        is_refused(catalogue_normalise_compile, text, pointer);
    }
    for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
        snprintf(text, sizeof(text), "{\"epochs\": 1, \"%s\": 1}", fits[i]);
        snprintf(pointer, sizeof(pointer), "/%s", fits[i]);
        is_refused(catalogue_normalise_fit, text, pointer);
    }
    is_refused(catalogue_normalise_model,
               "{\"layers\": [{\"type\": \"Conv2D\", \"filters\": 3, \"kernel_size\": 3, "
               "\"data_format\": \"channels_first\"}]}",
               "/layers/0/data_format");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_regularizer_adds_its_penalty_for_its_own_weights),
        cmocka_unit_test(arguments_that_do_not_exist_here_are_named),
    };
    return cmocka_run_group_tests_name("engine's arguments", tests, NULL, NULL);
}
