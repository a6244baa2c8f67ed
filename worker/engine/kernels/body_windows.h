// Sliding windows: a sample's windows as rows of a matrix and back, and pooling. x: [height × width ×
// channels] of one sample.

// The input row and column a window's element lies in; false in the padding.
ALWAYS_INLINE bool window_row(const struct window *w, size_t oh, size_t i, size_t *h)
{
    *h = oh * w->stride_h + i * w->dilation_h - w->top; // wraps in the padding before
    return *h < w->height;
}

ALWAYS_INLINE bool window_col(const struct window *w, size_t ow, size_t j, size_t *c)
{
    *c = ow * w->stride_w + j * w->dilation_w - w->left;
    return *c < w->width;
}

ALWAYS_INLINE void copy(size_t n, const real *from, real *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
}

// True when no window reaches into padding and its columns lie side by side.
ALWAYS_INLINE bool window_plain(const struct window *w)
{
    return w->top == 0 && w->left == 0 && w->dilation_h == 1 && w->dilation_w == 1 &&
           (w->out_h - 1) * w->stride_h + w->size_h <= w->height &&
           (w->out_w - 1) * w->stride_w + w->size_w <= w->width;
}

// As windows(), for plain ones: whole vectors are copied, and what they write too much is written over
// by the next; only at the ends of both buffers the number is exact.
static void windows_plain(const struct window *w, const real *x, real *to)
{
    const size_t n = w->channels, run = w->size_w * n, whole = (run + VL - 1) / VL * VL;
    const size_t row = w->width * n;
    const real *const x_end = x + w->height * row;
    real *const end = to + w->out_h * w->out_w * w->size_h * run;

    for (size_t oh = 0; oh < w->out_h; oh++)
        for (size_t ow = 0; ow < w->out_w; ow++) {
            const real *from = x + oh * w->stride_h * row + ow * w->stride_w * n;

            for (size_t i = 0; i < w->size_h; i++, to += run, from += row) {
                if (from + whole > x_end || to + whole > end) {
                    copy(run, from, to);
                    continue;
                }
                for (size_t j = 0; j < run; j += VL)
                    store(to + j, load(from + j));
            }
        }
}

// to [out_h·out_w × size_h·size_w·channels]
static void windows(const struct window *w, const real *x, real *to)
{
    const size_t n = w->channels, run = w->size_w * n;

    if (window_plain(w)) {
        windows_plain(w, x, to);
        return;
    }
    for (size_t oh = 0; oh < w->out_h; oh++)
        for (size_t ow = 0; ow < w->out_w; ow++)
            for (size_t i = 0; i < w->size_h; i++, to += run) {
                size_t h, c;

                if (!window_row(w, oh, i, &h)) {
                    memset(to, 0, run * sizeof(real));
                    continue;
                }
                for (size_t j = 0; j < w->size_w; j++)
                    if (window_col(w, ow, j, &c))
                        copy(n, x + (h * w->width + c) * n, to + j * n);
                    else
                        memset(to + j * n, 0, n * sizeof(real));
            }
}

// The windows of one channel turned: to [size_h·size_w × out_h·out_w].
static void windows_turned(const struct window *w, const real *x, real *to)
{
    for (size_t i = 0; i < w->size_h; i++)
        for (size_t j = 0; j < w->size_w; j++)
            for (size_t oh = 0; oh < w->out_h; oh++, to += w->out_w) {
                size_t h, c, last;

                if (!window_row(w, oh, i, &h)) {
                    memset(to, 0, w->out_w * sizeof(real));
                } else if (w->stride_w == 1 && window_col(w, 0, j, &c) &&
                           window_col(w, w->out_w - 1, j, &last)) {
                    copy(w->out_w, x + h * w->width + c, to);
                } else {
                    for (size_t ow = 0; ow < w->out_w; ow++)
                        to[ow] = window_col(w, ow, j, &c) ? x[h * w->width + c] : 0;
                }
            }
}

