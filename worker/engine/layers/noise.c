// Dropout and GaussianNoise: active in training only. Both regenerate their random numbers from
// (seed, layer, step) instead of storing them.
#include <math.h>
#include <string.h>

#include "worker/engine/kernels/philox.h"
#include "worker/engine/layer.h"

struct rate {
    real value;
};

static enum code dropout_init(struct layer *l, const cJSON *config, struct error *err)
{
    struct rate *r = l->state;
    const double rate = json_number_or(config, "rate", 0.5);

    if (!(rate >= 0 && rate < 1))
        return fail(err, E_RANGE, "/rate", "rate is %g; it must be 0 or more and below 1", rate);
    r->value = layer_rate(rate);
    l->alias = rate == 0;
    l->out = l->in;
    return OK;
}

static void dropout_forward(struct layer *l, const struct pass *pass, const real *x, real *y)
{
    const size_t n = pass->batch * l->in_size;
    const struct dropout d = layer_dropout(pass, l->index, ((struct rate *)l->state)->value);

    if (pass->training)
        pass->kernels->dropout(n, x, y, &d);
    else
        memcpy(y, x, n * sizeof(real));
}

static void dropout_backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                             real *dy, real *dx)
{
    const struct dropout d = layer_dropout(pass, l->index, ((struct rate *)l->state)->value);

    (void)x, (void)y;
    if (dx)
        pass->kernels->dropout(pass->batch * l->in_size, dy, dx, &d);
}

static real dropout_rate(const struct layer *l)
{
    return ((const struct rate *)l->state)->value;
}

const struct layer_ops layer_dropout_ops = {
    .type = "Dropout",
    .state_size = sizeof(struct rate),
    .init = dropout_init,
    .forward = dropout_forward,
    .backward = dropout_backward,
    .dropout_rate = dropout_rate,
};

static enum code noise_init(struct layer *l, const cJSON *config, struct error *err)
{
    struct rate *r = l->state;
    const double deviation = json_number_or(config, "stddev", 0.1);

    if (!(deviation >= 0 && deviation < 1e6))
        return fail(err, E_RANGE, "/stddev", "stddev is %g; it must be 0 or more", deviation);
    r->value = (real)deviation;
    l->alias = deviation == 0;
    l->out = l->in;
    return OK;
}

// y = x + deviation · normal, two normals a pair of words (Box & Muller 1958).
static void noise_forward(struct layer *l, const struct pass *pass, const real *x, real *y)
{
    const size_t n = pass->batch * l->in_size;
    const double deviation = (double)((struct rate *)l->state)->value;
    const struct noise noise = layer_noise(pass, l->index);
    uint32_t words[PHILOX_BLOCK];

    if (!pass->training) {
        memcpy(y, x, n * sizeof(real));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t at = i % PHILOX_BLOCK, pair = at / 2 * 2;

        if (at == 0)
            philox_block(noise.key, noise.counter, i / PHILOX_BLOCK, words);
        const double radius = sqrt(-2 * log(((double)words[pair] + 0.5) / 4294967296.0));
        const double angle = 6.283185307179586 * ((double)words[pair + 1] / 4294967296.0);

        y[i] = (real)((double)x[i] + deviation * radius * (at == pair ? cos(angle) : sin(angle)));
    }
}

static void noise_backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                           real *dy, real *dx)
{
    (void)x, (void)y;
    if (dx)
        memcpy(dx, dy, pass->batch * l->in_size * sizeof(real));
}

const struct layer_ops layer_gaussian_noise = {
    .type = "GaussianNoise",
    .state_size = sizeof(struct rate),
    .init = noise_init,
    .forward = noise_forward,
    .backward = noise_backward,
};
