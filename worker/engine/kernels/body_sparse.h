// Products whose first matrix has many zeros: pixels of images, what relu and dropout leave. A row of
// C is the sum of the rows of B that A's numbers other than 0 choose, so zeros cost nothing; B is cut
// into blocks that stay in the first-level cache while all rows of A use them. Sums are taken in the
// same order as in body_gemm.h, so that both give the same bits.
#if !defined(ENGINE_REAL_DOUBLE) && (defined(__AVX512F__) || defined(__AVX2__))
#define HAVE_SPARSE 1

enum {
    SPARSE_NV = 8,      // most vectors in a block's row
    SPARSE_K = 48,      // rows of B in a block
    SPARSE_ROWS = 128,  // rows of A (of the result) that are looked at together
    SPARSE_WIDTH = 1024 // longest stretch of k whose masks are kept at once
};
// Above this share of numbers other than 0 the dense product is faster (measured).
#define SPARSE_DENSITY 0.78

typedef uint16_t mask16;

// Bit i: x[i] is not 0 (NaN is not).
ALWAYS_INLINE mask16 mask_of(const real *x)
{
#ifdef __AVX512F__
    return _mm512_cmp_ps_mask(_mm512_loadu_ps(x), _mm512_setzero_ps(), _CMP_NEQ_UQ);
#else
    const __m256 zero = _mm256_setzero_ps();
    const int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(x), zero, _CMP_NEQ_UQ));
    const int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(x + 8), zero, _CMP_NEQ_UQ));

    return (mask16)(low | high << 8);
#endif
}

ALWAYS_INLINE mask16 mask_of_some(const real *x, size_t n)
{
    mask16 mask = 0;

    for (size_t i = 0; i < n; i++)
        mask |= (mask16)((x[i] != 0) << i);
    return mask;
}

// The first n numbers of a vector, n ≤ VL; the others are 0, and stay as they are in memory.
#ifdef __AVX512F__
typedef __mmask16 lanes;

ALWAYS_INLINE lanes first_lanes(size_t n)
{
    return (lanes)((1u << n) - 1);
}

ALWAYS_INLINE vec load_lanes(const real *p, lanes some)
{
    return (vec)_mm512_maskz_loadu_ps(some, p);
}

ALWAYS_INLINE void store_lanes(real *p, lanes some, vec v)
{
    _mm512_mask_storeu_ps(p, some, (__m512)v);
}
#else
typedef __m256i lanes;

ALWAYS_INLINE lanes first_lanes(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

ALWAYS_INLINE vec load_lanes(const real *p, lanes some)
{
    return (vec)_mm256_maskload_ps(p, some);
}

ALWAYS_INLINE void store_lanes(real *p, lanes some, vec v)
{
    _mm256_maskstore_ps(p, some, (__m256)v);
}
#endif

// c[nv·VL] (+)= Σ over the bits p of a[p·step] · block[p·nv·VL …]; ragged: of the last vector only some.
ALWAYS_INLINE void sparse_row(const size_t nv, const bool ragged, lanes some, uint64_t bits,
                              const real *a, size_t step, const real *block, real *c, bool add)
{
    const size_t full = ragged ? nv - 1 : nv;
    vec acc[SPARSE_NV];

#pragma GCC unroll 8
    for (size_t j = 0; j < full; j++)
        acc[j] = add ? load(c + j * VL) : (vec){0};
    if (ragged)
        acc[full] = add ? load_lanes(c + full * VL, some) : (vec){0};
    while (bits) {
        const size_t p = (size_t)__builtin_ctzll(bits);
        const real s = a[p * step];
        const real *row = block + p * nv * VL;

        bits &= bits - 1;
#pragma GCC unroll 8
        for (size_t j = 0; j < nv; j++)
            acc[j] += s * load(row + j * VL);
    }
#pragma GCC unroll 8
    for (size_t j = 0; j < full; j++)
        store(c + j * VL, acc[j]);
    if (ragged)
        store_lanes(c + full * VL, some, acc[full]);
}

// What of B comes after the block at hand: `rows` rows of `lines` cache lines, `step` bytes apart. The
// rows lie too far apart for the CPU to foresee them, so they are asked for between other work.
struct ahead {
    const char *at;
    size_t step, rows, lines, line; // line: the next one of the row at hand
};

ALWAYS_INLINE void look_ahead(struct ahead *next, size_t count)
{
    for (; count > 0 && next->rows > 0; count--) {
        __builtin_prefetch(next->at + next->line * ENGINE_ALIGN, 0, 2);
        if (++next->line == next->lines) {
            next->line = 0;
            next->at += next->step;
            next->rows--;
        }
    }
}

// A block of k ≤ SPARSE_K rows of B, `width` columns, against m rows of A. bits[i·stride] are row i's.
typedef void sparse_block_fn(size_t width, size_t m, const uint64_t *bits, size_t stride,
                             const real *a, size_t row_step, size_t step, const real *block,
                             real *c, size_t ldc, bool add, struct ahead next);
#define SPARSE_BLOCK(nv)                                                                           \
    static void sparse_block_##nv(size_t width, size_t m, const uint64_t *bits, size_t stride,     \
                                  const real *a, size_t row_step, size_t step, const real *block,  \
                                  real *c, size_t ldc, bool add, struct ahead next)                \
    {                                                                                              \
        const size_t each = (next.rows * next.lines + m - 1) / m;                                  \
        const lanes some = first_lanes(width - (nv - 1) * VL);                                     \
                                                                                                   \
        for (size_t i = 0; i < m && width == nv * VL; i++) {                                       \
            look_ahead(&next, each);                                                               \
            sparse_row(nv, false, some, bits[i * stride], a + i * row_step, step, block,           \
                       c + i * ldc, add);                                                          \
        }                                                                                          \
        for (size_t i = 0; i < m && width < nv * VL; i++) {                                        \
            look_ahead(&next, each);                                                               \
            sparse_row(nv, true, some, bits[i * stride], a + i * row_step, step, block,            \
                       c + i * ldc, add);                                                          \
        }                                                                                          \
    }