ALWAYS_INLINE void add_to(size_t n, const real *from, real *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

// dx = the windows' gradients, added where they overlap
static void windows_backward(const struct window *w, const real *from, real *dx)
{
    const size_t n = w->channels, run = w->size_w * n;

    memset(dx, 0, w->height * w->width * n * sizeof(real));
    for (size_t oh = 0; oh < w->out_h; oh++)
        for (size_t ow = 0; ow < w->out_w; ow++)
            for (size_t i = 0; i < w->size_h; i++, from += run) {
                size_t h, c, last;

                if (!window_row(w, oh, i, &h))
                    continue;
                if (w->dilation_w == 1 && window_col(w, ow, 0, &c) &&
                    window_col(w, ow, w->size_w - 1, &last)) {
                    add_to(run, from, dx + (h * w->width + c) * n);
                    continue;
                }
                for (size_t j = 0; j < w->size_w; j++)
                    if (window_col(w, ow, j, &c))
                        add_to(n, from + j * n, dx + (h * w->width + c) * n);
            }
}

// Windows side by side, none in padding, channels in whole vectors: the common case.
ALWAYS_INLINE bool window_tiles(const struct window *w)
{
    return window_plain(w) && w->stride_h == w->size_h && w->stride_w == w->size_w &&
           w->channels % VL == 0;
}

#if !defined(ENGINE_REAL_DOUBLE) && defined(__AVX512F__) && VEC_BYTES == 64
// The larger one; b where either is NaN.
ALWAYS_INLINE vec larger(vec a, vec b)
{
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
}

// Lane by lane: where x and y are equal a, else b.
ALWAYS_INLINE vec where_equal(vec x, vec y, vec a, vec b)
{
    const __mmask16 same = _mm512_cmp_ps_mask((__m512)x, (__m512)y, _CMP_EQ_OQ);

    return (vec)_mm512_mask_blend_ps(same, (__m512)b, (__m512)a);
}
#else
#ifdef ENGINE_REAL_DOUBLE
typedef int64_t vec_mask __attribute__((vector_size(VEC_BYTES)));
#else
typedef int32_t vec_mask __attribute__((vector_size(VEC_BYTES)));
#endif

ALWAYS_INLINE vec choose(vec_mask mask, vec a, vec b)
{
    return (vec)(((vec_mask)a & mask) | ((vec_mask)b & ~mask));
}

ALWAYS_INLINE vec larger(vec a, vec b)
{
    return choose(a > b, a, b);
}

ALWAYS_INLINE vec where_equal(vec x, vec y, vec a, vec b)
{
    return choose(x == y, a, b);
}
#endif

static void max_pool_tiles(const struct window *w, const real *x, real *y)
{
    const size_t n = w->channels, row = w->width * n;

    for (size_t oh = 0; oh < w->out_h; oh++)
        for (size_t ow = 0; ow < w->out_w; ow++, y += n)
            for (size_t q = 0; q < n; q += VL) {
                const real *at = x + oh * w->size_h * row + ow * w->size_w * n + q;
                vec top = load(at);

                for (size_t i = 0; i < w->size_h; i++)
                    for (size_t j = 0; j < w->size_w; j++)
                        top = larger(load(at + i * row + j * n), top);
                store(y + q, top);
            }
}

static void max_pool(const struct window *w, const real *x, real *y)
{
    const size_t n = w->channels;

    if (window_tiles(w)) {
        max_pool_tiles(w, x, y);
        return;
    }
    for (size_t oh = 0; oh < w->out_h; oh++)
        for (size_t ow = 0; ow < w->out_w; ow++, y += n) {
            bool first = true;

            for (size_t i = 0; i < w->size_h; i++)
                for (size_t j = 0; j < w->size_w; j++) {
                    size_t h, c;

                    if (!window_row(w, oh, i, &h) || !window_col(w, ow, j, &c))
                        continue;
                    const real *at = x + (h * w->width + c) * n;

                    if (first)
                        copy(n, at, y);
                    else
                        for (size_t q = 0; q < n; q++)
                            y[q] = at[q] > y[q] ? at[q] : y[q];
                    first = false;
                }
        }
}

static void max_pool_tiles_backward(const struct window *w, const real *x, const real *y,
                                    const real *dy, real *dx)
{
    const size_t n = w->channels, row = w->width * n;

    if (w->out_h * w->size_h < w->height || w->out_w * w->size_w < w->width)
        memset(dx, 0, w->height * row * sizeof(real));
    for (size_t oh = 0; oh < w->out_h; oh++)
        for (size_t ow = 0; ow < w->out_w; ow++, y += n, dy += n)
            for (size_t q = 0; q < n; q += VL) {
                const size_t at = oh * w->size_h * row + ow * w->size_w * n + q;
                const vec top = load(y + q);
                vec left = load(dy + q);

                for (size_t i = 0; i < w->size_h; i++)
                    for (size_t j = 0; j < w->size_w; j++) {
                        const size_t place = at + i * row + j * n;
                        const vec v = load(x + place);

                        store(dx + place, where_equal(v, top, left, (vec){0}));
                        left = where_equal(v, top, (vec){0}, left);
                    }
            }
}

// The gradient goes to the first of a window's largest.
static void max_pool_backward(const struct window *w, const real *x, const real *y, const real *dy,
                              real *dx)
{
    const size_t n = w->channels;
    enum { CHUNK = 64 };

    if (window_tiles(w)) {
        max_pool_tiles_backward(w, x, y, dy, dx);
        return;
    }
    memset(dx, 0, w->height * w->width * n * sizeof(real));
    for (size_t oh = 0; oh < w->out_h; oh++)
        for (size_t ow = 0; ow < w->out_w; ow++, y += n, dy += n)
            for (size_t from = 0; from < n; from += CHUNK) {
                const size_t count = n - from < CHUNK ? n - from : CHUNK;
                real left[CHUNK];

                copy(count, dy + from, left);
                for (size_t i = 0; i < w->size_h; i++)
                    for (size_t j = 0; j < w->size_w; j++) {
                        size_t h, c;

                        if (!window_row(w, oh, i, &h) || !window_col(w, ow, j, &c))
                            continue;
                        const size_t at = (h * w->width + c) * n + from;

                        for (size_t q = 0; q < count; q++) {
                            const bool here = x[at + q] == y[from + q];

                            dx[at + q] += here ? left[q] : 0;
                            left[q] = here ? 0 : left[q];
                        }
                    }
            }
}

ALWAYS_INLINE size_t inside_count(const struct window *w, size_t oh, size_t ow)
{
    size_t count = 0, h, c;

    for (size_t i = 0; i < w->size_h; i++)
        for (size_t j = 0; j < w->size_w; j++)
            count += window_row(w, oh, i, &h) && window_col(w, ow, j, &c);
    return count;
}

static void mean_pool(const struct window *w, const real *x, real *y)
{
    const size_t n = w->channels;

    for (size_t oh = 0; oh < w->out_h; oh++)
        for (size_t ow = 0; ow < w->out_w; ow++, y += n) {
            const real factor = 1 / (real)inside_count(w, oh, ow);

            memset(y, 0, n * sizeof(real));
            for (size_t i = 0; i < w->size_h; i++)
                for (size_t j = 0; j < w->size_w; j++) {
                    size_t h, c;

                    if (window_row(w, oh, i, &h) && window_col(w, ow, j, &c))
                        add_to(n, x + (h * w->width + c) * n, y);
                }
            for (size_t q = 0; q < n; q++)
                y[q] *= factor;
        }
}

static void mean_pool_backward(const struct window *w, const real *dy, real *dx)
{
    const size_t n = w->channels;

    memset(dx, 0, w->height * w->width * n * sizeof(real));
    for (size_t oh = 0; oh < w->out_h; oh++)
        for (size_t ow = 0; ow < w->out_w; ow++, dy += n) {
            const real factor = 1 / (real)inside_count(w, oh, ow);

            for (size_t i = 0; i < w->size_h; i++)
                for (size_t j = 0; j < w->size_w; j++) {
                    size_t h, c;

                    if (!window_row(w, oh, i, &h) || !window_col(w, ow, j, &c))
                        continue;
                    real *to = dx + (h * w->width + c) * n;

                    for (size_t q = 0; q < n; q++)
                        to[q] += dy[q] * factor;
                }
        }
}
