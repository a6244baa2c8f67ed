// The engine's inner loops: matrix products and the passes over buffers between them. One source
// (body_*.h) is compiled for AVX-512, for AVX2 with FMA and for whatever the compiler targets by
// itself; kernels_best() picks by the running CPU. All functions are pure and reentrant.
//
// Matrices are row-major; ld is the distance between rows in numbers. [r × c] means rows and columns.
#ifndef TUNERD_WORKER_ENGINE_KERNELS_KERNELS_H
#define TUNERD_WORKER_ENGINE_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/engine/real.h"

enum { ENGINE_ALIGN = 64 }; // bytes; parameters and buffers start on one

// n numbers rounded up to whole cache lines.
static inline size_t real_padded(size_t n)
{
    const size_t line = ENGINE_ALIGN / sizeof(real);

    return (n + line - 1) / line * line;
}

enum act {
    ACT_LINEAR,
    ACT_RELU,
    ACT_LEAKY_RELU,
    ACT_ELU,
    ACT_SELU,
    ACT_GELU,
    ACT_GELU_TANH,
    ACT_SILU,
    ACT_SIGMOID,
    ACT_HARD_SIGMOID,
    ACT_TANH,
    ACT_SOFTPLUS,
    ACT_SOFTMAX,
    ACT_COUNT
};

// C[m × n] = product, or += when `add`. Zeros in A cost little (their products are left out where
// there are many), so 0·inf and 0·NaN of A's zeros may be 0.
typedef void gemm_fn(size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b,
                     size_t ldb, real *c, size_t ldc, bool add);

// y = f(z + bias). bias: [cols] or NULL. y may be z. Where the derivative needs the input
// (activation_needs_input), z is left as z + bias and must not be y. p: slope or alpha.
typedef void act_forward_fn(size_t rows, size_t cols, const real *bias, real *z, real *y, real p);
// dz = dy · f'. s: y, or z where the derivative needs the input. dz may be dy.
typedef void act_backward_fn(size_t rows, size_t cols, const real *s, const real *dy, real *dz,
                             real p);

// A piece of a random stream: number i of it is word i of Philox4x32-10 (Salmon et al. 2011) under
// `key`, `counter` being the upper half of its counter.
struct noise {
    uint64_t key;
    uint64_t counter;
};

struct dropout {
    struct noise noise;
    uint32_t threshold; // dropped when the random word is below: rate · 2^32
    real scale;         // 1 / (1 - rate)
};

// One step of an optimizer over n parameters: gradients g, state s0…s2, weights w. The meaning of the
// numbers is each function's; see optimizer.c.
struct step_numbers {
    real lr, a, b, c, momentum, eps;
    real decay; // w is multiplied by 1 - decay first
};
typedef void step_fn(size_t n, const struct step_numbers *o, const real *g, real *s0, real *s1,
                     real *s2, real *w);

// A window of size_h × size_w places (dilation apart) slides over [height × width × channels]; top and
// left are the padding before the first row and column.
struct window {
    size_t height, width, channels;
    size_t size_h, size_w, stride_h, stride_w, dilation_h, dilation_w;
    size_t top, left, out_h, out_w;
};

struct kernels {
    const char *name;
    gemm_fn *gemm_nn; // A [m × k], B [k × n]
    gemm_fn *gemm_tn; // A [k × m] taken transposed
    // B [n × k] taken transposed. scratch: gemm_nt_scratch() numbers, aligned.
    void (*gemm_nt)(size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b,
                    size_t ldb, real *c, size_t ldc, bool add, real *scratch);
    act_forward_fn *act_forward[ACT_COUNT];
    act_backward_fn *act_backward[ACT_COUNT];
    // y = dropout(relu(y + bias)) in place; the backward is relu's with scale: y tells both.
    void (*relu_dropout)(size_t rows, size_t cols, const real *bias, real *y,
                         const struct dropout *d);
    void (*relu_dropout_backward)(size_t n, const real *y, const real *dy, real *dz, real scale);
    // y = x · mask · scale; also its own backward. y may be x.
    void (*dropout)(size_t n, const real *x, real *y, const struct dropout *d);
    size_t (*count_nonzero)(size_t n, const real *x);
    void (*column_sum)(size_t rows, size_t cols, const real *x, real *sum);
    // y = (x - shift) · factor; per feature when the arrays say so.
    void (*gather_bytes)(size_t n, const uint8_t *x, real shift, real factor, real *y);
    void (*gather_bytes_each)(size_t n, const uint8_t *x, const real *shift, const real *factor,
                              real *y);
    void (*gather_floats)(size_t n, const float *x, real shift, real factor, real *y);
    void (*gather_floats_each)(size_t n, const float *x, const real *shift, const real *factor,
                               real *y);
    // to[cols × ld] = from[rows × cols] transposed, filled up with zeros to ld.
    void (*transpose)(size_t rows, size_t cols, const real *from, size_t ldf, real *to, size_t ld);
    // Mean and biased variance of each column.
    void (*moments)(size_t rows, size_t cols, const real *x, real *mean, real *variance);
    // y = x · scale + shift, a column each.
    void (*scale_shift)(size_t rows, size_t cols, const real *x, const real *scale,
                        const real *shift, real *y);
    // Of each column: Σ dy, and Σ dy · (x - mean) · inverse.
    void (*normal_sums)(size_t rows, size_t cols, const real *x, const real *dy, const real *mean,
                        const real *inverse, real *sum, real *dot);
    // out = u · a + v · b + c; a, b, c a column each.
    void (*combine)(size_t rows, size_t cols, const real *u, const real *a, const real *v,
                    const real *b, const real *c, real *out);
    // One sample: its windows as rows [out_h·out_w × size_h·size_w·channels], and back, adding up.
    void (*windows)(const struct window *w, const real *x, real *to);
    // Of one channel, turned: [size_h·size_w × out_h·out_w].
    void (*windows_turned)(const struct window *w, const real *x, real *to);
    void (*windows_backward)(const struct window *w, const real *from, real *dx);
    void (*max_pool)(const struct window *w, const real *x, real *y);
    void (*max_pool_backward)(const struct window *w, const real *x, const real *y, const real *dy,
                              real *dx);
    void (*mean_pool)(const struct window *w, const real *x, real *y);
    void (*mean_pool_backward)(const struct window *w, const real *dy, real *dx);
    // LSTM: c = f c_before + i g; and a step back, see body_lstm.h.
    void (*lstm_state)(size_t n, const real *i, const real *f, const real *g, const real *before,
                       real *c);
    void (*lstm_gradients)(size_t n, real *i, real *f, real *g, real *o, const real *y,
                           const real *before, const real *dh, real *dc);
    step_fn *sgd, *sgd_momentum, *sgd_nesterov, *rmsprop, *rmsprop_momentum, *rmsprop_centered;
    step_fn *adam, *adam_amsgrad, *adagrad, *nadam;
};

// The fastest table the running CPU can execute.
const struct kernels *kernels_best(void);
// All tables it can execute, best first; returns how many. For tests and measurements.
int kernels_list(const struct kernels *out[4]);

// Numbers of scratch gemm_nt() needs.
size_t gemm_nt_scratch(size_t m, size_t n, size_t k);

#endif
