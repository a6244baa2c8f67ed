// Activation functions by Keras' names. The loops are in kernels/.
#ifndef TUNERD_WORKER_ENGINE_ACTIVATIONS_H
#define TUNERD_WORKER_ENGINE_ACTIVATIONS_H

#include "common/error.h"
#include "worker/engine/kernels/kernels.h"

struct activation {
    const char *name;
    enum act kind;
    bool needs_input; // the derivative is taken from z, not from y
    real p;           // Keras' default: slope of leaky_relu, alpha of elu
};

// NULL or "linear": the identity. NULL when unknown.
const struct activation *activation_find(const char *name);
const struct activation *activation_all(int *count);

#endif
