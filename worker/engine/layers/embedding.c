// Embedding: numbers of words to rows of a table. The input is whole numbers carried as reals; what is
// out of range is caught when the training is built (input_limit), so here it is only clamped.
#include <string.h>

#include "worker/engine/layer.h"

struct embedding {
    size_t words, width;
};

static enum code init(struct layer *l, const cJSON *config, struct error *err)
{
    struct embedding *s = l->state;
    const int64_t words = json_integer_or(config, "input_dim", 0);
    const int64_t width = json_integer_or(config, "output_dim", 0);
    const int kind = initializer_find(json_string_or(config, "embeddings_initializer", "uniform"));

    if (words < 1 || width < 1)
        return fail(err, E_RANGE, words < 1 ? "/input_dim" : "/output_dim",
                    "input_dim and output_dim must be whole numbers of 1 or more");
    if (l->in.rank > 3)
        return fail(err, E_INVALID, "", "its input has too many axes");
    s->words = (size_t)words;
    s->width = (size_t)width;
    l->out = l->in;
    l->out.dim[l->out.rank++] = width;
    layer_param(l, "embeddings", 2, (int64_t[]){words, width},
                kind < 0 ? INIT_UNIFORM_05 : (enum initializer)kind)
        ->regularizer = layer_regularizer(config, "embeddings_regularizer");
    return OK;
}

static size_t word_of(const struct embedding *s, real x)
{
    const real top = (real)(s->words - 1);

    return x > 0 ? (size_t)(x < top ? x : top) : 0;
}

static void forward(struct layer *l, const struct pass *pass, const real *x, real *y)
{
    const struct embedding *s = l->state;

    for (size_t i = 0; i < pass->batch * l->in_size; i++)
        memcpy(y + i * s->width, l->params[0].w + word_of(s, x[i]) * s->width,
               s->width * sizeof(real));
}

static void backward(struct layer *l, const struct pass *pass, const real *x, const real *y,
                     real *dy, real *dx)
{
    const struct embedding *s = l->state;

    (void)y;
    memset(l->params[0].g, 0, l->params[0].size * sizeof(real));
    for (size_t i = 0; i < pass->batch * l->in_size; i++) {
        real *g = l->params[0].g + word_of(s, x[i]) * s->width;

        for (size_t c = 0; c < s->width; c++)
            g[c] += dy[i * s->width + c];
    }
    if (dx)
        memset(dx, 0, pass->batch * l->in_size * sizeof(real));
}

static int64_t input_limit(const struct layer *l)
{
    return (int64_t)((const struct embedding *)l->state)->words;
}

const struct layer_ops layer_embedding = {
    .type = "Embedding",
    .state_size = sizeof(struct embedding),
    .init = init,
    .forward = forward,
    .backward = backward,
    .input_limit = input_limit,
};
