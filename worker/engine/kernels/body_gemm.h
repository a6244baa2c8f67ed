// Matrix products. One micro-kernel: MR rows of C by NV vectors stay in registers while k runs; A's
// numbers are broadcast, B's rows are read as vectors straight from where they lie (weights stay as
// Keras lays them out, nothing is packed but ragged edges).
#ifndef VEC_BYTES
#error "included by the files that define VEC_BYTES"
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define VL (VEC_BYTES / sizeof(real))
#define NV 2
#define NR (NV * VL)
#if VEC_BYTES == 64
#define MR 14 // 28 of 32 registers
#define FOR_MR(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#else
#define MR 6 // 12 of 16 registers
#define FOR_MR(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif
enum { KC = 192 }; // k is cut so that a panel of B, KC × NR, stays in the first-level cache

typedef real vec __attribute__((vector_size(VEC_BYTES)));
typedef real vec_any __attribute__((vector_size(VEC_BYTES), aligned(sizeof(real)), may_alias));

ALWAYS_INLINE vec load(const real *p)
{
    return *(const vec_any *)p;
}

ALWAYS_INLINE void store(real *p, vec v)
{
    *(vec_any *)p = v;
}

// C[mr × nv·VL] (+)= A[mr × k] B[k × nv·VL]; A's element (i, p) is a[i·rs + p·cs].
ALWAYS_INLINE void micro(const size_t mr, const size_t nv, size_t k, const real *a, size_t rs,
                         size_t cs, const real *b, size_t ldb, real *c, size_t ldc, bool add)
{
    vec acc[MR][NV];

#pragma GCC unroll 16
    for (size_t i = 0; i < mr; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < nv; j++)
            acc[i][j] = add ? load(c + i * ldc + j * VL) : (vec){0};
    for (size_t p = 0; p < k; p++) {
        vec bv[NV];

#pragma GCC unroll 4
        for (size_t j = 0; j < nv; j++)
            bv[j] = load(b + j * VL);
#pragma GCC unroll 16
        for (size_t i = 0; i < mr; i++) {
            const real s = a[i * rs];

#pragma GCC unroll 4
            for (size_t j = 0; j < nv; j++)
                acc[i][j] += s * bv[j];
        }
        a += cs;
        b += ldb;
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < mr; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < nv; j++)
            store(c + i * ldc + j * VL, acc[i][j]);
}

typedef void micro_fn(size_t k, const real *a, size_t lda, const real *b, size_t ldb, real *c,
                      size_t ldc, bool add);

// n: A as it lies (rows are rows); t: A taken transposed. 1, 2: vectors in a row of the tile.
#define MICRO(mr)                                                                                  \
    static void micro_n1_##mr(size_t k, const real *a, size_t lda, const real *b, size_t ldb,      \
                              real *c, size_t ldc, bool add)                                       \
    {                                                                                              \
        micro(mr, 1, k, a, lda, 1, b, ldb, c, ldc, add);                                           \
    }                                                                                              \
    static void micro_n2_##mr(size_t k, const real *a, size_t lda, const real *b, size_t ldb,      \
                              real *c, size_t ldc, bool add)                                       \
    {                                                                                              \
        micro(mr, 2, k, a, lda, 1, b, ldb, c, ldc, add);                                           \
    }                                                                                              \
    static void micro_t1_##mr(size_t k, const real *a, size_t lda, const real *b, size_t ldb,      \
                              real *c, size_t ldc, bool add)                                       \
    {                                                                                              \
        micro(mr, 1, k, a, 1, lda, b, ldb, c, ldc, add);                                           \
    }                                                                                              \
    static void micro_t2_##mr(size_t k, const real *a, size_t lda, const real *b, size_t ldb,      \
                              real *c, size_t ldc, bool add)                                       \
    {                                                                                              \
        micro(mr, 2, k, a, 1, lda, b, ldb, c, ldc, add);                                           \
    }
FOR_MR(MICRO)