SPARSE_BLOCK(4)
SPARSE_BLOCK(5)
SPARSE_BLOCK(6)
SPARSE_BLOCK(7)
SPARSE_BLOCK(8)
static sparse_block_fn *const sparse_blocks[] = {sparse_block_4, sparse_block_5, sparse_block_6,
                                                 sparse_block_7, sparse_block_8};

// to [k × ld] = `width` columns of B's rows as they lie, b [k × width], or with B taken transposed,
// b [width × k]; filled up with zeros to ld, whole vectors.
static void copy_block(size_t k, size_t width, bool transposed, const real *b, size_t ldb, real *to,
                       size_t ld)
{
    const size_t whole = width / VL * VL;

    if (!transposed) {
        for (size_t p = 0; p < k; p++, to += ld, b += ldb) {
            for (size_t j = 0; j < whole; j += VL)
                store(to + j, load(b + j));
            for (size_t j = whole; j < ld; j++)
                to[j] = j < width ? b[j] : 0;
        }
        return;
    }
    for (size_t j = 0; j < ld; j += 16)
        for (size_t p = 0; p < k; p += 16) {
            if (p + 16 <= k && j + 16 <= width) {
                transpose_tile(b + j * ldb + p, ldb, to + p * ld + j, ld);
                continue;
            }
            for (size_t q = p; q < k && q < p + 16; q++)
                for (size_t r = j; r < ld && r < j + 16; r++)
                    to[q * ld + r] = r < width ? b[r * ldb + q] : 0;
        }
}

// The block of B, k × width in nv vectors, for all m rows; copied first when its rows lie far apart.
static void sparse_step(size_t nv, size_t width, size_t m, size_t k, const uint64_t *bits,
                        size_t stride, const real *a, size_t row_step, size_t step, const real *b,
                        size_t ldb, bool transposed, real *c, size_t ldc, bool add,
                        struct ahead next)
{
    _Alignas(64) real copied[SPARSE_K * SPARSE_NV * VL];
    const size_t ld = nv * VL;

    if (ldb != ld || transposed) {
        copy_block(k, width, transposed, b, ldb, copied, ld);
        b = copied;
    }
    sparse_blocks[nv - 4](width, m, bits, stride, a, row_step, step, b, c, ldc, add, next);
}

// bits [rows × blocks] of A's rows, SPARSE_K columns a block. Returns how many numbers are not 0.
static size_t sparse_masks(size_t m, size_t k, const real *a, size_t lda, size_t blocks,
                           uint64_t *bits)
{
    size_t count = 0;

    for (size_t i = 0; i < m; i++)
        for (size_t q = 0; q < blocks; q++) {
            const real *x = a + i * lda + q * SPARSE_K;
            const size_t left = k - q * SPARSE_K;
            uint64_t mask = 0;

            for (size_t p = 0; p < SPARSE_K && p < left; p += 16)
                mask |= (uint64_t)(left - p >= 16 ? mask_of(x + p) : mask_of_some(x + p, left - p))
                        << p;
            bits[i * blocks + q] = mask;
            count += (size_t)__builtin_popcountll(mask);
        }
    return count;
}

