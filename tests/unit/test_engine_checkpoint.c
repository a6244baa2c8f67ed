// A training that is stopped after any of its epochs, restored elsewhere and gone on with equals the one that
// was never stopped, to the last bit of its log, its weights and its state: for every optimizer, every
// kind of layer that has a state or draws random numbers, and every callback.
#include <stdio.h>
#include <string.h>

#include "tests/test.h"
#include "worker/engine/engine.h"

enum { EPOCHS = 4, TEXT = 4096 };

#define MLP                                                                                        \
    "{\"type\": \"Dense\", \"units\": 12, \"activation\": \"relu\", \"kernel_regularizer\": "      \
    "\"l2\"}, {\"type\": \"Dropout\", \"rate\": 0.3}, {\"type\": \"BatchNormalization\"}, "        \
    "{\"type\": \"GaussianNoise\", \"stddev\": 0.1}"
#define STEPS "{\"type\": \"Reshape\", \"target_shape\": [4, 4]}, "
#define NO_CALLBACKS ""
#define STOPPING                                                                                   \
    "{\"type\": \"EarlyStopping\", \"patience\": 1, \"min_delta\": 0.05, "                         \
    "\"restore_best_weights\": true}"

static const struct {
    const char *layers, *optimizer, *callbacks;
} trainings[] = {
    {MLP, "{\"type\": \"SGD\"}", NO_CALLBACKS},
    {MLP, "{\"type\": \"SGD\", \"momentum\": 0.9, \"clipnorm\": 0.5}", NO_CALLBACKS},
    {MLP, "{\"type\": \"SGD\", \"momentum\": 0.9, \"nesterov\": true}", NO_CALLBACKS},
    {MLP, "{\"type\": \"RMSprop\"}", NO_CALLBACKS},
    {MLP, "{\"type\": \"RMSprop\", \"momentum\": 0.5}", NO_CALLBACKS},
    {MLP, "{\"type\": \"RMSprop\", \"centered\": true, \"momentum\": 0.5}", NO_CALLBACKS},
    {MLP, "{\"type\": \"Adam\"}", NO_CALLBACKS},
    {MLP, "{\"type\": \"Adam\", \"amsgrad\": true, \"global_clipnorm\": 0.5}", NO_CALLBACKS},
    {MLP, "{\"type\": \"AdamW\", \"clipvalue\": 0.01}", NO_CALLBACKS},
    {MLP, "{\"type\": \"Adagrad\", \"weight_decay\": 0.01}", NO_CALLBACKS},
    {MLP, "{\"type\": \"Nadam\"}", NO_CALLBACKS},
    {MLP,
     "{\"type\": \"Adam\", \"learning_rate\": {\"type\": \"CosineDecayRestarts\", "
     "\"initial_learning_rate\": 0.01, \"first_decay_steps\": 7}}",
     NO_CALLBACKS},
    {"{\"type\": \"Reshape\", \"target_shape\": [4, 4, 1]}, {\"type\": \"Conv2D\", \"filters\": 4, "
     "\"kernel_size\": 3}, {\"type\": \"BatchNormalization\"}, {\"type\": \"Dropout\", \"rate\": "
     "0.2}, {\"type\": \"GlobalAveragePooling2D\"}, {\"type\": \"LayerNormalization\"}",
     "{\"type\": \"Adam\"}", NO_CALLBACKS},
    {STEPS "{\"type\": \"SimpleRNN\", \"units\": 5, \"dropout\": 0.2, \"recurrent_dropout\": 0.2}",
     "{\"type\": \"Adam\"}", NO_CALLBACKS},
    {STEPS "{\"type\": \"LSTM\", \"units\": 5, \"dropout\": 0.2, \"recurrent_dropout\": 0.2}",
     "{\"type\": \"Adam\"}", NO_CALLBACKS},
    {STEPS "{\"type\": \"GRU\", \"units\": 5, \"dropout\": 0.2, \"recurrent_dropout\": 0.2}",
     "{\"type\": \"Adam\"}", NO_CALLBACKS},
    {MLP, "{\"type\": \"Adam\"}", STOPPING},
    {MLP, "{\"type\": \"Adam\"}",
     "{\"type\": \"ReduceLROnPlateau\", \"patience\": 0, \"min_delta\": 1, \"cooldown\": 1, "
     "\"factor\": 0.5}, {\"type\": \"TerminateOnNaN\"}"},
    {MLP, "{\"type\": \"Nadam\"}",
     "{\"type\": \"LearningRateScheduler\", \"schedule\": {\"type\": \"cosine\", "
     "\"warmup_steps\": 2}}, " STOPPING},
};

static struct training *make(size_t index, const struct dataset *data, uint64_t seed)
{
    char text[TEXT];
    struct training *training = NULL;
    struct error err;

