// Data sets of every kind through a whole training: what the readers give, the engine learns from.
#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "tests/files.h"
#include "worker/engine/engine.h"

static struct dataset prepare(const struct files *files, const char *name, const char *text,
                              size_t size)
{
    struct files_path path = files_path(files, name);
    const char *paths[] = {path.text};
    struct dataset_source source = {.nfiles = 1, .names = &name, .paths = paths};
    struct dataset dataset;
    struct error err;

    files_write(files, name, text, size);
    if (dataset_prepare(&source, files_path(files, "prepared").text, &err) ||
        dataset_map(files_path(files, "prepared").text, &dataset, &err))
        fail_msg("%s", err.message);
    return dataset;
}

static struct training *start(const struct dataset *data, const char *text)
{
    struct training *training = NULL;
    struct error err;
    cJSON *config = json_read(text, strlen(text), NULL, &err);

    if (!config || training_new(&training, config, data, 3, NULL, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_Delete(config);
    return training;
}

static double run(struct training *training, const char *metric)
{
    struct epoch_log log = {0};
    struct error err;

    while (!training_done(training)) {
        if (training_epoch(training, &log, &err))
            fail_msg("%s", err.message);
    }
    for (int i = 0; i < log.nmetrics; i++) {
        if (strcmp(log.metrics[i].name, metric) == 0)
            return log.metrics[i].value;
    }
    fail_msg("no %s in the log", metric);
    return (double)NAN;
}

// 300 rows whose class follows from the colour and a number of large mean: only scaled it is learnt.
static char *colours(size_t *size)
{
    static const char *const names[] = {"red", "green", "blue"};
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    struct rng rng;

    rng_init(&rng, 5, 0);
    fprintf(out, "colour,height,kind\n");
    for (int i = 0; i < 300; i++) {
        int colour = (int)rng_below(&rng, 3);
        double height = 1000 + 10 * rng_normal(&rng);
        const char *kind = colour == 0 ? "cat" : height > 1000 ? "dog" : "emu";
        fprintf(out, "%s,%.6f,%s\n", names[colour], height, kind);
    }
    fclose(out);
    return text;
}

static void csv_with_text_is_learnt_split_stratified_and_standardised(void **state)
{
    struct files files = files_make();
    size_t size = 0;
    char *text = colours(&size);
    struct dataset data = prepare(&files, "colours.csv", text, size);
    struct training *training = start(
        &data,
        "{\"dataset\": {\"name\": \"colours\", \"scale\": \"standard\", \"limit\": 250, \"split\":"
        " {\"test_size\": 0.2, \"random_state\": 1, \"stratify\": true}, \"validation_data\": "
        "\"test\"},"
        " \"model\": {\"layers\": [{\"type\": \"Dense\", \"units\": 16, \"activation\": \"relu\"},"
        " {\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]}, \"compile\": "
        "{\"optimizer\":"
        " {\"type\": \"Adam\", \"learning_rate\": 0.02}, \"loss\": "
        "\"sparse_categorical_crossentropy\","
        " \"metrics\": [\"accuracy\", \"f1\", \"auc\"]}, \"fit\": {\"epochs\": 20, \"batch_size\": "
        "16}}");
    struct error err;
    (void)state;

    assert_true(run(training, "val_accuracy") > 0.9);
    cJSON *report = training_report(training, &err);
    assert_non_null(report);
    const cJSON *scores = json_member(report, "classification_report");
    assert_true(json_number_or(scores, "accuracy", 0) > 0.9);
    assert_true(json_integer_or(json_member(scores, "macro avg"), "support", 0) == 50);
    assert_non_null(json_member(scores, "emu"));
    assert_non_null(strstr(json_string_or(scores, "text", ""), "\n         emu  "));
    char *names = json_write(json_member(report, "class_names"));
    assert_string_equal(names, "[\"cat\",\"dog\",\"emu\"]");
    free(names);
    assert_int_equal(cJSON_GetArraySize(json_member(report, "confusion_matrix")), 3);
    const cJSON *samples = json_member(report, "samples");
    assert_int_equal(cJSON_GetArraySize(samples), 16);
    assert_true(cJSON_IsString(json_member(cJSON_GetArrayItem(samples, 0), "prediction")));
    cJSON_Delete(report);
    training_free(training);
    dataset_fini(&data);
    free(text);
    files_remove(&files);
}

static void npz_of_numbers_is_learnt(void **state)
{
    struct files files = files_make();
    size_t size;
    unsigned char *bytes = files_read("tests/data/deflated_xy.npz", &size);
    struct dataset data = prepare(&files, "set.npz", (const char *)bytes, size);
    struct training *training = start(
        &data, "{\"dataset\": {\"name\": \"set\", \"scale\": \"0-1\"}, \"model\": {\"layers\": ["
               "{\"type\": \"Dense\", \"units\": 8, \"activation\": \"tanh\"},"
               " {\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]}, \"compile\": {"
               "\"optimizer\": {\"type\": \"Adam\", \"learning_rate\": 0.05}, \"loss\":"
               " \"sparse_categorical_crossentropy\", \"metrics\": [\"accuracy\"]}, \"fit\": {"
               "\"epochs\": 300, \"batch_size\": 6}}");
    (void)state;

    assert_true(run(training, "accuracy") == 1); // six points: learnt by heart
    training_free(training);
    dataset_fini(&data);
    free(bytes);
    files_remove(&files);
}

// Least squares has a known optimum: the noise's variance.
static void linear_is_learnt_to_its_noise(void **state)
{
    struct dataset data;
    struct error err;
    cJSON *generate = cJSON_Parse("{\"samples\": 4000, \"features\": 4, \"noise\": 0.5}");
    (void)state;

    assert_int_equal(dataset_generate("linear", generate, 9, &data, &err), OK);
    struct training *training = start(
        &data,
        "{\"dataset\": {\"name\": \"linear\", \"validation_data\": \"test\"}, \"model\": "
        "{\"layers\":"
        " [{\"type\": \"Dense\", \"units\": 1}]}, \"compile\": {\"optimizer\": {\"type\": \"SGD\","
        " \"learning_rate\": 0.02}, \"loss\": \"mean_squared_error\", \"metrics\": [\"rmse\","
        " \"mae\"]}, \"fit\": {\"epochs\": 15, \"batch_size\": 32}}");
    double rmse = run(training, "val_rmse");
    assert_true(rmse > 0.45 && rmse < 0.55);
    cJSON *report = training_report(training, &err);
    assert_int_equal(cJSON_GetArraySize(json_member(report, "samples")), 16);
    assert_null(json_member(report, "classification_report"));
    cJSON_Delete(report);
    training_free(training);
    cJSON_Delete(generate);
    dataset_fini(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_with_text_is_learnt_split_stratified_and_standardised),
        cmocka_unit_test(npz_of_numbers_is_learnt),
        cmocka_unit_test(linear_is_learnt_to_its_noise),
    };
    return cmocka_run_group_tests_name("data sets in training", tests, NULL, NULL);
}
