// What a finished training shows: the classification report exactly as scikit-learn defines and prints
// it, the confusion matrix, and sample predictions with their pictures.
#ifndef TUNERD_WORKER_ENGINE_REPORT_H
#define TUNERD_WORKER_ENGINE_REPORT_H

#include <stdint.h>

#include "common/error.h"
#include "common/json.h"
#include "worker/engine/real.h"

// Above so many classes a report has neither a confusion matrix nor a row a class: nobody reads it, and
// its size grows with the square.
enum { REPORT_CLASSES_MAX = 200 };

// Counts one prediction a sample: matrix [K × K], row: true class, column: predicted class, added to.
// predicted [N × C]: C = 1: p > 0.5 is class 1 (K = 2), else the first maximum (C = K).
void report_count(int64_t *matrix, int classes, const int32_t *truth, const real *predicted,
                  int samples, int outputs);
// The class a row of C outputs stands for, as above.
int report_class(const real *row, int outputs);

struct report_options {
    const char *const *names; // [nnames] or NULL: the class numbers, as they are from nnames on
    int nnames;
    int digits;           // of the text; 2 as in scikit-learn
    double zero_division; // what 0/0 is: 0 or 1
    bool only_present;    // leave out classes neither true nor predicted (`labels` not given)
};
// scikit-learn's classification_report of a confusion matrix: {"0": {"precision", "recall", "f1-score",
// "support"}, …, "accuracy" (or "micro avg" when a listed class is neither true nor predicted), "macro
// avg", "weighted avg", "text"}. A class whose name is one of these keys or another class's name gets
// " (class k)" behind it. NULL when out of memory.
cJSON *report_classification(const int64_t *matrix, int classes,
                             const struct report_options *options);
// [[…], …]. NULL when out of memory.
cJSON *report_confusion(const int64_t *matrix, int classes);

// A picture of bytes as base64 PNG, malloc'ed: [height × width × channels], channels 1 (grey) or 3
// (RGB), sides of 1 to 256. E_RANGE for another shape, E_MEMORY.
enum code report_picture(const uint8_t *pixels, int64_t height, int64_t width, int64_t channels,
                         char **out, struct error *err);

struct report_sample {
    int64_t index;            // in the part
    int label, prediction;    // classes
    double probability;       // of the prediction
    const char *const *names; // of the first nnames classes, or NULL
    int64_t nnames;
    const uint8_t *pixels; // the sample, or NULL when the features are not bytes
    int rank;              // of one sample: [height, width] or [height, width, channels]
    const int64_t *shape;
};
// Adds {"index", "label", "prediction", "probability", "picture"} to the array `samples`: label and
// prediction are names where there are some, else numbers; picture is null for what is no picture.
enum code report_add_sample(cJSON *samples, const struct report_sample *sample, struct error *err);
// The same for a regression target: label and prediction are numbers, the rest null.
enum code report_add_value(cJSON *samples, int64_t index, double target, double prediction,
                           struct error *err);

#endif