    snprintf(text, sizeof(text),
             "{\"dataset\": {\"validation_split\": 0.25, \"scale\": \"standard\"}, \"model\": "
             "{\"layers\": [%s, {\"type\": \"Dense\", \"units\": 3, \"activation\": "
             "\"softmax\"}]}, \"compile\": {\"optimizer\": %s, \"loss\": "
             "\"sparse_categorical_crossentropy\", \"metrics\": [\"accuracy\", \"auc\"]}, "
             "\"fit\": {\"epochs\": %d, \"batch_size\": 7, \"callbacks\": [%s]}}",
             trainings[index].layers, trainings[index].optimizer, EPOCHS,
             trainings[index].callbacks);
    cJSON *config = json_read(text, strlen(text), NULL, &err);
    if (!config || training_new(&training, config, data, seed, NULL, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_Delete(config);
    return training;
}

struct state {
    unsigned char *bytes;
    size_t len;
};

static struct state save(const struct training *training)
{
    struct state state;
    struct error err;

    if (training_save(training, &state.bytes, &state.len, &err))
        fail_msg("%s", err.message);
    return state;
}

static void assert_same_log(const struct epoch_log *a, const struct epoch_log *b)
{
    assert_int_equal(a->nmetrics, b->nmetrics);
    for (int i = 0; i < a->nmetrics; i++)
        assert_memory_equal(&a->metrics[i].value, &b->metrics[i].value, sizeof(double));
}

// The last epochs once more from a state, in a training of its own.
static void go_on(size_t index, const struct dataset *data, const struct state *from, int epoch,
                  const struct epoch_log *logs, int epochs, const struct state *last)
{
    struct training *again = make(index, data, 3);
    struct error err;

    if (training_restore(again, from->bytes, from->len, &err))
        fail_msg("%s", err.message);
    assert_int_equal(training_epochs_done(again), epoch);
    for (; !training_done(again); epoch++) {
        struct epoch_log log;

        assert_true(epoch < epochs);
        if (training_epoch(again, &log, &err))
            fail_msg("%s", err.message);
        assert_same_log(&log, &logs[epoch]);
    }
    assert_int_equal(epoch, epochs);
    struct state end = save(again);
    assert_int_equal(end.len, last->len);
    assert_memory_equal(end.bytes, last->bytes, end.len);
    free(end.bytes);
    training_free(again);
}

static void restored_after_any_epoch_a_training_goes_on_to_the_same_bits(void **state)
{
    static const char blobs[] = "{\"samples\": 60, \"features\": 16, \"classes\": 3, \"noise\": 3}";
    cJSON *size = json_read(blobs, strlen(blobs), NULL, NULL);
    struct dataset data;
    struct error err;
    (void)state;

    assert_int_equal(dataset_generate("blobs", size, 7, &data, &err), OK);
    cJSON_Delete(size);
    for (size_t i = 0; i < sizeof(trainings) / sizeof(trainings[0]); i++) {
        struct training *straight = make(i, &data, 3);
        struct state states[EPOCHS + 1];
        struct epoch_log logs[EPOCHS];
        int epochs = 0;

        for (; !training_done(straight); epochs++) {
            states[epochs] = save(straight);
            if (training_epoch(straight, &logs[epochs], &err))
                fail_msg("%s", err.message);
        }
        states[epochs] = save(straight);
        for (int from = 0; from <= epochs; from++)
            go_on(i, &data, &states[from], from, logs, epochs, &states[epochs]);
        for (int from = 0; from <= epochs; from++)
            free(states[from].bytes);
        training_free(straight);
    }
    dataset_fini(&data);
}

// A state must tell everything: what was trained before the restore leaves no trace.
static void a_restored_training_forgets_what_it_did_before(void **state)
{
    static const char blobs[] = "{\"samples\": 60, \"features\": 16, \"classes\": 3, \"noise\": 3}";
    cJSON *size = json_read(blobs, strlen(blobs), NULL, NULL);
    struct dataset data;
    struct epoch_log log, expected;
    struct error err;
    (void)state;

    assert_int_equal(dataset_generate("blobs", size, 7, &data, &err), OK);
    cJSON_Delete(size);
    for (size_t i = 0; i < sizeof(trainings) / sizeof(trainings[0]); i++) {
        struct training *training = make(i, &data, 3);
        struct state first = save(training);

        assert_int_equal(training_epoch(training, &expected, &err), OK);
        while (!training_done(training))
            assert_int_equal(training_epoch(training, &log, &err), OK);
        assert_int_equal(training_restore(training, first.bytes, first.len, &err), OK);
        assert_int_equal(training_epoch(training, &log, &err), OK);
        assert_same_log(&log, &expected);
        free(first.bytes);
        training_free(training);
    }
    dataset_fini(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restored_after_any_epoch_a_training_goes_on_to_the_same_bits),
        cmocka_unit_test(a_restored_training_forgets_what_it_did_before),
    };
    return cmocka_run_group_tests_name("engine's checkpoints", tests, NULL, NULL);
}
