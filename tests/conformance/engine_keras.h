// Sections activation, loss, optimizer, layer, initializer and fit of the reference against the engine:
// included by a program for each number type with its tolerances. All builds of the kernels that the
// CPU can run are checked.
//
// Defined otherwise than in the reference, on purpose:
//   - a cross-entropy fused with its softmax has the gradient p - y also where p is clipped
//     (TensorFlow's way); the reference's torch gives 0 there
//   - weighted_metrics do not exist
#include "tests/conformance/reference.h"
#include "worker/engine/training_state.h"

#define REFERENCE "tests/conformance/keras_reference.json"

enum { NUMBERS = 4096 };

static cJSON *reference;

static int load(void **state)
{
    (void)state;
    reference = reference_load(REFERENCE);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    cJSON_Delete(reference);
    return 0;
}

static cJSON *parse(const char *text)
{
    struct error err;
    cJSON *tree = json_read(text, strlen(text), NULL, &err);

    if (!tree)
        fail_msg("%s: %s", text, err.message);
    return tree;
}

// All numbers of nested lists, in order.
static size_t flat(const cJSON *item, real *out)
{
    const cJSON *child = NULL;
    size_t n = 0;

    if (!cJSON_IsArray(item)) {
        out[0] = (real)reference_number(item);
        return 1;
    }
    cJSON_ArrayForEach(child, item) n += flat(child, out + n);
    return n;
}

static void assert_all_near(const char *what, const real *values, const cJSON *expected,
                            double tolerance)
{
    static real numbers[NUMBERS];
    const size_t n = flat(expected, numbers);

    for (size_t i = 0; i < n; i++)
        if (!reference_near((double)values[i], (double)numbers[i], tolerance))
            fail_msg("%s: number %zu is %.12g, expected %.12g", what, i, (double)values[i],
                     (double)numbers[i]);
}

static const char *name_of(const cJSON *item)
{
    return json_string_or(item, "name", "");
}

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
    assert_all_near(f->name, y, reference_at(item, "expected", "y"), TOLERANCE);
    for (size_t i = 0; i < n; i++)
        dy[i] = 1;
    if (rows)
        flat(reference_at(item, "inputs", "upstream_gradient"), dy);
    k->act_backward[own.kind](rows ? 3 : 1, rows ? 4 : n, f->needs_input ? z : y, dy, dx, own.p);
    assert_all_near(f->name, dx, reference_at(item, "expected", rows ? "dx" : "dy_dx"), TOLERANCE);
}

static void activations_and_their_slopes(void **state)
{
    const struct kernels *k[4];
    const int count = kernels_list(k);
    const cJSON *item = NULL;

    (void)state;
    for (int i = 0; i < count; i++)
        cJSON_ArrayForEach(item, json_member(reference, "activation")) check_activation(item, k[i]);
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
    assert_near(value, reference_number(json_member(expected, "loss")), TOLERANCE);
    for (size_t i = 0; json_member(expected, "per_sample") && i < samples; i++)
        assert_near(
            each[i],
            reference_number(cJSON_GetArrayItem(json_member(expected, "per_sample"), (int)i)),
            TOLERANCE);
    if (json_member(expected, "d_y_pred"))
        assert_all_near(ours, gradient, json_member(expected, "d_y_pred"), GRADIENT_TOLERANCE);
    if (softmax) // the clipped last sample aside
        for (int i = 0; i < (int)samples - 1; i++)
            assert_all_near(ours, gradient + (size_t)i * width,
                            cJSON_GetArrayItem(json_member(expected, "d_logits"), i),
                            GRADIENT_TOLERANCE);
}

static void losses_and_their_gradients(void **state)
{
    const cJSON *item = NULL;
    int checked = 0;

    (void)state;
    cJSON_ArrayForEach(item, json_member(reference, "loss"))
    {
        for (size_t i = 0; i < sizeof(loss_names) / sizeof(loss_names[0]); i++)
            if (strcmp(loss_names[i].keras, name_of(item)) == 0) {
                check_loss(item, loss_names[i].ours);
                checked++;
            }
    }
    assert_int_equal(checked, cJSON_GetArraySize(json_member(reference, "loss")) - 3);
}

static void regularizers_and_their_gradients(void **state)
{
    const cJSON *item = NULL;
    int checked = 0;

    (void)state;
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
                    reference_number(reference_at(item, "expected", "penalty")), TOLERANCE);
        model_penalty_gradient(&model);
        assert_all_near("regularizer", g, reference_at(item, "expected", "gradient"), TOLERANCE);
        cJSON_Delete(config);
        checked++;
    }
    assert_int_equal(checked, 3);
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
                            two ? cJSON_GetArrayItem(expected, i) : expected, TOLERANCE);
        step++;
    }
    optimizer_fini(&optimizer);
}

