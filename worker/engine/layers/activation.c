// Activation: a function by itself, over the last axis for softmax.
#include <string.h>

#include "worker/engine/layer.h"

struct state {
    const struct activation *f;
};

static enum code init(struct layer *l, const cJSON *config, struct error *err)
{
    struct state *s = l->state;

    s->f = activation_find(json_string_or(config, "activation", NULL));
    if (!s->f)
        return fail(err, E_UNKNOWN, "/activation", "unknown activation");
    l->alias = s->f->kind == ACT_LINEAR;
    l->out = l->in;
    return OK;
}

static size_t kept(const struct layer *l, size_t batch)
{
    return batch * l->in_size;
}

static void forward(struct layer *l, const struct pass *pass, const real *x, real *y)
{
    const struct activation *f = ((struct state *)l->state)->f;
    const size_t cols = (size_t)l->in.dim[l->in.rank - 1];
    const size_t n = pass->batch * l->in_size;

    memcpy(l->keep, x, n * sizeof(real));
    pass->kernels->act_forward[f->kind](n / cols, cols, NULL, l->keep, y, f->p);
}

static void backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                     real *dy, real *dx)
{
    const struct activation *f = ((struct state *)l->state)->f;
    const size_t cols = (size_t)l->in.dim[l->in.rank - 1];
    const size_t n = pass->batch * l->in_size;

    if (!dx)
        return;
    if (l->gradient_is_dz)
        memcpy(dx, dy, n * sizeof(real));
    else
        pass->kernels->act_backward[f->kind](n / cols, cols, f->needs_input ? x : y, dy, dx, f->p);
}

static const struct activation *last_activation(const struct layer *l)
{
    return ((const struct state *)l->state)->f;
}

const struct layer_ops layer_activation = {
    .type = "Activation",
    .state_size = sizeof(struct state),
    .init = init,
    .kept = kept,
    .forward = forward,
    .backward = backward,
    .last_activation = last_activation,
};
