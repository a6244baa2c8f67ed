// Gathers a batch: samples lie anywhere in the mapped data, as bytes or floats; they become numbers
// (x - shift) · factor in one buffer.
#include <string.h>

#include "worker/engine/training_state.h"

static void gather_sample(const struct training *t, const void *features, int64_t row, real *x)
{
    const struct kernels *k = t->kernels;
    const size_t n = (size_t)t->view.features;

    if (t->data->info.features_bytes) {
        const uint8_t *from = (const uint8_t *)features + (size_t)row * n;

        if (t->view.uniform)
            k->gather_bytes(n, from, t->shift[0], t->factor[0], x);
        else
            k->gather_bytes_each(n, from, t->shift, t->factor, x);
    } else {
        const float *from = (const float *)features + (size_t)row * n;

        if (t->view.uniform)
            k->gather_floats(n, from, t->shift[0], t->factor[0], x);
        else
            k->gather_floats_each(n, from, t->shift, t->factor, x);
    }
}

static void gather_target(struct training *t, const struct data_part *part, int64_t row, size_t i,
                          bool weigh)
{
    struct batch *b = &t->batch;

    if (b->classes) {
        b->classes[i] = ((const int32_t *)part->y)[row];
        if (b->weights)
            b->weights[i] = weigh ? t->class_weight[b->classes[i]] : 1;
    } else {
        const size_t width = (size_t)t->data->target_width;
        const float *from = (const float *)part->y + (size_t)row * width;

        for (size_t c = 0; c < width; c++)
            b->values[i * width + c] = (real)from[c];
    }
}

void batch_gather(struct training *t, const struct data_part *part, const uint32_t *order,
                  int64_t first, size_t samples, bool weigh)
{
    const size_t features = (size_t)t->view.features;

    t->batch.samples = samples;
    for (size_t i = 0; i < samples; i++) {
        const int64_t place = order ? order[(size_t)first + i] : first + (int64_t)i;
        const int64_t row = part->index ? part->index[place] : place;

        gather_sample(t, part->x, row, t->batch.x + i * features);
        gather_target(t, part, row, i, weigh);
    }
}

void batch_gather_features(struct training *t, const void *features, size_t samples)
{
    t->batch.samples = samples;
    for (size_t i = 0; i < samples; i++)
        gather_sample(t, features, (int64_t)i, t->batch.x + i * (size_t)t->view.features);
}

int64_t batch_words(const struct training *t)
{
    const struct layer *layer = t->model.layers;

    while (layer->alias && layer + 1 < t->model.layers + t->model.nlayers)
        layer++;
    return layer->ops->input_limit ? layer->ops->input_limit(layer) : 0;
}

enum code batch_check_words(const struct training *t, int64_t first, struct error *err)
{
    const size_t features = (size_t)t->view.features;
    const int64_t words = batch_words(t);

    for (size_t i = 0; words && i < t->batch.samples * features; i++) {
        const real x = t->batch.x[i];

        if (!(x >= 0 && x < (real)words) || x != (real)(int64_t)x)
            return fail(err, E_RANGE, "/model/layers",
                        "Embedding has rows for 0 to %lld, and sample %lld has %g; give whole "
                        "numbers (scale \"none\") or a larger input_dim",
                        (long long)words - 1, (long long)(first + (int64_t)(i / features)),
                        (double)x);
    }
    return OK;
}