static void optimizers_step_by_step(void **state)
{
    const struct kernels *k[4];
    const int count = kernels_list(k);
    const cJSON *item = NULL;

    (void)state;
    for (int i = 0; i < count; i++)
        cJSON_ArrayForEach(item, json_member(reference, "optimizer")) check_optimizer(item, k[i]);
}

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

static void check_weights(const struct model *model, const cJSON *weights, double tolerance)
{
    const cJSON *item = weights->child;

    for (int i = 0; i < model->nlayers; i++)
        for (int p = 0; p < model->layers[i].nparams; p++, item = item->next)
            assert_all_near(model->layers[i].params[p].name, model->layers[i].params[p].w, item,
                            tolerance);
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
                    TOLERANCE);
    flat(json_member(inputs, "upstream_gradient"), model_output_gradient(&model));
    model_backward_input(&model, &pass, x, dx);
    g = json_member(expected, "d_weights") ? json_member(expected, "d_weights")->child : NULL;
    for (int p = 0; p < layer->nparams; p++)
        if (layer->params[p].trainable) {
            assert_all_near(layer->params[p].name, layer->params[p].g, g, GRADIENT_TOLERANCE);
            g = g->next;
        }
    if (json_member(expected, "d_x"))
        assert_all_near("dx", dx, json_member(expected, "d_x"), GRADIENT_TOLERANCE);
    for (int p = 0; p < layer->nparams; p++)
        if (json_member(expected, layer->params[p].name))
            assert_all_near(layer->params[p].name, layer->params[p].w,
                            json_member(expected, layer->params[p].name), TOLERANCE);
    model_fini(&model);
}

