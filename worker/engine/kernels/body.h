// The kernels, once for each instruction set: a file that includes this defines VEC_BYTES and TABLE and
// sets the compiler's target before.
#include <math.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "worker/engine/kernels/kernels.h"
#include "worker/engine/kernels/math.h"
#include "worker/engine/kernels/philox.h"
#include "worker/engine/kernels/tables.h"

#include "worker/engine/kernels/body_gemm.h"
#include "worker/engine/kernels/body_lstm.h"
#include "worker/engine/kernels/body_noise.h"
#include "worker/engine/kernels/body_normal.h"
#include "worker/engine/kernels/body_passes.h"
#include "worker/engine/kernels/body_steps.h"
#include "worker/engine/kernels/body_windows.h"

#define BOTH(kind, name) [kind] = name##_forward
#define BACK(kind, name) [kind] = name##_backward
#define ALL_ACTIVATIONS(X)                                                                         \
    X(ACT_LINEAR, linear), X(ACT_RELU, relu), X(ACT_LEAKY_RELU, leaky_relu), X(ACT_ELU, elu),      \
        X(ACT_SELU, selu), X(ACT_GELU, gelu), X(ACT_GELU_TANH, gelu_tanh), X(ACT_SILU, silu),      \
        X(ACT_SIGMOID, sigmoid), X(ACT_HARD_SIGMOID, hard_sigmoid), X(ACT_TANH, tanh),             \
        X(ACT_SOFTPLUS, softplus), X(ACT_SOFTMAX, softmax)

const struct kernels TABLE = {
    .name = TABLE_NAME,
    .gemm_nn = gemm_nn,
    .gemm_tn = gemm_tn,
    .gemm_nt = gemm_nt,
    .act_forward = {ALL_ACTIVATIONS(BOTH)},
    .act_backward = {ALL_ACTIVATIONS(BACK)},
    .relu_dropout = relu_dropout,
    .relu_dropout_backward = relu_dropout_backward,
    .dropout = dropout,
    .count_nonzero = count_nonzero,
    .column_sum = column_sum,
    .gather_bytes = gather_bytes,
    .gather_bytes_each = gather_bytes_each,
    .gather_floats = gather_floats,
    .gather_floats_each = gather_floats_each,
    .transpose = transpose,
    .moments = moments,
    .scale_shift = scale_shift,
    .normal_sums = normal_sums,
    .combine = combine,
    .windows = windows,
    .windows_turned = windows_turned,
    .windows_backward = windows_backward,
    .max_pool = max_pool,
    .max_pool_backward = max_pool_backward,
    .mean_pool = mean_pool,
    .mean_pool_backward = mean_pool_backward,
    .lstm_state = lstm_state,
    .lstm_gradients = lstm_gradients,
    .sgd = sgd,
    .sgd_momentum = sgd_momentum,
    .sgd_nesterov = sgd_nesterov,
    .rmsprop = rmsprop,
    .rmsprop_momentum = rmsprop_momentum,
    .rmsprop_centered = rmsprop_centered,
    .adam = adam,
    .adam_amsgrad = adam_amsgrad,
    .adagrad = adagrad,
    .nadam = nadam,
};
