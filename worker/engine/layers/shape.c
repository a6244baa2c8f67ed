// Flatten and Reshape: samples lie flat in memory anyway, so both only rename the shape.
#include "worker/engine/layer.h"

static enum code flatten_init(struct layer *l, const cJSON *config, struct error *err)
{
    (void)config, (void)err;
    l->alias = true;
    l->out = (struct shape){.rank = 1, .dim = {(int64_t)l->in_size}};
    return OK;
}

const struct layer_ops layer_flatten = {.type = "Flatten", .init = flatten_init};

// target_shape may hold one -1: whatever is left.
static enum code reshape_init(struct layer *l, const cJSON *config, struct error *err)
{
    const cJSON *target = json_member(config, "target_shape");
    const int rank = cJSON_IsArray(target) ? cJSON_GetArraySize(target) : 0;
    int64_t known = 1;
    int open = -1;
    char in[96];

    if (rank < 1 || rank > 4)
        return fail(err, E_RANGE, "/target_shape", "target_shape must have 1 to 4 numbers");
    l->alias = true;
    l->out.rank = rank;
    for (int i = 0; i < rank; i++) {
        const cJSON *item = cJSON_GetArrayItem(target, i);
        int64_t dim;

        if (!json_is_integer(item, &dim) || dim < -1 || dim == 0 || (dim == -1 && open >= 0) ||
            (dim > 0 && dim > (int64_t)l->in_size))
            return fail(err, E_RANGE, "/target_shape",
                        "target_shape does not hold the %zu numbers of a sample of shape %s",
                        l->in_size, shape_text(&l->in, in));
        l->out.dim[i] = dim;
        if (dim == -1)
            open = i;
        else if (known > (int64_t)l->in_size)
            break;
        else
            known *= dim;
    }
    if (open >= 0)
        l->out.dim[open] = (int64_t)l->in_size / known;
    if (shape_size(&l->out) != l->in_size)
        return fail(err, E_RANGE, "/target_shape",
                    "target_shape does not hold the %zu numbers of a sample of shape %s",
                    l->in_size, shape_text(&l->in, in));
    return OK;
}

const struct layer_ops layer_reshape = {.type = "Reshape", .init = reshape_init};
