// A layer: shapes and parameters fixed once when the model is built, then forward and backward over
// batches. A new layer is one file in layers/ with a struct layer_ops, and one line in layers.c.
//
// Letters: B samples in a batch, x [B × in_size], y [B × out_size], dy and dx their gradients.
#ifndef TUNERD_WORKER_ENGINE_LAYER_H
#define TUNERD_WORKER_ENGINE_LAYER_H

#include "common/catalogue.h"
#include "worker/engine/activations.h"
#include "worker/engine/initializers.h"
#include "worker/engine/kernels/kernels.h"

enum { LAYER_PARAMS = 4 };

struct regularizer {
    real l1, l2; // adds l1 Σ|w| + l2 Σw² to the loss
};

struct param {
    const char *name; // Keras' name: "kernel", "bias", "gamma", …
    int rank;
    int64_t dim[4];
    size_t size; // product of dim
    bool trainable;
    enum initializer initializer;
    struct regularizer regularizer;
    bool steps_itself; // the layer hands its gradient to pass->apply piece by piece
    real *w, *g;       // [size]; g NULL when not trainable. Point into the model's blocks.
};

// What one pass over a batch is told.
struct pass {
    size_t batch; // B
    bool training;
    uint64_t step; // batches trained on before this one: the place in the random streams
    uint64_t seed;
    const struct kernels *kernels;
    // The optimizer's step for n weights, so that a layer can have it done while the gradient is still in
    // the cache; NULL: gradients are to be left in g. For parameters that step themselves only.
    void (*apply)(void *optimizer, real *w, const real *g, size_t n);
    void *optimizer;
    real *scratch; // as many numbers as the greediest layer asked for
};

struct layer {
    const struct layer_ops *ops;
    char name[64];
    char label[128]; // the document's name for it, "" when it has none
    int index;       // in the model; names the layer's random stream
    struct shape in, out;
    size_t in_size, out_size;
    int nparams;
    struct param params[LAYER_PARAMS];
    bool alias; // y is x and dy is dx: neither function is called
    real *keep; // [ops->kept()]: what forward leaves for backward
    // Fusing, decided by the model: dropout that the next layer gave up to this one; a gradient that
    // comes with the activation's derivative already in it (softmax with cross-entropy).
    real fused_dropout;
    int dropout_index; // the stream of the layer it was
    bool gradient_is_dz;
    void *state; // ops->state_size bytes, what init() made of the configuration
};

struct layer_ops {
    const char *type; // Keras' class name
    const char *cell; // Keras' name of what holds the weights in it, or NULL: the layer itself
    size_t state_size;
    // Reads the normalised configuration; in, in_size are set. Sets out, params, alias, state.
    // Errors in words for the user; the caller puts the layer's name and place before them.
    enum code (*init)(struct layer *layer, const cJSON *config, struct error *err);
    // Numbers wanted for a batch of up to `batch` samples; NULL: none.
    size_t (*kept)(const struct layer *layer, size_t batch);
    size_t (*scratch)(const struct layer *layer, size_t batch);
    void (*forward)(struct layer *layer, const struct pass *pass, const real *x, real *y);
    // Fills the gradients of the parameters (overwriting) and, unless NULL, dx. dy may be destroyed.
    void (*backward)(struct layer *layer, const struct pass *pass, const real *x, const real *y,
                     real *dy, real *dx);
    // The activation whose derivative the backward can leave to the loss, or NULL.
    const struct activation *(*last_activation)(const struct layer *layer);
    // True when the layer can take a following Dropout into its own pass.
    bool (*takes_dropout)(const struct layer *layer);
    // Embedding only: inputs are whole numbers below this.
    int64_t (*input_limit)(const struct layer *layer);
    // Dropout only: the rate it could give up.
    real (*dropout_rate)(const struct layer *layer);
};

const struct layer_ops *layer_find(const char *type);

// Declares the next parameter and returns it. dims: -1 ends.
struct param *layer_param(struct layer *layer, const char *name, int rank, const int64_t *dim,
                          enum initializer initializer);
// `kernel_regularizer` and the like from a configuration.
struct regularizer layer_regularizer(const cJSON *config, const char *name);
size_t shape_size(const struct shape *shape);
// The random stream of layer `index` in this pass.
struct noise layer_noise(const struct pass *pass, int index);
struct dropout layer_dropout(const struct pass *pass, int index, real rate);
// A rate of 0 to below 1 as a real, which is below 1 too: 1 - 1e-9 is 1 as a float.
real layer_rate(double rate);

#endif
