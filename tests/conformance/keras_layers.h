// Sections layer and initializer of the reference.
#ifndef TUNERD_TESTS_CONFORMANCE_KERAS_LAYERS_H
#define TUNERD_TESTS_CONFORMANCE_KERAS_LAYERS_H

#include "tests/conformance/engine_keras.h"

// ---- layer

static struct shape shape_of(const cJSON *samples)
{
    struct shape shape = {0};

    for (const cJSON *at = cJSON_GetArrayItem(samples, 0); cJSON_IsArray(at);
         at = cJSON_GetArrayItem(at, 0))
        shape.dim[shape.rank++] = cJSON_GetArraySize(at);
    return shape;
}

static struct model one_layer(const cJSON *item, const struct shape *input, size_t batch)
{
    cJSON *config = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(config, "layers");
    cJSON *layer = cJSON_Duplicate(json_member(item, "args"), true);
    struct model model;
    struct error err;

    cJSON_AddStringToObject(layer, "type", name_of(item));
    cJSON_AddItemToArray(list, layer);
    if (model_plan(&model, config, input, batch, "", &err) || model_allocate(&model, &err))
        fail_msg("%s: %s", name_of(item), err.message);
    cJSON_Delete(config);
    return model;
}

static void set_weights(const struct model *model, const cJSON *weights, const char *key)
{
    const cJSON *item = weights ? weights->child : NULL;

    for (int i = 0; i < model->nlayers; i++)
        for (int p = 0; p < model->layers[i].nparams; p++, item = item->next) {
            assert_non_null(item);
            assert_int_equal(
                flat(key ? json_member(item, key) : item, model->layers[i].params[p].w),
                model->layers[i].params[p].size);
        }
    assert_null(item);
}

static void check_weights(const struct model *model, const cJSON *weights, double within)
{
    const cJSON *item = weights->child;

    for (int i = 0; i < model->nlayers; i++)
        for (int p = 0; p < model->layers[i].nparams; p++, item = item->next)
            assert_all_near(model->layers[i].params[p].name, model->layers[i].params[p].w, item,
                            within);
}

static void check_layer(const cJSON *item, const struct kernels *k)
{
    const cJSON *inputs = json_member(item, "inputs"), *expected = json_member(item, "expected");
    const cJSON *shape = json_member(expected, "output_shape"), *g;
    const cJSON *samples = json_member(inputs, "x");
    const size_t batch = (size_t)cJSON_GetArraySize(samples);
    const struct shape input = shape_of(samples);
    struct model model = one_layer(item, &input, batch);
    const struct layer *layer = &model.layers[0];
    struct pass pass = {.batch = batch, .kernels = k, .scratch = model.scratch};
    static real x[NUMBERS], dx[NUMBERS];

    pass.training = !cJSON_IsFalse(json_member(inputs, "training"));
    flat(samples, x);
    set_weights(&model, json_member(inputs, "weights"), "value");
    assert_int_equal(model.trainable_count + model.frozen_count,
                     json_integer_or(item, "parameters", -1));
    assert_int_equal(layer->out.rank + 1, cJSON_GetArraySize(shape));
    for (int i = 0; i < layer->out.rank; i++)
        assert_int_equal(layer->out.dim[i], cJSON_GetArrayItem(shape, i + 1)->valueint);
    assert_all_near(name_of(item), model_forward(&model, &pass, x), json_member(expected, "y"),
                    near_value);
    flat(json_member(inputs, "upstream_gradient"), model_output_gradient(&model));
    model_backward_input(&model, &pass, x, dx);
    g = json_member(expected, "d_weights") ? json_member(expected, "d_weights")->child : NULL;
    for (int p = 0; p < layer->nparams; p++)
        if (layer->params[p].trainable) {
            assert_all_near(layer->params[p].name, layer->params[p].g, g, near_gradient);
            g = g->next;
        }
    if (json_member(expected, "d_x"))
        assert_all_near("dx", dx, json_member(expected, "d_x"), near_gradient);
    for (int p = 0; p < layer->nparams; p++)
        if (json_member(expected, layer->params[p].name))
            assert_all_near(layer->params[p].name, layer->params[p].w,
                            json_member(expected, layer->params[p].name), near_value);
    model_fini(&model);
}

static const cJSON *layer_case(const char *name, const char *expected)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, json_member(reference, "layer"))
    {
        if (strcmp(name_of(item), name) == 0 && reference_at(item, "expected", expected))
            return item;
    }
    fail_msg("no case %s with %s", name, expected);
    return NULL;
}

