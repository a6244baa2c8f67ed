// One metric: sums over samples, and a value from the sums. All state is `sums`, so forgetting is zeroing.
#ifndef TUNERD_WORKER_ENGINE_METRICS_KIND_H
#define TUNERD_WORKER_ENGINE_METRICS_KIND_H

#include <math.h>

#include "worker/engine/metrics.h"

struct metric;

struct metric_kind {
    const char *name; // as in the study document
    bool larger_is_better;
    // Reads the arguments (args may be a plain name or NULL: defaults) and sets nsums and nvalues.
    enum code (*init)(struct metric *metric, const cJSON *args, const char *pointer,
                      struct error *err);
    void (*update)(struct metric *metric, const struct metric_batch *batch);
    double (*value)(const struct metric *metric, int index); // 0 <= index < nvalues
};
extern const struct metric_kind metric_accuracy, metric_top_k_accuracy, metric_precision,
    metric_recall, metric_f1, metric_auc, metric_mae, metric_mse, metric_rmse;

enum metric_average { AVERAGE_NONE, AVERAGE_MICRO, AVERAGE_MACRO, AVERAGE_WEIGHTED };
enum metric_summation { SUM_INTERPOLATION, SUM_MINORING, SUM_MAJORING };

struct metric {
    const struct metric_kind *kind;
    int outputs;
    int nsums, nvalues;
    double *sums;  // [nsums]
    bool numbered; // its values are "name_0", "name_1", …
    union {
        int k; // top_k_accuracy
        struct {
            double threshold;
            int class_id; // -1: all
            int top_k;    // 0: all
        } confusion;      // precision, recall
        struct {
            enum metric_average average;
            double threshold; // NaN: the row's maximum
        } f1;
        struct {
            int thresholds;
            bool precision_recall;
            bool multi_label;
            enum metric_summation summation;
        } auc;
    } args;
};

// The arguments of a metric, with defaults for absent ones and null. E_TYPE, E_RANGE below `pointer`.
enum code metric_integer(const cJSON *args, const char *name, int fallback, int min, int max,
                         const char *pointer, int *out, struct error *err);
enum code metric_number(const cJSON *args, const char *name, double fallback, const char *pointer,
                        double *out, struct error *err);
// One of `names` (ends with NULL) by its index.
enum code metric_name_of(const cJSON *args, const char *name, int fallback,
                         const char *const *names, const char *pointer, int *out,
                         struct error *err);

// Target of output j of sample i, a class as its one-hot row.
static inline double metric_truth(const struct metric_batch *b, int i, int j)
{
    if (!b->classes)
        return (double)b->values[(size_t)i * (size_t)b->outputs + (size_t)j];
    return b->outputs == 1 ? b->classes[i] : b->classes[i] == j;
}

static inline double metric_weight(const struct metric_batch *b, int i)
{
    return b->weights ? (double)b->weights[i] : 1;
}

static inline const real *metric_row(const struct metric_batch *b, int i)
{
    return b->predicted + (size_t)i * (size_t)b->outputs;
}

// Index of the first maximum.
static inline int metric_argmax(const real *row, int n)
{
    int best = 0;
    for (int j = 1; j < n; j++)
        best = row[j] > row[best] ? j : best;
    return best;
}

// The class that a sample's target names.
static inline int metric_true_class(const struct metric_batch *b, int i)
{
    return b->classes ? b->classes[i]
                      : metric_argmax(b->values + (size_t)i * (size_t)b->outputs, b->outputs);
}

// x / y, and 0 where y is 0 (Keras' divide_no_nan).
static inline double metric_ratio(double x, double y)
{
    return y != 0 ? x / y : 0;
}

#endif
