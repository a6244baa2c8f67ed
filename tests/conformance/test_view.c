#include "common/data/view.h"
#include "tests/conformance/reference.h"

// A data set of n samples whose one feature is the sample's number.
struct numbered {
    struct dataset data;
    float *x;
    int32_t *y;
};

static struct numbered make_numbered(int64_t n, const cJSON *labels, const cJSON *counts)
{
    struct numbered out = {.x = malloc((size_t)n * sizeof *out.x + 1),
                           .y = calloc((size_t)n + 1, sizeof *out.y)};
    const cJSON *item = NULL;
    int64_t i = 0, class = 0;

    for (int64_t k = 0; k < n; k++)
        out.x[k] = (float)k;
    cJSON_ArrayForEach(item, labels) out.y[i++] = (int32_t)item->valuedouble;
    cJSON_ArrayForEach(item, counts)
    {
        for (int k = 0; k < (int)item->valuedouble; k++)
            out.y[i++] = (int32_t) class;
        class ++;
    }
    out.data =
        (struct dataset){.info = {.train_samples = n, .rank = 1, .shape = {1}, .classes = 20},
                         .target_width = 1,
                         .train_x = out.x,
                         .train_y = out.y};
    return out;
}

static void numbered_fini(struct numbered *numbered)
{
    free(numbered->x);
    free(numbered->y);
}

static int64_t number_at(const struct data_part *part, int64_t i)
{
    return (int64_t)((const float *)part->x)[part->index ? part->index[i] : i];
}

static cJSON *config_of(const char *name, const cJSON *value)
{
    cJSON *config = cJSON_CreateObject();
    cJSON_AddItemToObject(config, name, cJSON_Duplicate(value, true));
    return config;
}

static void validation_split_takes_the_last_samples_as_keras(void **state)
{
    cJSON *tree = reference_load(REFERENCE);
    const cJSON *c = NULL;
    int count = 0;
    (void)state;

    cJSON_ArrayForEach(c, json_member(tree, "validation_split"))
    {
        if (strcmp(json_string_or(c, "name", ""), "split") != 0)
            continue;
        int64_t n = json_integer_or(json_member(c, "inputs"), "samples", 0);
        struct numbered d = make_numbered(n, NULL, NULL);
        cJSON *config = config_of("validation_split", reference_at(c, "args", "validation_split"));
        struct data_view view;
        struct error err;
        enum code code = data_view_init(&view, &d.data, config, 0, &err);
        const cJSON *expected = json_member(c, "expected");
        if (json_member(expected, "error")) {
            assert_int_equal(code, E_INVALID);
            assert_string_equal(err.pointer, "/dataset/validation_split");
        } else {
            const cJSON *training = json_member(expected, "training");
            assert_int_equal(code, OK);
            assert_int_equal(view.train.samples,
                             (int64_t)cJSON_GetArrayItem(training, 1)->valuedouble);
            assert_int_equal(view.validation.samples, n - view.train.samples);
            assert_int_equal(number_at(&view.train, 0), 0);
            assert_int_equal(number_at(&view.validation, 0), view.train.samples);
            data_view_fini(&view);
        }
        cJSON_Delete(config);
        numbered_fini(&d);
        count++;
    }
    reference_account("validation_split", "view", count);
    cJSON_Delete(tree);
}

static void counts_match(const struct data_part *part, const int32_t *y, const cJSON *counts)
{
    int64_t found[32] = {0};
    const cJSON *item = NULL;
    int k = 0;

    for (int64_t i = 0; i < part->samples; i++)
        found[y[number_at(part, i)]]++;
    cJSON_ArrayForEach(item, counts) assert_int_equal(found[k++], (int64_t)item->valuedouble);
}

static void assert_samples(const struct data_part *part, const cJSON *expected)
{
    assert_int_equal(part->samples, cJSON_GetArraySize(expected));
    const cJSON *item = NULL;
    int64_t i = 0;
    cJSON_ArrayForEach(item, expected)
        assert_int_equal(number_at(part, i++), (int64_t)item->valuedouble);
}

