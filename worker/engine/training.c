// Building a training from its configuration, and the small functions of the door.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/engine/training_state.h"

// FNV-1a
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(1099511628211);
    return hash;
}

// Of all but fit.epochs, which may be raised between a checkpoint and going on.
static bool fingerprint(const cJSON *config, uint64_t *out)
{
    cJSON *copy = cJSON_Duplicate(config, true);
    cJSON *fit = cJSON_GetObjectItemCaseSensitive(copy, "fit");
    char *text;

    if (fit)
        cJSON_DeleteItemFromObjectCaseSensitive(fit, "epochs");
    text = copy ? json_write(copy) : NULL;
    if (text)
        *out = hash_text(text);
    cJSON_free(text);
    cJSON_Delete(copy);
    return text != NULL;
}

static enum code read_fit(struct training *t, const cJSON *config, uint64_t seed, struct error *err)
{
    const cJSON *fit = json_member(config, "fit");

    if (!fingerprint(config, &t->fingerprint))
        return fail(err, E_MEMORY, "", "out of memory");
    t->seed = seed;
    t->kernels = kernels_best();
    t->end_reason = "";
    t->epochs = (int)json_integer_or(fit, "epochs", 1);
    t->batch_size = (size_t)json_integer_or(fit, "batch_size", 32);
    t->shuffle = json_bool_or(fit, "shuffle", true);
    if (t->batch_size < 1 || t->batch_size > 1 << 20)
        return fail(err, E_RANGE, "/fit/batch_size", "batch_size must be 1 to 1048576");
    if (t->epochs < 0)
        return fail(err, E_RANGE, "/fit/epochs", "epochs must be 0 or more");
    return OK;
}

// The last layer against the targets.
static enum code check_targets(const struct training *t, struct error *err)
{
    const int64_t outputs = (int64_t)t->model.output_size, classes = t->data->info.classes;
    const char *loss = loss_name(&t->loss);

    if (classes == 0 && strcmp(loss, "sparse_categorical_crossentropy") == 0)
        return fail(err, E_INVALID, "/compile/loss",
                    "%s needs classes as targets, and the data set has numbers", loss);
    if (classes == 0 && outputs != t->data->target_width)
        return fail(err, E_INVALID, "/model/layers",
                    "the model gives %lld outputs and the data set has %lld targets",
                    (long long)outputs, (long long)t->data->target_width);
    if (classes > 0 && outputs > 1 && outputs < classes)
        return fail(err, E_INVALID, "/model/layers",
                    "the last layer gives %lld outputs and the data set has %lld classes",
                    (long long)outputs, (long long)classes);
    if (classes > 2 && outputs == 1 && strcmp(loss, "binary_crossentropy") == 0)
        return fail(err, E_INVALID, "/compile/loss",
                    "binary_crossentropy with one output tells two classes apart, and the data set "
                    "has %lld",
                    (long long)classes);
    return OK;
}

static enum code build_parts(struct training *t, const cJSON *config, struct error *err)
{
    const cJSON *compile = json_member(config, "compile"), *fit = json_member(config, "fit");
    const struct dataset_info *info = &t->data->info;
    struct shape input = {.rank = info->rank};
    const struct layer *last;
    enum code code;

    for (int i = 0; i < info->rank; i++)
        input.dim[i] = info->shape[i];
    code = data_view_init(&t->view, t->data, json_member(config, "dataset"),
                          rng_mix(t->seed, STREAM_SPLIT), err);
    if (code == OK && t->view.train.samples < (int64_t)t->batch_size)
        t->batch_size = t->view.train.samples > 0 ? (size_t)t->view.train.samples : 1;
    if (code == OK)
        code = model_plan(&t->model, json_member(config, "model"), &input, t->batch_size, "/model",
                          err);
    if (code != OK)
        return code;
    last = &t->model.layers[t->model.nlayers - 1];
    code = loss_init(&t->loss, compile, t->model.output_size,
                     last->ops->last_activation ? last->ops->last_activation(last) : NULL, err);
    if (code == OK)
        code = check_targets(t, err);
    if (code != OK)
        return code;
    t->model.layers[t->model.nlayers - 1].gradient_is_dz = t->loss.fused;
    model_fuse_dropout(&t->model);
    const int64_t steps =
        (t->view.train.samples + (int64_t)t->batch_size - 1) / (int64_t)t->batch_size * t->epochs;
    code = optimizer_init(&t->optimizer, compile, steps, err);
    if (code == OK)
        code = metrics_new(&t->metrics, json_member(compile, "metrics"), (int)t->model.output_size,
                           err);
    if (code == OK)
        code = callbacks_new(&t->callbacks, json_member(fit, "callbacks"), t->epochs,
                             t->optimizer.rate, err);
    if (code == OK && t->optimizer.schedule && callbacks_set_rate(t->callbacks))
        code = fail(err, E_INVALID, "/fit/callbacks",
                    "a callback sets the rate, and learning_rate is a schedule already; use one");
    return code;
}

