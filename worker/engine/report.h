// What a finished training shows: the classification report exactly as scikit-learn defines and prints
// it, the confusion matrix, and sample predictions with their pictures.
#ifndef TUNERD_WORKER_ENGINE_REPORT_H
#define TUNERD_WORKER_ENGINE_REPORT_H

#include <stdint.h>

#include "common/error.h"
#include "common/json.h"
#include "worker/engine/real.h"

// Counts one prediction a sample: matrix [K × K], row: true class, column: predicted class, added to.
// predicted [N × C]: C = 1: p > 0.5 is class 1 (K = 2), else the first maximum (C = K).
void report_count(int64_t *matrix, int classes, const int32_t *truth, const real *predicted,
                  int samples, int outputs);
// The class a row of C outputs stands for, as above.
int report_class(const real *row, int outputs);

struct report_options {
    const char *const *names; // [K] or NULL: the class numbers
    int digits;               // of the text; 2 as in scikit-learn
    double zero_division;     // what 0/0 is: 0 or 1
    bool only_present;        // leave out classes neither true nor predicted (`labels` not given)
};
// scikit-learn's classification_report of a confusion matrix: {"0": {"precision", "recall", "f1-score",
// "support"}, …, "accuracy" (or "micro avg" when a class is neither true nor predicted), "macro avg",
// "weighted avg", "text"}. NULL when out of memory.
cJSON *report_classification(const int64_t *matrix, int classes,
                             const struct report_options *options);
// [[…], …]. NULL when out of memory.
cJSON *report_confusion(const int64_t *matrix, int classes);

// A picture of bytes as base64 PNG, malloc'ed: [height × width × channels], channels 1 (grey) or 3
// (RGB). E_INVALID for another shape, E_MEMORY.
enum code report_picture(const uint8_t *pixels, int64_t height, int64_t width, int64_t channels,
                         char **out, struct error *err);
// Adds {"index", "label", "prediction", "probability", "picture"} to `samples`. label and prediction are
// the class names where there are some, else numbers. picture may be NULL (then null).
// rank and shape are those of one sample; `pixels` NULL when the features are not bytes.
enum code report_sample(cJSON *samples, int64_t index, int label, int prediction,
                        double probability, const char *const *names, const uint8_t *pixels,
                        int rank, const int64_t *shape, struct error *err);

#endif
