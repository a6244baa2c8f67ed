// Building a model and running it forward and backward.
#include "worker/engine/model.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS_MAX_SHIFT = 40 }; // more numbers than this in any block are refused outright

static enum code layer_error(struct error *err, const struct layer *layer, const char *pointer,
                             int index)
{
    const struct error inner = *err;
    char in[96], at[600];

    snprintf(at, sizeof(at), "%s/layers/%d%s", pointer, index, inner.pointer);
    return fail(err, inner.code, at, "layer %d (%s) with input %s: %s", index + 1, layer->name,
                shape_text(&layer->in, in), inner.message);
}

// "dense", "dense_1", …: how often the type came before.
static void name_layer(struct model *model, int index)
{
    struct layer *layer = &model->layers[index];
    int before = 0;

    for (int i = 0; i < index; i++)
        before += model->layers[i].ops == layer->ops;
    snprintf(layer->name, sizeof(layer->name), before ? "%s %d" : "%s", layer->ops->type,
             before + 1);
}

static enum code plan_layer(struct model *model, int index, const cJSON *config,
                            const struct shape *input, const char *pointer, struct error *err)
{
    struct layer *layer = &model->layers[index];
    const char *type = json_string_or(config, "type", "");
    struct error local = {0};
    char at[256];

    snprintf(at, sizeof(at), "%s/layers/%d/type", pointer, index);
    layer->ops = layer_find(type);
    if (!layer->ops)
        return fail(err, E_UNKNOWN, at, "there is no layer \"%s\"", type);
    layer->index = index;
    layer->in = *input;
    layer->in_size = shape_size(input);
    name_layer(model, index);
    snprintf(layer->label, sizeof(layer->label), "%s", json_string_or(config, "name", ""));
    layer->state = calloc(1, layer->ops->state_size + 1);
    if (!layer->state)
        return fail(err, E_MEMORY, "", "out of memory");
    if (layer->ops->init(layer, config, &local) != OK) {
        if (err)
            *err = local;
        return layer_error(err ? err : &local, layer, pointer, index);
    }
    for (int i = 0; i < layer->out.rank; i++)
        if (layer->out.dim[i] < 1 || layer->out.dim[i] > INT64_C(1) << 31) {
            fail(&local, E_LIMIT, "", "its output would have a side of %lld",
                 (long long)layer->out.dim[i]);
            if (err)
                *err = local;
            return layer_error(err ? err : &local, layer, pointer, index);
        }
    layer->out_size = shape_size(&layer->out);
    return OK;
}

// Adds numbers, refusing what no machine has.
static bool add_numbers(size_t *total, size_t count, size_t each)
{
    const size_t max = (size_t)1 << NUMBERS_MAX_SHIFT;

    if (each && count > max / each)
        return false;
    *total += real_padded(count * each);
    return *total <= max;
}

static bool plan_blocks(struct model *model, size_t batch)
{
    size_t widest = model->input_size, scratch = 0;
    bool fits = true;

    model->first_trainable = model->nlayers;
    for (int i = 0; i < model->nlayers && fits; i++) {
        const struct layer *layer = &model->layers[i];

        for (int p = 0; p < layer->nparams; p++) {
            const struct param *param = &layer->params[p];

            fits = fits && add_numbers(param->trainable ? &model->trainable : &model->frozen,
                                       param->size, 1);
            *(param->trainable ? &model->trainable_count : &model->frozen_count) +=
                (int64_t)param->size;
            if (param->trainable && i < model->first_trainable)
                model->first_trainable = i;
            model->regularized |= param->regularizer.l1 > 0 || param->regularizer.l2 > 0;
        }
        if (layer->out_size > widest)
            widest = layer->out_size;
        fits = fits && layer->out_size <= ((size_t)1 << NUMBERS_MAX_SHIFT) / batch;
        if (!fits)
            break;
        if (!layer->alias)
            fits = add_numbers(&model->buffers, batch, layer->out_size);
        if (layer->ops->kept) // NOLINT: plan_layer() has set ops
            fits = fits && add_numbers(&model->buffers, layer->ops->kept(layer, batch), 1);
        if (layer->ops->scratch) {
            const size_t wanted = layer->ops->scratch(layer, batch);

            scratch = wanted > scratch ? wanted : scratch;
        }
    }
    return fits && add_numbers(&model->buffers, batch, widest) &&
           add_numbers(&model->buffers, batch, widest) && add_numbers(&model->buffers, scratch, 1);
}

