// What layers mean where keras_reference.json has no figures: groups of convolutions, and the masks of
// dropout inside recurrent layers (keras/src/layers/rnn: dropout_rnn_cell.py, lstm.py, gru.py).
#include "tests/conformance/reference.h"
#include "worker/engine/model.h"

enum { BATCH = 50, STEPS = 4, WIDTH = 20, NUMBERS = BATCH * STEPS * WIDTH };

static void make(struct model *m, const char *layers, const struct shape *input)
{
    char text[1024];
    struct error err;
    cJSON *config;

    snprintf(text, sizeof(text), "{\"layers\": [%s]}", layers);
    config = json_read(text, strlen(text), NULL, &err);
    assert_non_null(config);
    if (model_plan(m, config, input, BATCH, "", &err) || model_allocate(m, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    model_initialise(m, 1);
    cJSON_Delete(config);
}

static struct pass pass_of(const struct model *m, bool training, uint64_t step)
{
    return (struct pass){.batch = BATCH,
                         .training = training,
                         .step = step,
                         .seed = 5,
                         .kernels = kernels_best(),
                         .scratch = m->scratch};
}

// A convolution in 3 groups is one whose kernel is 0 between channels and filters of different groups.
static void groups_of_a_convolution_do_not_see_each_other(void **state)
{
    enum { CHANNELS = 6, FILTERS = 9, GROUPS = 3, PLACES = 4 };
    const struct shape input = {.rank = 3, .dim = {4, 5, CHANNELS}};
    const size_t in = CHANNELS / GROUPS, own = FILTERS / GROUPS;
    struct model grouped, whole;
    static real x[BATCH * 4 * 5 * CHANNELS];
    struct rng rng;

    (void)state;
#define CONV "{\"type\": \"Conv2D\", \"filters\": 9, \"kernel_size\": 2, \"activation\": \"tanh\""
    make(&grouped, CONV ", \"groups\": 3}", &input);
    make(&whole, CONV "}", &input);
    rng_init(&rng, 1, 1);
    for (size_t i = 0; i < sizeof(x) / sizeof(*x); i++)
        x[i] = rng_normal(&rng);
    const struct param *part = grouped.layers[0].params, *all = whole.layers[0].params;

    assert_int_equal(part->size, PLACES * in * FILTERS);
    for (size_t p = 0; p < PLACES; p++)
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t f = 0; f < FILTERS; f++)
                all->w[(p * CHANNELS + c) * FILTERS + f] =
                    c / in == f / own ? part->w[(p * in + c % in) * FILTERS + f] : 0;
    const struct pass a = pass_of(&grouped, false, 0), b = pass_of(&whole, false, 0);
    const real *y = model_forward(&grouped, &a, x), *expected = model_forward(&whole, &b, x);

    for (size_t i = 0; i < BATCH * grouped.output_size; i++)
        assert_near(y[i], expected[i], 1e-12);
    model_fini(&grouped);
    model_fini(&whole);
}

// Kernel and recurrent kernel: the identity times these for every gate; bias: one number.
static void set(struct model *m, real kernel, real recurrent, real bias)
{
    for (int p = 0; p < m->layers[0].nparams; p++) {
        const struct param *param = &m->layers[0].params[p];
        const size_t columns = (size_t)param->dim[param->rank - 1];

        for (size_t i = 0; i < param->size; i++)
            param->w[i] = p == 2                               ? bias
                          : i / columns != i % columns % WIDTH ? 0
                          : p == 0                             ? kernel
                                                               : recurrent;
    }
}

static const real *run(struct model *m, bool training, uint64_t step)
{
    static real x[NUMBERS];
    const struct pass pass = pass_of(m, training, step);

    for (int i = 0; i < NUMBERS; i++)
        x[i] = 1;
    return model_forward(m, &pass, x);
}

static const struct shape sequence = {.rank = 2, .dim = {STEPS, WIDTH}};

#define LINEAR "\"activation\": \"linear\", \"recurrent_activation\": \"linear\", \"units\": 20, "

// The input passes through: what comes out is the mask, 0 or 1 / (1 - rate).
static void dropout_masks_inputs_alike_at_every_step(void **state)
{
    static real before[NUMBERS];
    struct model m;
    int dropped = 0, moved = 0;

    (void)state;
    make(&m,
         "{\"type\": \"SimpleRNN\", \"activation\": \"linear\", \"units\": 20, \"dropout\": 0.2, "
         "\"return_sequences\": true}",
         &sequence);
    set(&m, 1, 0, 0);
    const real *y = run(&m, true, 1);

    for (int i = 0; i < BATCH; i++)
        for (int t = 0; t < STEPS; t++)
            for (int c = 0; c < WIDTH; c++) {
                const real value = y[(i * STEPS + t) * WIDTH + c];

                assert_near(value, value == 0 ? 0 : 1.25, 1e-6);
                assert_true(value == y[i * STEPS * WIDTH + c]);
                dropped += value == 0;
            }
    // 1,000 numbers of the mask: 0.2 within 4 deviations
    assert_near(dropped / (double)NUMBERS, 0.2, 4 * sqrt(0.2 * 0.8 / (BATCH * WIDTH)));
    memcpy(before, y, sizeof(before));
    y = run(&m, true, 2);
    for (int i = 0; i < NUMBERS; i++)
        moved += y[i] != before[i];
    assert_true(moved > NUMBERS / 5);
    y = run(&m, false, 1);
    for (int i = 0; i < NUMBERS; i++)
        assert_near(y[i], 1, 1e-12);
    model_fini(&m);
}

// h = 1 + m h_before: 1, 1 + m, 1 + m + m², …
static void recurrent_dropout_masks_states_alike_at_every_step(void **state)
{
    struct model m;
    int dropped = 0;

    (void)state;
    make(&m,
         "{\"type\": \"SimpleRNN\", \"activation\": \"linear\", \"units\": 20, "
         "\"recurrent_dropout\": 0.5, \"return_sequences\": true}",
         &sequence);
    set(&m, 0, 1, 1);
    const real *y = run(&m, true, 1);

    for (int i = 0; i < BATCH; i++)
        for (int c = 0; c < WIDTH; c++) {
            const real *at = y + i * STEPS * WIDTH + c;
            const real mask = at[WIDTH] - at[0];
            real h = 0;

            assert_true(mask == 0 || fabs(mask - 2) < 1e-6);
            dropped += mask == 0;
            for (int t = 0; t < STEPS; t++) {
                h = 1 + mask * h;
                assert_near(at[t * WIDTH], h, 1e-6);
            }
        }
    assert_near(dropped / (double)(BATCH * WIDTH), 0.5, 4 * sqrt(0.25 / (BATCH * WIDTH)));
    y = run(&m, false, 1);
    for (int i = 0; i < BATCH; i++)
        assert_near(y[(i * STEPS + 3) * WIDTH], 4, 1e-12);
    model_fini(&m);
}

// The share of states that are 0 after one step, where any dropped factor makes them so.
static double zeros_after_a_step(const char *layer)
{
    struct model m;
    int zeros = 0;

    make(&m, layer, &(struct shape){.rank = 2, .dim = {1, WIDTH}});
    set(&m, 1, 0, 0);
    const real *y = run(&m, true, 1);

    for (int i = 0; i < BATCH * WIDTH; i++)
        zeros += y[i] == 0;
    model_fini(&m);
    return zeros / (double)(BATCH * WIDTH);
}

// One step of a linear LSTM from 0 is o i g, the product of three masked inputs.
static void gates_share_a_mask_unless_states_are_masked_too(void **state)
{
    (void)state;
    assert_near(zeros_after_a_step("{\"type\": \"LSTM\", " LINEAR "\"dropout\": 0.5}"), 0.5,
                4 * sqrt(0.25 / (BATCH * WIDTH)));
    assert_near(zeros_after_a_step("{\"type\": \"LSTM\", " LINEAR
                                   "\"dropout\": 0.5, \"recurrent_dropout\": 1e-9}"),
                0.875, 4 * sqrt(0.875 * 0.125 / (BATCH * WIDTH)));
    // GRU: (1 - z) g with z = 0 or 2
    assert_near(zeros_after_a_step("{\"type\": \"GRU\", " LINEAR "\"dropout\": 0.5}"), 0.5,
                4 * sqrt(0.25 / (BATCH * WIDTH)));
}

static const struct {
    const char *layer;
    const char *says;
} refused[] = {
    {"{\"type\": \"Conv1D\", \"filters\": 4, \"kernel_size\": 2, \"groups\": 3}", "evenly"},
    {"{\"type\": \"Conv1D\", \"filters\": 3, \"kernel_size\": 2, \"groups\": 3}", "evenly"},
    {"{\"type\": \"LSTM\", \"units\": 4, \"dropout\": 1}", "below 1"},
    {"{\"type\": \"GRU\", \"units\": 4, \"recurrent_dropout\": -0.1}", "below 1"},
};

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        char text[256];
        struct model m;
        struct error err;

        snprintf(text, sizeof(text), "{\"layers\": [%s]}", refused[i].layer);
        cJSON *config = json_read(text, strlen(text), NULL, &err);
        assert_non_null(config);
        assert_int_not_equal(model_plan(&m, config, &sequence, BATCH, "", &err), OK);
        assert_non_null(strstr(err.message, refused[i].says));
        cJSON_Delete(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_of_a_convolution_do_not_see_each_other),
        cmocka_unit_test(dropout_masks_inputs_alike_at_every_step),
        cmocka_unit_test(recurrent_dropout_masks_states_alike_at_every_step),
        cmocka_unit_test(gates_share_a_mask_unless_states_are_masked_too),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("engine's layers, double", tests, NULL, NULL);
}
