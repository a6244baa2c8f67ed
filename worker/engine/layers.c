// The table of layers, and what all layers share.
#include "worker/engine/layer.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

extern const struct layer_ops layer_flatten, layer_reshape, layer_dense, layer_dropout_ops,
    layer_gaussian_noise, layer_activation, layer_batch_normalization, layer_layer_normalization,
    layer_conv_1d, layer_conv_2d, layer_max_pooling_1d, layer_max_pooling_2d,
    layer_average_pooling_1d, layer_average_pooling_2d, layer_global_max_pooling_1d,
    layer_global_max_pooling_2d, layer_global_average_pooling_1d, layer_global_average_pooling_2d,
    layer_embedding, layer_simple_rnn, layer_lstm, layer_gru;

static const struct layer_ops *const layers[] = {
    &layer_flatten,
    &layer_reshape,
    &layer_dense,
    &layer_dropout_ops,
    &layer_gaussian_noise,
    &layer_activation,
    &layer_batch_normalization,
    &layer_layer_normalization,
    &layer_conv_1d,
    &layer_conv_2d,
    &layer_max_pooling_1d,
    &layer_max_pooling_2d,
    &layer_average_pooling_1d,
    &layer_average_pooling_2d,
    &layer_global_max_pooling_1d,
    &layer_global_max_pooling_2d,
    &layer_global_average_pooling_1d,
    &layer_global_average_pooling_2d,
    &layer_embedding,
    &layer_simple_rnn,
    &layer_lstm,
    &layer_gru,
};

const struct layer_ops *layer_find(const char *type)
{
    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
        if (strcmp(layers[i]->type, type) == 0)
            return layers[i];
    return NULL;
}

struct param *layer_param(struct layer *layer, const char *name, int rank, const int64_t *dim,
                          enum initializer initializer)
{
    struct param *param = &layer->params[layer->nparams++];

    *param = (struct param){
        .name = name, .rank = rank, .size = 1, .trainable = true, .initializer = initializer};
    for (int i = 0; i < rank; i++) {
        param->dim[i] = dim[i];
        param->size *= (size_t)dim[i];
    }
    return param;
}

// null, {"type": "l1" | "l2" | "l1_l2", "l1": …, "l2": …}, or a short name: Keras' 0.01 each.
struct regularizer layer_regularizer(const cJSON *config, const char *name)
{
    const cJSON *item = json_member(config, name);
    const char *type = cJSON_IsString(item) ? item->valuestring : json_string_or(item, "type", "");
    const bool both = strcmp(type, "l1_l2") == 0 || strcmp(type, "L1L2") == 0;
    const bool l1 = both || strcmp(type, "l1") == 0 || strcmp(type, "L1") == 0;
    const bool l2 = both || strcmp(type, "l2") == 0 || strcmp(type, "L2") == 0;
    // Keras: L1(0.01), L2(0.01), L1L2(0, 0) as classes, "l1_l2" as a name is 0.01 for both.
    const double fallback = both && !cJSON_IsString(item) ? 0 : 0.01;

    return (struct regularizer){l1 ? (real)json_number_or(item, "l1", fallback) : 0,
                                l2 ? (real)json_number_or(item, "l2", fallback) : 0};
}

size_t shape_size(const struct shape *shape)
{
    size_t size = 1;

    for (int i = 0; i < shape->rank; i++)
        size *= (size_t)shape->dim[i];
    return size;
}

struct noise layer_noise(const struct pass *pass, int index)
{
    return (struct noise){rng_mix(pass->seed, (uint64_t)index), pass->step};
}

struct dropout layer_dropout(const struct pass *pass, int index, real rate)
{
    return (struct dropout){layer_noise(pass, index), (uint32_t)((double)rate * 4294967296.0),
                            1 / (1 - rate)};
}

real layer_rate(double rate)
{
    const real below = 1 - (sizeof(real) == sizeof(float) ? FLT_EPSILON : DBL_EPSILON) / 2;

    return (real)rate < 1 ? (real)rate : (real)below;
}
