// Sections activation, loss and optimizer of the reference.
#ifndef TUNERD_TESTS_CONFORMANCE_KERAS_FUNCTIONS_H
#define TUNERD_TESTS_CONFORMANCE_KERAS_FUNCTIONS_H

#include "tests/conformance/engine_keras.h"

// ---- activation

static void check_activation(const cJSON *item, const struct kernels *k)
{
    const cJSON *args = json_member(item, "args");
    const struct activation *f = activation_find(name_of(item));
    struct activation own = *f;
    real x[64], z[64], y[64], dy[64], dx[64];
    const size_t n = flat(reference_at(item, "inputs", "x"), x);
    const bool rows = f->kind == ACT_SOFTMAX;

    own.p =
        (real)json_number_or(args, "negative_slope", json_number_or(args, "alpha", (double)f->p));
    if (json_bool_or(args, "approximate", false))
        own.kind = ACT_GELU_TANH;
    memcpy(z, x, sizeof(z));
    k->act_forward[own.kind](rows ? 3 : 1, rows ? 4 : n, NULL, z, y, own.p);
    assert_all_near(f->name, y, reference_at(item, "expected", "y"), near_value);
    for (size_t i = 0; i < n; i++)
        dy[i] = 1;
    if (rows)
        flat(reference_at(item, "inputs", "upstream_gradient"), dy);
    k->act_backward[own.kind](rows ? 3 : 1, rows ? 4 : n, f->needs_input ? z : y, dy, dx, own.p);
    assert_all_near(f->name, dx, reference_at(item, "expected", rows ? "dx" : "dy_dx"), near_value);
}

static void activations_and_their_slopes(void **state)
{
    const struct kernels *k[4];
    const int count = kernels_list(k);
    const cJSON *item = NULL;
    int checked = 0;

    (void)state;
    open_section("activation");
    cJSON_ArrayForEach(item, json_member(reference, "activation"))
    {
        for (int i = 0; i < count; i++)
            check_activation(item, k[i]);
        checked++;
    }
    reference_account("activation", "engine_keras", checked);
}

// ---- loss

static const struct {
    const char *keras, *ours;
} loss_names[] = {
    {"SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"},
    {"CategoricalCrossentropy", "categorical_crossentropy"},
    {"BinaryCrossentropy", "binary_crossentropy"},
    {"MeanSquaredError", "mean_squared_error"},
    {"MeanAbsoluteError", "mean_absolute_error"},
    {"Huber", "huber"},
    {"softmax then SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"},
    {"softmax then CategoricalCrossentropy, label_smoothing 0.1", "categorical_crossentropy"},
    {"class_weight", "sparse_categorical_crossentropy"},
};

static struct loss make_loss(const cJSON *item, const char *ours, size_t width, bool softmax)
{
    cJSON *compile = cJSON_CreateObject();
    cJSON *loss = cJSON_Duplicate(json_member(item, "args"), true);
    struct loss out;
    struct error err;

    cJSON_AddStringToObject(loss, "type", ours);
    cJSON_AddItemToObject(compile, "loss", loss);
    if (loss_init(&out, compile, width, softmax ? activation_find("softmax") : NULL, &err))
        fail_msg("%s: %s", ours, err.message);
    cJSON_Delete(compile);
    return out;
}

static void check_loss(const cJSON *item, const char *ours)
{
    const cJSON *expected = json_member(item, "expected"), *inputs = json_member(item, "inputs");
    const bool softmax = json_member(inputs, "logits") != NULL;
    const bool sparse = strstr(ours, "sparse") != NULL;
    real predicted[64], targets[64], weights[8], gradient[64];
    int32_t classes[8];
    double each[8];
    const size_t samples =
        flat(json_member(inputs, "y_true"), targets) /
        (sparse ? 1
                : (size_t)cJSON_GetArraySize(cJSON_GetArrayItem(json_member(inputs, "y_true"), 0)));
    const size_t width =
        flat(json_member(inputs, softmax ? "logits" : "y_pred"), predicted) / samples;
    const struct loss loss = make_loss(item, ours, width, softmax);
    const cJSON *weighted = json_member(inputs, "sample_weight");
    struct loss_batch batch = {samples, width, predicted, NULL, targets, NULL};
    double value;

    if (!weighted)
        weighted = json_member(expected, "sample_weight");
    if (weighted && !cJSON_IsNull(weighted)) {
        flat(weighted, weights);
        batch.weights = weights;
    }
    for (size_t i = 0; sparse && i < samples; i++)
        classes[i] = (int32_t)targets[i];
    if (sparse)
        batch.classes = classes;
    if (softmax)
        kernels_best()->act_forward[ACT_SOFTMAX](samples, width, NULL, predicted, predicted, 0);
    value = loss_run(&loss, &batch, gradient, each) / (double)samples;
    assert_near(value, reference_number(json_member(expected, "loss")), near_value);
    for (size_t i = 0; json_member(expected, "per_sample") && i < samples; i++)
        assert_near(
            each[i],
            reference_number(cJSON_GetArrayItem(json_member(expected, "per_sample"), (int)i)),
            near_value);
    if (json_member(expected, "d_y_pred"))
        assert_all_near(ours, gradient, json_member(expected, "d_y_pred"), near_gradient);
    if (softmax) // the clipped last sample aside
        for (int i = 0; i < (int)samples - 1; i++)
            assert_all_near(ours, gradient + (size_t)i * width,
                            cJSON_GetArrayItem(json_member(expected, "d_logits"), i),
                            near_gradient);
}