static int check_moving_statistics(void)
{
    const cJSON *item = layer_case("BatchNormalization", "after_each_batch");
    const cJSON *batches = reference_at(item, "inputs", "batches");
    const cJSON *after = reference_at(item, "expected", "after_each_batch");
    const struct shape input = {.rank = 1, .dim = {2}};
    struct model model = one_layer(item, &input, 4);
    struct pass pass = {.training = true, .kernels = kernels_best(), .scratch = model.scratch};
    real x[8];

    model_initialise(&model, 1);
    for (int i = 0; i < cJSON_GetArraySize(batches); i++) {
        pass.batch = flat(cJSON_GetArrayItem(batches, i), x) / 2;
        model_forward(&model, &pass, x);
        assert_all_near("moving_mean", model.layers[0].params[2].w,
                        json_member(cJSON_GetArrayItem(after, i), "moving_mean"), near_value);
        assert_all_near("moving_variance", model.layers[0].params[3].w,
                        json_member(cJSON_GetArrayItem(after, i), "moving_variance"), near_value);
    }
    pass.batch = flat(cJSON_GetArrayItem(batches, 0), x) / 2;
    pass.training = false;
    assert_all_near("inference", model_forward(&model, &pass, x),
                    reference_at(item, "expected", "inference_on_first_batch"), near_value);
    model_fini(&model);
    return 1;
}

static int check_first_biases(void)
{
    const cJSON *item = layer_case("initial bias", "lstm_bias");
    const struct shape input = {.rank = 2, .dim = {4, 3}};
    static const char *const types[] = {"LSTM", "GRU"}, *const biases[] = {"lstm_bias", "gru_bias"},
                             *const shapes[] = {"lstm_weight_shapes", "gru_weight_shapes"};

    for (int i = 0; i < 2; i++) {
        cJSON *config = parse("{\"layers\": [{\"units\": 3, \"unit_forget_bias\": true}]}");
        struct model model;
        struct error err;

        cJSON_AddStringToObject(json_member(config, "layers")->child, "type", types[i]);
        assert_int_equal(model_plan(&model, config, &input, 2, "", &err), OK);
        assert_int_equal(model_allocate(&model, &err), OK);
        model_initialise(&model, 3);
        assert_all_near(biases[i], model.layers[0].params[2].w,
                        reference_at(item, "expected", biases[i]), 0);
        for (int p = 0; p < 3; p++) {
            const cJSON *shape = cJSON_GetArrayItem(reference_at(item, "expected", shapes[i]), p);

            assert_int_equal(model.layers[0].params[p].rank, cJSON_GetArraySize(shape));
            for (int d = 0; d < model.layers[0].params[p].rank; d++)
                assert_int_equal(model.layers[0].params[p].dim[d],
                                 cJSON_GetArrayItem(shape, d)->valueint);
        }
        model_fini(&model);
        cJSON_Delete(config);
    }
    return 1;
}

static int check_dropout(void)
{
    const cJSON *item = layer_case("Dropout", "values_that_occur");
    const struct shape input = {.rank = 1, .dim = {2000}};
    struct model model = one_layer(item, &input, 1);
    struct pass pass = {.batch = 1, .training = true, .kernels = kernels_best()};
    static real x[2000];
    real values[2];
    const real *y;
    int dropped = 0;

    for (int i = 0; i < 2000; i++)
        x[i] = 1;
    assert_int_equal(flat(reference_at(item, "expected", "values_that_occur"), values), 2);
    y = model_forward(&model, &pass, x);
    for (int i = 0; i < 2000; i++) {
        assert_near((double)y[i], (double)values[y[i] > 0], near_value);
        dropped += y[i] == 0;
    }
    assert_in_range(dropped, 520, 680); // 600 ± 4 deviations
    pass.training = false;
    y = model_forward(&model, &pass, x);
    assert_memory_equal(y, x, sizeof(x));
    model_fini(&model);
    return 1;
}

// Three cases have forms of their own.
static void layers_forward_and_backward(void **state)
{
    const struct kernels *k[4];
    const int count = kernels_list(k);
    const cJSON *item = NULL;
    int checked = 0;

    (void)state;
    open_section("layer");
    cJSON_ArrayForEach(item, json_member(reference, "layer"))
    {
        if (!reference_at(item, "expected", "y"))
            continue;
        for (int i = 0; i < count; i++)
            check_layer(item, k[i]);
        checked++;
    }
    checked += check_moving_statistics() + check_first_biases() + check_dropout();
    reference_account("layer", "engine_keras", checked);
}

// Arguments for which the reference has no case: torch_layers.py.
static void layers_with_other_arguments(void **state)
{
    const struct kernels *k[4];
    const int count = kernels_list(k);
    cJSON *others = reference_load("tests/conformance/torch_layers.json");
    const cJSON *item = NULL;
    int checked = 0;

    (void)state;
    open_section("layer");
    cJSON_ArrayForEach(item, json_member(others, "layer"))
    {
        for (int i = 0; i < count; i++)
            check_layer(item, k[i]);
        checked++;
    }
    assert_int_equal(checked, 37);
    cJSON_Delete(others);
}

