// Pooling: the largest or the mean of each window, a channel at a time; padding counts for nothing.
// The global ones are windows over everything.
#include "worker/engine/layers/window.h"

struct pooling {
    struct window window;
};

static enum code init(struct layer *l, const cJSON *config, int dims, struct error *err)
{
    return window_init(&((struct pooling *)l->state)->window, l, config, dims, "pool_size", 0, err);
}

static enum code init_1d(struct layer *l, const cJSON *config, struct error *err)
{
    return init(l, config, 1, err);
}

static enum code init_2d(struct layer *l, const cJSON *config, struct error *err)
{
    return init(l, config, 2, err);
}

static enum code init_global(struct layer *l, const cJSON *config, int dims, struct error *err)
{
    const enum code code = window_whole(&((struct pooling *)l->state)->window, l, dims, err);

    if (code != OK)
        return code;
    if (json_bool_or(config, "keepdims", false)) {
        l->out = (struct shape){.rank = dims + 1, .dim = {1, 1, 1, 1}};
        l->out.dim[dims] = l->in.dim[dims];
    } else {
        l->out = (struct shape){.rank = 1, .dim = {l->in.dim[dims]}};
    }
    return OK;
}

static enum code init_global_1d(struct layer *l, const cJSON *config, struct error *err)
{
    return init_global(l, config, 1, err);
}

static enum code init_global_2d(struct layer *l, const cJSON *config, struct error *err)
{
    return init_global(l, config, 2, err);
}

static void max_forward(struct layer *l, const struct pass *pass, const real *x, real *y)
{
    const struct window *w = &((struct pooling *)l->state)->window;

    for (size_t i = 0; i < pass->batch; i++)
        pass->kernels->max_pool(w, x + i * l->in_size, y + i * l->out_size);
}

static void max_backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                         real *dy, real *dx)
{
    const struct window *w = &((struct pooling *)l->state)->window;

    for (size_t i = 0; dx && i < pass->batch; i++)
        pass->kernels->max_pool_backward(w, x + i * l->in_size, y + i * l->out_size,
                                         dy + i * l->out_size, dx + i * l->in_size);
}

static void mean_forward(struct layer *l, const struct pass *pass, const real *x, real *y)
{
    const struct window *w = &((struct pooling *)l->state)->window;

    for (size_t i = 0; i < pass->batch; i++)
        pass->kernels->mean_pool(w, x + i * l->in_size, y + i * l->out_size);
}

static void mean_backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                          real *dy, real *dx)
{
    const struct window *w = &((struct pooling *)l->state)->window;

    (void)x, (void)y;
    for (size_t i = 0; dx && i < pass->batch; i++)
        pass->kernels->mean_pool_backward(w, dy + i * l->out_size, dx + i * l->in_size);
}

#define POOLING(symbol, keras, how, start)                                                         \
    const struct layer_ops symbol = {.type = keras,                                                \
                                     .state_size = sizeof(struct pooling),                         \
                                     .init = start,                                                \
                                     .forward = how##_forward,                                     \
                                     .backward = how##_backward};
POOLING(layer_max_pooling_1d, "MaxPooling1D", max, init_1d)
POOLING(layer_max_pooling_2d, "MaxPooling2D", max, init_2d)
POOLING(layer_average_pooling_1d, "AveragePooling1D", mean, init_1d)
POOLING(layer_average_pooling_2d, "AveragePooling2D", mean, init_2d)
POOLING(layer_global_max_pooling_1d, "GlobalMaxPooling1D", max, init_global_1d)
POOLING(layer_global_max_pooling_2d, "GlobalMaxPooling2D", max, init_global_2d)
POOLING(layer_global_average_pooling_1d, "GlobalAveragePooling1D", mean, init_global_1d)
POOLING(layer_global_average_pooling_2d, "GlobalAveragePooling2D", mean, init_global_2d)
