#include <math.h>
#include <string.h>
#include <unistd.h>

#include "common/data/dataset.h"
#include "tests/files.h"

static const char *const fashion_names[] = {
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
};

// The real files, of the Debian package dataset-fashion-mnist.
static struct dataset load_fashion(const struct files *files)
{
    char paths[4][128];
    const char *list[4];
    struct dataset_source source = {.nfiles = 4, .names = fashion_names, .paths = list};
    struct dataset dataset;
    struct error err;

    for (int i = 0; i < 4; i++) {
        snprintf(paths[i], sizeof paths[i], "/usr/share/datasets/fashion-mnist/%s",
                 fashion_names[i]);
        list[i] = paths[i];
    }
    if (dataset_prepare(&source, files_path(files, "fashion").text, &err))
        fail_msg("%s", err.message);
    if (dataset_map(files_path(files, "fashion").text, &dataset, &err))
        fail_msg("%s", err.message);
    return dataset;
}

static void fashion_mnist_is_read_as_it_is(void **state)
{
    struct files files = files_make();
    struct dataset d = load_fashion(&files);
    const uint8_t *x = d.train_x;
    const int32_t *y = d.train_y, *test_y = d.test_y;
    int64_t per_class[10] = {0};
    double sum = 0;
    (void)state;

    assert_int_equal(d.info.train_samples, 60000);
    assert_int_equal(d.info.test_samples, 10000);
    assert_int_equal(d.info.rank, 2);
    assert_int_equal(d.info.shape[0], 28);
    assert_int_equal(d.info.shape[1], 28);
    assert_int_equal(d.info.classes, 10);
    assert_true(d.info.features_bytes);
    for (size_t i = 0; i < 60000u * 784; i++)
        sum += x[i];
    for (int i = 0; i < 60000; i++)
        per_class[y[i]]++;
    // Xiao, Rasul & Vollgraf 2017: 6,000 a class; the data's well-known mean 0.2860 of 255; the first
    // label is an ankle boot (9), the first test label too.
    for (int k = 0; k < 10; k++)
        assert_int_equal(per_class[k], 6000);
    assert_true(fabs(sum / (60000.0 * 784) / 255 - 0.2860405969887955) < 1e-12);
    assert_int_equal(y[0], 9);
    assert_int_equal(test_y[0], 9);
    dataset_fini(&d);
    files_remove(&files);
}

static void the_prepared_file_is_all_that_is_left(void **state)
{
    struct files files = files_make();
    struct dataset d = load_fashion(&files);
    (void)state;

    assert_int_equal(files_count(&files), 1);
    dataset_fini(&d);
    files_remove(&files);
}

