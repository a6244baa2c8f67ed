// Central differences against the backward pass, in double: every layer, with every activation it can
// have, under every loss. A wrong sign, a missing factor or a wrong axis is off by far more than 1e-6.
#include "tests/conformance/reference.h"
#include "worker/engine/training_state.h"

enum { BATCH = 5, WIDTH = 3 };
static const double step = 1e-5, tolerance = 2e-6;

// %s: the activation. Inputs are (4, 6), reshaped where a layer wants another shape.
static const struct {
    const char *layers;
    bool activations; // try them all
} stacks[] = {
    {"{\"type\": \"Flatten\"}, {\"type\": \"Dense\", \"units\": 4, \"activation\": \"%s\"}", true},
    {"{\"type\": \"Dense\", \"units\": 3, \"activation\": \"%s\", \"use_bias\": false}, "
     "{\"type\": \"Flatten\"}",
     true},
    {"{\"type\": \"Dense\", \"units\": 3, \"kernel_regularizer\": {\"type\": \"l1\", \"l1\": "
     "0.01}, "
     "\"bias_regularizer\": {\"type\": \"l2\", \"l2\": 0.1}}, {\"type\": \"Activation\", "
     "\"activation\": \"%s\"}, {\"type\": \"Flatten\"}",
     true},
    {"{\"type\": \"Flatten\"}, {\"type\": \"Dense\", \"units\": 7, \"activation\": \"relu\"}, "
     "{\"type\": \"Dropout\", \"rate\": 0.4}, {\"type\": \"Dense\", \"units\": 5, \"activation\": "
     "\"tanh\"}, {\"type\": \"Dropout\", \"rate\": 0.3}",
     false},
    {"{\"type\": \"GaussianNoise\", \"stddev\": 0.3}, {\"type\": \"Dense\", \"units\": 2}, "
     "{\"type\": \"Flatten\"}",
     false},
    {"{\"type\": \"Dense\", \"units\": 3}, {\"type\": \"BatchNormalization\"}, "
     "{\"type\": \"Activation\", \"activation\": \"tanh\"}, {\"type\": \"Flatten\"}",
     false},
    {"{\"type\": \"BatchNormalization\", \"center\": false, \"scale\": false}, "
     "{\"type\": \"Flatten\"}",
     false},
    {"{\"type\": \"LayerNormalization\"}, {\"type\": \"Flatten\"}", false},
    {"{\"type\": \"LayerNormalization\", \"axis\": [1, 2]}, {\"type\": \"Flatten\"}", false},
    {"{\"type\": \"Conv1D\", \"filters\": 3, \"kernel_size\": 2, \"padding\": \"same\", "
     "\"activation\": \"%s\"}, {\"type\": \"Flatten\"}",
     true},
    {"{\"type\": \"Conv1D\", \"filters\": 2, \"kernel_size\": 2, \"padding\": \"causal\", "
     "\"dilation_rate\": 2}, {\"type\": \"Conv1D\", \"filters\": 2, \"kernel_size\": 3, "
     "\"strides\": 2, \"padding\": \"same\"}, {\"type\": \"Flatten\"}",
     false},
    {"{\"type\": \"Reshape\", \"target_shape\": [4, 3, 2]}, {\"type\": \"Conv2D\", \"filters\": 3, "
     "\"kernel_size\": [2, 3], \"padding\": \"same\", \"activation\": \"%s\"}, "
     "{\"type\": \"Flatten\"}",
     true},
    {"{\"type\": \"Reshape\", \"target_shape\": [4, 6, 1]}, {\"type\": \"Conv2D\", \"filters\": 2, "
     "\"kernel_size\": 2, \"padding\": \"same\", \"activation\": \"tanh\"}, {\"type\": "
     "\"Conv2D\", \"filters\": 3, \"kernel_size\": 3, \"strides\": [1, 2]}, {\"type\": "
     "\"MaxPooling2D\", \"pool_size\": 2, \"strides\": 1}, {\"type\": \"Flatten\"}",
     false},
    {"{\"type\": \"Dense\", \"units\": 3}, {\"type\": \"MaxPooling1D\", \"pool_size\": 3, "
     "\"strides\": 1, \"padding\": \"same\"}, {\"type\": \"Flatten\"}",
     false},
    {"{\"type\": \"Dense\", \"units\": 3}, {\"type\": \"AveragePooling1D\", \"pool_size\": 3, "
     "\"strides\": 2, \"padding\": \"same\"}, {\"type\": \"Flatten\"}",
     false},
    {"{\"type\": \"Dense\", \"units\": 4}, {\"type\": \"Reshape\", \"target_shape\": [2, 2, 4]}, "
     "{\"type\": \"AveragePooling2D\", \"pool_size\": 2, \"strides\": 1, \"padding\": \"same\"}, "
     "{\"type\": \"Flatten\"}",
     false},
    {"{\"type\": \"Dense\", \"units\": 3}, {\"type\": \"GlobalMaxPooling1D\"}", false},
    {"{\"type\": \"Dense\", \"units\": 3}, {\"type\": \"GlobalAveragePooling1D\"}", false},
    {"{\"type\": \"Reshape\", \"target_shape\": [4, 3, 2]}, {\"type\": \"Conv2D\", \"filters\": 2, "
     "\"kernel_size\": 1}, {\"type\": \"GlobalMaxPooling2D\"}",
     false},
    {"{\"type\": \"Reshape\", \"target_shape\": [4, 3, 2]}, {\"type\": \"Conv2D\", \"filters\": 2, "
     "\"kernel_size\": 1}, {\"type\": \"GlobalAveragePooling2D\"}",
     false},
    // Wide enough for the kernels' whole vectors, windows side by side, sums turned round.
    {"{\"type\": \"Reshape\", \"target_shape\": [4, 6, 1]}, {\"type\": \"Conv2D\", \"filters\": "
     "16, "
     "\"kernel_size\": 1}, {\"type\": \"MaxPooling2D\"}, {\"type\": \"Conv2D\", \"filters\": 16, "
     "\"kernel_size\": 2, \"activation\": \"relu\"}, {\"type\": \"Flatten\"}",
     false},
    {"{\"type\": \"Conv1D\", \"filters\": 6, \"kernel_size\": 2, \"groups\": 3, \"padding\": "
     "\"same\", \"activation\": \"tanh\"}, {\"type\": \"Conv1D\", \"filters\": 4, "
     "\"kernel_size\": 2, \"groups\": 2}, {\"type\": \"Flatten\"}",
     false},
    {"{\"type\": \"Dense\", \"units\": 64}, {\"type\": \"Reshape\", \"target_shape\": [2, 2, 64]}, "
     "{\"type\": \"Conv2D\", \"filters\": 4, \"kernel_size\": 2, \"groups\": 2}, {\"type\": "
     "\"Flatten\"}",
     false},
    {"{\"type\": \"SimpleRNN\", \"units\": 3, \"activation\": \"%s\"}", true},
    {"{\"type\": \"SimpleRNN\", \"units\": 3, \"dropout\": 0.4, \"recurrent_dropout\": 0.3}",
     false},
    {"{\"type\": \"LSTM\", \"units\": 3, \"dropout\": 0.4, \"return_sequences\": true}, {\"type\": "
     "\"GRU\", \"units\": 3, \"dropout\": 0.3}",
     false},
    {"{\"type\": \"LSTM\", \"units\": 4, \"dropout\": 0.4, \"recurrent_dropout\": 0.3, "
     "\"return_sequences\": true}, {\"type\": \"GRU\", \"units\": 4, \"recurrent_dropout\": 0.3}",
     false},
    {"{\"type\": \"GRU\", \"units\": 4, \"dropout\": 0.4, \"recurrent_dropout\": 0.3, "
     "\"reset_after\": false}",
     false},
    {"{\"type\": \"LSTM\", \"units\": 3, \"activation\": \"%s\"}", true},
    {"{\"type\": \"GRU\", \"units\": 3, \"activation\": \"%s\"}", true},
    {"{\"type\": \"LSTM\", \"units\": 3, \"return_sequences\": true}, {\"type\": \"GRU\", "
     "\"units\": 2, \"go_backwards\": true, \"return_sequences\": true}, {\"type\": \"SimpleRNN\", "
     "\"units\": 4}",
     false},
    {"{\"type\": \"GRU\", \"units\": 3, \"reset_after\": false, \"recurrent_activation\": "
     "\"hard_sigmoid\"}",
     false},
    {"{\"type\": \"LSTM\", \"units\": 2, \"recurrent_activation\": \"hard_sigmoid\", "
     "\"use_bias\": false}",
     false},
};