enum code model_plan(struct model *model, const cJSON *config, const struct shape *input,
                     size_t batch, const char *pointer, struct error *err)
{
    const cJSON *list = json_member(config, "layers"), *item;
    const struct shape *shape = input;
    int index = 0;

    *model = (struct model){.input = *input, .input_size = shape_size(input), .batch = batch};
    model->nlayers = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    if (model->nlayers == 0)
        return fail(err, E_MISSING, pointer, "the model has no layers");
    model->layers = calloc((size_t)model->nlayers, sizeof(*model->layers));
    model->outputs = calloc((size_t)model->nlayers, sizeof(*model->outputs));
    if (!model->layers || !model->outputs) {
        model_fini(model);
        return fail(err, E_MEMORY, "", "out of memory");
    }
    cJSON_ArrayForEach(item, list)
    {
        const enum code code = plan_layer(model, index, item, shape, pointer, err);

        if (code != OK) {
            model_fini(model);
            return code;
        }
        shape = &model->layers[index++].out;
    }
    model->output_size = shape_size(shape);
    if (!plan_blocks(model, batch)) {
        model_fini(model);
        return fail(err, E_LIMIT, pointer,
                    "the model needs more than %zu bytes; make its layers or the batch smaller",
                    sizeof(real) << NUMBERS_MAX_SHIFT);
    }
    return OK;
}

size_t model_bytes(const struct model *model)
{
    return (2 * model->trainable + model->frozen + model->buffers) * sizeof(real);
}

static real *block_of(size_t numbers)
{
    const size_t bytes = real_padded(numbers ? numbers : 1) * sizeof(real);
    real *block = aligned_alloc(ENGINE_ALIGN, bytes);

    if (block)
        memset(block, 0, bytes);
    return block;
}

static real *take(real **at, size_t numbers)
{
    real *taken = *at;

    *at += real_padded(numbers);
    return taken;
}

static void place_params(struct model *model)
{
    real *w = model->weights, *g = model->gradients, *f = model->weights + model->trainable;

    for (int i = 0; i < model->nlayers; i++)
        for (int p = 0; p < model->layers[i].nparams; p++) {
            struct param *param = &model->layers[i].params[p];

            param->w = take(param->trainable ? &w : &f, param->size);
            if (param->trainable)
                param->g = take(&g, param->size);
        }
}

enum code model_allocate(struct model *model, struct error *err)
{
    const size_t batch = model->batch;
    size_t widest = model->input_size;
    real *at;

    model->weights = block_of(model->trainable + model->frozen);
    model->gradients = block_of(model->trainable);
    model->block = at = block_of(model->buffers);
    if (!model->weights || !model->gradients || !model->block)
        return fail(err, E_MEMORY, "", "out of memory: the model needs %zu bytes",
                    model_bytes(model));
    place_params(model);
    for (int i = 0; i < model->nlayers; i++) {
        struct layer *layer = &model->layers[i];

        if (!layer->alias)
            model->outputs[i] = take(&at, batch * layer->out_size);
        if (layer->ops->kept)
            layer->keep = take(&at, layer->ops->kept(layer, batch));
        if (layer->out_size > widest)
            widest = layer->out_size;
    }
    model->dy[0] = take(&at, batch * widest);
    model->dy[1] = take(&at, batch * widest);
    model->scratch = at;
    return OK;
}