static void split_gives_scikit_learns_samples_in_its_order(void **state)
{
    cJSON *tree = reference_load("tests/conformance/sklearn_splits.json");
    const cJSON *c = NULL;
    int count = 0;
    (void)state;

    cJSON_ArrayForEach(c, json_member(tree, "splits"))
    {
        const cJSON *labels = json_member(c, "stratify");
        struct numbered d = make_numbered(json_integer_or(c, "n", 0), labels, NULL);
        cJSON *config = cJSON_CreateObject(), *split = cJSON_AddObjectToObject(config, "split");
        struct data_view view;
        struct error err;
        cJSON_AddItemToObject(split, "test_size",
                              cJSON_Duplicate(json_member(c, "test_size"), true));
        cJSON_AddItemToObject(split, "random_state",
                              cJSON_Duplicate(json_member(c, "random_state"), true));
        cJSON_AddBoolToObject(split, "stratify", cJSON_IsArray(labels));
        if (data_view_init(&view, &d.data, config, 0, &err))
            fail_msg("%s: %s", err.pointer, err.message);
        assert_samples(&view.train, json_member(c, "train"));
        assert_samples(&view.test, json_member(c, "test"));
        data_view_fini(&view);
        cJSON_Delete(config);
        numbered_fini(&d);
        count++;
    }
    assert_int_equal(count, 30);
    cJSON_Delete(tree);
}

// Rows of numbers as a data set of floats.
static float *read_rows(const cJSON *rows)
{
    int width = cJSON_GetArraySize(cJSON_GetArrayItem(rows, 0)), n = 0;
    float *out = calloc((size_t)(cJSON_GetArraySize(rows) * width), sizeof *out);
    const cJSON *row = NULL, *item = NULL;

    assert_non_null(out);
    cJSON_ArrayForEach(row, rows)
    {
        cJSON_ArrayForEach(item, row) out[n++] = (float)item->valuedouble;
    }
    return out;
}

