// The engine's inner loops in every build the CPU can run, against their plain definitions.
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "tests/test.h"
#include "worker/engine/kernels/kernels.h"
#include "worker/engine/kernels/math.h"
#include "worker/engine/kernels/philox.h"

enum { SIDE = 160 };

static real a[SIDE * SIDE * 4], b[SIDE * SIDE * 4], c[SIDE * SIDE * 4], expected[SIDE * SIDE * 4];
static _Alignas(64) real scratch[SIDE * SIDE * 4];

static void fill(struct rng *rng, real *x, size_t n, double zeros)
{
    for (size_t i = 0; i < n; i++)
        x[i] = rng_uniform(rng) < zeros ? 0 : (real)rng_normal(rng);
}

// C = op(A) op(B) + add·C as defined.
static void plain(bool ta, bool tb, size_t m, size_t n, size_t k, bool add)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = add ? (double)expected[i * n + j] : 0;

            for (size_t p = 0; p < k; p++)
                sum += (double)(ta ? a[p * m + i] : a[i * k + p]) *
                       (double)(tb ? b[j * k + p] : b[p * n + j]);
            expected[i * n + j] = (real)sum;
        }
}

static void check_product(const struct kernels *kernels, struct rng *rng, size_t m, size_t n,
                          size_t k, double zeros)
{
    for (int kind = 0; kind < 6; kind++) {
        const bool add = kind >= 3;

        fill(rng, a, m * k, zeros);
        fill(rng, b, k * n, 0);
        fill(rng, c, m * n, 0);
        memcpy(expected, c, m * n * sizeof(real));
        plain(kind % 3 == 1, kind % 3 == 2, m, n, k, add);
        if (kind % 3 == 0)
            kernels->gemm_nn(m, n, k, a, k, b, n, c, n, add);
        else if (kind % 3 == 1)
            kernels->gemm_tn(m, n, k, a, m, b, n, c, n, add);
        else
            kernels->gemm_nt(m, n, k, a, k, b, k, c, n, add, scratch);
        for (size_t i = 0; i < m * n; i++)
            if (!(fabs((double)(c[i] - expected[i])) <= 2e-6 * sqrt((double)k + 1) * 4))
                fail_msg("%s product %d of %zu×%zu×%zu: number %zu is %g, not %g", kernels->name,
                         kind, m, n, k, i, (double)c[i], (double)expected[i]);
    }
}

static void products_of_all_shapes_equal_their_definition(void **state)
{
    static const size_t sides[] = {1, 2, 7, 10, 15, 16, 17, 31, 32, 33, 48, 64, 65, 128};
    const size_t count = sizeof(sides) / sizeof(sides[0]);
    const struct kernels *k[4];
    const int builds = kernels_list(k);
    struct rng rng;

    (void)state;
    rng_init(&rng, 1, 1);
    for (int i = 0; i < builds; i++) {
        for (int round = 0; round < 60; round++)
            check_product(k[i], &rng, sides[rng_below(&rng, count)], sides[rng_below(&rng, count)],
                          sides[rng_below(&rng, count)], (double)(round % 4) * 0.3);
        check_product(k[i], &rng, 3, 5, 400, 0.5);
        check_product(k[i], &rng, 32, 64, 400, 0);
        check_product(k[i], &rng, 32, 64, 400, 0.7);
    }
}

static void products_equal_sgemm(void **state)
{
    static const size_t shapes[][3] = {
        {32, 128, 150}, {150, 128, 32}, {64, 10, 64}, {13, 150, 150}};
    const struct kernels *k[4];
    const int builds = kernels_list(k);
    struct rng rng;

    (void)state;
    rng_init(&rng, 2, 1);
    for (int i = 0; i < builds; i++)
        for (int s = 0; s < 4; s++) {
            const size_t m = shapes[s][0], n = shapes[s][1], d = shapes[s][2];

            fill(&rng, a, m * d, 0.4);
            fill(&rng, b, n * d, 0);
            k[i]->gemm_nn(m, n, d, a, d, b, n, c, n, false);
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)d, 1, a,
                        (int)d, b, (int)n, 0, expected, (int)n);
            for (size_t q = 0; q < m * n; q++)
                assert_true(fabs((double)(c[q] - expected[q])) < 1e-4);
        }
}