void model_fini(struct model *model)
{
    for (int i = 0; model->layers && i < model->nlayers; i++)
        free(model->layers[i].state);
    free(model->layers);
    free(model->outputs);
    free(model->weights);
    free(model->gradients);
    free(model->block);
    *model = (struct model){0};
}

void model_initialise(struct model *model, uint64_t seed)
{
    for (int i = 0; i < model->nlayers; i++)
        for (int p = 0; p < model->layers[i].nparams; p++) {
            struct param *param = &model->layers[i].params[p];
            struct rng rng;

            rng_init(&rng, seed, (uint64_t)i * LAYER_PARAMS + (uint64_t)p);
            initializer_fill(param->initializer, param->rank, param->dim, &rng, param->w);
        }
}

void model_fuse_dropout(struct model *model)
{
    for (int i = 0; i + 1 < model->nlayers; i++) {
        struct layer *layer = &model->layers[i], *next = layer + 1;

        if (next->alias || !next->ops->dropout_rate || !layer->ops->takes_dropout ||
            !layer->ops->takes_dropout(layer))
            continue;
        layer->fused_dropout = next->ops->dropout_rate(next);
        layer->dropout_index = next->index;
        next->alias = true;
    }
}

static const real *input_of(const struct model *model, int index, const real *x)
{
    while (index > 0 && model->layers[index - 1].alias)
        index--;
    return index > 0 ? model->outputs[index - 1] : x;
}

real *model_forward(struct model *model, const struct pass *pass, const real *x)
{
    for (int i = 0; i < model->nlayers; i++) {
        struct layer *layer = &model->layers[i];

        if (!layer->alias)
            layer->ops->forward(layer, pass, input_of(model, i, x), model->outputs[i]);
    }
    return (real *)(uintptr_t)input_of(model, model->nlayers, x);
}

real *model_output_gradient(struct model *model)
{
    return model->dy[0];
}

void model_backward_input(struct model *model, const struct pass *pass, const real *x, real *dx)
{
    const int last = dx ? 0 : model->first_trainable;
    int from = 0;

    for (int i = model->nlayers - 1; i >= last; i--) {
        struct layer *layer = &model->layers[i];

        if (layer->alias)
            continue;
        layer->ops->backward(layer, pass, input_of(model, i, x), model->outputs[i], model->dy[from],
                             dx || i > last ? model->dy[!from] : NULL);
        from = !from;
    }
    if (dx)
        memcpy(dx, model->dy[from], pass->batch * model->input_size * sizeof(real));
}

void model_backward(struct model *model, const struct pass *pass, const real *x)
{
    model_backward_input(model, pass, x, NULL);
}

double model_penalty(const struct model *model)
{
    double sum = 0;

    for (int i = 0; i < model->nlayers; i++)
        for (int p = 0; p < model->layers[i].nparams; p++) {
            const struct param *param = &model->layers[i].params[p];
            const struct regularizer *r = &param->regularizer;
            double l1 = 0, l2 = 0;

            if (r->l1 == 0 && r->l2 == 0)
                continue;
            for (size_t j = 0; j < param->size; j++) {
                const double w = (double)param->w[j];

                l1 += w < 0 ? -w : w;
                l2 += w * w;
            }
            sum += (double)r->l1 * l1 + (double)r->l2 * l2;
        }
    return sum;
}

void model_penalty_gradient(struct model *model)
{
    for (int i = 0; i < model->nlayers; i++)
        for (int p = 0; p < model->layers[i].nparams; p++) {
            const struct param *param = &model->layers[i].params[p];
            const struct regularizer r = param->regularizer;

            if (r.l1 == 0 && r.l2 == 0)
                continue;
            for (size_t j = 0; j < param->size; j++) {
                const real w = param->w[j];

                param->g[j] += 2 * r.l2 * w + (w > 0 ? r.l1 : w < 0 ? -r.l1 : 0);
            }
        }
}