#define MICRO_N1(mr) micro_n1_##mr,
#define MICRO_N2(mr) micro_n2_##mr,
#define MICRO_T1(mr) micro_t1_##mr,
#define MICRO_T2(mr) micro_t2_##mr,
static micro_fn *const micro_n[NV][MR] = {{FOR_MR(MICRO_N1)}, {FOR_MR(MICRO_N2)}};
static micro_fn *const micro_t[NV][MR] = {{FOR_MR(MICRO_T1)}, {FOR_MR(MICRO_T2)}};

// Rows of the next tile when m are left: as even as can be, so that no tile is thin.
static size_t tile_rows(size_t m)
{
    const size_t tiles = (m + MR - 1) / MR;

    return (m + tiles - 1) / tiles;
}

// The columns that fill no vector: B's edge is copied and filled up with zeros.
static void gemm_edge(micro_fn *const kernels[MR], size_t row_step, size_t m, size_t n, size_t k,
                      const real *a, size_t lda, const real *b, size_t ldb, real *c, size_t ldc,
                      bool add)
{
    _Alignas(64) real panel[KC * VL];
    _Alignas(64) real tile[MR * VL];

    for (size_t p = 0; p < k; p++)
        for (size_t j = 0; j < VL; j++)
            panel[p * VL + j] = j < n ? b[p * ldb + j] : 0;
    for (size_t i = 0; i < m;) {
        const size_t mr = tile_rows(m - i);

        kernels[mr - 1](k, a + i * row_step, lda, panel, VL, tile, VL, false);
        for (size_t r = 0; r < mr; r++)
            for (size_t j = 0; j < n; j++) {
                real *to = c + (i + r) * ldc + j;

                *to = add ? *to + tile[r * VL + j] : tile[r * VL + j];
            }
        i += mr;
    }
}

// transposed: A's element (i, p) is a[p·lda + i], else a[i·lda + p].
ALWAYS_INLINE void gemm(bool transposed, size_t m, size_t n, size_t k, const real *a, size_t lda,
                        const real *b, size_t ldb, real *c, size_t ldc, bool add)
{
    micro_fn *const(*const kernels)[MR] = transposed ? micro_t : micro_n;
    const size_t row_step = transposed ? 1 : lda, k_step = transposed ? lda : 1;

    for (size_t p = 0; p < k || p == 0; p += KC) {
        const size_t kc = k - p < KC ? k - p : KC;
        const real *const ap = a + p * k_step, *const bp = b + p * ldb;
        const bool more = add || p > 0;
        size_t j = 0;

        for (; n - j >= VL; j += n - j >= NR ? NR : VL) {
            micro_fn *const *const row = kernels[n - j >= NR ? 1 : 0];

            for (size_t i = 0; i < m;) {
                const size_t mr = tile_rows(m - i);

                row[mr - 1](kc, ap + i * row_step, lda, bp + j, ldb, c + i * ldc + j, ldc, more);
                i += mr;
            }
        }
        if (j < n)
            gemm_edge(kernels[0], row_step, m, n - j, kc, ap, lda, bp + j, ldb, c + j, ldc, more);
    }
}

// 16 × 16 floats turned in registers: pairs, fours, eights and sixteens of columns change places.
#if !defined(ENGINE_REAL_DOUBLE) && defined(__AVX512F__) && VEC_BYTES == 64
typedef int vec_int __attribute__((vector_size(VEC_BYTES)));

ALWAYS_INLINE void transpose_tile(const real *from, size_t ldf, real *to, size_t ld)
{
    vec r[16], t[16];

#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        r[i] = load(from + (size_t)i * ldf);
#define SWAP(in, out, distance, low, high)                                                         \
    _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) if (!(i & (distance)))                   \
    {                                                                                              \
        out[i] = __builtin_shuffle(in[i], in[i | (distance)], low);                                \
        out[i | (distance)] = __builtin_shuffle(in[i], in[i | (distance)], high);                  \
    }
    SWAP(r, t, 8, ((vec_int){0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23}),
         ((vec_int){8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31}))
    SWAP(t, r, 4, ((vec_int){0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27}),
         ((vec_int){4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31}))
    SWAP(r, t, 2, ((vec_int){0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29}),
         ((vec_int){2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31}))
    SWAP(t, r, 1, ((vec_int){0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30}),
         ((vec_int){1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31}))
