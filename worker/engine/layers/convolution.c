// Conv1D and Conv2D, channels last. A sample's windows are laid out as the rows of a matrix (im2col)
// that stays in the second-level cache, and one product with the kernel [size·size·channels × filters]
// does the rest; backward the same way, windows' gradients being added back where they overlap.
// With groups, each has its share of the channels and of the filters, and a product of its own.
#include <string.h>

#include "worker/engine/layers/window.h"

// From so many numbers in a window on, the gradient's product is the turned one.
enum { TURNED = 64 };

struct conv {
    struct window window;          // over one group's channels
    size_t filters, places, patch; // windows of a sample, numbers of a window
    size_t groups, channels, own;  // the input's channels; filters of a group
    const struct activation *f;
    bool use_bias;
    // One channel: windows are columns, not rows, as runs of pixels are copied faster than single windows.
    bool columns;
};

static enum code split(struct conv *s, const cJSON *config, struct error *err)
{
    const int64_t filters = json_integer_or(config, "filters", 0);
    const int64_t groups = json_integer_or(config, "groups", 1);

    s->channels = s->window.channels;
    if (filters < 1)
        return fail(err, E_RANGE, "/filters", "filters must be a whole number of 1 or more");
    if (groups < 1)
        return fail(err, E_RANGE, "/groups", "groups must be a whole number of 1 or more");
    if (filters % groups != 0 || (int64_t)s->channels % groups != 0)
        return fail(err, E_INVALID, "/groups",
                    "%lld groups cannot share %lld filters and %zu channels evenly",
                    (long long)groups, (long long)filters, s->channels);
    s->filters = (size_t)filters;
    s->groups = (size_t)groups;
    s->own = s->filters / s->groups;
    s->window.channels = s->channels / s->groups;
    return OK;
}

static enum code init(struct layer *l, const cJSON *config, int dims, struct error *err)
{
    struct conv *s = l->state;
    const int kernel_init =
        initializer_find(json_string_or(config, "kernel_initializer", "glorot_uniform"));
    const int bias_init = initializer_find(json_string_or(config, "bias_initializer", "zeros"));
    struct window *w = &s->window;
    enum code code = window_init(w, l, config, dims, "kernel_size", 1, err);

    code = code == OK ? split(s, config, err) : code;
    if (code != OK)
        return code;
    s->f = activation_find(json_string_or(config, "activation", NULL));
    if (!s->f)
        return fail(err, E_UNKNOWN, "/activation", "unknown activation");
    if (kernel_init < 0 || bias_init < 0)
        return fail(err, E_UNKNOWN, kernel_init < 0 ? "/kernel_initializer" : "/bias_initializer",
                    "unknown initializer");
    s->places = w->out_h * w->out_w;
    s->patch = w->size_h * w->size_w * w->channels;
    s->use_bias = json_bool_or(config, "use_bias", true);
    s->columns = s->channels == 1 && s->patch < TURNED;
    const int64_t filters = (int64_t)s->filters;
    const int64_t shape[] = {(int64_t)w->size_h, (int64_t)w->size_w, (int64_t)w->channels, filters};

    l->out.dim[dims] = filters;
    layer_param(l, "kernel", dims + 2, shape + 2 - dims, (enum initializer)kernel_init)
        ->regularizer = layer_regularizer(config, "kernel_regularizer");
    if (s->use_bias)
        layer_param(l, "bias", 1, &filters, (enum initializer)bias_init)->regularizer =
            layer_regularizer(config, "bias_regularizer");
    return OK;
}

static enum code init_1d(struct layer *l, const cJSON *config, struct error *err)
{
    return init(l, config, 1, err);
}

static enum code init_2d(struct layer *l, const cJSON *config, struct error *err)
{
    return init(l, config, 2, err);
}

static size_t kept(const struct layer *l, size_t batch)
{
    const struct conv *s = l->state;

    return s->f->needs_input ? batch * s->places * s->filters : 0;
}

// Numbers of one group's channels of a sample, where they do not lie side by side by themselves.
static size_t slice_size(const struct conv *s)
{
    return s->groups > 1 ? s->window.height * s->window.width * s->window.channels : 0;
}

// The windows of one sample; the kernel transposed; its gradient transposed; a sum over filters; the
// channels of a group.
struct scratch {
    real *patches, *turned, *gradient, *sum, *slice;
};

static size_t scratch(const struct layer *l, size_t batch)
{
    const struct conv *s = l->state;

    (void)batch;
    return real_padded(s->places * s->patch) + 2 * real_padded(s->patch * s->filters) +
           real_padded(s->filters) + real_padded(slice_size(s));
}

static struct scratch place(const struct conv *s, real *at)
{
    struct scratch out = {.patches = at};

    out.turned = out.patches + real_padded(s->places * s->patch);
    out.gradient = out.turned + real_padded(s->patch * s->filters);
    out.sum = out.gradient + real_padded(s->patch * s->filters);
    out.slice = out.sum + real_padded(s->filters);
    return out;
}

