// BatchNormalization over the last axis and LayerNormalization over trailing axes.
#include <math.h>
#include <string.h>

#include "worker/engine/layer.h"

struct batch_norm {
    size_t channels, rows; // rows a sample
    real momentum, epsilon;
    int gamma, beta, mean, variance; // places in params, -1: none
};

static enum code axis_is_last(const struct layer *l, const cJSON *config, struct error *err)
{
    const int64_t axis = json_integer_or(config, "axis", -1);

    if (axis != -1 && axis != l->in.rank)
        return fail(err, E_RANGE, "/axis", "axis is %lld; only the last axis (-1) is supported",
                    (long long)axis);
    return OK;
}

static int add_param(struct layer *l, const cJSON *config, const char *flag, const char *name,
                     const char *initializer, const char *regularizer, int rank, const int64_t *dim)
{
    const int kind = initializer_find(json_string_or(config, initializer, ""));
    const enum initializer fallback =
        strcmp(name, "gamma") == 0 || strcmp(name, "moving_variance") == 0 ? INIT_ONES : INIT_ZEROS;
    struct param *param;

    if (flag && !json_bool_or(config, flag, true))
        return -1;
    param = layer_param(l, name, rank, dim, kind < 0 ? fallback : (enum initializer)kind);
    if (regularizer)
        param->regularizer = layer_regularizer(config, regularizer);
    else
        param->trainable = false;
    return l->nparams - 1;
}

static enum code batch_init(struct layer *l, const cJSON *config, struct error *err)
{
    struct batch_norm *s = l->state;
    const int64_t dim = l->in.dim[l->in.rank - 1];
    const enum code code = axis_is_last(l, config, err);

    if (code != OK)
        return code;
    s->channels = (size_t)dim;
    s->rows = l->in_size / s->channels;
    s->momentum = (real)json_number_or(config, "momentum", 0.99);
    s->epsilon = (real)json_number_or(config, "epsilon", 1e-3);
    s->gamma =
        add_param(l, config, "scale", "gamma", "gamma_initializer", "gamma_regularizer", 1, &dim);
    s->beta =
        add_param(l, config, "center", "beta", "beta_initializer", "beta_regularizer", 1, &dim);
    s->mean = add_param(l, config, NULL, "moving_mean", "moving_mean_initializer", NULL, 1, &dim);
    s->variance =
        add_param(l, config, NULL, "moving_variance", "moving_variance_initializer", NULL, 1, &dim);
    l->out = l->in;
    return OK;
}

// mean, 1/deviation and three rows of coefficients: [5 × channels]
static size_t batch_kept(const struct layer *l, size_t batch)
{
    (void)batch;
    return 5 * ((const struct batch_norm *)l->state)->channels;
}

// The batch's own biased variance, in the moving one too.
static void batch_forward(struct layer *l, const struct pass *pass, const real *x, real *y)
{
    const struct batch_norm *s = l->state;
    const size_t rows = pass->batch * s->rows, n = s->channels;
    real *mean = l->keep, *inverse = mean + n, *scale = mean + 2 * n, *shift = mean + 3 * n;
    real *moving_mean = l->params[s->mean].w, *moving_variance = l->params[s->variance].w;

    if (pass->training) {
        pass->kernels->moments(rows, n, x, mean, inverse);
        for (size_t c = 0; c < n; c++) {
            moving_mean[c] = moving_mean[c] * s->momentum + mean[c] * (1 - s->momentum);
            moving_variance[c] = moving_variance[c] * s->momentum + inverse[c] * (1 - s->momentum);
        }
    } else {
        memcpy(mean, moving_mean, n * sizeof(real));
        memcpy(inverse, moving_variance, n * sizeof(real));
    }
    for (size_t c = 0; c < n; c++) {
        inverse[c] = 1 / (real)sqrt((double)(inverse[c] + s->epsilon));
        scale[c] = s->gamma >= 0 ? l->params[s->gamma].w[c] * inverse[c] : inverse[c];
        shift[c] = (s->beta >= 0 ? l->params[s->beta].w[c] : 0) - mean[c] * scale[c];
    }
    pass->kernels->scale_shift(rows, n, x, scale, shift, y);
}

// With x̂ the normalised input, m the mean over the rows:
// dx = γ/σ (dy - m(dy) - x̂ m(dy x̂)); the last two terms only where the statistics are the batch's.
static void batch_backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                           real *dy, real *dx)
{
    const struct batch_norm *s = l->state;
    const size_t rows = pass->batch * s->rows, n = s->channels;
    const real *mean = l->keep, *inverse = mean + n;
    real *a = l->keep + 2 * n, *b = l->keep + 3 * n, *c = l->keep + 4 * n;

    (void)y;
    pass->kernels->normal_sums(rows, n, x, dy, mean, inverse, b, c);
    if (s->beta >= 0)
        memcpy(l->params[s->beta].g, b, n * sizeof(real));
    if (s->gamma >= 0)
        memcpy(l->params[s->gamma].g, c, n * sizeof(real));
    if (!dx)
        return;
    for (size_t i = 0; i < n; i++) {
        const real dy_mean = pass->training ? b[i] / (real)rows : 0;
        const real dot_mean = pass->training ? c[i] / (real)rows : 0;

        a[i] = s->gamma >= 0 ? l->params[s->gamma].w[i] * inverse[i] : inverse[i];
        b[i] = -a[i] * dot_mean * inverse[i];
        c[i] = -a[i] * dy_mean - b[i] * mean[i];
    }
    pass->kernels->combine(rows, n, dy, a, x, b, c, dx);
}

