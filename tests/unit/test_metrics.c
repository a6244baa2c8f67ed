#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "tests/json.h"
#include "tests/test.h"
#include "worker/engine/metrics.h"

static struct metrics *make(const char *list, int outputs)
{
    cJSON *json = parse(list);
    struct metrics *metrics = NULL;
    struct error err;

    if (metrics_new(&metrics, json, outputs, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_Delete(json);
    return metrics;
}

static const char every[] =
    "[\"accuracy\", {\"type\": \"top_k_accuracy\", \"k\": 2}, \"precision\", \"recall\", \"f1\","
    " {\"type\": \"f1\", \"average\": null}, \"auc\", {\"type\": \"auc\", \"multi_label\": true}, "
    "\"mae\","
    " \"mse\", \"rmse\"]";

enum { N = 300, C = 4 };
struct scene {
    real predicted[N * C];
    int32_t classes[N];
    real one_hot[N * C];
};

// Random softmax rows and classes.
static void set(struct scene *scene)
{
    struct rng rng;

    rng_init(&rng, 11, 0);
    memset(scene->one_hot, 0, sizeof scene->one_hot);
    for (int i = 0; i < N; i++) {
        double sum = 0, p[C];
        for (int j = 0; j < C; j++)
            sum += p[j] = exp(2 * rng_normal(&rng));
        for (int j = 0; j < C; j++)
            scene->predicted[i * C + j] = (real)(p[j] / sum);
        scene->classes[i] = (int32_t)rng_below(&rng, C);
        scene->one_hot[i * C + scene->classes[i]] = 1;
    }
}

static void add(struct metrics *metrics, const struct scene *s, int from, int count, bool hot)
{
    struct metric_batch batch = {
        .samples = count,
        .outputs = C,
        .predicted = s->predicted + from * C,
        .classes = hot ? NULL : s->classes + from,
        .values = s->one_hot + from * C,
    };
    metrics_update(metrics, &batch);
}

static void assert_equal_values(const struct metrics *a, const struct metrics *b)
{
    assert_int_equal(metrics_count(a), metrics_count(b));
    for (int i = 0; i < metrics_count(a); i++) {
        double x = metrics_value(a, i), y = metrics_value(b, i);
        if (!(fabs(x - y) < 1e-12))
            fail_msg("%s: %.17g and %.17g", metrics_name(a, i), x, y);
    }
}

static void batches_of_any_size_give_the_whole_epochs_value(void **state)
{
    struct scene scene;
    struct metrics *whole = make(every, C), *parts = make(every, C);
    int at = 0;
    (void)state;

    set(&scene);
    add(whole, &scene, 0, N, false);
    for (int size = 1; at < N; size = size * 2 + 1) {
        int count = size < N - at ? size : N - at;
        add(parts, &scene, at, count, false);
        at += count;
    }
    assert_equal_values(whole, parts);
    metrics_free(whole);
    metrics_free(parts);
}

static void classes_count_as_their_one_hot_rows(void **state)
{
    struct scene scene;
    struct metrics *sparse = make(every, C), *hot = make(every, C);
    (void)state;

    set(&scene);
    add(sparse, &scene, 0, N, false);
    add(hot, &scene, 0, N, true);
    assert_equal_values(sparse, hot);
    metrics_free(sparse);
    metrics_free(hot);
}

static void reset_forgets_everything(void **state)
{
    struct scene scene;
    struct metrics *used = make(every, C), *fresh = make(every, C);
    (void)state;

    set(&scene);
    add(used, &scene, 0, 100, false);
    metrics_reset(used);
    assert_equal_values(used, fresh); // no samples: all 0
    add(used, &scene, 100, 100, false);
    add(fresh, &scene, 100, 100, false);
    assert_equal_values(used, fresh);
    metrics_free(used);
    metrics_free(fresh);
}

static void nan_predictions_are_wrong_ones(void **state)
{
    static const char list[] = "[\"accuracy\", \"top_k_accuracy\", \"recall\", \"f1\"]";
    const real predicted[] = {(real)NAN, (real)NAN, (real)NAN};
    const int32_t classes[] = {0};
    (void)state;

    for (int outputs = 1; outputs <= 3; outputs += 2) {
        struct metrics *metrics = make(list, outputs);
        struct metric_batch batch = {
            .samples = 1, .outputs = outputs, .predicted = predicted, .classes = classes};
        metrics_update(metrics, &batch);
        for (int i = 0; i < metrics_count(metrics); i++)
            assert_true(metrics_value(metrics, i) == 0);
        metrics_free(metrics);
    }
}

static void names_in_the_log_are_never_equal(void **state)
{
    struct metrics *metrics =
        make("[\"precision\", {\"type\": \"precision\", \"class_id\": 1}, {\"type\": \"recall\","
             " \"name\": \"precision\"}, {\"type\": \"f1\", \"average\": null}, \"f1\"]",
             2);
    static const char *const expected[] = {"precision", "precision_1", "precision_2",
                                           "f1_0",      "f1_1",        "f1"};
    (void)state;

    assert_int_equal(metrics_count(metrics), 6);
    for (int i = 0; i < 6; i++)
        assert_string_equal(metrics_name(metrics, i), expected[i]);
    metrics_free(metrics);
}

static void one_output_f1_has_a_threshold(void **state)
{
    const real predicted[] = {(real)0.9, (real)0.4, (real)0.8, (real)0.1};
    const int32_t classes[] = {1, 1, 0, 0};
    struct metric_batch batch = {
        .samples = 4, .outputs = 1, .predicted = predicted, .classes = classes};
    struct metrics *metrics = make("[\"f1\"]", 1);
    (void)state;

    metrics_update(metrics, &batch);
    assert_true(fabs(metrics_value(metrics, 0) - 0.5) < 1e-6); // precision and recall are 1/2
    metrics_free(metrics);
}

static void wrong_metrics_are_named(void **state)
{
    static const struct {
        const char *list, *pointer;
        enum code code;
    } cases[] = {
        {"[\"accuracy\", \"kappa\"]", "/compile/metrics/1", E_UNKNOWN},
        {"[{\"type\": \"top_k_accuracy\", \"k\": 0}]", "/compile/metrics/0/k", E_RANGE},
        {"[{\"type\": \"precision\", \"class_id\": 3}]", "/compile/metrics/0/class_id", E_RANGE},
        {"[{\"type\": \"precision\", \"thresholds\": [0.1]}]", "/compile/metrics/0/thresholds",
         E_TYPE},
        {"[{\"type\": \"f1\", \"average\": \"median\"}]", "/compile/metrics/0/average", E_UNKNOWN},
        {"[{\"type\": \"auc\", \"num_thresholds\": 1}]", "/compile/metrics/0/num_thresholds",
         E_RANGE},
        {"[17]", "/compile/metrics/0", E_UNKNOWN},
        {"[{\"type\": \"mae\", \"name\": \"0123456789012345678901234567890\"}]",
         "/compile/metrics/0/name", E_RANGE},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *json = parse(cases[i].list);
        struct metrics *metrics = NULL;
        struct error err;
        assert_int_equal(metrics_new(&metrics, json, 3, &err), cases[i].code);
        assert_string_equal(err.pointer, cases[i].pointer);
        cJSON_Delete(json);
    }
}

static void no_list_is_no_metrics(void **state)
{
    struct metrics *metrics = NULL;
    struct error err;
    (void)state;

    assert_int_equal(metrics_new(&metrics, NULL, 3, &err), OK);
    assert_int_equal(metrics_count(metrics), 0);
    assert_false(metrics_larger_is_better(metrics, "val_loss"));
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_of_any_size_give_the_whole_epochs_value),
        cmocka_unit_test(classes_count_as_their_one_hot_rows),
        cmocka_unit_test(reset_forgets_everything),
        cmocka_unit_test(nan_predictions_are_wrong_ones),
        cmocka_unit_test(names_in_the_log_are_never_equal),
        cmocka_unit_test(one_output_f1_has_a_threshold),
        cmocka_unit_test(wrong_metrics_are_named),
        cmocka_unit_test(no_list_is_no_metrics),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
