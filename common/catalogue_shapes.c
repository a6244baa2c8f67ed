// Output shapes and parameter counts, as the compute_output_shape() and build() of keras/src/layers.
#include <stdio.h>
#include <string.h>

#include "common/catalogue_tables.h"

static const int64_t most = (int64_t)1 << 62;

// a b and a + b for a, b >= 0, staying at `most`.
static int64_t times(int64_t a, int64_t b)
{
    int64_t product;

    return __builtin_mul_overflow(a, b, &product) || product > most ? most : product;
}

static int64_t plus(int64_t a, int64_t b)
{
    return a > most - b ? most : a + b;
}

static int64_t volume(const struct shape *shape)
{
    int64_t product = 1;

    for (int i = 0; i < shape->rank; i++)
        product = times(product, shape->dim[i]);
    return product;
}

const char *shape_text(const struct shape *shape, char out[96])
{
    size_t n = (size_t)snprintf(out, 96, "(");

    for (int i = 0; i < shape->rank && i < 4; i++)
        n += (size_t)snprintf(out + n, 96 - n, i ? ", %lld" : "%lld", (long long)shape->dim[i]);
    snprintf(out + n, 96 - n, shape->rank == 1 ? ",)" : ")");
    return out;
}

static int64_t element(const cJSON *config, const char *name, int index)
{
    int64_t value;

    return json_is_integer(cJSON_GetArrayItem(json_member(config, name), index), &value) ? value
                                                                                         : 1;
}

static bool flag(const cJSON *config, const char *name)
{
    return json_bool_or(config, name, false);
}

static enum code needs_rank(const cJSON *config, const struct shape *in, int rank, const char *what,
                            struct error *err)
{
    char text[96];

    if (in->rank == rank)
        return OK;
    return fail(err, E_INVALID, "", "%s needs an input of shape %s, but what comes is %s%s",
                json_string_or(config, "type", "the layer"), what, shape_text(in, text),
                in->rank < rank ? "; put a Reshape before it" : "");
}

enum code infer_same(const cJSON *config, const struct shape *in, struct shape *out,
                     int64_t *trainable, int64_t *frozen, struct error *err)
{
    (void)config, (void)err;
    *out = *in;
    *trainable = *frozen = 0;
    return OK;
}

enum code infer_flatten(const cJSON *config, const struct shape *in, struct shape *out,
                        int64_t *trainable, int64_t *frozen, struct error *err)
{
    infer_same(config, in, out, trainable, frozen, err);
    *out = (struct shape){1, {volume(in)}};
    return OK;
}

enum code infer_dense(const cJSON *config, const struct shape *in, struct shape *out,
                      int64_t *trainable, int64_t *frozen, struct error *err)
{
    int64_t units = json_integer_or(config, "units", 1);

    infer_same(config, in, out, trainable, frozen, err);
    out->dim[in->rank - 1] = units;
    *trainable = times(plus(in->dim[in->rank - 1], flag(config, "use_bias")), units);
    return OK;
}

enum code infer_reshape(const cJSON *config, const struct shape *in, struct shape *out,
                        int64_t *trainable, int64_t *frozen, struct error *err)
{
    const cJSON *target = json_member(config, "target_shape");
    struct shape made = {.rank = cJSON_GetArraySize(target)};
    int64_t known = 1, all = volume(in);
    int unknown = -1;
    char from[96], to[96];

    for (int i = 0; i < made.rank && i < 4; i++) {
        made.dim[i] = element(config, "target_shape", i);
        if (made.dim[i] < 0)
            unknown = i;
        else
            known = times(known, made.dim[i]);
    }
    if (unknown >= 0 ? all % known != 0 : all != known)
        return fail(err, E_INVALID, "/target_shape", "%s has %lld values, which do not fit into %s",
                    shape_text(in, from), (long long)all, shape_text(&made, to));
    if (unknown >= 0)
        made.dim[unknown] = all / known;
    infer_same(config, in, out, trainable, frozen, err);
    *out = made;
    return OK;
}

enum code infer_batch_normalization(const cJSON *config, const struct shape *in, struct shape *out,
                                    int64_t *trainable, int64_t *frozen, struct error *err)
{
    int64_t channels = in->dim[in->rank - 1];

    infer_same(config, in, out, trainable, frozen, err);
    *trainable = times(channels, flag(config, "center") + flag(config, "scale"));
    *frozen = times(channels, 2);
    return OK;
}

