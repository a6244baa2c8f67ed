// First weights, by Keras' names (keras/src/initializers): each parameter draws from a stream of its
// own, so adding a layer changes no other layer's weights.
#ifndef TUNERD_WORKER_ENGINE_INITIALIZERS_H
#define TUNERD_WORKER_ENGINE_INITIALIZERS_H

#include <stdint.h>

#include "common/error.h"
#include "common/rng.h"
#include "worker/engine/real.h"

enum initializer {
    INIT_GLOROT_UNIFORM,
    INIT_GLOROT_NORMAL,
    INIT_HE_UNIFORM,
    INIT_HE_NORMAL,
    INIT_ZEROS,
    INIT_ONES,
    INIT_UNIFORM_05,  // Embedding: uniform in ±0.05
    INIT_ORTHOGONAL,  // recurrent kernels
    INIT_FORGET_BIAS, // LSTM: zeros, ones in the second quarter
    INIT_COUNT
};

// -1 when unknown. Accepts Keras' snake_case names.
int initializer_find(const char *name);

struct fans {
    double in, out;
};
// compute_fans of keras: the receptive field (all but the last two dimensions) multiplies both.
struct fans initializer_fans(int rank, const int64_t *dim);

// Fills w [product of dim]. Scaling ones: limit or deviation from the fans; the normal ones are cut at
// two deviations and widened by 1/0.87962566 so that the variance is right.
void initializer_fill(enum initializer kind, int rank, const int64_t *dim, struct rng *rng,
                      real *w);

#endif
