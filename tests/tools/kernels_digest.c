// The portable kernels over numbers from one seed, a line for each with a weighted sum of what it gives: to
// be compared between machines (tests/system/test_portable.py). Needs nothing but libc and libm.
//   kernels_digest
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/rng.h"
#include "worker/engine/kernels/denormals.h"
#include "worker/engine/kernels/tables.h"

enum { N = 4096, ROWS = 37, COLS = 29, INNER = 41 };

static _Alignas(64) real a[N], b[N], c[N], d[N], e[N], scratch[N * 4];

static void fill(struct rng *rng, real *x)
{
    for (int i = 0; i < N; i++)
        x[i] = rng_below(rng, 4) ? (real)rng_normal(rng) : 0;
}

static void say(const char *name, int index, const real *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (1 + (double)(i % 17));
    printf("%s%d %.9g\n", name, index, sum);
}

static void products(const struct kernels *k)
{
    k->gemm_nn(ROWS, COLS, INNER, a, INNER, b, COLS, c, COLS, false);
    say("gemm_nn", 0, c, (size_t)ROWS * COLS);
    k->gemm_tn(ROWS, COLS, INNER, a, ROWS, b, COLS, c, COLS, true);
    say("gemm_tn", 0, c, (size_t)ROWS * COLS);
    k->gemm_nt(ROWS, COLS, INNER, a, INNER, b, INNER, c, COLS, false, scratch);
    say("gemm_nt", 0, c, (size_t)ROWS * COLS);
}

static void activations(const struct kernels *k)
{
    for (int f = 0; f < ACT_COUNT; f++) {
        memcpy(c, a, sizeof(c));
        k->act_forward[f](ROWS, COLS, b, c, d, (real)0.3);
        say("forward", f, d, (size_t)ROWS * COLS);
        k->act_backward[f](ROWS, COLS, d, b, e, (real)0.3);
        say("backward", f, e, (size_t)ROWS * COLS);
    }
}

static void steps(const struct kernels *k)
{
    step_fn *const all[] = {k->sgd,     k->sgd_momentum,     k->sgd_nesterov,
                            k->rmsprop, k->rmsprop_momentum, k->rmsprop_centered,
                            k->adam,    k->adam_amsgrad,     k->adagrad,
                            k->nadam};
    const struct step_numbers numbers = {(real)0.01, (real)0.9,  (real)0.99, (real)1.2,
                                         (real)0.02, (real)1e-7, (real)1e-4};

    for (int s = 0; s < (int)(sizeof(all) / sizeof(*all)); s++) {
        memcpy(c, a, sizeof(c));
        memset(d, 0, sizeof(d));
        memset(e, 0, sizeof(e));
        memset(scratch, 0, sizeof(scratch));
        for (int t = 0; t < 3; t++)
            all[s](N - 3, &numbers, b, d, e, scratch, c);
        say("step", s, c, N - 3);
    }
}

static void passes(const struct kernels *k)
{
    const struct dropout drop = {{42, 7}, (uint32_t)(0.3 * 4294967296.0), (real)(1 / 0.7)};
    static uint8_t bytes[N];

    for (int i = 0; i < N; i++)
        bytes[i] = (uint8_t)(i * 7);
    k->dropout(N - 5, a, c, &drop);
    say("dropout", 0, c, N - 5);
    k->column_sum(ROWS, COLS, a, c);
    say("column_sum", 0, c, COLS);
    k->gather_bytes(N - 1, bytes, 3, (real)(1.0 / 255), c);
    say("gather_bytes", 0, c, N - 1);
    k->moments(ROWS, COLS, a, c, d);
    say("mean", 0, c, COLS);
    say("variance", 0, d, COLS);
    k->normal_sums(ROWS, COLS, a, b, c, d, e, scratch);
    say("normal_sums", 0, e, COLS);
    say("normal_sums", 1, scratch, COLS);
}

static void windows(const struct kernels *k)
{
    const struct window w = {9, 8, 3, 3, 2, 2, 1, 1, 2, 1, 1, 5, 8};
    const size_t in = w.height * w.width * w.channels, out = w.out_h * w.out_w;

    k->windows(&w, a, scratch);
    say("windows", 0, scratch, out * w.size_h * w.size_w * w.channels);
    memset(c, 0, sizeof(c));
    k->windows_backward(&w, scratch, c);
    say("windows_backward", 0, c, in);
    k->max_pool(&w, a, d);
    say("max_pool", 0, d, out * w.channels);
    k->mean_pool(&w, a, d);
    say("mean_pool", 0, d, out * w.channels);
}

int main(void)
{
    const struct kernels *k = &kernels_portable;
    const uint64_t mode = denormals_off();
    struct rng rng;

    rng_init(&rng, 1, 2);
    fill(&rng, a);
    fill(&rng, b);
    products(k);
    activations(k);
    steps(k);
    passes(k);
    windows(k);
    volatile real small = (real)1e-30;
    printf("denormals %g\n", (double)(small * small));
    denormals_restore(mode);
    return 0;
}
