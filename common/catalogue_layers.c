// Layers: names, arguments and defaults of keras.layers (Keras 3).
#include "common/catalogue_tables.h"

#define UNITS_MAX 1000000
#define SIZE_MAX_1D 65536

static const char *const paddings[] = {"valid", "same", NULL};
static const char *const paddings_1d[] = {"valid", "same", "causal", NULL};
// Those whose derivative follows from their value.
static const char *const recurrent_activations[] = {"linear",   "relu",    "leaky_relu",   "elu",
                                                    "selu",     "sigmoid", "hard_sigmoid", "tanh",
                                                    "softplus", NULL};
static const char *const data_formats[] = {"channels_last", NULL};

// clang-format off
#define NAME_ARG {"name", ARG_STRING, .nullable = true, .fixed = true}
#define ACTIVATION(arg, by_default) \
    {arg, ARG_NAME_OF, .nullable = true, .kind = CATALOGUE_ACTIVATION, .fallback = "\"" by_default "\""}
#define RECURRENT_ACTIVATION(arg, by_default) \
    {arg, ARG_NAME, .fallback = "\"" by_default "\"", .names = recurrent_activations}
#define INITIALIZER(arg, by_default) \
    {arg, ARG_NAME_OF, .kind = CATALOGUE_INITIALIZER, .fallback = "\"" by_default "\""}
#define REGULARIZER(arg) {arg, ARG_ENTRY, .nullable = true, .kind = CATALOGUE_REGULARIZER}
#define FLAG(arg, by_default) {arg, ARG_BOOL, .fallback = #by_default}
#define FRACTION(arg) {arg, ARG_NUMBER, .fallback = "0", .min = 0, .max = 1, .max_open = true}
#define UNITS(arg) {arg, ARG_INTEGER, .required = true, .min = 1, .max = UNITS_MAX}
#define EPSILON {"epsilon", ARG_NUMBER, .fallback = "0.001", .min = 0, .max = 1, .min_open = true}

#define KERNEL_AND_BIAS \
    FLAG("use_bias", true), \
    INITIALIZER("kernel_initializer", "glorot_uniform"), \
    INITIALIZER("bias_initializer", "zeros"), \
    REGULARIZER("kernel_regularizer"), \
    REGULARIZER("bias_regularizer")

#define CONV(rank, paddings_) \
    UNITS("filters"), \
    {"kernel_size", ARG_INTEGERS, .required = true, .min = 1, .max = SIZE_MAX_1D, .count = rank}, \
    {"strides", ARG_INTEGERS, .fallback = "1", .min = 1, .max = SIZE_MAX_1D, .count = rank}, \
    {"padding", ARG_NAME, .fallback = "\"valid\"", .names = paddings_}, \
    {"data_format", ARG_NAME, .fallback = "\"channels_last\"", .names = data_formats}, \
    {"dilation_rate", ARG_INTEGERS, .fallback = "1", .min = 1, .max = SIZE_MAX_1D, .count = rank}, \
    {"groups", ARG_INTEGER, .fallback = "1", .min = 1, .max = UNITS_MAX}, \
    ACTIVATION("activation", "linear"), \
    KERNEL_AND_BIAS

#define POOLING(rank) \
    {"pool_size", ARG_INTEGERS, .fallback = "2", .min = 1, .max = SIZE_MAX_1D, .count = rank}, \
    {"strides", ARG_INTEGERS, .nullable = true, .min = 1, .max = SIZE_MAX_1D, .count = rank, .like = "pool_size"}, \
    {"padding", ARG_NAME, .fallback = "\"valid\"", .names = paddings}, \
    {"data_format", ARG_NAME, .fallback = "\"channels_last\"", .names = data_formats}

#define RECURRENT \
    UNITS("units"), \
    RECURRENT_ACTIVATION("activation", "tanh"), \
    KERNEL_AND_BIAS, \
    INITIALIZER("recurrent_initializer", "orthogonal"), \
    REGULARIZER("recurrent_regularizer"), \
    FRACTION("dropout"), \
    FRACTION("recurrent_dropout"), \
    FLAG("return_sequences", false), \
    FLAG("go_backwards", false)

#define CENTER_AND_SCALE \
    FLAG("center", true), \
    FLAG("scale", true), \
    INITIALIZER("beta_initializer", "zeros"), \
    INITIALIZER("gamma_initializer", "ones"), \
    REGULARIZER("beta_regularizer"), \
    REGULARIZER("gamma_regularizer")

#define ARGS(id, ...) static const struct arg id[] = {__VA_ARGS__, NAME_ARG, {0}}
ARGS(no_args, {"data_format", ARG_NAME, .fallback = "\"channels_last\"", .names = data_formats});
ARGS(dense_args, UNITS("units"), ACTIVATION("activation", "linear"), KERNEL_AND_BIAS);
ARGS(dropout_args, {"rate", ARG_NUMBER, .required = true, .min = 0, .max = 1, .max_open = true});
ARGS(activation_args, {"activation", ARG_NAME_OF, .required = true, .kind = CATALOGUE_ACTIVATION});
ARGS(batch_normalization_args,
     {"axis", ARG_INTEGER, .fallback = "-1", .min = -1, .max = -1},
     {"momentum", ARG_NUMBER, .fallback = "0.99", .min = 0, .max = 1}, EPSILON, CENTER_AND_SCALE,
     INITIALIZER("moving_mean_initializer", "zeros"),
     INITIALIZER("moving_variance_initializer", "ones"));