// The same numbers as windows() gives, turned; with and without padding, strides and dilation.
static void windows_of_one_channel_turn(void **state)
{
    static const struct window shapes[] = {{9, 20, 1, 3, 3, 1, 1, 1, 1, 0, 0, 7, 18},
                                           {9, 20, 1, 3, 3, 1, 1, 1, 1, 1, 1, 9, 20},
                                           {9, 20, 1, 3, 2, 2, 3, 1, 1, 0, 0, 4, 7},
                                           {9, 20, 1, 3, 3, 2, 2, 1, 1, 1, 0, 5, 10},
                                           {12, 20, 1, 2, 3, 1, 1, 2, 3, 0, 0, 10, 14}};
    const struct kernels *k[4];
    const int builds = kernels_list(k);
    struct rng rng;

    (void)state;
    rng_init(&rng, 3, 1);
    for (int i = 0; i < builds; i++)
        for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
            const struct window *w = &shapes[s];
            const size_t places = w->out_h * w->out_w, patch = w->size_h * w->size_w;

            fill(&rng, a, w->height * w->width, 0);
            k[i]->windows(w, a, b);
            k[i]->windows_turned(w, a, c);
            for (size_t p = 0; p < places; p++)
                for (size_t q = 0; q < patch; q++)
                    assert_true(b[p * patch + q] == c[q * places + p]);
        }
}

static void sums_and_counts_equal_their_definition(void **state)
{
    static const size_t widths[] = {1, 10, 16, 37, 64, 100, 131};
    const struct kernels *k[4];
    const int builds = kernels_list(k);
    struct rng rng;

    (void)state;
    rng_init(&rng, 4, 1);
    for (int i = 0; i < builds; i++)
        for (size_t s = 0; s < sizeof(widths) / sizeof(widths[0]); s++) {
            const size_t rows = 23, cols = widths[s];
            size_t count = 0;

            fill(&rng, a, rows * cols, 0.5);
            k[i]->column_sum(rows, cols, a, c);
            for (size_t q = 0; q < cols; q++) {
                double sum = 0;

                for (size_t p = 0; p < rows; p++) {
                    sum += (double)a[p * cols + q];
                    count += a[p * cols + q] != 0;
                }
                assert_true(fabs(sum - (double)c[q]) < 1e-5);
            }
            assert_int_equal(k[i]->count_nonzero(rows * cols, a), count);
        }
}

// Units in the last place between a float and the true value.
static double ulps(float value, double truth)
{
    const double unit = ldexp(1, (int)fmax(ilogb(truth), -126) - 23);

    return fabs((double)value - truth) / unit;
}