static size_t lines(size_t bytes)
{
    return (bytes + ENGINE_ALIGN - 1) / ENGINE_ALIGN * ENGINE_ALIGN;
}

// Lays out (or, with block NULL, only measures) what is neither model nor optimizer.
static size_t place(struct training *t, char *block, bool weigh)
{
    const size_t samples = (size_t)t->view.train.samples, batch = t->batch_size;
    const size_t features = (size_t)t->view.features;
    const size_t columns = t->view.uniform ? 1 : features;
    const size_t weights = t->model.trainable + t->model.frozen;
    const size_t classes = t->data->info.classes > 0 ? (size_t)t->data->info.classes : 0;
    const struct {
        void **at;
        size_t bytes;
    } parts[] = {
        {(void **)&t->batch.x, batch * features * sizeof(real)},
        {(void **)&t->batch.classes, classes ? batch * sizeof(int32_t) : 0},
        {(void **)&t->batch.values,
         classes ? 0 : batch * (size_t)t->data->target_width * sizeof(real)},
        {(void **)&t->batch.weights, weigh ? batch * sizeof(real) : 0},
        {(void **)&t->class_weight, weigh ? classes * sizeof(real) : 0},
        {(void **)&t->shift, columns * sizeof(real)},
        {(void **)&t->factor, columns * sizeof(real)},
        {(void **)&t->order, t->shuffle ? samples * sizeof(uint32_t) : 0},
        {(void **)&t->best, (size_t)callbacks_slots(t->callbacks) * weights * sizeof(real)},
    };
    size_t at = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (block)
            *parts[i].at = parts[i].bytes ? block + at : NULL;
        at += lines(parts[i].bytes);
    }
    return at;
}

static enum code read_class_weight(struct training *t, const cJSON *weights, struct error *err)
{
    const int64_t classes = t->data->info.classes;
    const cJSON *item;

    for (int64_t c = 0; c < classes; c++)
        t->class_weight[c] = 1;
    cJSON_ArrayForEach(item, weights)
    {
        char *end;
        const long class = strtol(item->string ? item->string : "", &end, 10);

        if (!item->string || end == item->string || *end || class < 0 || class >= classes ||
            !cJSON_IsNumber(item))
            return fail(err, E_RANGE, "/fit/class_weight",
                        "class_weight maps class numbers 0 to %lld to numbers",
                        (long long)classes - 1);
        t->class_weight[class] = (real)item->valuedouble;
    }
    return OK;
}

static enum code allocate(struct training *t, const cJSON *config,
                          const struct training_limits *limits, struct error *err)
{
    const cJSON *weights = json_member(json_member(config, "fit"), "class_weight");
    const bool weigh = cJSON_IsObject(weights) && t->data->info.classes > 0;
    const size_t columns = t->view.uniform ? 1 : (size_t)t->view.features;
    const size_t own = place(t, NULL, weigh);
    enum code code;

    t->bytes = model_bytes(&t->model) + own +
               (size_t)optimizer_slots(&t->optimizer) * t->model.trainable * sizeof(real);
    if (limits && limits->memory && t->bytes > limits->memory)
        return fail(err, E_LIMIT, "/model",
                    "this training needs %zu bytes and %zu are allowed; make the layers or "
                    "batch_size smaller",
                    t->bytes, limits->memory);
    t->block = aligned_alloc(ENGINE_ALIGN, own + ENGINE_ALIGN);
    if (!t->block)
        return fail(err, E_MEMORY, "", "out of memory: the training needs %zu bytes", t->bytes);
    memset(t->block, 0, own);
    place(t, t->block, weigh);
    for (size_t i = 0; i < columns; i++) {
        t->shift[i] = (real)t->view.shift[i];
        t->factor[i] = (real)(1 / t->view.divisor[i]);
    }
    code = model_allocate(&t->model, err);
    if (code == OK)
        code = optimizer_allocate(&t->optimizer, t->model.trainable, err);
    if (code == OK && weigh)
        code = read_class_weight(t, weights, err);
    return code;
}

