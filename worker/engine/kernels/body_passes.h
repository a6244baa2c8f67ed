// The passes between products: activations with bias, dropout, sums over rows, gathering a batch.
// Plain loops over contiguous numbers, left to the compiler to vectorise.

#define SELU_ALPHA ((real)1.6732632423543772848170429916717)
#define SELU_SCALE ((real)1.0507009873554804934193349852946)
#define SQRT_HALF ((real)0.70710678118654752440)
#define SQRT_2_PI ((real)0.79788456080286535588)    // sqrt(2 / pi)
#define INV_SQRT_2PI ((real)0.39894228040143267794) // 1 / sqrt(2 pi)

// Two loops: one with "bias or nothing" inside would read through a masked NULL, which is slow.
// f: of z and p; d: the derivative as a function of s (y, or z where it needs the input) and p.
#define ACTIVATION(name, f, d)                                                                     \
    static void name##_forward(size_t rows, size_t cols, const real *bias, real *z, real *y,       \
                               real p)                                                             \
    {                                                                                              \
        (void)p;                                                                                   \
        if (!bias) {                                                                               \
            for (size_t c = 0; c < rows * cols; c++) {                                             \
                const real x = z[c];                                                               \
                                                                                                   \
                y[c] = (f);                                                                        \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (size_t r = 0; r < rows; r++, z += cols, y += cols)                                    \
            for (size_t c = 0; c < cols; c++) {                                                    \
                const real x = z[c] + bias[c];                                                     \
                                                                                                   \
                z[c] = x;                                                                          \
                y[c] = (f);                                                                        \
            }                                                                                      \
    }                                                                                              \
    static void name##_backward(size_t rows, size_t cols, const real *s, const real *dy, real *dz, \
                                real p)                                                            \
    {                                                                                              \
        (void)p;                                                                                   \
        for (size_t i = 0; i < rows * cols; i++) {                                                 \
            const real x = s[i];                                                                   \
                                                                                                   \
            (void)x;                                                                               \
            dz[i] = dy[i] * (d);                                                                   \
        }                                                                                          \
    }

ALWAYS_INLINE real gelu_tanh_inner(real x)
{
    return m_tanh(SQRT_2_PI * (x + (real)0.044715 * x * x * x));
}

ALWAYS_INLINE real gelu_tanh_slope(real x)
{
    const real t = gelu_tanh_inner(x);

    return (real)0.5 * (1 + t) +
           (real)0.5 * x * (1 - t * t) * SQRT_2_PI * (1 + 3 * (real)0.044715 * x * x);
}

ALWAYS_INLINE real clamp01(real x)
{
    const real low = x < 0 ? 0 : x;

    return low > 1 ? 1 : low;
}

// Keras: keras/src/activations/activations.py
ACTIVATION(linear, x, 1)
ACTIVATION(relu, x<0 ? 0 : x, x> 0 ? 1 : 0)
ACTIVATION(leaky_relu, x<0 ? p * x : x, x> 0 ? 1 : p)
ACTIVATION(elu, x > 0 ? x : p * m_expm1(x > 0 ? 0 : x), x > 0 ? 1 : x + p)
ACTIVATION(selu, SELU_SCALE *(x > 0 ? x : SELU_ALPHA * m_expm1(x > 0 ? 0 : x)),
           x > 0 ? SELU_SCALE : x + SELU_SCALE * SELU_ALPHA)
ACTIVATION(gelu, (real)0.5 * x * (1 + m_erf(x * SQRT_HALF)),
           (real)0.5 * (1 + m_erf(x * SQRT_HALF)) + x * INV_SQRT_2PI * m_exp((real)-0.5 * x * x))
ACTIVATION(gelu_tanh, (real)0.5 * x * (1 + gelu_tanh_inner(x)), gelu_tanh_slope(x))
ACTIVATION(silu, x *m_sigmoid(x), m_sigmoid(x) * (1 + x * (1 - m_sigmoid(x))))
ACTIVATION(sigmoid, m_sigmoid(x), x *(1 - x))
ACTIVATION(hard_sigmoid, clamp01(x / 6 + (real)0.5), x > 0 && x < 1 ? (real)1 / 6 : 0)
ACTIVATION(tanh, m_tanh(x), 1 - x * x)
ACTIVATION(softplus, m_softplus(x), 1 - m_exp(-x))

static void softmax_forward(size_t rows, size_t cols, const real *bias, real *z, real *y, real p)
{
    (void)p;
    for (size_t r = 0; r < rows; r++, z += cols, y += cols) {
        real top = (real)-INFINITY, sum = 0;

        for (size_t c = 0; c < cols; c++) {
            const real x = bias ? z[c] + bias[c] : z[c];

            y[c] = x;
            top = x > top ? x : top;
        }
        for (size_t c = 0; c < cols; c++)
            y[c] = m_exp(y[c] - top);
        for (size_t c = 0; c < cols; c++)
            sum += y[c];
        sum = 1 / sum;
        for (size_t c = 0; c < cols; c++)
            y[c] *= sum;
    }
}

// dz = y · (dy - Σ dy·y)
static void softmax_backward(size_t rows, size_t cols, const real *s, const real *dy, real *dz,
                             real p)
{
    (void)p;
    for (size_t r = 0; r < rows; r++, s += cols, dy += cols, dz += cols) {
        real dot = 0;

        for (size_t c = 0; c < cols; c++)
            dot += dy[c] * s[c];
        for (size_t c = 0; c < cols; c++)
            dz[c] = s[c] * (dy[c] - dot);
    }
}

static void relu_dropout(size_t rows, size_t cols, const real *bias, real *y,
                         const struct dropout *d)
{
    relu_forward(rows, cols, bias, y, y, 0);
    dropout(rows * cols, y, y, d);
}

static void relu_dropout_backward(size_t n, const real *y, const real *dy, real *dz, real scale)
{
    for (size_t i = 0; i < n; i++)
        dz[i] = y[i] > 0 ? dy[i] * scale : 0;
}

static size_t count_nonzero(size_t n, const real *x)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += x[i] != 0;
    return count;
}

// `count` vectors of columns stay in registers while the rows go by.
ALWAYS_INLINE void column_sum_some(const size_t count, size_t rows, size_t cols, const real *x,
                                   real *sum)
{
    vec acc[4] = {{0}};

    for (size_t r = 0; r < rows; r++, x += cols)
#pragma GCC unroll 4
        for (size_t i = 0; i < count; i++)
            acc[i] += load(x + i * VL);
#pragma GCC unroll 4
    for (size_t i = 0; i < count; i++)
        store(sum + i * VL, acc[i]);
}

static void column_sum(size_t rows, size_t cols, const real *x, real *sum)
{
    size_t c = 0;

    for (; cols - c >= 4 * VL; c += 4 * VL)
        column_sum_some(4, rows, cols, x + c, sum + c);
    for (; cols - c >= VL; c += VL)
        column_sum_some(1, rows, cols, x + c, sum + c);
    for (; c < cols; c++) {
        real total = 0;

        for (size_t r = 0; r < rows; r++)
            total += x[r * cols + c];
        sum[c] = total;
    }
}

#define GATHER(name, type)                                                                         \
    static void name(size_t n, const type *x, real shift, real factor, real *y)                    \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = ((real)x[i] - shift) * factor;                                                  \
    }                                                                                              \
    static void name##_each(size_t n, const type *x, const real *shift, const real *factor,        \
                            real *y)                                                               \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = ((real)x[i] - shift[i]) * factor[i];                                            \
    }
GATHER(gather_bytes, uint8_t)
GATHER(gather_floats, float)
