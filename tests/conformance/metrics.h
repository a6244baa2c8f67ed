// Section `metric` of the reference, for the engine's float and for its double build.
#include "tests/conformance/reference.h"
#include "worker/engine/metrics.h"

// Keras' classes under our names.
static const struct {
    const char *keras, *ours;
} metric_names[] = {
    {"SparseCategoricalAccuracy", "accuracy"},
    {"CategoricalAccuracy", "accuracy"},
    {"BinaryAccuracy", "accuracy"},
    {"SparseTopKCategoricalAccuracy", "top_k_accuracy"},
    {"TopKCategoricalAccuracy", "top_k_accuracy"},
    {"Precision", "precision"},
    {"Recall", "recall"},
    {"F1Score", "f1"},
    {"AUC", "auc"},
    {"MeanAbsoluteError", "mae"},
    {"MeanSquaredError", "mse"},
    {"RootMeanSquaredError", "rmse"},
};

static const char *our_name(const char *keras)
{
    for (size_t i = 0; i < sizeof metric_names / sizeof *metric_names; i++) {
        if (strcmp(metric_names[i].keras, keras) == 0)
            return metric_names[i].ours;
    }
    fail_msg("a metric that this test does not know: %s", keras);
    return NULL;
}

// Rows of numbers, a plain number being a row of one; gives the width.
static int read_rows(const cJSON *list, real *out)
{
    const cJSON *row = NULL, *item = NULL;
    int width = 1, n = 0;

    cJSON_ArrayForEach(row, list)
    {
        if (!cJSON_IsArray(row)) {
            out[n++] = (real)reference_number(row);
            continue;
        }
        width = cJSON_GetArraySize(row);
        cJSON_ArrayForEach(item, row) out[n++] = (real)reference_number(item);
    }
    return width;
}

static struct metrics *make(const cJSON *list, int outputs)
{
    struct metrics *metrics = NULL;
    struct error err;

    if (metrics_new(&metrics, list, outputs, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    return metrics;
}

static void run_case(const cJSON *c, double tolerance)
{
    real predicted[256], truth[256], weights[64];
    int32_t classes[64];
    const char *name = json_string_or(c, "name", "");
    const cJSON *inputs = json_member(c, "inputs"), *w = json_member(inputs, "sample_weight");
    int outputs = read_rows(json_member(inputs, "y_pred"), predicted);
    int width = read_rows(json_member(inputs, "y_true"), truth);
    bool sparse = strncmp(name, "Sparse", 6) == 0;
    cJSON *list = cJSON_CreateArray();
    cJSON *config = cJSON_Duplicate(json_member(c, "args"), true);
    const cJSON *sizes = json_member(inputs, "batch_sizes"), *size = NULL;
    int at = 0, batch = 0;

    cJSON_AddStringToObject(config, "type", our_name(name));
    cJSON_AddItemToArray(list, config);
    struct metrics *metrics = make(list, outputs);
    assert_true(sparse || width == outputs);
    for (int i = 0; sparse && i < 64 && i < 10; i++)
        classes[i] = (int32_t)truth[i];
    if (cJSON_IsArray(w))
        read_rows(w, weights);
    cJSON_ArrayForEach(size, sizes)
    {
        int n = (int)size->valuedouble;
        struct metric_batch b = {
            .samples = n,
            .outputs = outputs,
            .predicted = predicted + at * outputs,
            .classes = sparse ? classes + at : NULL,
            .values = truth + at * width,
            .weights = cJSON_IsArray(w) ? weights + at : NULL,
        };
        metrics_update(metrics, &b);
        const cJSON *expected =
            cJSON_GetArrayItem(reference_at(c, "expected", "result_after_each_batch"), batch++);
        for (int k = 0; k < metrics_count(metrics); k++)
            assert_near(metrics_value(metrics, k),
                        reference_number(cJSON_IsArray(expected) ? cJSON_GetArrayItem(expected, k)
                                                                 : expected),
                        tolerance);
        at += n;
    }
    metrics_free(metrics);
    cJSON_Delete(list);
}

static void all_cases(const char *which)
{
    const double tolerance = reference_tolerance("metric", which);
    cJSON *tree = reference_load(REFERENCE);
    const cJSON *section = json_member(tree, "metric"), *c = NULL;
    int count = 0;

    cJSON_ArrayForEach(c, section)
    {
        run_case(c, tolerance);
        count++;
    }
    reference_account("metric", "metrics", count);
    cJSON_Delete(tree);
}