static int check_losses(void)
{
    const cJSON *item = NULL;
    int checked = 0;

    cJSON_ArrayForEach(item, json_member(reference, "loss"))
    {
        for (size_t i = 0; i < sizeof(loss_names) / sizeof(loss_names[0]); i++)
            if (strcmp(loss_names[i].keras, name_of(item)) == 0) {
                check_loss(item, loss_names[i].ours);
                checked++;
            }
    }
    return checked;
}

static int check_regularizers(void)
{
    const cJSON *item = NULL;
    int checked = 0;

    cJSON_ArrayForEach(item, json_member(reference, "loss"))
    {
        real w[8], g[8] = {0};
        struct layer layer = {.nparams = 1};
        struct model model = {.nlayers = 1, .layers = &layer};
        cJSON *config, *regularizer;

        if (name_of(item)[0] != 'L' || strlen(name_of(item)) > 4)
            continue;
        config = cJSON_CreateObject();
        regularizer = cJSON_Duplicate(json_member(item, "args"), true);
        cJSON_AddStringToObject(regularizer, "type", name_of(item));
        cJSON_AddItemToObject(config, "kernel_regularizer", regularizer);
        layer.params[0] = (struct param){.w = w, .g = g, .trainable = true};
        layer.params[0].size = flat(reference_at(item, "inputs", "weights"), w);
        layer.params[0].regularizer = layer_regularizer(config, "kernel_regularizer");
        assert_near(model_penalty(&model),
                    reference_number(reference_at(item, "expected", "penalty")), near_value);
        model_penalty_gradient(&model);
        assert_all_near("regularizer", g, reference_at(item, "expected", "gradient"), near_value);
        cJSON_Delete(config);
        checked++;
    }
    return checked;
}

static void losses_and_regularizers_with_their_gradients(void **state)
{
    (void)state;
    open_section("loss");
    reference_account("loss", "engine_keras", check_losses() + check_regularizers());
}

// ---- optimizer

// One or two variables as a model of their own.
struct variables {
    struct layer layer;
    struct model model;
    real w[64], g[64];
};

static void add_variable(struct variables *v, const cJSON *start)
{
    struct param *param = &v->layer.params[v->layer.nparams++];

    *param = (struct param){
        .trainable = true, .w = v->w + v->model.trainable, .g = v->g + v->model.trainable};
    param->size = flat(start, param->w);
    v->model.trainable += real_padded(param->size);
}

static struct optimizer make_optimizer(const cJSON *item, size_t size)
{
    const char *schedule = json_string_or(json_member(item, "args"), "schedule", NULL);
    cJSON *compile = cJSON_CreateObject();
    cJSON *config = cJSON_Duplicate(json_member(item, "args"), true);
    struct optimizer out;
    struct error err;

    cJSON_AddStringToObject(config, "type", name_of(item));
    if (schedule)
        cJSON_AddItemToObject(
            config, "learning_rate",
            parse("{\"type\": \"ExponentialDecay\", \"initial_learning_rate\": 0.1, "
                  "\"decay_steps\": 2, \"decay_rate\": 0.5}"));
    cJSON_AddItemToObject(compile, "optimizer", config);
    if (optimizer_init(&out, compile, 100, &err) || optimizer_allocate(&out, size, &err))
        fail_msg("%s: %s", name_of(item), err.message);
    cJSON_Delete(compile);
    return out;
}

static void check_optimizer(const cJSON *item, const struct kernels *k)
{
    const cJSON *start = reference_at(item, "inputs", "start");
    const cJSON *after = reference_at(item, "expected", "weights_after_each_step"), *g = NULL;
    const bool two = cJSON_IsArray(cJSON_GetArrayItem(start, 0));
    const bool changed = strstr(json_string_or(item, "source", ""), "before step 6") != NULL;
    struct variables v = {0};
    struct optimizer optimizer;
    int step = 0;

    v.model.nlayers = 1;
    v.model.layers = &v.layer;
    v.model.weights = v.w;
    v.model.gradients = v.g;
    for (int i = 0; i < (two ? 2 : 1); i++)
        add_variable(&v, two ? cJSON_GetArrayItem(start, i) : start);
    optimizer = make_optimizer(item, v.model.trainable);
    cJSON_ArrayForEach(g, reference_at(item, "inputs", "gradients"))
    {
        const cJSON *expected = cJSON_GetArrayItem(after, step);

        for (int i = 0; i < (two ? 2 : 1); i++)
            flat(two ? cJSON_GetArrayItem(g, i) : g, v.layer.params[i].g);
        if (changed && step == 5)
            optimizer.rate = 0.001;
        optimizer_begin(&optimizer, k, &v.model);
        optimizer_finish(&optimizer, &v.model, false);
        for (int i = 0; i < (two ? 2 : 1); i++)
            assert_all_near(name_of(item), v.layer.params[i].w,
                            two ? cJSON_GetArrayItem(expected, i) : expected, near_value);
        step++;
    }
    optimizer_fini(&optimizer);
}

static void optimizers_step_by_step(void **state)
{
    const struct kernels *k[4];
    const int count = kernels_list(k);
    const cJSON *item = NULL;
    int checked = 0;

    (void)state;
    open_section("optimizer");
    cJSON_ArrayForEach(item, json_member(reference, "optimizer"))
    {
        for (int i = 0; i < count; i++)
            check_optimizer(item, k[i]);
        checked++;
    }
    reference_account("optimizer", "engine_keras", checked);
}

#endif