const struct layer_ops layer_batch_normalization = {
    .type = "BatchNormalization",
    .state_size = sizeof(struct batch_norm),
    .init = batch_init,
    .kept = batch_kept,
    .forward = batch_forward,
    .backward = batch_backward,
};

struct layer_norm {
    size_t width, rows; // normalised numbers, and how many such rows a sample has
    real epsilon;
    int gamma, beta;
};

// axis: -1, or all axes from some one to the last (counted from 1; negative ones from the end).
static enum code first_axis(const struct layer *l, const cJSON *config, int *first,
                            struct error *err)
{
    const cJSON *axis = json_member(config, "axis"), *item;
    const int rank = l->in.rank, count = cJSON_IsArray(axis) ? cJSON_GetArraySize(axis) : 1;
    unsigned seen = 0;

    *first = rank - count;
    if (cJSON_IsArray(axis)) {
        cJSON_ArrayForEach(item, axis)
        {
            int64_t at;

            if (!json_is_integer(item, &at) || at < -rank || at > rank || at == 0)
                return fail(err, E_RANGE, "/axis", "axis must be axes of the input");
            seen |= 1u << (at < 0 ? rank + at : at - 1);
        }
    } else {
        const int64_t at = json_integer_or(config, "axis", -1);

        seen = at == -1 || at == rank ? 1u << (rank - 1) : 0;
    }
    if (count < 1 || count > rank || seen != ((1u << count) - 1) << (rank - count))
        return fail(err, E_RANGE, "/axis", "axis must be the last axes of the input");
    return OK;
}

static enum code layer_init(struct layer *l, const cJSON *config, struct error *err)
{
    struct layer_norm *s = l->state;
    int first;
    const enum code code = first_axis(l, config, &first, err);

    if (code != OK)
        return code;
    s->width = 1;
    for (int i = first; i < l->in.rank; i++)
        s->width *= (size_t)l->in.dim[i];
    s->rows = l->in_size / s->width;
    s->epsilon = (real)json_number_or(config, "epsilon", 1e-3);
    s->gamma = add_param(l, config, "scale", "gamma", "gamma_initializer", "gamma_regularizer",
                         l->in.rank - first, l->in.dim + first);
    s->beta = add_param(l, config, "center", "beta", "beta_initializer", "beta_regularizer",
                        l->in.rank - first, l->in.dim + first);
    l->out = l->in;
    return OK;
}

// mean and 1/deviation of each row
static size_t layer_kept(const struct layer *l, size_t batch)
{
    return 2 * batch * ((const struct layer_norm *)l->state)->rows;
}

static void layer_forward(struct layer *l, const struct pass *pass, const real *x, real *y)
{
    const struct layer_norm *s = l->state;
    const size_t rows = pass->batch * s->rows, n = s->width;
    const real *gamma = s->gamma >= 0 ? l->params[s->gamma].w : NULL;
    const real *beta = s->beta >= 0 ? l->params[s->beta].w : NULL;

    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        double mean = 0, variance = 0;
        real inverse;

        for (size_t i = 0; i < n; i++)
            mean += (double)x[i];
        mean /= (double)n;
        for (size_t i = 0; i < n; i++)
            variance += ((double)x[i] - mean) * ((double)x[i] - mean);
        inverse = (real)(1 / sqrt(variance / (double)n + (double)s->epsilon));
        l->keep[2 * r] = (real)mean;
        l->keep[2 * r + 1] = inverse;
        for (size_t i = 0; i < n; i++)
            y[i] = (x[i] - (real)mean) * inverse * (gamma ? gamma[i] : 1) + (beta ? beta[i] : 0);
    }
}

static void layer_backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                           real *dy, real *dx)
{
    const struct layer_norm *s = l->state;
    const size_t rows = pass->batch * s->rows, n = s->width;
    const real *gamma = s->gamma >= 0 ? l->params[s->gamma].w : NULL;
    real *dgamma = s->gamma >= 0 ? l->params[s->gamma].g : NULL;
    real *dbeta = s->beta >= 0 ? l->params[s->beta].g : NULL;

    (void)y;
    for (size_t i = 0; i < n; i++) {
        if (dgamma)
            dgamma[i] = 0;
        if (dbeta)
            dbeta[i] = 0;
    }
    for (size_t r = 0; r < rows; r++, x += n, dy += n) {
        const real mean = l->keep[2 * r], inverse = l->keep[2 * r + 1];
        double sum = 0, dot = 0;

        for (size_t i = 0; i < n; i++) {
            const real hat = (x[i] - mean) * inverse, g = dy[i] * (gamma ? gamma[i] : 1);

            if (dgamma)
                dgamma[i] += dy[i] * hat;
            if (dbeta)
                dbeta[i] += dy[i];
            sum += (double)g;
            dot += (double)(g * hat);
        }
        for (size_t i = 0; dx && i < n; i++) {
            const real hat = (x[i] - mean) * inverse, g = dy[i] * (gamma ? gamma[i] : 1);

            dx[r * n + i] = inverse * (g - (real)(sum / (double)n) - hat * (real)(dot / (double)n));
        }
    }
}

const struct layer_ops layer_layer_normalization = {
    .type = "LayerNormalization",
    .state_size = sizeof(struct layer_norm),
    .init = layer_init,
    .kept = layer_kept,
    .forward = layer_forward,
    .backward = layer_backward,
};