static void layers_forward_and_backward(void **state)
{
    const struct kernels *k[4];
    const int count = kernels_list(k);
    const cJSON *item = NULL;
    int checked = 0;

    (void)state;
    for (int i = 0; i < count; i++)
        cJSON_ArrayForEach(item, json_member(reference, "layer"))
        {
            if (!reference_at(item, "expected", "y"))
                continue;
            check_layer(item, k[i]);
            checked++;
        }
    // Three cases are not of this form; they are the next tests.
    assert_int_equal(checked, count * (cJSON_GetArraySize(json_member(reference, "layer")) - 3));
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

static void moving_statistics_follow_the_batches(void **state)
{
    const cJSON *item = layer_case("BatchNormalization", "after_each_batch");
    const cJSON *batches = reference_at(item, "inputs", "batches");
    const cJSON *after = reference_at(item, "expected", "after_each_batch");
    const struct shape input = {.rank = 1, .dim = {2}};
    struct model model = one_layer(item, &input, 4);
    struct pass pass = {.training = true, .kernels = kernels_best(), .scratch = model.scratch};
    real x[8];

    (void)state;
    model_initialise(&model, 1);
    for (int i = 0; i < cJSON_GetArraySize(batches); i++) {
        pass.batch = flat(cJSON_GetArrayItem(batches, i), x) / 2;
        model_forward(&model, &pass, x);
        assert_all_near("moving_mean", model.layers[0].params[2].w,
                        json_member(cJSON_GetArrayItem(after, i), "moving_mean"), TOLERANCE);
        assert_all_near("moving_variance", model.layers[0].params[3].w,
                        json_member(cJSON_GetArrayItem(after, i), "moving_variance"), TOLERANCE);
    }
    pass.batch = flat(cJSON_GetArrayItem(batches, 0), x) / 2;
    pass.training = false;
    assert_all_near("inference", model_forward(&model, &pass, x),
                    reference_at(item, "expected", "inference_on_first_batch"), TOLERANCE);
    model_fini(&model);
}

static void biases_of_recurrent_layers_start_as_in_keras(void **state)
{
    const cJSON *item = layer_case("initial bias", "lstm_bias");
    const struct shape input = {.rank = 2, .dim = {4, 3}};
    static const char *const types[] = {"LSTM", "GRU"}, *const biases[] = {"lstm_bias", "gru_bias"},
                             *const shapes[] = {"lstm_weight_shapes", "gru_weight_shapes"};

    (void)state;
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
}

static void dropout_scales_what_stays(void **state)
{
    const cJSON *item = layer_case("Dropout", "values_that_occur");
    const struct shape input = {.rank = 1, .dim = {2000}};
    struct model model = one_layer(item, &input, 1);
    struct pass pass = {.batch = 1, .training = true, .kernels = kernels_best()};
    static real x[2000];
    real values[2];
    const real *y;
    int dropped = 0;

    (void)state;
    for (int i = 0; i < 2000; i++)
        x[i] = 1;
    assert_int_equal(flat(reference_at(item, "expected", "values_that_occur"), values), 2);
    y = model_forward(&model, &pass, x);
    for (int i = 0; i < 2000; i++) {
        assert_near((double)y[i], (double)values[y[i] > 0], TOLERANCE);
        dropped += y[i] == 0;
    }
    assert_in_range(dropped, 520, 680); // 600 ± 4 deviations
    pass.training = false;
    y = model_forward(&model, &pass, x);
    assert_memory_equal(y, x, sizeof(x));
    model_fini(&model);
}

// ---- initializer

static void initializers_have_keras_limits_and_deviations(void **state)
{
    static const struct {
        const char *keras;
        enum initializer ours;
    } names[] = {{"GlorotUniform", INIT_GLOROT_UNIFORM},
                 {"GlorotNormal", INIT_GLOROT_NORMAL},
                 {"HeUniform", INIT_HE_UNIFORM},
                 {"HeNormal", INIT_HE_NORMAL}};
    static real w[784 * 128];
    const cJSON *item = NULL;

    (void)state;
    cJSON_ArrayForEach(item, json_member(reference, "initializer"))
    {
        const cJSON *expected = json_member(item, "expected");
        const cJSON *shape = reference_at(item, "inputs", "shape");
        const int rank = cJSON_GetArraySize(shape);
        int64_t dim[4] = {0};
        size_t n = 1;

        for (int i = 0; i < rank; i++) {
            dim[i] = cJSON_GetArrayItem(shape, i)->valueint;
            n *= (size_t)dim[i];
        }
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            const struct fans fans = initializer_fans(rank, dim);
            const double limit = json_number_or(expected, "limit", 0);
            double sum = 0, deviation;
            struct rng rng;

            if (strcmp(names[i].keras, name_of(item)) != 0)
                continue;
            assert_near(fans.in, json_number_or(expected, "fan_in", 0), 0);
            assert_near(fans.out, json_number_or(expected, "fan_out", 0), 0);
            rng_init(&rng, 5, 6);
            initializer_fill(names[i].ours, rank, dim, &rng, w);
            for (size_t q = 0; q < n; q++) {
                assert_true(fabs((double)w[q]) <= limit * (1 + 1e-6));
                sum += (double)w[q] * (double)w[q];
            }
            deviation = sqrt(sum / (double)n) / json_number_or(expected, "std", 0);
            if (n > 1000)
                assert_near(deviation, 1, 6 / sqrt((double)n));
        }
    }
}

static void orthogonal_kernels_are_orthogonal(void **state)
{
    static const int64_t shapes[][2] = {{4, 8}, {8, 4}, {64, 256}};
    static real w[64 * 256];

    (void)state;
    for (int s = 0; s < 3; s++) {
        const size_t rows = (size_t)shapes[s][0], cols = (size_t)shapes[s][1];
        const size_t count = rows < cols ? rows : cols, len = rows < cols ? cols : rows;
        const size_t step = rows < cols ? cols : 1, stride = rows < cols ? 1 : cols;
        struct rng rng;

        rng_init(&rng, 1, 2);
        initializer_fill(INIT_ORTHOGONAL, 2, shapes[s], &rng, w);
        for (size_t a = 0; a < count; a++)
            for (size_t b = 0; b <= a; b++) {
                double dot = 0;

                for (size_t i = 0; i < len; i++)
                    dot += (double)w[a * step + i * stride] * (double)w[b * step + i * stride];
                assert_near(dot, a == b, 1e-6);
            }
    }
}

// ---- fit

#define DENSE_5_3                                                                                  \
    "[{\"type\": \"Dense\", \"units\": 5, \"activation\": \"relu\"}, "                             \
    "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]"
#define WORDS(cell)                                                                                \
    "[{\"type\": \"Embedding\", \"input_dim\": 5, \"output_dim\": 3}, {\"type\": \"" cell          \
    "\", \"units\": 3}, {\"type\": \"Dense\", \"units\": 2, \"activation\": \"softmax\"}]"

