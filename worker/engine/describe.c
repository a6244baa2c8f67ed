// What a training is made of, in words and arrays for others: the summary, Keras' names of layers and
// weights, the scaling of the input.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/engine/summary.h"
#include "worker/engine/training_state.h"

static struct summary_layer summary_layer_of(const struct layer *layer)
{
    struct summary_layer out = {.type = layer->ops->type,
                                .name = *layer->label ? layer->label : NULL,
                                .output = layer->out};

    for (int p = 0; p < layer->nparams; p++)
        *(layer->params[p].trainable ? &out.trainable : &out.frozen) +=
            (int64_t)layer->params[p].size;
    return out;
}

cJSON *training_summary(const struct training *t)
{
    struct summary_layer *layers = calloc((size_t)t->model.nlayers, sizeof(*layers));
    cJSON *summary;

    if (!layers)
        return NULL;
    for (int i = 0; i < t->model.nlayers; i++)
        layers[i] = summary_layer_of(&t->model.layers[i]);
    summary = summary_of(NULL, layers, t->model.nlayers, sizeof(real));
    free(layers);
    return summary;
}

// As the summary has it, but never the same twice.
static void layer_name(const struct training *t, int index, char *out, size_t size)
{
    const struct layer *const layers = t->model.layers, *const layer = &layers[index];
    int same_type = 0, same_label = 0;
    size_t used;

    for (int i = 0; i < index; i++) {
        same_type += !*layers[i].label && layers[i].ops == layer->ops;
        same_label += *layer->label && strcmp(layers[i].label, layer->label) == 0;
    }
    if (*layer->label)
        snprintf(out, size, "%s", layer->label);
    else
        summary_snake_case(layer->ops->type, out, size);
    used = strlen(out);
    if (same_label > 0 || (!*layer->label && same_type > 0))
        snprintf(out + used, size - used, "_%d", *layer->label ? same_label : same_type);
}

bool training_weights(const struct training *t, int index, struct training_weights *out)
{
    for (int i = 0; i < t->model.nlayers; i++) {
        const struct layer *layer = &t->model.layers[i];

        if (index < layer->nparams) {
            const struct param *param = &layer->params[index];
            const char *cell = layer->ops->cell;
            char name[160];

            *out = (struct training_weights){.layer = i,
                                             .name = param->name,
                                             .trainable = param->trainable,
                                             .rank = param->rank,
                                             .size = param->size,
                                             .values = param->w};
            memcpy(out->dim, param->dim, sizeof(out->dim));
            layer_name(t, i, name, sizeof(name));
            snprintf(out->path, sizeof(out->path), "%s/%s%s%s", name, cell ? cell : "",
                     cell ? "/" : "", param->name);
            return true;
        }
        index -= layer->nparams;
    }
    return false;
}

static bool add_values(cJSON *object, const char *name, const double *values, int64_t count)
{
    cJSON *list;
    bool good;

    if (count == 1)
        return cJSON_AddNumberToObject(object, name, values[0]) != NULL;
    list = cJSON_AddArrayToObject(object, name);
    good = list != NULL;
    for (int64_t i = 0; good && i < count; i++)
        good = cJSON_AddItemToArray(list, cJSON_CreateNumber(values[i]));
    return good;
}

cJSON *training_input(const struct training *t)
{
    const struct dataset_info *info = &t->data->info;
    const int64_t count = t->view.uniform ? 1 : t->view.features;
    cJSON *input = cJSON_CreateObject(), *shape = cJSON_AddArrayToObject(input, "shape");
    bool good = shape != NULL;

    for (int i = 0; good && i < info->rank; i++)
        good = cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)info->shape[i]));
    if (good && add_values(input, "subtract", t->view.shift, count) &&
        add_values(input, "divide", t->view.divisor, count))
        return input;
    cJSON_Delete(input);
    return NULL;
}

const char *const *training_class_names(const struct training *t, int *count)
{
    *count = (int)t->data->info.classes;
    return (const char *const *)t->data->class_names;
}
