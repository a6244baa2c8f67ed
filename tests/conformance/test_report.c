#include "tests/conformance/reference.h"
#include "worker/engine/metrics.h"
#include "worker/engine/report.h"

static int read_labels(const cJSON *list, int32_t *out)
{
    const cJSON *item = NULL;
    int n = 0;
    cJSON_ArrayForEach(item, list) out[n++] = (int32_t)item->valuedouble;
    return n;
}

// Every key of scikit-learn's dictionary is in ours with the same numbers, and nothing but the text
// besides.
static void assert_same(const cJSON *ours, const cJSON *theirs)
{
    const cJSON *item = NULL;
    int count = 0;

    cJSON_ArrayForEach(item, theirs)
    {
        const cJSON *mine = json_member(ours, item->string);
        if (!mine)
            fail_msg("\"%s\" is missing", item->string);
        if (cJSON_IsObject(item))
            assert_same(mine, item);
        else
            assert_near(reference_number(mine), reference_number(item), 1e-9);
        count++;
    }
    assert_int_equal(count, cJSON_GetArraySize(ours) - (json_member(ours, "text") != NULL));
}

static void check_confusion(const int64_t *matrix, int classes, const cJSON *expected)
{
    cJSON *json = report_confusion(matrix, classes);
    assert_non_null(json);
    assert_true(cJSON_Compare(json, expected, true));
    cJSON_Delete(json);
}

struct labelled {
    const cJSON *truth, *predicted, *confusion, *dict;
    const char *text;
    int classes;
    struct report_options options;
};

// A prediction is given as the row whose only 1 is at its class.
static void check_report(const struct labelled *c)
{
    static int32_t truth[2048], predicted[2048];
    real row[64];
    int n = read_labels(c->truth, truth);
    int64_t *matrix = calloc((size_t)(c->classes * c->classes), sizeof *matrix);
    int outputs = c->classes > 1 ? c->classes : 2;

    assert_int_equal(read_labels(c->predicted, predicted), n);
    for (int i = 0; i < n; i++) {
        memset(row, 0, sizeof row);
        row[predicted[i]] = 1;
        report_count(matrix, c->classes, truth + i, row, 1, outputs);
    }
    cJSON *json = report_classification(matrix, c->classes, &c->options);
    assert_non_null(json);
    assert_string_equal(json_string_or(json, "text", ""), c->text);
    assert_same(json, c->dict);
    if (c->confusion && !c->options.only_present)
        check_confusion(matrix, c->classes, c->confusion);
    cJSON_Delete(json);
    free(matrix);
}

static int read_names(const cJSON *list, const char **out)
{
    const cJSON *item = NULL;
    int n = 0;
    cJSON_ArrayForEach(item, list) out[n++] = item->valuestring;
    return n;
}

static int highest(const cJSON *list)
{
    const cJSON *item = NULL;
    int high = 0;
    cJSON_ArrayForEach(item, list) high = item->valuedouble > high ? (int)item->valuedouble : high;
    return high;
}

static void reports_of_the_reference(void **state)
{
    cJSON *tree = reference_load(REFERENCE);
    const cJSON *c = NULL;
    int count = 0;
    (void)state;

    cJSON_ArrayForEach(c, json_member(tree, "scikit_learn"))
    {
        const char *names[16];
        if (strcmp(json_string_or(c, "name", ""), "classification_report") != 0)
            continue;
        const cJSON *args = json_member(c, "args"), *labels = json_member(args, "labels");
        struct labelled l = {
            .truth = reference_at(c, "inputs", "y_true"),
            .predicted = reference_at(c, "inputs", "y_pred"),
            .confusion = reference_at(c, "expected", "confusion_matrix"),
            .dict = reference_at(c, "expected", "dict"),
            .text = json_string_or(json_member(c, "expected"), "text", ""),
            .options = {.digits = (int)json_number_or(args, "digits", 2),
                        .zero_division = json_number_or(args, "zero_division", 0),
                        .only_present = !labels},
        };
        int high =
            highest(l.truth) > highest(l.predicted) ? highest(l.truth) : highest(l.predicted);
        l.classes = labels ? cJSON_GetArraySize(labels) : high + 1;
        l.options.nnames = read_names(json_member(args, "target_names"), names);
        l.options.names = l.options.nnames > 0 ? names : NULL;
        check_report(&l);
        count++;
    }
    reference_account("scikit_learn", "report", count);
    cJSON_Delete(tree);
}

