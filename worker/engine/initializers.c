// Keras' VarianceScaling family, constants, and the orthogonal start of recurrent kernels.
#include "worker/engine/initializers.h"

#include <math.h>
#include <string.h>

struct entry_of {
    const char *name;
    void (*fill)(const struct entry_of *e, int rank, const int64_t *dim, size_t n, struct rng *rng,
                 real *w);
    double scale;
    bool fan_in; // else the average of both
};

struct fans initializer_fans(int rank, const int64_t *dim)
{
    struct fans fans = {1, 1};
    double field = 1;

    if (rank == 1)
        fans.in = fans.out = (double)dim[0];
    if (rank < 2)
        return fans;
    for (int i = 0; i < rank - 2; i++)
        field *= (double)dim[i];
    fans.in = (double)dim[rank - 2] * field;
    fans.out = (double)dim[rank - 1] * field;
    return fans;
}

static double variance(const struct entry_of *e, int rank, const int64_t *dim)
{
    const struct fans fans = initializer_fans(rank, dim);

    return e->scale / fmax(1, e->fan_in ? fans.in : (fans.in + fans.out) / 2);
}

static void uniform(const struct entry_of *e, int rank, const int64_t *dim, size_t n,
                    struct rng *rng, real *w)
{
    const double limit = sqrt(3 * variance(e, rank, dim));

    for (size_t i = 0; i < n; i++)
        w[i] = (real)((2 * rng_uniform(rng) - 1) * limit);
}

static void truncated_normal(const struct entry_of *e, int rank, const int64_t *dim, size_t n,
                             struct rng *rng, real *w)
{
    const double deviation = sqrt(variance(e, rank, dim)) / 0.87962566103423978;

    for (size_t i = 0; i < n; i++) {
        double x;

        do
            x = rng_normal(rng);
        while (fabs(x) > 2);
        w[i] = (real)(x * deviation);
    }
}

static void constant(const struct entry_of *e, int rank, const int64_t *dim, size_t n,
                     struct rng *rng, real *w)
{
    (void)rank, (void)dim, (void)rng;
    for (size_t i = 0; i < n; i++)
        w[i] = (real)e->scale;
}

static void small_uniform(const struct entry_of *e, int rank, const int64_t *dim, size_t n,
                          struct rng *rng, real *w)
{
    (void)rank, (void)dim;
    for (size_t i = 0; i < n; i++)
        w[i] = (real)((2 * rng_uniform(rng) - 1) * e->scale);
}

static void forget_bias(const struct entry_of *e, int rank, const int64_t *dim, size_t n,
                        struct rng *rng, real *w)
{
    (void)e, (void)rank, (void)dim, (void)rng;
    for (size_t i = 0; i < n; i++)
        w[i] = i >= n / 4 && i < n / 2 ? 1 : 0;
}

// Rows (or, of a tall matrix, columns) are made orthonormal by Gram-Schmidt, twice over; a normal start
// makes the distribution the one of QR with positive diagonal (Saxe et al. 2014).
static void orthogonal(const struct entry_of *e, int rank, const int64_t *dim, size_t n,
                       struct rng *rng, real *w)
{
    const size_t cols = (size_t)dim[rank - 1], rows = n / cols;
    const size_t count = rows < cols ? rows : cols, len = rows < cols ? cols : rows;
    const size_t step = rows < cols ? cols : 1, stride = rows < cols ? 1 : cols;

    (void)e;
    for (size_t i = 0; i < n; i++)
        w[i] = (real)rng_normal(rng);
    for (size_t v = 0; v < count; v++)
        for (int again = 0; again < 2; again++) {
            double norm = 0;

            for (size_t u = 0; u < v; u++) {
                double dot = 0;

                for (size_t i = 0; i < len; i++)
                    dot += (double)w[u * step + i * stride] * (double)w[v * step + i * stride];
                for (size_t i = 0; i < len; i++)
                    w[v * step + i * stride] -= (real)dot * w[u * step + i * stride];
            }
            for (size_t i = 0; i < len; i++)
                norm += (double)w[v * step + i * stride] * (double)w[v * step + i * stride];
            for (size_t i = 0; i < len; i++)
                w[v * step + i * stride] = (real)((double)w[v * step + i * stride] / sqrt(norm));
        }
}

static const struct entry_of entries[INIT_COUNT] = {
    [INIT_GLOROT_UNIFORM] = {"glorot_uniform", uniform, 1, false},
    [INIT_GLOROT_NORMAL] = {"glorot_normal", truncated_normal, 1, false},
    [INIT_HE_UNIFORM] = {"he_uniform", uniform, 2, true},
    [INIT_HE_NORMAL] = {"he_normal", truncated_normal, 2, true},
    [INIT_ZEROS] = {"zeros", constant, 0, false},
    [INIT_ONES] = {"ones", constant, 1, false},
    [INIT_UNIFORM_05] = {"uniform", small_uniform, 0.05, false},
    [INIT_ORTHOGONAL] = {"orthogonal", orthogonal, 1, false},
    [INIT_FORGET_BIAS] = {"unit_forget_bias", forget_bias, 1, false},
};

int initializer_find(const char *name)
{
    for (int i = 0; i < INIT_COUNT; i++)
        if (strcmp(entries[i].name, name) == 0)
            return i;
    return -1;
}

void initializer_fill(enum initializer kind, int rank, const int64_t *dim, struct rng *rng, real *w)
{
    size_t n = 1;

    for (int i = 0; i < rank; i++)
        n *= (size_t)dim[i];
    entries[kind].fill(&entries[kind], rank, dim, n, rng, w);
}
