// What SimpleRNN, LSTM and GRU share: the product of all steps' inputs at once, the time loop, the
// gradients of the kernels as one product each. A cell does one step between the products.
//
// Letters: T steps, B samples, D inputs of a step, U units, G gates. Everything is kept with time
// outside the samples: x [T][B × D], gates [G][T][B × U], h [T + 1][B × U] with h[0] = 0.
#ifndef TUNERD_WORKER_ENGINE_LAYERS_RECURRENT_H
#define TUNERD_WORKER_ENGINE_LAYERS_RECURRENT_H

#include "worker/engine/layer.h"

enum { GATES_MAX = 4 };

struct recurrent {
    const struct cell_ops *cell;
    size_t steps, inputs, units, gates; // T, D, U, G
    const struct activation *f, *gate;  // activation, recurrent_activation
    bool use_bias, sequences, backwards, reset_after;
    int bias; // its place in params
    real dropout, recurrent_dropout;
    // Set in a training pass with dropout, else NULL: masks [1 or G][B × D] and [G][B × U]; `masked` is
    // scratch for a masked factor of a product.
    real *input_mask, *state_mask, *masked;
    size_t input_masks;
    real *x, *gates_at, *h, *extra; // in keep
    real *dgates;                 // the gates' gradients at the recurrent side (GRU), else gates_at
    real *kernel_t, *recurrent_t; // turned kernels, in scratch
    real *dh, *dc, *dx;
};

// One step of a cell.
struct step {
    const struct kernels *k;
    size_t t, batch, n;       // n = B·U
    real *gate[GATES_MAX];    // [B × U] each; forward: x W + b of this step comes in
    const real *h_before;     // [B × U]
    real *h;                  // [B × U], forward's result
    const real *u;            // recurrent kernel [U × G·U]
    const real *u_t;          // turned: [G·U × U]
    const real *bias;         // recurrent bias [G·U] or NULL (GRU with reset_after)
    real *dgate[GATES_MAX];   // backward: gradients at the recurrent products, out
    real *dh;                 // backward: gradient by h, in; by h_before, out
    real *dc;                 // carried between backward steps, [B × U]; 0 before the last
    real *extra[3];           // what the cell keeps of step t, [B × U] each
    const real *extra_before; // extra[0] of the step before, zeros at the first
};

struct cell_ops {
    size_t gates, extras;
    bool own_dgates; // recurrent-side gradients differ from the input-side ones
    void (*forward)(const struct recurrent *r, const struct step *s);
    // Leaves the input-side gradients in gate, the recurrent-side ones in dgate.
    void (*backward)(const struct recurrent *r, const struct step *s);
};

enum code recurrent_init(struct layer *l, const cJSON *config, const struct cell_ops *cell,
                         struct error *err);
size_t recurrent_kept(const struct layer *l, size_t batch);
size_t recurrent_scratch(const struct layer *l, size_t batch);
void recurrent_forward(struct layer *l, const struct pass *pass, const real *x, real *y);
void recurrent_backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                        real *dy, real *dx);

// gate += h · U's columns of that gate
void recurrent_add(const struct recurrent *r, const struct step *s, const real *h, int gate,
                   real *out);
// dh += dz · (U's columns of that gate)ᵀ
void recurrent_back(const struct recurrent *r, const struct step *s, const real *dz, int gate,
                    real *dh, bool add);

// Dropout inside the layer, recurrent_dropout.c. The masks of a batch are the same at every step. As in
// Keras all gates share one of the inputs, unless recurrent_dropout is not 0: then LSTM and GRU draw one
// for each gate, of inputs and of states (keras/src/layers/rnn/lstm.py, `implementation`).
size_t recurrent_masks_kept(const struct recurrent *r, size_t batch);
size_t recurrent_masks_scratch(const struct recurrent *r, size_t batch);
// Draws them for a training pass, into keep.
void recurrent_masks_draw(struct layer *l, const struct pass *pass, real *keep, real *scratch);
// The mask of a gate's inputs, or NULL.
const real *recurrent_input_mask(const struct recurrent *r, size_t batch, size_t gate);
const real *recurrent_state_mask(const struct recurrent *r, size_t batch, size_t gate);
// x [rows × n] times mask [n] in each row, into r->masked; x itself when mask is NULL.
const real *recurrent_masked(const struct recurrent *r, size_t rows, size_t n, const real *x,
                             const real *mask);
// to += or = from · mask, rows of n.
void recurrent_unmask(size_t rows, size_t n, const real *from, const real *mask, real *to,
                      bool add);

#define RECURRENT_LAYER(symbol, keras, kerascell, start)                                           \
    const struct layer_ops symbol = {.type = keras,                                                \
                                     .cell = kerascell,                                            \
                                     .state_size = sizeof(struct recurrent),                       \
                                     .init = start,                                                \
                                     .kept = recurrent_kept,                                       \
                                     .scratch = recurrent_scratch,                                 \
                                     .forward = recurrent_forward,                                 \
                                     .backward = recurrent_backward}

#endif