static const struct {
    const char *last, *loss;
    bool classes;
} ends[] = {
    {"softmax", "\"sparse_categorical_crossentropy\"", true},
    {"sigmoid", "\"sparse_categorical_crossentropy\"", true},
    {"linear", "{\"type\": \"sparse_categorical_crossentropy\", \"from_logits\": true}", true},
    {"softmax", "{\"type\": \"categorical_crossentropy\", \"label_smoothing\": 0.2}", true},
    {"sigmoid", "{\"type\": \"binary_crossentropy\", \"label_smoothing\": 0.1}", true},
    {"softmax", "\"binary_crossentropy\"", true},
    {"linear", "{\"type\": \"binary_crossentropy\", \"from_logits\": true}", true},
    {"linear", "\"mean_squared_error\"", false},
    {"tanh", "\"mean_absolute_error\"", false},
    {"linear", "{\"type\": \"huber\", \"delta\": 0.5}", false},
};

struct setup {
    struct model model;
    struct loss loss;
    struct pass pass;
    real x[BATCH * 24], values[BATCH * WIDTH], weights[BATCH];
    int32_t classes[BATCH];
    struct loss_batch batch;
};

static void make(struct setup *s, const struct kernels *kernels, const char *stack,
                 const char *activation, int end)
{
    const struct shape input = {.rank = 2, .dim = {4, 6}};
    char layers[2048], text[4096];
    struct error err;
    struct rng rng;
    cJSON *config;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(layers, sizeof(layers), stack, activation);
#pragma GCC diagnostic pop
    snprintf(text, sizeof(text),
             "{\"layers\": [%s, {\"type\": \"Dense\", \"units\": 3, \"activation\": \"%s\"}], "
             "\"loss\": %s}",
             layers, ends[end].last, ends[end].loss);
    config = json_read(text, strlen(text), NULL, &err);
    assert_non_null(config);
    if (model_plan(&s->model, config, &input, BATCH, "/model", &err) ||
        model_allocate(&s->model, &err) ||
        loss_init(&s->loss, config, WIDTH, activation_find(ends[end].last), &err))
        fail_msg("%s: %s %s", text, err.pointer, err.message);
    cJSON_Delete(config);
    s->model.layers[s->model.nlayers - 1].gradient_is_dz = s->loss.fused;
    model_fuse_dropout(&s->model);
    model_initialise(&s->model, 11);
    rng_init(&rng, 3, 4);
    for (int i = 0; i < BATCH * 24; i++)
        s->x[i] = rng_normal(&rng);
    for (int i = 0; i < BATCH * WIDTH; i++)
        s->values[i] = rng_normal(&rng);
    for (int i = 0; i < BATCH; i++) {
        s->classes[i] = (int32_t)rng_below(&rng, WIDTH);
        s->weights[i] = 0.5 + rng_uniform(&rng);
    }
    // Biases start at 0, where relu has its corner.
    for (size_t i = 0; i < s->model.trainable; i++)
        s->model.weights[i] += 0.05 * rng_normal(&rng);
    s->pass = (struct pass){.batch = BATCH,
                            .training = true,
                            .step = 7,
                            .seed = 5,
                            .kernels = kernels,
                            .scratch = s->model.scratch};
    s->batch = (struct loss_batch){.samples = BATCH,
                                   .width = WIDTH,
                                   .classes = ends[end].classes ? s->classes : NULL,
                                   .values = s->values,
                                   .weights = s->weights};
}