// Scales `x` by the statistics of itself and compares with `expected`.
static void check_scaling(const cJSON *x, const cJSON *test, const char *scale,
                          const cJSON *expected, const cJSON *expected_test, double tolerance)
{
    int width = cJSON_GetArraySize(cJSON_GetArrayItem(x, 0)), n = cJSON_GetArraySize(x);
    float *values = read_rows(x), *test_values = test ? read_rows(test) : NULL;
    float *labels = calloc((size_t)n + 1, sizeof *labels);
    struct dataset d = {.info = {.train_samples = n,
                                 .test_samples = test ? cJSON_GetArraySize(test) : 0,
                                 .rank = 1,
                                 .shape = {width}},
                        .target_width = 1,
                        .train_x = values,
                        .train_y = labels,
                        .test_x = test_values,
                        .test_y = labels};
    cJSON *config = cJSON_CreateObject();
    struct data_view view;
    struct error err;

    cJSON_AddStringToObject(config, "scale", scale);
    if (data_view_init(&view, &d, config, 0, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    assert_false(view.uniform);
    const struct data_part *parts[] = {&view.train, &view.test};
    const cJSON *figures[] = {expected, expected_test};
    for (int part = 0; part < (test ? 2 : 1); part++) {
        for (int64_t i = 0; i < parts[part]->samples; i++) {
            for (int j = 0; j < width; j++) {
                double v = ((const float *)parts[part]->x)[i * width + j];
                const cJSON *row = cJSON_GetArrayItem(figures[part], (int)i);
                assert_near((v - view.shift[j]) / view.divisor[j],
                            cJSON_GetArrayItem(row, j)->valuedouble, tolerance);
            }
        }
    }
    data_view_fini(&view);
    cJSON_Delete(config);
    free(values);
    free(test_values);
    free(labels);
}

static void check_standard(const cJSON *c)
{
    // the inputs are floats here: 1e-9 as a float is off by 7e-8 of itself
    check_scaling(reference_at(c, "inputs", "train"), reference_at(c, "inputs", "test"), "standard",
                  reference_at(c, "expected", "train"), reference_at(c, "expected", "test"),
                  reference_tolerance("scikit_learn", "float"));
}

static void check_split(const cJSON *c)
{
    const cJSON *inputs = json_member(c, "inputs"), *expected = json_member(c, "expected");
    struct numbered d = make_numbered(json_integer_or(inputs, "samples", 0), NULL,
                                      json_member(inputs, "class_counts"));
    cJSON *config = config_of("split", json_member(c, "args"));
    struct data_view view;
    struct error err;

    if (data_view_init(&view, &d.data, config, 0, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    assert_int_equal(view.train.samples, json_integer_or(expected, "train_size", -1));
    assert_int_equal(view.test.samples, json_integer_or(expected, "test_size", -1));
    counts_match(&view.train, d.y, json_member(expected, "train_counts"));
    counts_match(&view.test, d.y, json_member(expected, "test_counts"));
    data_view_fini(&view);
    cJSON_Delete(config);
    numbered_fini(&d);
}

static void splits_and_the_standard_scaler_are_scikit_learns(void **state)
{
    cJSON *tree = reference_load(REFERENCE);
    const cJSON *c = NULL;
    int count = 0;
    (void)state;

    cJSON_ArrayForEach(c, json_member(tree, "scikit_learn"))
    {
        const char *name = json_string_or(c, "name", "");
        if (strcmp(name, "train_test_split") == 0)
            check_split(c);
        else if (strcmp(name, "StandardScaler") == 0)
            check_standard(c);
        else
            continue;
        count++;
    }
    reference_account("scikit_learn", "view", count);
    cJSON_Delete(tree);
}

static void scaling_is_scikit_learns(void **state)
{
    cJSON *tree = reference_load("tests/conformance/sklearn_splits.json");
    const cJSON *s = json_member(tree, "scalers");
    (void)state;

    check_scaling(json_member(s, "x"), NULL, "standard", json_member(s, "standard"), NULL, 1e-9);
    check_scaling(json_member(s, "x"), NULL, "0-1", json_member(s, "0-1"), NULL, 1e-9);
    cJSON_Delete(tree);
}

static enum code view_of(const struct dataset *data, const char *text, struct data_view *view,
                         struct error *err)
{
    cJSON *config = json_read(text, strlen(text), NULL, err);
    assert_non_null(config);
    enum code code = data_view_init(view, data, config, 5, err);
    cJSON_Delete(config);
    return code;
}

static void bytes_are_scaled_by_one_pair(void **state)
{
    static const uint8_t x[8] = {0, 10, 20, 250, 0, 10, 30, 250};
    static const int32_t y[2] = {0, 1};
    struct dataset d = {.info = {.train_samples = 2,
                                 .rank = 2,
                                 .shape = {2, 2},
                                 .classes = 2,
                                 .features_bytes = true},
                        .target_width = 1,
                        .train_x = x,
                        .train_y = y};
    struct data_view view;
    struct error err;
    (void)state;

    assert_int_equal(view_of(&d, "{\"scale\": \"0-1\"}", &view, &err), OK);
    assert_true(view.uniform && view.shift[0] == 0 && view.divisor[0] == 255);
    data_view_fini(&view);
    assert_int_equal(view_of(&d, "{}", &view, &err), OK);
    assert_true(view.uniform && view.shift[0] == 0 && view.divisor[0] == 1);
    data_view_fini(&view);
    assert_int_equal(view_of(&d, "{\"scale\": \"standard\"}", &view, &err), OK);
    assert_true(!view.uniform && view.shift[2] == 25 && view.divisor[2] == 5);
    assert_true(view.divisor[3] == 1); // constant
    data_view_fini(&view);
}

static void limit_split_and_validation_follow_each_other(void **state)
{
    struct numbered d = make_numbered(100, NULL, NULL);
    struct data_view view;
    struct error err;
    (void)state;

    assert_int_equal(view_of(&d.data,
                             "{\"limit\": 50, \"split\": {\"test_size\": 10, \"random_state\": 1},"
                             " \"validation_split\": 0.25}",
                             &view, &err),
                     OK);
    bool seen[50] = {false};
    const struct data_part *parts[] = {&view.train, &view.validation, &view.test};
    const int64_t sizes[] = {30, 10, 10};
    for (int p = 0; p < 3; p++) {
        assert_int_equal(parts[p]->samples, sizes[p]);
        for (int64_t i = 0; i < sizes[p]; i++) {
            int64_t number = number_at(parts[p], i);
            assert_true(number < 50 && !seen[number]);
            seen[number] = true;
        }
    }
    data_view_fini(&view);
    numbered_fini(&d);
}

static void statistics_are_of_the_training_part_only(void **state)
{
    struct numbered d = make_numbered(10, NULL, NULL);
    struct data_view view;
    struct error err;
    (void)state;

    assert_int_equal(
        view_of(&d.data, "{\"scale\": \"0-1\", \"validation_split\": 0.5}", &view, &err), OK);
    assert_true(view.shift[0] == 0 && view.divisor[0] == 4);
    data_view_fini(&view);
    numbered_fini(&d);
}

static void what_cannot_be_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *config, *pointer;
        bool with_test;
    } cases[] = {
        {"{\"limit\": 0}", "/dataset/limit", false},
        {"{\"limit\": 1.5}", "/dataset/limit", false},
        {"{\"scale\": \"log\"}", "/dataset/scale", false},
        {"{\"validation_data\": \"test\"}", "/dataset/validation_data", false},
        {"{\"validation_data\": \"val\"}", "/dataset/validation_data", true},
        {"{\"validation_split\": 1.0}", "/dataset/validation_split", false},
        {"{\"validation_split\": 0.01, \"limit\": 1}", "/dataset/validation_split", false},
        {"{\"split\": {\"test_size\": 0.2}}", "/dataset/split", true},
        {"{\"split\": {\"test_size\": 20}}", "/dataset/split/test_size", false},
        {"{\"split\": {\"test_size\": 0}}", "/dataset/split/test_size", false},
        {"{\"split\": {\"test_size\": 1.5}}", "/dataset/split/test_size", false},
        {"{\"split\": {\"random_state\": -1}}", "/dataset/split/random_state", false},
        {"{\"split\": {\"test_size\": 1, \"stratify\": true}}", "/dataset/split/test_size", false},
        {"{\"split\": {\"stratify\": true}, \"limit\": 11}", "/dataset/split/stratify", false},
    };
    struct numbered d = make_numbered(20, NULL, NULL);
    (void)state;

    for (int i = 0; i < 10; i++)
        d.y[i] = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset data = d.data;
        struct data_view view;
        struct error err;
        if (cases[i].with_test) {
            data.info.test_samples = 5;
            data.test_x = d.x;
            data.test_y = d.y;
        }
        if (view_of(&data, cases[i].config, &view, &err) == OK)
            fail_msg("%s was taken", cases[i].config);
        assert_string_equal(err.pointer, cases[i].pointer);
    }
    numbered_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validation_split_takes_the_last_samples_as_keras),
        cmocka_unit_test(split_gives_scikit_learns_samples_in_its_order),
        cmocka_unit_test(splits_and_the_standard_scaler_are_scikit_learns),
        cmocka_unit_test(scaling_is_scikit_learns),
        cmocka_unit_test(bytes_are_scaled_by_one_pair),
        cmocka_unit_test(limit_split_and_validation_follow_each_other),
        cmocka_unit_test(statistics_are_of_the_training_part_only),
        cmocka_unit_test(what_cannot_be_is_refused_with_its_place),
    };
    return cmocka_run_group_tests_name("views", tests, NULL, NULL);
}