// bits [k] of A's columns over m ≤ 64 rows, A [m × k]: the rows of the transposed matrix.
static size_t sparse_masks_transposed(size_t m, size_t k, const real *a, size_t lda, uint64_t *bits)
{
    size_t count = 0;

    for (size_t p = 0; p < k; p++)
        bits[p] = 0;
    for (size_t i = 0; i < m; i++) {
        const real *x = a + i * lda;
        const uint64_t bit = (uint64_t)1 << i;

        for (size_t p = 0; p < k; p++)
            bits[p] |= x[p] != 0 ? bit : 0;
    }
    for (size_t p = 0; p < k; p++)
        count += (size_t)__builtin_popcountll(bits[p]);
    return count;
}

// n cut into even parts of at most `most`.
static size_t even_part(size_t n, size_t most)
{
    const size_t parts = (n + most - 1) / most;

    return (n + parts - 1) / parts;
}

static bool sparse_fits(size_t m, size_t n, size_t k)
{
    return n > 3 * VL && m >= 16 && k >= 16;
}

// The block of B at row p of its rows (of the product's k) and column j.
static struct ahead block_at(const real *b, size_t ldb, bool transposed, size_t k, size_t p,
                             size_t width, size_t j)
{
    const size_t rows = k - p < SPARSE_K ? k - p : SPARSE_K;

    return (struct ahead){.at = (const char *)(transposed ? b + j * ldb + p : b + p * ldb + j),
                          .step = ldb * sizeof(real),
                          .rows = transposed ? width : rows,
                          .lines = ((transposed ? rows : width) * sizeof(real) + ENGINE_ALIGN - 1) /
                                   ENGINE_ALIGN};
}

// C (+)= A B for up to SPARSE_ROWS rows, B [k × n], or taken transposed, B [n × k]; false when A is too
// dense (nothing is done then).
static bool sparse_nn(size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b,
                      size_t ldb, real *c, size_t ldc, bool add, bool transposed)
{
    enum { BLOCKS = (SPARSE_WIDTH + SPARSE_K - 1) / SPARSE_K };
    uint64_t bits[SPARSE_ROWS * BLOCKS];
    const size_t blocks = (k + SPARSE_K - 1) / SPARSE_K;
    const size_t row = transposed ? 1 : ldb, column = transposed ? ldb : 1;
    // Turning a block of B costs about as much as 16 rows of A save at half density.
    const double density = transposed ? SPARSE_DENSITY - 6 / (double)m : SPARSE_DENSITY;

    if (blocks > BLOCKS ||
        (double)sparse_masks(m, k, a, lda, blocks, bits) > density * (double)(m * k))
        return false;
    for (size_t j = 0; j < n;) {
        const size_t nv = even_part((n - j + VL - 1) / VL, SPARSE_NV);
        const size_t width = n - j < nv * VL ? n - j : nv * VL;

        for (size_t q = 0; q < blocks; q++) {
            const size_t from = q * SPARSE_K, now = k - from < SPARSE_K ? k - from : SPARSE_K;
            struct ahead next = {0};

            if (q + 1 < blocks)
                next = block_at(b, ldb, transposed, k, from + now, width, j);
            else if (j + width < n)
                next = block_at(b, ldb, transposed, k, 0, width, j + width);
            sparse_step(nv, width, m, now, bits + q, blocks, a + from, lda, 1,
                        b + from * row + j * column, ldb, transposed, c + j, ldc, add || q > 0,
                        next);
        }
        j += width;
    }
    return true;
}

// C [m × n] (+)= Aᵀ B with A [k × m], k ≤ SPARSE_K; false as above.
static bool sparse_tn(size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b,
                      size_t ldb, real *c, size_t ldc, bool add)
{
    uint64_t bits[SPARSE_WIDTH];

    if (m > SPARSE_WIDTH ||
        (double)sparse_masks_transposed(k, m, a, lda, bits) > SPARSE_DENSITY * (double)(m * k))
        return false;
    for (size_t j = 0; j < n;) {
        const size_t nv = even_part((n - j + VL - 1) / VL, SPARSE_NV);
        const size_t width = n - j < nv * VL ? n - j : nv * VL;

        sparse_step(nv, width, m, k, bits, 1, a, 1, lda, b + j, ldb, false, c + j, ldc, add,
                    (struct ahead){0});
        j += width;
    }
    return true;
}
#endif