static void generate(const char *name, const char *json, uint64_t seed, struct dataset *out)
{
    struct error err;
    cJSON *config = json ? json_read(json, strlen(json), NULL, &err) : NULL;

    if (dataset_generate(name, config, seed, out, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_Delete(config);
}

static void generated_sets_follow_from_their_seed(void **state)
{
    static const char *const names[] = {"blobs", "spirals", "linear"};
    (void)state;

    for (int i = 0; i < 3; i++) {
        struct dataset a, b, c;
        generate(names[i], NULL, 7, &a);
        generate(names[i], NULL, 7, &b);
        generate(names[i], NULL, 8, &c);
        size_t size = (size_t)(a.info.train_samples * a.info.shape[0]) * sizeof(float);
        assert_int_equal(a.info.train_samples, 1000);
        assert_int_equal(a.info.test_samples, 250);
        assert_memory_equal(a.train_x, b.train_x, size);
        assert_memory_equal(a.train_y, b.train_y, 4000);
        assert_memory_not_equal(a.train_x, c.train_x, size);
        assert_memory_not_equal(a.train_x, a.test_x, 1000);
        dataset_fini(&a);
        dataset_fini(&b);
        dataset_fini(&c);
    }
}

// With little noise each blob lies around its class's mean: the nearest mean of the training part
// classifies the test part.
static void blobs_of_both_parts_share_their_centres(void **state)
{
    struct dataset d;
    double mean[4][2] = {{0}}, count[4] = {0};
    int right = 0;
    (void)state;

    generate("blobs", "{\"samples\": 400, \"classes\": 4, \"noise\": 0.01}", 3, &d);
    const float *x = d.train_x, *test = d.test_x;
    const int32_t *y = d.train_y, *test_y = d.test_y;
    for (int i = 0; i < 400; i++) {
        count[y[i]]++;
        mean[y[i]][0] += x[2 * i];
        mean[y[i]][1] += x[2 * i + 1];
    }
    for (int i = 0; i < 100; i++) {
        int best = 0;
        double least = HUGE_VAL;
        for (int k = 0; k < 4; k++) {
            double far =
                hypot(test[2 * i] - mean[k][0] / count[k], test[2 * i + 1] - mean[k][1] / count[k]);
            best = far < least ? k : best;
            least = fmin(far, least);
        }
        right += best == test_y[i];
    }
    assert_int_equal(right, 100);
    dataset_fini(&d);
}

// Without noise, 2 features: any three samples give the plane, all others lie on it.
static void linear_is_linear(void **state)
{
    struct dataset d;
    (void)state;

    generate("linear", "{\"samples\": 50, \"features\": 1, \"noise\": 0}", 3, &d);
    const float *x = d.train_x, *y = d.train_y, *tx = d.test_x, *ty = d.test_y;
    double slope = (y[1] - y[0]) / (x[1] - x[0]), bias = y[0] - slope * x[0];
    assert_int_equal(d.info.classes, 0);
    for (int i = 0; i < 13; i++)
        assert_true(fabs(slope * tx[i] + bias - ty[i]) < 1e-4);
    dataset_fini(&d);
}

static void wrong_generate_arguments_are_named(void **state)
{
    static const struct {
        const char *name, *json, *pointer;
        enum code code;
    } cases[] = {
        {"moons", "{}", "/dataset/name", E_UNKNOWN},
        {"blobs", "{\"sample\": 4}", "/dataset/generate/sample", E_UNKNOWN},
        {"blobs", "{\"samples\": 0}", "/dataset/generate/samples", E_RANGE},
        {"blobs", "{\"samples\": \"many\"}", "/dataset/generate/samples", E_RANGE},
        {"blobs", "{\"classes\": 1}", "/dataset/generate/classes", E_RANGE},
        {"spirals", "{\"features\": 3}", "/dataset/generate/features", E_RANGE},
        {"linear", "{\"classes\": 2}", "/dataset/generate/classes", E_RANGE},
        {"linear", "{\"noise\": -1}", "/dataset/generate/noise", E_RANGE},
        {"linear", "{\"samples\": 10000000, \"features\": 10000}", "/dataset/generate/samples",
         E_LIMIT},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err;
        struct dataset d;
        struct dataset_info info;
        cJSON *json = json_read(cases[i].json, strlen(cases[i].json), NULL, &err);
        assert_int_equal(dataset_generate(cases[i].name, json, 0, &d, &err), cases[i].code);
        assert_string_equal(err.pointer, cases[i].pointer);
        assert_int_equal(dataset_generate_info(cases[i].name, json, &info, &err), cases[i].code);
        cJSON_Delete(json);
    }
}

static void a_damaged_prepared_file_is_refused(void **state)
{
    struct files files = files_make();
    const char *name = "generated";
    struct dataset_source source = {.generator = "blobs"};
    struct dataset d;
    struct error err;
    size_t size;
    (void)state;

    assert_int_equal(dataset_prepare(&source, files_path(&files, name).text, &err), OK);
    unsigned char *bytes = files_read(files_path(&files, name).text, &size);
    assert_int_equal(dataset_map(files_path(&files, name).text, &d, &err), OK);
    dataset_fini(&d);
    files_write(&files, name, bytes, size - 1);
    assert_int_equal(dataset_map(files_path(&files, name).text, &d, &err), E_INVALID);
    files_write(&files, name, bytes, 100);
    assert_int_equal(dataset_map(files_path(&files, name).text, &d, &err), E_INVALID);
    for (size_t i = 0; i < 104; i++) { // any byte of the header
        bytes[i] ^= 0x40;
        files_write(&files, name, bytes, size);
        assert_int_equal(dataset_map(files_path(&files, name).text, &d, &err), E_INVALID);
        bytes[i] ^= 0x40;
    }
    // labels follow 1000 × 2 floats at 256, aligned to 64
    memset(bytes + 256 + 8000, 0xff, 4);
    files_write(&files, name, bytes, size);
    assert_int_equal(dataset_map(files_path(&files, name).text, &d, &err), E_INVALID);
    assert_int_equal(dataset_map(files_path(&files, "none").text, &d, &err), E_NOT_FOUND);
    free(bytes);
    files_remove(&files);
}

static void the_description_says_what_there_is(void **state)
{
    struct dataset d;
    (void)state;

    generate("spirals", NULL, 1, &d);
    cJSON *json = dataset_info_to_json(&d);
    char *text = json_write(json);
    assert_string_equal(text, "{\"shape\":[2],\"train_samples\":1000,\"test_samples\":250,"
                              "\"classes\":3,\"targets\":1,\"features\":\"floats\"}");
    free(text);
    cJSON_Delete(json);
    dataset_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fashion_mnist_is_read_as_it_is),
        cmocka_unit_test(the_prepared_file_is_all_that_is_left),
        cmocka_unit_test(generated_sets_follow_from_their_seed),
        cmocka_unit_test(blobs_of_both_parts_share_their_centres),
        cmocka_unit_test(linear_is_linear),
        cmocka_unit_test(wrong_generate_arguments_are_named),
        cmocka_unit_test(a_damaged_prepared_file_is_refused),
        cmocka_unit_test(the_description_says_what_there_is),
    };
    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
