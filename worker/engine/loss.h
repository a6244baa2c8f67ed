// Losses by Keras' names (keras/src/losses), value and gradient together.
#ifndef TUNERD_WORKER_ENGINE_LOSS_H
#define TUNERD_WORKER_ENGINE_LOSS_H

#include "common/error.h"
#include "common/json.h"
#include "worker/engine/activations.h"

struct loss_ops;
struct loss {
    const struct loss_ops *ops;
    double label_smoothing, delta;
    bool from_logits;
    // The last activation is softmax (or sigmoid) and this its cross-entropy: predictions stay what the
    // activation gives, the gradient is the stable p - y by the activation's input.
    bool fused;
};

// Targets as in struct metric_batch: classes, or values [samples × width]. Where a loss compares
// entries, a class is its one-hot row, or 0 and 1 when the width is 1.
struct loss_batch {
    size_t samples, width;
    const real *predicted;
    const int32_t *classes; // or NULL
    const real *values;
    const real *weights; // [samples] or NULL
};

// compile: the normalised object; `loss` in it a name or {"type": name, arguments}. last: the model's
// last activation, which it fuses with if it can. width: outputs of the model. Errors: E_UNKNOWN,
// E_RANGE with a pointer.
enum code loss_init(struct loss *loss, const cJSON *compile, size_t width,
                    const struct activation *last, struct error *err);
const char *loss_name(const struct loss *loss);

// Returns Σ over samples of weight · loss. gradient [samples × width] or NULL: of the mean over the
// samples (the sum divided by their number, whatever the weights: Keras' sum_over_batch_size).
// each [samples] or NULL: the weighted losses one by one.
double loss_run(const struct loss *loss, const struct loss_batch *batch, real *gradient,
                double *each);

#endif