// What the cases say in words.
static const struct {
    const char *name, *layers, *callbacks;
} fits[] = {
    {"mlp", DENSE_5_3, "[]"},
    {"mlp, l2 kernel and bias",
     "[{\"type\": \"Dense\", \"units\": 5, \"activation\": \"relu\", \"kernel_regularizer\": "
     "{\"type\": \"l2\", \"l2\": 0.01}, \"bias_regularizer\": {\"type\": \"l2\", \"l2\": 0.1}}, "
     "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]",
     "[]"},
    {"mlp, class_weight", DENSE_5_3, "[]"},
    {"mlp, clipnorm and weight_decay", DENSE_5_3, "[]"},
    {"batch normalisation",
     "[{\"type\": \"Dense\", \"units\": 5}, {\"type\": \"BatchNormalization\", \"momentum\": 0.8}, "
     "{\"type\": \"Activation\", \"activation\": \"relu\"}, "
     "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]",
     "[]"},
    {"binary",
     "[{\"type\": \"Dense\", \"units\": 4, \"activation\": \"tanh\"}, "
     "{\"type\": \"Dense\", \"units\": 1, \"activation\": \"sigmoid\"}]",
     "[]"},
    {"regression",
     "[{\"type\": \"Dense\", \"units\": 4, \"activation\": \"gelu\"}, "
     "{\"type\": \"Dense\", \"units\": 2}]",
     "[]"},
    {"cnn",
     "[{\"type\": \"Conv2D\", \"filters\": 2, \"kernel_size\": 3, \"padding\": \"same\", "
     "\"activation\": \"relu\"}, {\"type\": \"MaxPooling2D\"}, {\"type\": \"Conv2D\", "
     "\"filters\": 3, \"kernel_size\": 2, \"activation\": \"elu\"}, "
     "{\"type\": \"GlobalAveragePooling2D\"}, "
     "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]",
     "[]"},
    {"sequence SimpleRNN", WORDS("SimpleRNN"), "[]"},
    {"sequence LSTM", WORDS("LSTM"), "[]"},
    {"sequence GRU", WORDS("GRU"), "[]"},
    {"early stopping and plateau in fit", DENSE_5_3,
     "[{\"type\": \"ReduceLROnPlateau\", \"factor\": 0.5, \"patience\": 1}, {\"type\": "
     "\"EarlyStopping\", \"patience\": 3, \"restore_best_weights\": true}]"},
};

static cJSON *fit_config(const cJSON *item)
{
    const cJSON *args = json_member(item, "args");
    cJSON *config = cJSON_CreateObject(), *model = cJSON_AddObjectToObject(config, "model");
    cJSON *dataset = cJSON_AddObjectToObject(config, "dataset");
    cJSON *compile = cJSON_Duplicate(json_member(args, "compile"), true);
    cJSON *fit = cJSON_Duplicate(json_member(args, "fit"), true);

    cJSON_AddItemToObject(config, "compile", compile);
    cJSON_AddItemToObject(config, "fit", fit);
    cJSON_AddItemToObject(compile, "optimizer",
                          cJSON_Duplicate(json_member(args, "optimizer"), true));
    cJSON_AddStringToObject(dataset, "name", "x");
    if (json_member(json_member(args, "fit"), "validation_split"))
        cJSON_AddNumberToObject(dataset, "validation_split",
                                json_number_or(json_member(args, "fit"), "validation_split", 0));
    for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++)
        if (strcmp(fits[i].name, name_of(item)) == 0) {
            cJSON_AddItemToObject(model, "layers", parse(fits[i].layers));
            cJSON_AddItemToObject(fit, "callbacks", parse(fits[i].callbacks));
            return config;
        }
    fail_msg("a fit case that this test does not know: %s", name_of(item));
    return NULL;
}

// The data are floats, the reference's have three decimals: kept as thousandths, which floats hold
// exactly, and scaled where the batch is gathered.
struct fit_data {
    struct dataset dataset;
    double unit; // of x
    float x[512], y[64];
    int32_t classes[16];
};