static double value(struct setup *s, real *gradient)
{
    s->batch.predicted = model_forward(&s->model, &s->pass, s->x);
    return loss_run(&s->loss, &s->batch, gradient, NULL) / BATCH + model_penalty(&s->model);
}

static void check_number(struct setup *s, real *at, double gradient, const char *what, size_t index)
{
    const real before = *at;
    double up, down, difference;

    *at = before + step;
    up = value(s, NULL);
    *at = before - step;
    down = value(s, NULL);
    *at = before;
    difference = (up - down) / (2 * step);
    if (!(fabs(difference - gradient) <= tolerance * fmax(1, fabs(difference))))
        fail_msg("%s[%zu]: backward %.10g, differences %.10g", what, index, gradient, difference);
}

static void check(const struct kernels *kernels, const char *stack, const char *activation, int end)
{
    struct setup s;
    real dx[BATCH * 24];

    make(&s, kernels, stack, activation, end);
    value(&s, model_output_gradient(&s.model));
    model_backward_input(&s.model, &s.pass, s.x, dx);
    model_penalty_gradient(&s.model);
    for (int i = 0; i < s.model.nlayers; i++)
        for (int p = 0; p < s.model.layers[i].nparams; p++) {
            const struct param *param = &s.model.layers[i].params[p];

            for (size_t j = 0; param->trainable && j < param->size; j++)
                check_number(&s, param->w + j, param->g[j], param->name, j);
        }
    for (size_t j = 0; j < BATCH * 24; j += 7)
        check_number(&s, s.x + j, dx[j], "x", j);
    model_fini(&s.model);
}