// Keras counts the batch as axis 0. Only the last axes together can be normalised.
enum code infer_layer_normalization(const cJSON *config, const struct shape *in, struct shape *out,
                                    int64_t *trainable, int64_t *frozen, struct error *err)
{
    int n = cJSON_GetArraySize(json_member(config, "axis"));
    int64_t size = 1;
    char text[96];

    for (int k = 1; k <= n; k++) { // each of the last n must be named
        bool named = false;
        for (int i = 0; i < n; i++) {
            int64_t axis = element(config, "axis", i);
            named |= (axis < 0 ? axis + in->rank + 1 : axis) == in->rank + 1 - k;
        }
        if (!named || k > in->rank)
            return fail(err, E_INVALID, "/axis",
                        "axis must name the last dimensions (-1; or -2 and -1; …) of %s, the batch "
                        "counting as axis 0",
                        shape_text(in, text));
        size = times(size, in->dim[in->rank - k]);
    }
    infer_same(config, in, out, trainable, frozen, err);
    *trainable = times(size, flag(config, "center") + flag(config, "scale"));
    return OK;
}

// One dimension under a window; < 1 when the window does not fit.
static int64_t windowed(int64_t size, int64_t window, int64_t stride, const char *padding)
{
    if (strcmp(padding, "valid") != 0)
        return (size + stride - 1) / stride;
    return size < window ? 0 : (size - window) / stride + 1;
}

static enum code does_not_fit(const char *pointer, const char *what, int64_t window,
                              const struct shape *in, struct error *err)
{
    char text[96];

    return fail(
        err, E_INVALID, pointer,
        "a %s of %lld is larger than its input %s; use a smaller one, padding \"same\" or fewer "
        "layers before it",
        what, (long long)window, shape_text(in, text));
}

enum code infer_conv(const cJSON *config, const struct shape *in, struct shape *out,
                     int64_t *trainable, int64_t *frozen, struct error *err)
{
    int rank = cJSON_GetArraySize(json_member(config, "kernel_size"));
    const char *padding = json_string_or(config, "padding", "valid");
    int64_t filters = json_integer_or(config, "filters", 1);
    int64_t groups = json_integer_or(config, "groups", 1);
    struct shape made = {.rank = rank + 1};
    enum code code = needs_rank(config, in, rank + 1,
                                rank == 1 ? "(steps, channels)" : "(height, width, channels)", err);

    if (code != OK)
        return code;
    if (in->dim[rank] % groups != 0)
        return fail(err, E_INVALID, "/groups",
                    "%lld channels cannot be shared evenly by %lld groups",
                    (long long)in->dim[rank], (long long)groups);
    int64_t weights = times(in->dim[rank] / groups, filters);
    for (int i = 0; i < rank; i++) {
        int64_t kernel = element(config, "kernel_size", i);
        int64_t window = (kernel - 1) * element(config, "dilation_rate", i) + 1;
        made.dim[i] = windowed(in->dim[i], window, element(config, "strides", i), padding);
        if (made.dim[i] < 1)
            return does_not_fit("/kernel_size", "kernel", window, in, err);
        weights = times(weights, kernel);
    }
    made.dim[rank] = filters;
    *out = made;
    *trainable = plus(weights, flag(config, "use_bias") ? filters : 0);
    *frozen = 0;
    return OK;
}

enum code infer_pooling(const cJSON *config, const struct shape *in, struct shape *out,
                        int64_t *trainable, int64_t *frozen, struct error *err)
{
    int rank = cJSON_GetArraySize(json_member(config, "pool_size"));
    const char *padding = json_string_or(config, "padding", "valid");
    struct shape made = *in;
    enum code code = needs_rank(config, in, rank + 1,
                                rank == 1 ? "(steps, channels)" : "(height, width, channels)", err);

    if (code != OK)
        return code;
    for (int i = 0; i < rank; i++) {
        int64_t window = element(config, "pool_size", i);
        made.dim[i] = windowed(in->dim[i], window, element(config, "strides", i), padding);
        if (made.dim[i] < 1)
            return does_not_fit("/pool_size", "pool", window, in, err);
    }
    *out = made;
    *trainable = *frozen = 0;
    return OK;
}