static void reports_of_random_and_edge_cases(void **state)
{
    cJSON *tree = reference_load("tests/conformance/sklearn_reports.json");
    const cJSON *c = NULL;
    int count = 0;
    (void)state;

    cJSON_ArrayForEach(c, json_member(tree, "reports"))
    {
        const char *names[16];
        struct labelled l = {
            .truth = json_member(c, "y_true"),
            .predicted = json_member(c, "y_pred"),
            .confusion = json_member(c, "confusion_matrix"),
            .dict = json_member(c, "dict"),
            .text = json_string_or(c, "text", ""),
            .classes = (int)json_number_or(c, "classes", 0),
            .options = {.digits = (int)json_number_or(c, "digits", 2),
                        .zero_division = json_number_or(c, "zero_division", 0)},
        };
        l.options.nnames = read_names(json_member(c, "names"), names);
        l.options.names = l.options.nnames > 0 ? names : NULL;
        check_report(&l);
        count++;
    }
    assert_int_equal(count, 27);
    cJSON_Delete(tree);
}

static struct metrics *make_metrics(const char *list, int outputs)
{
    struct metrics *metrics = NULL;
    struct error err;
    cJSON *json = json_read(list, strlen(list), NULL, &err);

    if (metrics_new(&metrics, json, outputs, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_Delete(json);
    return metrics;
}

// Metrics of classes against scikit-learn's, to 1e-6 (Keras' f1 has an epsilon of 1e-7 in it).
static void metrics_of_classes_are_scikit_learns(void **state)
{
    cJSON *tree = reference_load("tests/conformance/sklearn_reports.json");
    const cJSON *c = NULL;
    (void)state;

    cJSON_ArrayForEach(c, json_member(tree, "reports"))
    {
        static int32_t truth[2048], predicted[2048];
        static real rows[2048 * 16];
        int classes = (int)json_number_or(c, "classes", 0);
        int n = read_labels(json_member(c, "y_true"), truth);
        if (classes < 2)
            continue;
        read_labels(json_member(c, "y_pred"), predicted);
        memset(rows, 0, sizeof rows);
        for (int i = 0; i < n; i++)
            rows[i * classes + predicted[i]] = 1;
        struct metrics *m =
            make_metrics("[\"accuracy\", \"f1\", \"precision\", \"recall\"]", classes);
        struct metric_batch batch = {
            .samples = n, .outputs = classes, .predicted = rows, .classes = truth};
        metrics_update(m, &batch);
        double accuracy = json_number_or(c, "micro_recall", -1);
        assert_near(metrics_value(m, 0), accuracy, 1e-6);
        assert_near(metrics_value(m, 1), json_number_or(c, "macro_f1", -1), 1e-6);
        assert_near(metrics_value(m, 2), json_number_or(c, "micro_precision", -1), 1e-6);
        assert_near(metrics_value(m, 3), accuracy, 1e-6);
        metrics_free(m);
    }
    cJSON_Delete(tree);
}

static void auc_is_scikit_learns_where_thresholds_lose_nothing(void **state)
{
    cJSON *tree = reference_load("tests/conformance/sklearn_reports.json");
    const cJSON *c = NULL, *item = NULL;
    int count = 0;
    (void)state;

    cJSON_ArrayForEach(c, json_member(tree, "aucs"))
    {
        static int32_t truth[2048];
        static real predicted[2048];
        int n = 0;
        read_labels(json_member(c, "y_true"), truth);
        cJSON_ArrayForEach(item, json_member(c, "y_pred")) predicted[n++] = (real)item->valuedouble;
        struct metrics *m = make_metrics("[\"auc\"]", 1);
        struct metric_batch batch = {
            .samples = n, .outputs = 1, .predicted = predicted, .classes = truth};
        metrics_update(m, &batch);
        assert_near(metrics_value(m, 0), json_number_or(c, "auc", -1), 1e-6);
        metrics_free(m);
        count++;
    }
    assert_int_equal(count, 3);
    cJSON_Delete(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_of_the_reference),
        cmocka_unit_test(reports_of_random_and_edge_cases),
        cmocka_unit_test(metrics_of_classes_are_scikit_learns),
        cmocka_unit_test(auc_is_scikit_learns_where_thresholds_lose_nothing),
    };
    return cmocka_run_group_tests_name("reports", tests, NULL, NULL);
}
