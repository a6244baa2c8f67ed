// Nothing is allocated inside an epoch. The linker puts the functions below in the place of the
// allocator's for all of the engine's own code (--wrap, see the Makefile); cJSON is told to use them too.
#include <stdio.h>
#include <string.h>

#include "tests/test.h"
#include "worker/engine/engine.h"

static size_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocations++;
    return __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    allocations++;
    return __real_posix_memalign(out, alignment, size);
}

char *__wrap_strdup(const char *text)
{
    allocations++;
    return __real_strdup(text);
}

static void *counted(size_t size)
{
    return __wrap_malloc(size);
}

#define FIT                                                                                        \
    "{\"epochs\": 4, \"batch_size\": 7, \"class_weight\": {\"0\": 2, \"1\": 1, \"2\": 0.5}, "      \
    "\"callbacks\": [{\"type\": \"EarlyStopping\", \"monitor\": \"val_loss\", \"patience\": 9, "   \
    "\"restore_best_weights\": true}%s, {\"type\": \"TerminateOnNaN\"}]}"
#define PLATEAU ", {\"type\": \"ReduceLROnPlateau\", \"monitor\": \"loss\", \"patience\": 1}"

static const struct {
    const char *layers, *optimizer, *callback;
} networks[] = {
    {"{\"type\": \"Dense\", \"units\": 32, \"activation\": \"relu\", \"kernel_regularizer\": "
     "\"l2\"}, "
     "{\"type\": \"Dropout\", \"rate\": 0.2}, {\"type\": \"GaussianNoise\", \"stddev\": 0.1}, "
     "{\"type\": \"Dense\", \"units\": 16, \"activation\": \"gelu\"}, {\"type\": "
     "\"LayerNormalization\"}",
     "{\"type\": \"Adam\", \"amsgrad\": true, \"clipnorm\": 1, \"learning_rate\": {\"type\": "
     "\"CosineDecay\", \"initial_learning_rate\": 0.01, \"decay_steps\": 30}}",
     ""},
    {"{\"type\": \"Reshape\", \"target_shape\": [4, 4, 1]}, {\"type\": \"Conv2D\", \"filters\": 4, "
     "\"kernel_size\": 3, \"padding\": \"same\"}, {\"type\": \"BatchNormalization\"}, {\"type\": "
     "\"MaxPooling2D\"}, {\"type\": \"Conv2D\", \"filters\": 4, \"kernel_size\": 2, \"groups\": 2, "
     "\"activation\": \"relu\"}, {\"type\": \"Flatten\"}",
     "{\"type\": \"SGD\", \"momentum\": 0.9, \"nesterov\": true}", PLATEAU},
    {"{\"type\": \"Reshape\", \"target_shape\": [8, 2]}, {\"type\": \"LSTM\", \"units\": 6, "
     "\"return_sequences\": true, \"dropout\": 0.2, \"recurrent_dropout\": 0.2}, {\"type\": "
     "\"GRU\", "
     "\"units\": 5, \"return_sequences\": true}, {\"type\": \"SimpleRNN\", \"units\": 4}",
     "{\"type\": \"RMSprop\", \"centered\": true, \"momentum\": 0.5, \"global_clipnorm\": 1}",
     PLATEAU},
};

static void train(const struct dataset *data, const char *layers, const char *optimizer,
                  const char *callback)
{
    char text[4096];
    struct training *training;
    struct epoch_log log;
    struct error err;

    snprintf(
        text, sizeof(text),
        "{\"dataset\": {\"name\": \"x\", \"validation_split\": 0.25, \"scale\": \"standard\"}, "
        "\"model\": {\"layers\": [%s, {\"type\": \"Dense\", \"units\": 3, \"activation\": "
        "\"softmax\"}]}, \"compile\": {\"optimizer\": %s, \"loss\": "
        "\"sparse_categorical_crossentropy\", \"metrics\": [\"accuracy\", \"f1\", \"auc\"]}, "
        "\"fit\": " FIT "}",
        layers, optimizer, callback);
    cJSON *config = json_read(text, strlen(text), NULL, &err);

    assert_non_null(config);
    if (training_new(&training, config, data, 1, NULL, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_Delete(config);
    assert_true(allocations > 10); // they are counted at all
    for (int epoch = 1; epoch <= 4; epoch++) {
        allocations = 0;
        if (training_epoch(training, &log, &err))
            fail_msg("%s", err.message);
        if (allocations)
            fail_msg("%zu allocations in epoch %d of %s", allocations, epoch, layers);
    }
    training_free(training);
}

static void epochs_allocate_nothing(void **state)
{
    static const char blobs[] = "{\"samples\": 90, \"features\": 16, \"classes\": 3}";
    cJSON *config = json_read(blobs, strlen(blobs), NULL, NULL);
    struct dataset data;
    struct error err;

    (void)state;
    assert_int_equal(dataset_generate("blobs", config, 1, &data, &err), OK);
    cJSON_Delete(config);
    for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++)
        train(&data, networks[i].layers, networks[i].optimizer, networks[i].callback);
    dataset_fini(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(epochs_allocate_nothing)};

    cJSON_InitHooks(&(cJSON_Hooks){counted, free});
    return cmocka_run_group_tests_name("engine's allocations", tests, NULL, NULL);
}