enum code infer_global_pooling(const cJSON *config, const struct shape *in, struct shape *out,
                               int64_t *trainable, int64_t *frozen, struct error *err)
{
    bool two = strstr(json_string_or(config, "type", ""), "2D") != NULL;
    enum code code = needs_rank(config, in, two ? 3 : 2,
                                two ? "(height, width, channels)" : "(steps, channels)", err);
    int64_t channels = in->dim[in->rank - 1];

    if (code != OK)
        return code;
    *trainable = *frozen = 0;
    if (!flag(config, "keepdims")) {
        *out = (struct shape){1, {channels}};
        return OK;
    }
    *out = (struct shape){in->rank, {1, 1, 1, 1}};
    out->dim[in->rank - 1] = channels;
    return OK;
}

enum code infer_embedding(const cJSON *config, const struct shape *in, struct shape *out,
                          int64_t *trainable, int64_t *frozen, struct error *err)
{
    int64_t wide = json_integer_or(config, "output_dim", 1);
    char text[96];

    if (in->rank > 3)
        return fail(err, E_INVALID, "", "Embedding adds a dimension, but %s has 4 already",
                    shape_text(in, text));
    infer_same(config, in, out, trainable, frozen, err);
    out->dim[out->rank++] = wide;
    *trainable = times(json_integer_or(config, "input_dim", 1), wide);
    return OK;
}

// gates x (kernel, recurrent kernel, `biases` rows of bias)
static enum code infer_recurrent(const cJSON *config, const struct shape *in, struct shape *out,
                                 int64_t *trainable, int64_t *frozen, struct error *err, int gates,
                                 int biases)
{
    int64_t units = json_integer_or(config, "units", 1);
    enum code code = needs_rank(config, in, 2, "(steps, features)", err);

    if (code != OK)
        return code;
    int64_t rows = plus(plus(in->dim[1], units), flag(config, "use_bias") ? biases : 0);
    *trainable = times(times(rows, units), gates);
    *frozen = 0;
    *out = flag(config, "return_sequences") ? (struct shape){2, {in->dim[0], units}}
                                            : (struct shape){1, {units}};
    return OK;
}

enum code infer_simple_rnn(const cJSON *config, const struct shape *in, struct shape *out,
                           int64_t *trainable, int64_t *frozen, struct error *err)
{
    return infer_recurrent(config, in, out, trainable, frozen, err, 1, 1);
}

enum code infer_lstm(const cJSON *config, const struct shape *in, struct shape *out,
                     int64_t *trainable, int64_t *frozen, struct error *err)
{
    return infer_recurrent(config, in, out, trainable, frozen, err, 4, 1);
}

enum code infer_gru(const cJSON *config, const struct shape *in, struct shape *out,
                    int64_t *trainable, int64_t *frozen, struct error *err)
{
    return infer_recurrent(config, in, out, trainable, frozen, err, 3,
                           flag(config, "reset_after") ? 2 : 1);
}

enum code catalogue_infer_model(const cJSON *model, const struct shape *input, struct shape *outs,
                                int64_t *trainable, int64_t *frozen, struct error *err)
{
    struct shape in = *input, out;
    int64_t sum = 0, sum_frozen = 0, own, own_frozen;
    int index = 0;

    if (input->rank < 1 || input->rank > 4)
        return fail(err, E_INVALID, "", "samples must have 1 to 4 dimensions");
    for (const cJSON *layer = cJSON_GetArrayItem(json_member(model, "layers"), 0); layer;
         layer = layer->next, index++) {
        const struct entry *entry =
            catalogue_find(CATALOGUE_LAYER, json_string_or(layer, "type", ""));
        struct json_pointer at = json_pointer_at("/layers", index);
        struct error own_err;
        enum code code;
        if (!entry)
            return fail(err, E_UNKNOWN, at.text, "unknown layer");
        code = entry->infer(layer, &in, &out, &own, &own_frozen, &own_err);
        if (code != OK) {
            at = json_pointer_join(at.text, own_err.pointer);
            return fail(err, code, at.text, "%s", own_err.message);
        }
        sum = plus(sum, own);
        sum_frozen = plus(sum_frozen, own_frozen);
        if (outs)
            outs[index] = out;
        in = out;
    }
    *trainable = sum;
    *frozen = sum_frozen;
    return OK;
}