// The windows of group `g` of a sample, in at->patches.
static void windows(const struct conv *s, const struct kernels *k, const struct scratch *at,
                    const real *x, size_t g)
{
    const size_t own = s->window.channels, pixels = s->window.height * s->window.width;

    for (size_t i = 0; s->groups > 1 && i < pixels; i++)
        memcpy(at->slice + i * own, x + i * s->channels + g * own, own * sizeof(real));
    if (s->columns)
        k->windows_turned(&s->window, x, at->patches);
    else
        k->windows(&s->window, s->groups > 1 ? at->slice : x, at->patches);
}

static void windows_back(const struct conv *s, const struct kernels *k, const struct scratch *at,
                         real *dx, size_t g)
{
    const size_t own = s->window.channels, pixels = s->window.height * s->window.width;

    k->windows_backward(&s->window, at->patches, s->groups > 1 ? at->slice : dx);
    for (size_t i = 0; s->groups > 1 && i < pixels; i++)
        memcpy(dx + i * s->channels + g * own, at->slice + i * own, own * sizeof(real));
}

static void forward(struct layer *l, const struct pass *pass, const real *x, real *y)
{
    const struct conv *s = l->state;
    const struct kernels *k = pass->kernels;
    const struct scratch at = place(s, pass->scratch);
    const real *bias = s->use_bias ? l->params[1].w : NULL;

    for (size_t i = 0; i < pass->batch; i++) {
        real *out = y + i * l->out_size;
        real *z = s->f->needs_input ? l->keep + i * l->out_size : out;

        for (size_t g = 0; g < s->groups; g++) {
            windows(s, k, &at, x + i * l->in_size, g);
            (s->columns ? k->gemm_tn : k->gemm_nn)(
                s->places, s->own, s->patch, at.patches, s->columns ? s->places : s->patch,
                l->params[0].w + g * s->own, s->filters, z + g * s->own, s->filters, false);
        }
        k->act_forward[s->f->kind](s->places, s->filters, bias, z, out, s->f->p);
    }
}

// The kernel's gradient adds up over the samples. Most of dz is 0 behind a pooling layer: where its zeros
// can be left out the product is turned round, dz's transpose times the windows.
static void add_gradient(const struct conv *s, const struct kernels *k, const struct scratch *at,
                         const real *dz, real *gradient, size_t g, bool turned, bool more)
{
    if (turned)
        k->gemm_tn(s->own, s->patch, s->places, dz, s->filters, at->patches, s->patch,
                   at->gradient + g * s->own * s->patch, s->patch, more);
    else
        (s->columns ? k->gemm_nn : k->gemm_tn)(s->patch, s->own, s->places, at->patches,
                                               s->columns ? s->places : s->patch, dz, s->filters,
                                               gradient + g * s->own, s->filters, more);
}

static void backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                     real *dy, real *dx)
{
    const struct conv *s = l->state;
    const struct kernels *k = pass->kernels;
    const struct scratch at = place(s, pass->scratch);
    const bool turned = s->patch >= TURNED;
    real *const gradient = l->params[0].g;

    if (dx)
        k->transpose(s->patch, s->filters, l->params[0].w, s->filters, at.turned, s->patch);
    if (s->use_bias)
        memset(l->params[1].g, 0, s->filters * sizeof(real));
    for (size_t i = 0; i < pass->batch; i++) {
        const real *out = s->f->needs_input ? l->keep + i * l->out_size : y + i * l->out_size;
        real *dz = dy + i * l->out_size;

        if (!l->gradient_is_dz && s->f->kind != ACT_LINEAR)
            k->act_backward[s->f->kind](s->places, s->filters, out, dz, dz, s->f->p);
        if (s->use_bias) {
            k->column_sum(s->places, s->filters, dz, at.sum);
            for (size_t c = 0; c < s->filters; c++)
                l->params[1].g[c] += at.sum[c];
        }
        for (size_t g = 0; g < s->groups; g++) {
            windows(s, k, &at, x + i * l->in_size, g);
            add_gradient(s, k, &at, dz + g * s->own, gradient, g, turned, i > 0);
            if (dx) {
                k->gemm_nn(s->places, s->patch, s->own, dz + g * s->own, s->filters,
                           at.turned + g * s->own * s->patch, s->patch, at.patches, s->patch,
                           false);
                windows_back(s, k, &at, dx + i * l->in_size, g);
            }
        }
    }
    if (turned)
        k->transpose(s->filters, s->patch, at.gradient, s->patch, gradient, s->filters);
}

static const struct activation *last_activation(const struct layer *l)
{
    return ((const struct conv *)l->state)->f;
}

#define CONVOLUTION(symbol, keras, start)                                                          \
    const struct layer_ops symbol = {.type = keras,                                                \
                                     .state_size = sizeof(struct conv),                            \
                                     .init = start,                                                \
                                     .kept = kept,                                                 \
                                     .scratch = scratch,                                           \
                                     .forward = forward,                                           \
                                     .backward = backward,                                         \
                                     .last_activation = last_activation};
CONVOLUTION(layer_conv_1d, "Conv1D", init_1d)
CONVOLUTION(layer_conv_2d, "Conv2D", init_2d)