// ---- initializer

static void check_scaled(const cJSON *item, enum initializer ours)
{
    static real w[784 * 128];
    const cJSON *expected = json_member(item, "expected");
    const cJSON *shape = reference_at(item, "inputs", "shape");
    const double limit = json_number_or(expected, "limit", 0);
    const int rank = cJSON_GetArraySize(shape);
    int64_t dim[4] = {0};
    double sum = 0;
    size_t n = 1;
    struct rng rng;

    for (int i = 0; i < rank; i++) {
        dim[i] = cJSON_GetArrayItem(shape, i)->valueint;
        n *= (size_t)dim[i];
    }
    assert_near(initializer_fans(rank, dim).in, json_number_or(expected, "fan_in", 0), 0);
    assert_near(initializer_fans(rank, dim).out, json_number_or(expected, "fan_out", 0), 0);
    rng_init(&rng, 5, 6);
    initializer_fill(ours, rank, dim, &rng, w);
    for (size_t i = 0; i < n; i++) {
        assert_true(fabs((double)w[i]) <= limit * (1 + near_value));
        sum += (double)w[i] * (double)w[i];
    }
    if (n > 1000)
        assert_near(sqrt(sum / (double)n) / json_number_or(expected, "std", 0), 1,
                    6 / sqrt((double)n));
}

// Rows of a wide matrix, columns of a tall one.
static void check_orthogonal(int64_t rows, int64_t cols)
{
    static real w[64 * 256];
    const size_t count = (size_t)(rows < cols ? rows : cols);
    const size_t len = (size_t)(rows < cols ? cols : rows);
    const size_t step = rows < cols ? (size_t)cols : 1, stride = rows < cols ? 1 : (size_t)cols;
    struct rng rng;

    rng_init(&rng, 1, 2);
    initializer_fill(INIT_ORTHOGONAL, 2, (const int64_t[]){rows, cols}, &rng, w);
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b <= a; b++) {
            double dot = 0;

            for (size_t i = 0; i < len; i++)
                dot += (double)w[a * step + i * stride] * (double)w[b * step + i * stride];
            assert_near(dot, a == b, near_value);
        }
}

static void check_orthogonals(const cJSON *item)
{
    const cJSON *shape = reference_at(item, "inputs", "shape");

    assert_true(
        json_bool_or(json_member(item, "expected"), "w_times_transpose_is_identity", false));
    check_orthogonal(cJSON_GetArrayItem(shape, 0)->valueint,
                     cJSON_GetArrayItem(shape, 1)->valueint);
    check_orthogonal(8, 4);
    check_orthogonal(64, 256);
}

static void check_uniform(const cJSON *item)
{
    enum { N = 10000 };
    static real w[N];
    const double limit = json_number_or(json_member(item, "args"), "maxval", 0);
    double sum = 0, low = 0, high = 0;
    struct rng rng;

    assert_near(json_number_or(json_member(item, "args"), "minval", 0), -limit, 0);
    rng_init(&rng, 5, 7);
    initializer_fill(INIT_UNIFORM_05, 2, (const int64_t[]){100, 100}, &rng, w);
    for (int i = 0; i < N; i++) {
        sum += (double)w[i] * (double)w[i];
        low = fmin(low, (double)w[i]);
        high = fmax(high, (double)w[i]);
    }
    assert_true(low >= -limit * (1 + near_value) && low < -0.99 * limit);
    assert_true(high <= limit * (1 + near_value) && high > 0.99 * limit);
    assert_near(sqrt(sum / N), limit / sqrt(3), 0.02 * limit);
}

static void initializers_have_keras_limits_and_deviations(void **state)
{
    static const struct {
        const char *keras;
        enum initializer ours;
    } names[] = {{"GlorotUniform", INIT_GLOROT_UNIFORM},
                 {"GlorotNormal", INIT_GLOROT_NORMAL},
                 {"HeUniform", INIT_HE_UNIFORM},
                 {"HeNormal", INIT_HE_NORMAL}};
    const cJSON *item = NULL;
    int checked = 0;

    (void)state;
    open_section("initializer");
    cJSON_ArrayForEach(item, json_member(reference, "initializer"))
    {
        if (reference_refused("initializer", name_of(item)))
            continue;
        if (strcmp(name_of(item), "Orthogonal") == 0)
            check_orthogonals(item);
        else if (strcmp(name_of(item), "Embedding default") == 0)
            check_uniform(item);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (strcmp(names[i].keras, name_of(item)) == 0)
                check_scaled(item, names[i].ours);
        checked++;
    }
    reference_account("initializer", "engine_keras", checked);
    assert_int_equal(initializer_find("lecun_normal"), -1);
    assert_int_equal(initializer_find("random_normal"), -1);
}

#endif