// Where the first layer is an Embedding: all samples are whole numbers it has rows for.
static enum code check_words(struct training *t, struct error *err)
{
    const struct data_part *parts[] = {&t->view.train, &t->view.validation, &t->view.test};
    enum code code = OK;

    for (int p = 0; batch_words(t) && p < 3; p++)
        for (int64_t i = 0; i < parts[p]->samples && code == OK; i++) {
            batch_gather(t, parts[p], NULL, i, 1, false);
            code = batch_check_words(t, i, err);
        }
    return code;
}

// The names an epoch's log will have, for callbacks that monitor one.
static enum code check_monitors(const struct training *t, struct error *err)
{
    char text[METRICS_MAX][56];
    const char *names[METRICS_MAX];
    int count = 0;

    for (int part = 0; part < (t->view.has_validation ? 2 : 1); part++)
        for (int i = -1; i < metrics_count(t->metrics) && count < METRICS_MAX - 1; i++, count++)
            snprintf(text[count], sizeof(text[0]), "%s%s", part ? "val_" : "",
                     i < 0 ? "loss" : metrics_name(t->metrics, i));
    snprintf(text[count++], sizeof(text[0]), "learning_rate");
    for (int i = 0; i < count; i++)
        names[i] = text[i];
    return callbacks_check(t->callbacks, t->metrics, names, count, err);
}

enum code training_new(struct training **out, const cJSON *config, const struct dataset *data,
                       uint64_t seed, const struct training_limits *limits, struct error *err)
{
    struct training *t = calloc(1, sizeof(*t));
    enum code code;

    if (!t)
        return fail(err, E_MEMORY, "", "out of memory");
    t->data = data;
    code = read_fit(t, config, seed, err);
    if (code == OK)
        code = build_parts(t, config, err);
    if (code == OK)
        code = check_monitors(t, err);
    if (code == OK)
        code = allocate(t, config, limits, err);
    if (code == OK)
        code = check_words(t, err);
    if (code != OK) {
        training_free(t);
        return code;
    }
    model_initialise(&t->model, rng_mix(seed, STREAM_WEIGHTS));
    if (t->epochs == 0) {
        t->done = true;
        t->end_reason = "epochs";
    }
    *out = t;
    return OK;
}

void training_free(struct training *t)
{
    if (!t)
        return;
    callbacks_free(t->callbacks);
    metrics_free(t->metrics);
    if (t->optimizer.ops)
        optimizer_fini(&t->optimizer);
    model_fini(&t->model);
    data_view_fini(&t->view);
    free(t->block);
    free(t);
}

bool training_done(const struct training *t)
{
    return t->done;
}

const char *training_end_reason(const struct training *t)
{
    return t->end_reason;
}

int training_epochs_done(const struct training *t)
{
    return t->epochs_done;
}

void training_set_epochs(struct training *t, int epochs)
{
    const bool by_epochs = t->done && strcmp(t->end_reason, "epochs") == 0;

    t->epochs = epochs;
    if (!t->done && t->epochs_done >= epochs) {
        t->done = true;
        t->end_reason = "epochs";
    } else if (by_epochs && t->epochs_done < epochs) {
        t->done = false;
        t->end_reason = "";
    }
}

int64_t training_parameters(const struct training *t)
{
    return t->model.trainable_count + t->model.frozen_count;
}

size_t training_memory(const struct training *t)
{
    return t->bytes + sizeof(*t);
}
