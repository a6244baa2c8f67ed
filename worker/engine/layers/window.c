// Shapes of sliding windows, by TensorFlow's rules for "same" and "valid".
#include "worker/engine/layers/window.h"

#include <string.h>

// One integer or a list of `dims`; dims 1 leaves the height at 1.
static enum code read_sizes(const cJSON *config, const char *name, int dims, int64_t fallback,
                            size_t out[2], struct error *err)
{
    const cJSON *item = json_member(config, name);
    char pointer[64] = "/";

    strncat(pointer, name, sizeof(pointer) - 2);
    out[0] = dims == 2 ? (size_t)fallback : 1;
    out[1] = (size_t)fallback;
    if (!item || cJSON_IsNull(item))
        return OK;
    for (int i = 0; i < dims; i++) {
        const cJSON *each = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, i) : item;
        int64_t value;

        if (!each || !json_is_integer(each, &value) || value < 1 || value > 1 << 20 ||
            (cJSON_IsArray(item) && cJSON_GetArraySize(item) != dims))
            return fail(err, E_RANGE, pointer, "%s must be a whole number of 1 or more, or %d",
                        name, dims);
        out[2 - dims + i] = (size_t)value;
    }
    return OK;
}

static enum code image_of(struct window *w, const struct layer *l, int dims, struct error *err)
{
    if (l->in.rank != dims + 1)
        return fail(err, E_INVALID, "",
                    dims == 2 ? "its input must have the shape (height, width, channels); put a "
                                "Reshape before it"
                              : "its input must have the shape (steps, channels); put a Reshape "
                                "before it");
    w->height = dims == 2 ? (size_t)l->in.dim[0] : 1;
    w->width = (size_t)l->in.dim[dims - 1];
    w->channels = (size_t)l->in.dim[dims];
    return OK;
}

struct axis {
    size_t out, before;
};

static struct axis place(size_t in, size_t size, size_t stride, size_t dilation,
                         const char *padding)
{
    const size_t reach = (size - 1) * dilation + 1;
    struct axis a = {0, 0};

    if (strcmp(padding, "causal") == 0) {
        a.out = (in + stride - 1) / stride;
        a.before = reach - 1;
    } else if (strcmp(padding, "same") == 0) {
        const size_t need = ((in + stride - 1) / stride - 1) * stride + reach;

        a.out = (in + stride - 1) / stride;
        a.before = need > in ? (need - in) / 2 : 0;
    } else {
        a.out = in >= reach ? (in - reach) / stride + 1 : 0;
    }
    return a;
}

enum code window_init(struct window *w, struct layer *l, const cJSON *config, int dims,
                      const char *size_name, int64_t stride_fallback, struct error *err)
{
    const char *padding = json_string_or(config, "padding", "valid");
    size_t size[2], stride[2], dilation[2];
    struct axis rows, cols;
    enum code code = image_of(w, l, dims, err);

    if (code == OK)
        code = read_sizes(config, size_name, dims, 2, size, err);
    if (code == OK)
        code = read_sizes(config, "strides", dims, stride_fallback, stride, err);
    if (code == OK)
        code = read_sizes(config, "dilation_rate", dims, 1, dilation, err);
    if (code != OK)
        return code;
    for (int i = 0; i < 2; i++)
        if (stride[i] == 0)
            stride[i] = size[i];
    rows = place(w->height, size[0], stride[0], dilation[0], dims == 2 ? padding : "valid");
    cols = place(w->width, size[1], stride[1], dilation[1], padding);
    if (rows.out == 0 || cols.out == 0)
        return fail(err, E_RANGE, "",
                    "its window (%zu × %zu) is larger than its input; use a "
                    "smaller one or padding \"same\"",
                    (size[0] - 1) * dilation[0] + 1, (size[1] - 1) * dilation[1] + 1);
    w->size_h = size[0], w->size_w = size[1];
    w->stride_h = stride[0], w->stride_w = stride[1];
    w->dilation_h = dilation[0], w->dilation_w = dilation[1];
    w->top = rows.before, w->left = cols.before;
    w->out_h = rows.out, w->out_w = cols.out;
    l->out.rank = dims + 1;
    if (dims == 2)
        l->out.dim[0] = (int64_t)rows.out;
    l->out.dim[dims - 1] = (int64_t)cols.out;
    l->out.dim[dims] = l->in.dim[dims];
    return OK;
}

enum code window_whole(struct window *w, const struct layer *l, int dims, struct error *err)
{
    const enum code code = image_of(w, l, dims, err);

    if (code != OK)
        return code;
    w->size_h = w->stride_h = w->height;
    w->size_w = w->stride_w = w->width;
    w->dilation_h = w->dilation_w = w->out_h = w->out_w = 1;
    w->top = w->left = 0;
    return OK;
}