static void function_is_near(const struct kernels *k, enum act kind, double (*truth)(double),
                             float from, float to, double limit)
{
    enum { N = 4096 };
    static real z[N], y[N];
    double worst = 0;

    for (int block = 0; block < 64; block++) {
        for (int i = 0; i < N; i++)
            z[i] = from + (to - from) * (float)(block * N + i) / (float)(64 * N - 1);
        k->act_forward[kind](1, N, NULL, z, y, 1);
        for (int i = 0; i < N; i++) {
            const double at = truth((double)z[i]), error = ulps(y[i], at);

            worst = error > worst ? error : worst;
            if (!(error <= limit))
                fail_msg("%s, function %d at %.9g: %.9g is %.2f ulp off", k->name, (int)kind,
                         (double)z[i], (double)y[i], error);
        }
    }
    print_message("    %s: function %d from %g to %g within %.2f ulp\n", k->name, (int)kind,
                  (double)from, (double)to, worst);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double softplus(double x)
{
    return log1p(exp(x));
}

// For x >= 0, where nothing cancels.
static double gelu(double x)
{
    return 0.5 * x * (1 + erf(x * sqrt(0.5)));
}

static double elu(double x)
{
    return x > 0 ? x : expm1(x);
}

static void exponentials_are_within_two_ulp_of_libm(void **state)
{
    const struct kernels *k[4];
    const int builds = kernels_list(k);

    (void)state;
    for (int i = 0; i < builds; i++) {
        function_is_near(k[i], ACT_TANH, tanh, -12, 12, 2);
        function_is_near(k[i], ACT_TANH, tanh, -1, 1, 2);
        function_is_near(k[i], ACT_SIGMOID, sigmoid, -80, 20, 1.5);
        function_is_near(k[i], ACT_SIGMOID, sigmoid, -2, 2, 1.5);
        function_is_near(k[i], ACT_SOFTPLUS, softplus, -80, 20, 2);
        function_is_near(k[i], ACT_SOFTPLUS, softplus, -2, 2, 2);
        function_is_near(k[i], ACT_GELU, gelu, 0, 8, 2);
        function_is_near(k[i], ACT_ELU, elu, -30, 0, 2);
        function_is_near(k[i], ACT_ELU, elu, -0.5, 0, 2);
    }
}

static void erf_is_within_two_ulp_of_libm(void **state)
{
    (void)state;
    for (int i = -600000; i <= 600000; i++) {
        const float x = (float)i * 1e-5f;
        const double error = ulps(m_erf(x), erf((double)x));

        if (!(error <= 2))
            fail_msg("erf at %.9g is %.2f ulp off", (double)x, error);
    }
}

static void functions_survive_what_is_not_finite(void **state)
{
    const struct kernels *k[4];
    const int builds = kernels_list(k);
    const real ends[4] = {(real)INFINITY, (real)-INFINITY, (real)NAN, 0};
    real z[4], y[4];

    (void)state;
    for (int i = 0; i < builds; i++) {
        memcpy(z, ends, sizeof(z));
        k[i]->act_forward[ACT_SIGMOID](1, 4, NULL, z, y, 0);
        assert_true(y[0] == 1 && y[1] == 0 && isnan(y[2]) && y[3] == (real)0.5);
        k[i]->act_forward[ACT_TANH](1, 4, NULL, z, y, 0);
        assert_true(y[0] == 1 && y[1] == -1 && isnan(y[2]) && y[3] == 0);
        k[i]->act_forward[ACT_SOFTPLUS](1, 4, NULL, z, y, 0);
        assert_true(isinf(y[0]) && y[1] == 0 && isnan(y[2]) && fabsf(y[3] - 0.6931472f) < 1e-7f);
        k[i]->act_forward[ACT_RELU](1, 4, NULL, z, y, 0);
        assert_true(isinf(y[0]) && y[1] == 0 && isnan(y[2]));
        k[i]->act_forward[ACT_SOFTMAX](1, 4, NULL, z, y, 0);
        assert_true(isnan(y[0]) && isnan(y[3]));
    }
}

// Random123's kat_vectors, philox4x32 with 10 rounds.
static void philox_gives_the_published_words(void **state)
{
    uint32_t words[PHILOX_BLOCK];

    (void)state;
    philox_block(0, 0, 0, words);
    assert_int_equal(words[0], 0x6627e8d5);
    assert_int_equal(words[PHILOX_LANES], 0xe169c58d);
    assert_int_equal(words[2 * PHILOX_LANES], 0xbc57ac4c);
    assert_int_equal(words[3 * PHILOX_LANES], 0x9b00dbd8);
    // Counter ffffffff ffffffff ffffffff ffffffff, key ffffffff ffffffff: the last lane of its block.
    philox_block(UINT64_MAX, UINT64_MAX, UINT64_MAX / PHILOX_LANES, words);
    assert_int_equal(words[PHILOX_LANES - 1], 0x408f276d);
    assert_int_equal(words[2 * PHILOX_LANES - 1], 0x41c83b0e);
    assert_int_equal(words[3 * PHILOX_LANES - 1], 0xa20bc7c6);
    assert_int_equal(words[4 * PHILOX_LANES - 1], 0x6d5451fd);
}

static void dropout_is_the_same_in_every_build_and_in_place(void **state)
{
    const struct dropout d = {{42, 7}, (uint32_t)(0.3 * 4294967296.0), (real)(1 / 0.7)};
    const struct kernels *k[4];
    const int builds = kernels_list(k);
    struct rng rng;
    int zeros = 0;

    (void)state;
    rng_init(&rng, 3, 1);
    fill(&rng, a, 10000, 0);
    for (int i = 0; i < builds; i++) {
        k[i]->dropout(9999, a, i ? c : expected, &d);
        if (i)
            assert_memory_equal(c, expected, 9999 * sizeof(real));
    }
    memcpy(c, a, 9999 * sizeof(real));
    k[0]->dropout(9999, c, c, &d);
    assert_memory_equal(c, expected, 9999 * sizeof(real));
    for (int i = 0; i < 9999; i++)
        zeros += c[i] == 0;
    assert_in_range(zeros, 2816, 3184); // 3000 ± 4 deviations
}

static void relu_and_dropout_together_equal_one_after_the_other(void **state)
{
    const struct dropout d = {{1, 2}, (uint32_t)(0.5 * 4294967296.0), 2};
    const struct kernels *k[4];
    const int builds = kernels_list(k);
    struct rng rng;

    (void)state;
    rng_init(&rng, 4, 1);
    for (int i = 0; i < builds; i++) {
        fill(&rng, a, 32 * 50, 0);
        fill(&rng, b, 50, 0);
        memcpy(c, a, 32 * 50 * sizeof(real));
        memcpy(expected, a, 32 * 50 * sizeof(real));
        k[i]->relu_dropout(32, 50, b, c, &d);
        k[i]->act_forward[ACT_RELU](32, 50, b, expected, expected, 0);
        k[i]->dropout(32 * 50, expected, expected, &d);
        assert_memory_equal(c, expected, 32 * 50 * sizeof(real));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_all_shapes_equal_their_definition),
        cmocka_unit_test(products_equal_sgemm),
        cmocka_unit_test(windows_of_one_channel_turn),
        cmocka_unit_test(sums_and_counts_equal_their_definition),
        cmocka_unit_test(exponentials_are_within_two_ulp_of_libm),
        cmocka_unit_test(erf_is_within_two_ulp_of_libm),
        cmocka_unit_test(functions_survive_what_is_not_finite),
        cmocka_unit_test(philox_gives_the_published_words),
        cmocka_unit_test(dropout_is_the_same_in_every_build_and_in_place),
        cmocka_unit_test(relu_and_dropout_together_equal_one_after_the_other),
    };
    return cmocka_run_group_tests_name("engine kernels", tests, NULL, NULL);
}
