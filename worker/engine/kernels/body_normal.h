// Sums over rows for normalisation. Rows are added up in blocks, the blocks in double, so that many
// rows cost no accuracy.
enum { SUM_ROWS = 128, SUM_COLS = 64 };

// Σ over rows of f for SUM_COLS columns at a time.
#define COLUMN_SUMS(count, f, out)                                                                 \
    do {                                                                                           \
        for (size_t from = 0; from < cols; from += SUM_COLS) {                                     \
            const size_t width = cols - from < SUM_COLS ? cols - from : SUM_COLS;                  \
            double total[SUM_COLS] = {0};                                                          \
                                                                                                   \
            for (size_t r0 = 0; r0 < (count); r0 += SUM_ROWS) {                                    \
                const size_t r1 = (count)-r0 < SUM_ROWS ? (count) : r0 + SUM_ROWS;                 \
                real part[SUM_COLS] = {0};                                                         \
                                                                                                   \
                for (size_t r = r0; r < r1; r++)                                                   \
                    for (size_t q = 0; q < width; q++) {                                           \
                        const size_t c = from + q, at = r * cols + c;                              \
                                                                                                   \
                        part[q] += (f);                                                            \
                    }                                                                              \
                for (size_t q = 0; q < width; q++)                                                 \
                    total[q] += (double)part[q];                                                   \
            }                                                                                      \
            for (size_t q = 0; q < width; q++)                                                     \
                (out)[from + q] = (real)total[q];                                                  \
        }                                                                                          \
    } while (0)

static void moments(size_t rows, size_t cols, const real *x, real *mean, real *variance)
{
    COLUMN_SUMS(rows, x[at], mean);
    for (size_t c = 0; c < cols; c++)
        mean[c] /= (real)rows;
    COLUMN_SUMS(rows, (x[at] - mean[c]) * (x[at] - mean[c]), variance);
    for (size_t c = 0; c < cols; c++)
        variance[c] /= (real)rows;
}

static void scale_shift(size_t rows, size_t cols, const real *x, const real *scale,
                        const real *shift, real *y)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            y[r * cols + c] = x[r * cols + c] * scale[c] + shift[c];
}

static void normal_sums(size_t rows, size_t cols, const real *x, const real *dy, const real *mean,
                        const real *inverse, real *sum, real *dot)
{
    COLUMN_SUMS(rows, dy[at], sum);
    COLUMN_SUMS(rows, dy[at] * ((x[at] - mean[c]) * inverse[c]), dot);
}

static void combine(size_t rows, size_t cols, const real *u, const real *a, const real *v,
                    const real *b, const real *c, real *out)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t q = 0; q < cols; q++) {
            const size_t at = r * cols + q;

            out[at] = u[at] * a[q] + v[at] * b[q] + c[q];
        }
}
