// Keras' metrics, accumulated over an epoch batch by batch: what an epoch reports is the metric of all
// its samples, never the mean of its batches' metrics. Sums are kept in double.
//
// N samples of a batch, C outputs of the model for one sample. The targets are either classes (one
// int32 a sample) or values (C reals a sample). Where a metric compares entries (precision, recall,
// f1, auc, mae, mse, rmse) a class is the one-hot row of it when C > 1 and the number 0 or 1 when C = 1.
//
//   name            arguments (defaults)                       formula, keras/src/metrics/
//   accuracy        -                                          accuracy_metrics.py, chosen as Keras does:
//                                                              C = 1: (p > 0.5) == t; classes: argmax p ==
//                                                              class; values: argmax p == argmax t
//   top_k_accuracy  k (5)                                      fewer than k outputs above the true one's
//   precision       thresholds (0.5), class_id, top_k          confusion_metrics.py: TP / (TP + FP), 0/0 = 0
//   recall          as precision                               TP / (TP + FN)
//   f1              average ("macro", "micro", "weighted",     f_score_metrics.py; threshold null: the row's
//                   null: one value a class), threshold        maximum counts as predicted (C = 1: p > 0.5)
//   auc             num_thresholds (200), curve ("ROC","PR"),  confusion_metrics.py
//                   summation_method, multi_label (false)
//   mae, mse, rmse  -                                          regression_metrics.py
//
// Names in the log are these names (or the argument "name", at most 30 bytes); a second metric of the same name becomes
// "precision_1" as in Keras; f1 with average null gives "f1_0", "f1_1", … one a class.
#ifndef TUNERD_WORKER_ENGINE_METRICS_H
#define TUNERD_WORKER_ENGINE_METRICS_H

#include <stdint.h>

#include "common/error.h"
#include "common/json.h"
#include "worker/engine/real.h"

struct metrics;

struct metric_batch {
    int samples;            // N
    int outputs;            // C
    const real *predicted;  // [N × C], what the last layer gave (after its activation)
    const int32_t *classes; // [N], below C when C > 1; or NULL
    const real *values;     // [N × C]; read only when classes is NULL
    const real *weights;    // [N] or NULL (class_weight is not for metrics: leave NULL)
};

// list: the normalised compile.metrics, an array of names or objects {"type": name, arguments}; NULL or
// empty: none. outputs: C. Errors: E_UNKNOWN, E_RANGE, E_TYPE with the pointer
// /compile/metrics/i/argument; E_MEMORY.
enum code metrics_new(struct metrics **out, const cJSON *list, int outputs, struct error *err);
void metrics_free(struct metrics *metrics); // NULL is fine

// Forgets all samples: call at the beginning of every epoch and of every evaluation.
void metrics_reset(struct metrics *metrics);
// Adds a batch. Allocates nothing. NaN predictions count as wrong, never as an error.
void metrics_update(struct metrics *metrics, const struct metric_batch *batch);

// The values so far, in the order of the list, under the log's names (without "val_").
int metrics_count(const struct metrics *metrics);
const char *metrics_name(const struct metrics *metrics, int index);
double metrics_value(const struct metrics *metrics, int index);

// True when a larger value of a log's entry ("val_accuracy", "f1_1", a metric's own name) is better; false
// for what is none of the metrics (losses).
bool metrics_larger_is_better(const struct metrics *metrics, const char *log_name);

#endif