ARGS(layer_normalization_args,
     {"axis", ARG_INTEGERS, .fallback = "-1", .min = -4, .max = 4}, EPSILON, CENTER_AND_SCALE);
ARGS(reshape_args,
     {"target_shape", ARG_INTEGERS, .required = true, .min = -1, .max = 1 << 28});
ARGS(gaussian_noise_args, {"stddev", ARG_NUMBER, .required = true, .min = 0, .max = 1});
ARGS(conv1d_args, CONV(1, paddings_1d));
ARGS(conv2d_args, CONV(2, paddings));
ARGS(pooling1d_args, POOLING(1));
ARGS(pooling2d_args, POOLING(2));
ARGS(global_pooling_args,
     {"data_format", ARG_NAME, .fallback = "\"channels_last\"", .names = data_formats},
     FLAG("keepdims", false));
ARGS(embedding_args,
     {"input_dim", ARG_INTEGER, .required = true, .min = 1, .max = 100000000}, UNITS("output_dim"),
     INITIALIZER("embeddings_initializer", "uniform"), REGULARIZER("embeddings_regularizer"));
ARGS(simple_rnn_args, RECURRENT);
ARGS(lstm_args, RECURRENT, RECURRENT_ACTIVATION("recurrent_activation", "sigmoid"),
     FLAG("unit_forget_bias", true));
ARGS(gru_args, RECURRENT, RECURRENT_ACTIVATION("recurrent_activation", "sigmoid"), FLAG("reset_after", true));
// clang-format on

static enum code one_of_strides_and_dilation(const cJSON *config, struct error *err)
{
    bool strided = false, dilated = false;
    const cJSON *item;

    cJSON_ArrayForEach(item, json_member(config, "strides")) strided |= item->valuedouble > 1;
    cJSON_ArrayForEach(item, json_member(config, "dilation_rate")) dilated |= item->valuedouble > 1;
    if (strided && dilated)
        return fail(err, E_INVALID, "/dilation_rate",
                    "strides and dilation_rate cannot both be above 1; leave one at 1");
    return OK;
}

static enum code convolution(const cJSON *config, struct error *err)
{
    int64_t filters, groups;

    if (json_is_integer(json_member(config, "filters"), &filters) &&
        json_is_integer(json_member(config, "groups"), &groups) && filters % groups != 0)
        return fail(err, E_INVALID, "/groups",
                    "%lld filters cannot be shared evenly by %lld groups", (long long)filters,
                    (long long)groups);
    return one_of_strides_and_dilation(config, err);
}

static enum code one_unknown_dimension(const cJSON *config, struct error *err)
{
    const cJSON *item, *shape = json_member(config, "target_shape");
    int unknown = 0;

    cJSON_ArrayForEach(item, shape)
    {
        if (item->valuedouble == 0)
            return fail(err, E_RANGE, "/target_shape",
                        "a dimension of 0 has no values; use 1 or more");
        unknown += item->valuedouble < 0;
    }
    if (unknown > 1)
        return fail(err, E_INVALID, "/target_shape", "only one dimension can be -1");
    if (cJSON_GetArraySize(shape) > 4)
        return fail(err, E_RANGE, "/target_shape", "at most 4 dimensions are possible");
    return OK;
}

const struct entry catalogue_layers[] = {
    {"Flatten", no_args, .infer = infer_flatten},
    {"Dense", dense_args, .infer = infer_dense},
    {"Dropout", dropout_args, .infer = infer_same},
    {"Activation", activation_args, .infer = infer_same},
    {"BatchNormalization", batch_normalization_args, .infer = infer_batch_normalization},
    {"LayerNormalization", layer_normalization_args, .infer = infer_layer_normalization},
    {"Reshape", reshape_args, one_unknown_dimension, .infer = infer_reshape},
    {"GaussianNoise", gaussian_noise_args, .infer = infer_same},
    {"Conv1D", conv1d_args, convolution, .infer = infer_conv},
    {"Conv2D", conv2d_args, convolution, .infer = infer_conv},
    {"MaxPooling1D", pooling1d_args, .infer = infer_pooling},
    {"MaxPooling2D", pooling2d_args, .infer = infer_pooling},
    {"AveragePooling1D", pooling1d_args, .infer = infer_pooling},
    {"AveragePooling2D", pooling2d_args, .infer = infer_pooling},
    {"GlobalMaxPooling1D", global_pooling_args, .infer = infer_global_pooling},
    {"GlobalMaxPooling2D", global_pooling_args, .infer = infer_global_pooling},
    {"GlobalAveragePooling1D", global_pooling_args, .infer = infer_global_pooling},
    {"GlobalAveragePooling2D", global_pooling_args, .infer = infer_global_pooling},
    {"Embedding", embedding_args, .infer = infer_embedding},
    {"SimpleRNN", simple_rnn_args, .infer = infer_simple_rnn},
    {"LSTM", lstm_args, .infer = infer_lstm},
    {"GRU", gru_args, .infer = infer_gru},
    {0},
};