static void gradients_of_every_layer_activation_and_loss(void **state)
{
    int activations;
    const struct activation *all = activation_all(&activations);
    const struct kernels *kernels[4];
    const int builds = kernels_list(kernels);

    (void)state;
    for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
        for (int a = 0; a < (stacks[i].activations ? activations : 1); a++) {
            const bool recurrent = strstr(stacks[i].layers, "RNN") ||
                                   strstr(stacks[i].layers, "LSTM") ||
                                   strstr(stacks[i].layers, "GRU");

            if (recurrent && stacks[i].activations &&
                (all[a].needs_input || all[a].kind == ACT_SOFTMAX))
                continue;
            for (int end = 0; end < (int)(sizeof(ends) / sizeof(ends[0])); end++)
                for (int k = 0; k < builds; k++)
                    check(kernels[k], stacks[i].layers, all[a].name, end);
        }
}

// Embedding has no gradient by its input, which is numbers of words.
static void gradients_of_embedding(void **state)
{
    const struct shape input = {.rank = 1, .dim = {4}};
    static const char text[] = "{\"layers\": [{\"type\": \"Embedding\", \"input_dim\": 6, "
                               "\"output_dim\": 2}, {\"type\": \"LSTM\", \"units\": 3}, "
                               "{\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}], "
                               "\"loss\": \"sparse_categorical_crossentropy\"}";
    struct error err;
    cJSON *config = json_read(text, strlen(text), NULL, &err);
    struct setup s = {.classes = {0, 2, 1, 1, 0}};
    static const real words[BATCH * 4] = {0, 5, 2, 2, 1, 1, 1, 3, 4, 0,
                                          0, 5, 2, 3, 1, 0, 5, 5, 4, 2};

    (void)state;
    memcpy(s.x, words, sizeof(words));
    assert_int_equal(model_plan(&s.model, config, &input, BATCH, "", &err), OK);
    assert_int_equal(model_allocate(&s.model, &err), OK);
    assert_int_equal(loss_init(&s.loss, config, WIDTH, activation_find("softmax"), &err), OK);
    s.model.layers[2].gradient_is_dz = s.loss.fused;
    model_initialise(&s.model, 2);
    s.pass = (struct pass){
        .batch = BATCH, .training = true, .kernels = kernels_best(), .scratch = s.model.scratch};
    s.batch = (struct loss_batch){.samples = BATCH, .width = WIDTH, .classes = s.classes};
    value(&s, model_output_gradient(&s.model));
    model_backward(&s.model, &s.pass, s.x);
    for (int i = 0; i < 3; i++)
        for (int p = 0; p < s.model.layers[i].nparams; p++) {
            const struct param *param = &s.model.layers[i].params[p];

            for (size_t j = 0; j < param->size; j++)
                check_number(&s, param->w + j, param->g[j], param->name, j);
        }
    model_fini(&s.model);
    cJSON_Delete(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_every_layer_activation_and_loss),
        cmocka_unit_test(gradients_of_embedding),
    };
    return cmocka_run_group_tests_name("engine's gradients, double", tests, NULL, NULL);
}
