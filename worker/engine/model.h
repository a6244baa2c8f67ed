// A Sequential model: layers in a row over three blocks of memory: weights (trainable ones first),
// gradients, and buffers for a batch. Built in two steps, so that its size is known before any of the
// blocks is allocated.
#ifndef TUNERD_WORKER_ENGINE_MODEL_H
#define TUNERD_WORKER_ENGINE_MODEL_H

#include "worker/engine/layer.h"

struct model {
    int nlayers;
    struct layer *layers;
    struct shape input;
    size_t input_size, output_size;
    // Numbers, each parameter padded to whole cache lines.
    size_t trainable, frozen;
    int64_t trainable_count, frozen_count; // as Keras counts them
    size_t buffers;                        // numbers of the batch block
    size_t batch;
    real *weights;   // [trainable + frozen]
    real *gradients; // [trainable]
    real *block;     // [buffers]
    real **outputs;  // [nlayers] y of each layer
    real *dy[2];     // gradients on their way back
    real *scratch;
    int first_trainable; // index of the first layer with gradients, nlayers when none
    bool regularized;
};

// Reads {"layers": […]} for samples of shape `input` and plans the blocks for batches of up to `batch`
// samples. Errors: E_UNKNOWN, E_RANGE, E_INVALID with a pointer below `pointer`, the layer's name and
// the shapes; E_LIMIT when sizes overflow; E_MEMORY. On error nothing is left allocated.
enum code model_plan(struct model *model, const cJSON *config, const struct shape *input,
                     size_t batch, const char *pointer, struct error *err);
// Bytes of the blocks.
size_t model_bytes(const struct model *model);
enum code model_allocate(struct model *model, struct error *err);
void model_fini(struct model *model);

// Draws the first weights: one stream for each parameter.
void model_initialise(struct model *model, uint64_t seed);
// A Dropout right behind a layer that can do it in its own pass becomes part of that.
void model_fuse_dropout(struct model *model);

// x [B × input_size] -> the last output [B × output_size], valid until the next call.
real *model_forward(struct model *model, const struct pass *pass, const real *x);
// Buffer for the gradient of the loss by the last output; then backward fills all gradients.
real *model_output_gradient(struct model *model);
void model_backward(struct model *model, const struct pass *pass, const real *x);
// As backward, and the gradient by x too: dx [B × input_size]. For gradient checks.
void model_backward_input(struct model *model, const struct pass *pass, const real *x, real *dx);

// Σ of the regularizers' terms.
double model_penalty(const struct model *model);
// Adds their gradients.
void model_penalty_gradient(struct model *model);

#endif
