// Dense: y = f(x W + b) over the last axis. Bias, activation and a following dropout are one pass over
// the product; with relu the output alone tells the backward of both.
#include "worker/engine/layer.h"

struct dense {
    size_t units, width; // width: length of the last axis of the input
    size_t rows;         // a sample
    const struct activation *f;
    bool use_bias;
};

static enum code init(struct layer *l, const cJSON *config, struct error *err)
{
    struct dense *d = l->state;
    const int64_t units = json_integer_or(config, "units", 0);
    const int kernel_init =
        initializer_find(json_string_or(config, "kernel_initializer", "glorot_uniform"));
    const int bias_init = initializer_find(json_string_or(config, "bias_initializer", "zeros"));

    if (units < 1)
        return fail(err, E_RANGE, "/units", "units must be a whole number of 1 or more");
    d->f = activation_find(json_string_or(config, "activation", NULL));
    if (!d->f)
        return fail(err, E_UNKNOWN, "/activation", "unknown activation");
    if (kernel_init < 0 || bias_init < 0)
        return fail(err, E_UNKNOWN, kernel_init < 0 ? "/kernel_initializer" : "/bias_initializer",
                    "unknown initializer");
    d->units = (size_t)units;
    d->width = (size_t)l->in.dim[l->in.rank - 1];
    d->rows = l->in_size / d->width;
    d->use_bias = json_bool_or(config, "use_bias", true);
    l->out = l->in;
    l->out.dim[l->out.rank - 1] = units;
    layer_param(l, "kernel", 2, (int64_t[]){(int64_t)d->width, units},
                (enum initializer)kernel_init)
        ->regularizer = layer_regularizer(config, "kernel_regularizer");
    l->params[0].steps_itself =
        l->params[0].regularizer.l1 == 0 && l->params[0].regularizer.l2 == 0;
    if (d->use_bias)
        layer_param(l, "bias", 1, (int64_t[]){units}, (enum initializer)bias_init)->regularizer =
            layer_regularizer(config, "bias_regularizer");
    return OK;
}

static size_t kept(const struct layer *l, size_t batch)
{
    const struct dense *d = l->state;

    return d->f->needs_input ? batch * d->rows * d->units : 0;
}

// Rows of the kernel that turned_gradient() makes at a time.
static size_t turned_piece(const struct dense *d)
{
    const size_t most = d->units <= 512 ? 128 : 64, parts = (d->width + most - 1) / most;

    return real_padded((d->width + parts - 1) / parts);
}

static size_t scratch(const struct layer *l, size_t batch)
{
    const struct dense *d = l->state;

    const size_t product = gemm_nt_scratch(batch * d->rows, d->width, d->units);
    const size_t turned = d->units * (real_padded(batch * d->rows) + turned_piece(d));

    return product > turned ? product : turned;
}

static void forward(struct layer *l, const struct pass *pass, const real *x, real *y)
{
    const struct dense *d = l->state;
    const struct kernels *k = pass->kernels;
    const size_t rows = pass->batch * d->rows;
    const real *bias = d->use_bias ? l->params[1].w : NULL;
    real *z = d->f->needs_input ? l->keep : y;

    k->gemm_nn(rows, d->units, d->width, x, d->width, l->params[0].w, d->units, z, d->units, false);
    if (l->fused_dropout > 0 && pass->training) {
        const struct dropout drop = layer_dropout(pass, l->dropout_index, l->fused_dropout);

        k->relu_dropout(rows, d->units, bias, y, &drop);
        return;
    }
    k->act_forward[d->f->kind](rows, d->units, bias, z, y, d->f->p);
}

// Where dz has fewer numbers other than 0 than x, the product is turned round: dz's transpose times x,
// so that dz's zeros are left out. Takes a large batch to pay for the turning back.
static bool turning_pays(const struct dense *d, const struct kernels *k, size_t rows, const real *x,
                         const real *dz)
{
    enum { LEAST = 64 };

    if (rows < LEAST || d->units < LEAST || d->width < LEAST)
        return false;
    return (double)k->count_nonzero(rows * d->units, dz) / (double)d->units + 8 <
           (double)k->count_nonzero(rows * d->width, x) / (double)d->width;
}

static void turned_gradient(struct layer *l, const struct pass *pass, size_t rows, const real *x,
                            const real *dz)
{
    const struct dense *d = l->state;
    const struct kernels *k = pass->kernels;
    struct param *kernel = &l->params[0];
    const size_t ld = real_padded(rows), piece = turned_piece(d);
    real *const turned = pass->scratch, *const product = turned + d->units * ld;

    k->transpose(rows, d->units, dz, d->units, turned, ld);
    for (size_t i = 0; i < d->width; i += piece) {
        const size_t now = d->width - i < piece ? d->width - i : piece;

        k->gemm_nn(d->units, now, rows, turned, ld, x + i, d->width, product, now, false);
        k->transpose(d->units, now, product, now, kernel->g, d->units);
        pass->apply(pass->optimizer, kernel->w + i * d->units, kernel->g, now * d->units);
    }
}

// All at once, or, when the optimizer takes it, so many rows at a time as stay in the second-level cache.
static void kernel_gradient(struct layer *l, const struct pass *pass, size_t rows, const real *x,
                            const real *dz)
{
    enum { PIECE = 1 << 17 };
    const struct dense *d = l->state;
    struct param *kernel = &l->params[0];
    const bool apply = pass->apply && kernel->steps_itself;
    const size_t fits = PIECE / sizeof(real) / d->units / 16 * 16;
    const size_t piece = !apply ? d->width : fits < 16 ? 16 : fits;

    if (apply && turning_pays(d, pass->kernels, rows, x, dz)) {
        turned_gradient(l, pass, rows, x, dz);
        return;
    }
    for (size_t i = 0; i < d->width; i += piece) {
        const size_t now = d->width - i < piece ? d->width - i : piece;

        pass->kernels->gemm_tn(now, d->units, rows, x + i, d->width, dz, d->units, kernel->g,
                               d->units, false);
        if (apply)
            pass->apply(pass->optimizer, kernel->w + i * d->units, kernel->g, now * d->units);
    }
}

static void backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                     real *dy, real *dx)
{
    const struct dense *d = l->state;
    const struct kernels *k = pass->kernels;
    const size_t rows = pass->batch * d->rows;

    if (l->fused_dropout > 0)
        k->relu_dropout_backward(rows * d->units, y, dy, dy, 1 / (1 - l->fused_dropout));
    else if (!l->gradient_is_dz && d->f->kind != ACT_LINEAR)
        k->act_backward[d->f->kind](rows, d->units, d->f->needs_input ? l->keep : y, dy, dy,
                                    d->f->p);
    if (d->use_bias)
        k->column_sum(rows, d->units, dy, l->params[1].g);
    if (dx)
        k->gemm_nt(rows, d->width, d->units, dy, d->units, l->params[0].w, d->units, dx, d->width,
                   false, pass->scratch);
    kernel_gradient(l, pass, rows, x, dy);
}

static const struct activation *last_activation(const struct layer *l)
{
    return ((const struct dense *)l->state)->f;
}

static bool takes_dropout(const struct layer *l)
{
    return ((const struct dense *)l->state)->f->kind == ACT_RELU;
}

const struct layer_ops layer_dense = {
    .type = "Dense",
    .state_size = sizeof(struct dense),
    .init = init,
    .kept = kept,
    .scratch = scratch,
    .forward = forward,
    .backward = backward,
    .last_activation = last_activation,
    .takes_dropout = takes_dropout,
};
