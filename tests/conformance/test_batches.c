// Which samples land in which batch of an epoch: the reference's cases "batches" of validation_split. The
// kernel that gathers a sample is replaced by one that writes down whose turn it was.
#include "tests/conformance/reference.h"
#include "worker/engine/training_state.h"

static struct {
    struct training *training;
    int64_t count;
    int32_t *samples; // in the order of gathering
    int32_t *batches; // the step each was gathered for
} seen;

static void gather_seen(size_t n, const float *from, real shift, real factor, real *x)
{
    (void)shift;
    (void)factor;
    assert_int_equal(n, 1);
    x[0] = (real)from[0] / 65536;
    seen.samples[seen.count] = (int32_t)from[0];
    seen.batches[seen.count++] = (int32_t)seen.training->optimizer.iterations;
}

static struct training *make(const struct dataset *data, int batch_size, bool shuffle)
{
    char text[512];
    struct training *training = NULL;
    struct error err;

    snprintf(text, sizeof text,
             "{\"dataset\": {\"scale\": \"none\"}, \"model\": {\"layers\": [{\"type\": \"Dense\", "
             "\"units\": 1}]}, \"compile\": {\"optimizer\": \"SGD\", \"loss\": \"mse\"}, \"fit\": "
             "{\"epochs\": 2, \"batch_size\": %d, \"shuffle\": %s}}",
             batch_size, shuffle ? "true" : "false");
    cJSON *config = json_read(text, strlen(text), NULL, &err);
    if (!config || training_new(&training, config, data, 1, NULL, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_Delete(config);
    return training;
}

static void run_epoch(struct training *training)
{
    struct kernels recording = *training->kernels;
    const struct kernels *real_ones = training->kernels;
    struct epoch_log log;
    struct error err;

    recording.gather_floats = gather_seen;
    seen.training = training;
    seen.count = 0;
    training->kernels = &recording;
    assert_int_equal(training_epoch(training, &log, &err), OK);
    training->kernels = real_ones;
}

// Every sample once an epoch, in batches of batch_size and a last one of what is left.
static void check_epoch(const cJSON *c, struct training *training, int epoch, bool in_order)
{
    const cJSON *expected = json_member(c, "expected");
    const int64_t n = json_integer_or(json_member(c, "inputs"), "samples", 0);
    const int64_t batch_size = json_integer_or(json_member(c, "args"), "batch_size", 0);
    const int64_t steps = json_integer_or(expected, "steps", 0);
    bool *had = calloc((size_t)n, sizeof *had);
    bool ascending = true;

    assert_non_null(had);
    run_epoch(training);
    assert_int_equal(seen.count, n);
    assert_int_equal(training->optimizer.iterations, (epoch + 1) * steps);
    assert_int_equal(training->batch.samples, json_integer_or(expected, "last_batch", 0));
    for (int64_t i = 0; i < n; i++) {
        assert_false(had[seen.samples[i]]);
        had[seen.samples[i]] = true;
        assert_int_equal(seen.batches[i], epoch * steps + i / batch_size);
        ascending &= seen.samples[i] == i;
    }
    assert_int_equal(ascending, in_order);
    free(had);
}

static void batches_are_keras_and_have_every_sample_once(void **state)
{
    cJSON *tree = reference_load(REFERENCE);
    const cJSON *c = NULL;
    int checked = 0;
    (void)state;

    cJSON_ArrayForEach(c, json_member(tree, "validation_split"))
    {
        if (strcmp(json_string_or(c, "name", ""), "batches") != 0)
            continue;
        const int64_t n = json_integer_or(json_member(c, "inputs"), "samples", 0);
        const int batch_size = (int)json_integer_or(json_member(c, "args"), "batch_size", 0);
        float *x = calloc((size_t)n, sizeof *x), *y = calloc((size_t)n, sizeof *y);
        struct dataset data = {.info = {.train_samples = n, .rank = 1, .shape = {1}},
                               .target_width = 1,
                               .train_x = x,
                               .train_y = y};
        assert_true(x && y);
        for (int64_t i = 0; i < n; i++)
            x[i] = (float)i;
        seen.samples = calloc((size_t)n, sizeof *seen.samples);
        seen.batches = calloc((size_t)n, sizeof *seen.batches);
        for (int shuffle = 0; shuffle < 2; shuffle++) {
            struct training *training = make(&data, batch_size, shuffle);
            int32_t first = 0;
            for (int epoch = 0; epoch < 2; epoch++) {
                check_epoch(c, training, epoch, !shuffle);
                if (epoch > 0 && shuffle && n > 100) // another order every epoch
                    assert_int_not_equal(seen.samples[0], first);
                first = seen.samples[0];
            }
            training_free(training);
        }
        free(seen.samples);
        free(seen.batches);
        free(x);
        free(y);
        checked++;
    }
    reference_account("validation_split", "batches", checked);
    cJSON_Delete(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_keras_and_have_every_sample_once),
    };
    return cmocka_run_group_tests_name("batches", tests, NULL, NULL);
}