#undef SWAP
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        store(to + (size_t)i * ld, r[i]);
}
#else
ALWAYS_INLINE void transpose_tile(const real *from, size_t ldf, real *to, size_t ld)
{
    for (size_t i = 0; i < 16; i++)
        for (size_t j = 0; j < 16; j++)
            to[j * ld + i] = from[i * ldf + j];
}
#endif

// to[cols × ld] = from[rows × cols] transposed, filled up with zeros to ld.
static void transpose(size_t rows, size_t cols, const real *from, size_t ldf, real *to, size_t ld)
{
    enum { BLOCK = 16 };

    for (size_t i = 0; i < ld; i += BLOCK)
        for (size_t j = 0; j < cols; j += BLOCK) {
            if (i + BLOCK <= rows && j + BLOCK <= cols) {
                transpose_tile(from + i * ldf + j, ldf, to + j * ld + i, ld);
                continue;
            }
            for (size_t p = j; p < cols && p < j + BLOCK; p++)
                for (size_t q = i; q < i + BLOCK && q < ld; q++)
                    to[p * ld + q] = q < rows ? from[q * ldf + p] : 0;
        }
}

#include "worker/engine/kernels/body_sparse.h"

static void gemm_nn(size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b,
                    size_t ldb, real *c, size_t ldc, bool add)
{
#ifdef HAVE_SPARSE
    while (sparse_fits(m, n, k)) {
        const size_t now = even_part(m, SPARSE_ROWS);

        if (!sparse_nn(now, n, k, a, lda, b, ldb, c, ldc, add, false))
            break;
        a += now * lda;
        c += now * ldc;
        m -= now;
    }
#endif
    if (m > 0)
        gemm(false, m, n, k, a, lda, b, ldb, c, ldc, add);
}

static void gemm_tn(size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b,
                    size_t ldb, real *c, size_t ldc, bool add)
{
#ifdef HAVE_SPARSE
    while (sparse_fits(m, n, k)) {
        const size_t now = even_part(k, SPARSE_K);

        if (!sparse_tn(m, n, now, a, lda, b, ldb, c, ldc, add))
            break;
        a += now * lda;
        b += now * ldb;
        k -= now;
        add = true;
        if (k == 0)
            return;
    }
#endif
    gemm(true, m, n, k, a, lda, b, ldb, c, ldc, add);
}

// C = A Bᵀ. The smaller of A and B is transposed into scratch; when that is A, the tiles are those of
// Cᵀ = B Aᵀ and are turned while they are stored.
static void gemm_nt(size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b,
                    size_t ldb, real *c, size_t ldc, bool add, real *scratch)
{
    _Alignas(64) real tile[MR * NR];

#ifdef HAVE_SPARSE
    while (sparse_fits(m, n, k)) {
        const size_t now = even_part(m, SPARSE_ROWS);

        if (!sparse_nn(now, n, k, a, lda, b, ldb, c, ldc, add, true))
            break;
        a += now * lda;
        c += now * ldc;
        m -= now;
        if (m == 0)
            return;
    }
#endif
    if (n <= m) {
        const size_t ld = real_padded(n);

        transpose(n, k, b, ldb, scratch, ld);
        gemm_nn(m, n, k, a, lda, scratch, ld, c, ldc, add);
        return;
    }
    const size_t ld = real_padded(m);

    transpose(m, k, a, lda, scratch, ld);
    for (size_t j = 0; j < m; j += ld - j >= NR ? NR : VL) {
        const size_t nv = ld - j >= NR ? 2 : 1, width = m - j < nv * VL ? m - j : nv * VL;

        for (size_t i = 0; i < n;) {
            const size_t mr = tile_rows(n - i);

            micro_n[nv - 1][mr - 1](k, b + i * ldb, ldb, scratch + j, ld, tile, NR, false);
            for (size_t q = 0; q < width; q++)
                for (size_t r = 0; r < mr; r++) {
                    real *to = c + (j + q) * ldc + i + r;

                    *to = add ? *to + tile[r * NR + q] : tile[r * NR + q];
                }
            i += mr;
        }
    }
}