static void make_data(const cJSON *item, struct fit_data *data)
{
    const cJSON *inputs = json_member(item, "inputs"), *y = json_member(inputs, "y");
    const struct shape shape = shape_of(json_member(inputs, "x"));
    const bool values = cJSON_IsArray(cJSON_GetArrayItem(y, 0));
    struct dataset *set = &data->dataset;
    real numbers[512];
    size_t n;

    *data = (struct fit_data){.unit = strncmp(name_of(item), "sequence", 8) == 0 ? 1 : 0.001};
    set->info.train_samples = cJSON_GetArraySize(y);
    set->info.rank = shape.rank;
    set->target_width = 1;
    memcpy(set->info.shape, shape.dim, sizeof(shape.dim));
    n = flat(json_member(inputs, "x"), numbers);
    for (size_t i = 0; i < n; i++)
        data->x[i] = (float)round((double)numbers[i] / data->unit);
    n = flat(y, numbers);
    for (size_t i = 0; i < n; i++) {
        data->y[i] = (float)numbers[i];
        if (!values) {
            data->classes[i] = (int32_t)numbers[i];
            if (data->classes[i] >= set->info.classes)
                set->info.classes = data->classes[i] + 1;
        }
    }
    if (values)
        set->target_width = (int64_t)n / set->info.train_samples;
    set->train_x = data->x;
    set->train_y = values ? (const void *)data->y : data->classes;
}

// Our accuracy has Keras' names; weighted_metrics are left out.
static void check_log(const cJSON *history, const struct epoch_log *log, int epoch,
                      double tolerance)
{
    for (int i = 0; i < log->nmetrics; i++) {
        const cJSON *expected =
            cJSON_GetArrayItem(json_member(history, log->metrics[i].name), epoch);

        if (strcmp(log->metrics[i].name, "learning_rate") == 0 && !expected)
            continue;
        if (!reference_near(log->metrics[i].value, reference_number(expected), tolerance))
            fail_msg("epoch %d: %s is %.12g, expected %.12g", epoch + 1, log->metrics[i].name,
                     log->metrics[i].value, reference_number(expected));
    }
}

static void check_fit(const cJSON *item, const struct kernels *k)
{
    const cJSON *expected = json_member(item, "expected");
    const cJSON *history = json_member(expected, "history");
    const cJSON *last = json_member(expected, "evaluate_on_x");
    const int epochs = cJSON_GetArraySize(json_member(history, "loss"));
    const double tolerance = FIT_TOLERANCE * (strcmp(name_of(item), "regression") == 0 ? 3 : 1);
    struct fit_data data;
    cJSON *config = fit_config(item);
    struct training *t;
    struct epoch_log log;
    struct error err;
    int epoch = 0;

    make_data(item, &data);
    print_message("    %s: %s\n", k->name, name_of(item));
    if (training_new(&t, config, &data.dataset, 1, NULL, &err))
        fail_msg("%s: %s %s", name_of(item), err.pointer, err.message);
    t->factor[0] = (real)data.unit;
    t->kernels = k;
    set_weights(&t->model, reference_at(item, "inputs", "weights"), "value");
    for (; !training_done(t); epoch++) {
        assert_int_equal(training_epoch(t, &log, &err), OK);
        check_log(history, &log, epoch, tolerance);
    }
    assert_int_equal(epoch, epochs);
    check_weights(&t->model, json_member(expected, "weights"), tolerance);
    const struct data_part all = {data.dataset.info.train_samples, data.dataset.train_x,
                                  data.dataset.train_y, NULL};

    assert_near(training_evaluate(t, &all, NULL), json_number_or(last, "loss", 0), tolerance);
    for (int i = 0; i < metrics_count(t->metrics); i++)
        assert_near(metrics_value(t->metrics, i),
                    json_number_or(last, metrics_name(t->metrics, i), -1), tolerance);
    training_free(t);
    cJSON_Delete(config);
}

static void whole_trainings_give_keras_history_and_weights(void **state)
{
    const cJSON *item = NULL;
    const struct kernels *k[4];

    (void)state;
    for (int i = kernels_list(k); i-- > 0;)
        cJSON_ArrayForEach(item, json_member(reference, "fit")) check_fit(item, k[i]);
}

static const struct CMUnitTest engine_tests[] = {
    cmocka_unit_test(activations_and_their_slopes),
    cmocka_unit_test(losses_and_their_gradients),
    cmocka_unit_test(regularizers_and_their_gradients),
    cmocka_unit_test(optimizers_step_by_step),
    cmocka_unit_test(layers_forward_and_backward),
    cmocka_unit_test(moving_statistics_follow_the_batches),
    cmocka_unit_test(biases_of_recurrent_layers_start_as_in_keras),
    cmocka_unit_test(dropout_scales_what_stays),
    cmocka_unit_test(initializers_have_keras_limits_and_deviations),
    cmocka_unit_test(orthogonal_kernels_are_orthogonal),
    cmocka_unit_test(whole_trainings_give_keras_history_and_weights),
};
