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

// to [out_h·out_w × size_h·size_w·channels]
static void windows(const struct window *w, const real *x, real *to)
{
    const size_t n = w->channels, run = w->size_w * n;

    for (size_t oh = 0; oh < w->out_h; oh++)
        for (size_t ow = 0; ow < w->out_w; ow++)
            for (size_t i = 0; i < w->size_h; i++, to += run) {
                size_t h, c, last;

                if (!window_row(w, oh, i, &h)) {
                    memset(to, 0, run * sizeof(real));
                } else if (w->dilation_w == 1 && window_col(w, ow, 0, &c) &&
                           window_col(w, ow, w->size_w - 1, &last)) {
                    copy(run, x + (h * w->width + c) * n, to);
                } else {
                    for (size_t j = 0; j < w->size_w; j++)
                        if (window_col(w, ow, j, &c))
                            copy(n, x + (h * w->width + c) * n, to + j * n);
                        else
                            memset(to + j * n, 0, n * sizeof(real));
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

static void max_pool(const struct window *w, const real *x, real *y)
{
    const size_t n = w->channels;

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

// The gradient goes to the first of a window's largest. Windows that do not overlap write each place
// once.
static void max_pool_backward(const struct window *w, const real *x, const real *y, const real *dy,
                              real *dx)
{
    const size_t n = w->channels;
    enum { CHUNK = 64 };

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
