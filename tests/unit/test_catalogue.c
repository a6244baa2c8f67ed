#include "common/catalogue.h"

#include <stdio.h>
#include <string.h>

#include "common/arena.h"
#include "common/text.h"
#include "tests/test.h"

typedef cJSON *normalise_fn(const cJSON *, const char *, struct faults *);

static cJSON *read_text(const char *json)
{
    struct error err;
    cJSON *item = json_read(json, strlen(json), NULL, &err);

    if (!item)
        fail_msg("%s: %s", json, err.message);
    return item;
}

static void becomes(normalise_fn *normalise, const char *json, const char *expected)
{
    struct faults faults;
    cJSON *item = read_text(json), *made;

    faults_init(&faults);
    made = normalise(item, "", &faults);
    if (!made)
        fail_msg("%s: %s: %s", json, faults.items[0].pointer, faults.items[0].message);
    char *text = json_write(made);
    assert_string_equal(text, expected);
    free(text);
    cJSON_Delete(made);
    cJSON_Delete(item);
    faults_fini(&faults);
}

static void refused(normalise_fn *normalise, const char *json, const char *pointer,
                    const char *says)
{
    struct faults faults;
    cJSON *item = read_text(json);

    faults_init(&faults);
    if (normalise(item, "/x", &faults))
        fail_msg("taken: %s", json);
    if (strcmp(faults.items[0].pointer, pointer) != 0 || !strstr(faults.items[0].message, says))
        fail_msg("%s: %s: %s", json, faults.items[0].pointer, faults.items[0].message);
    faults_fini(&faults);
    cJSON_Delete(item);
}

static void layers_get_every_argument_in_one_form(void **state)
{
    (void)state;
    becomes(
        catalogue_normalise_model,
        "{\"layers\":[{\"type\":\"Conv2D\",\"filters\":4,\"kernel_size\":3,\"activation\":null,"
        "\"kernel_regularizer\":\"l2\"}]}",
        "{\"layers\":[{\"type\":\"Conv2D\",\"filters\":4,\"kernel_size\":[3,3],\"strides\":[1,1],"
        "\"padding\":\"valid\",\"data_format\":\"channels_last\",\"dilation_rate\":[1,1],"
        "\"groups\":1,"
        "\"activation\":\"linear\",\"use_bias\":true,\"kernel_initializer\":\"glorot_uniform\","
        "\"bias_initializer\":\"zeros\",\"kernel_regularizer\":{\"type\":\"l2\",\"l2\":0.01},"
        "\"bias_regularizer\":null,\"name\":null}]}");
    // Keras: strides of a pooling layer are its pool_size unless given.
    becomes(catalogue_normalise_model,
            "{\"layers\":[{\"type\":\"MaxPooling2D\",\"pool_size\":[3,2]}]}",
            "{\"layers\":[{\"type\":\"MaxPooling2D\",\"pool_size\":[3,2],\"padding\":\"valid\","
            "\"data_format\":\"channels_last\",\"name\":null,\"strides\":[3,2]}]}");
    becomes(catalogue_normalise_model, "{\"layers\":[{\"type\":\"Reshape\",\"target_shape\":7}]}",
            "{\"layers\":[{\"type\":\"Reshape\",\"target_shape\":[7],\"name\":null}]}");
}

static void training_gets_every_argument_in_one_form(void **state)
{
    (void)state;
    becomes(
        catalogue_normalise_compile, "{\"optimizer\":\"sgd\",\"loss\":\"mse\"}",
        "{\"optimizer\":{\"type\":\"SGD\",\"learning_rate\":0.01,\"weight_decay\":null,"
        "\"clipnorm\":null,\"global_clipnorm\":null,\"clipvalue\":null,\"momentum\":0,\"nesterov\":"
        "false},\"loss\":{\"type\":\"mean_squared_error\"},\"metrics\":[]}");
    becomes(catalogue_normalise_compile,
            "{\"optimizer\":{\"type\":\"SGD\",\"learning_rate\":{\"type\":\"CosineDecay\","
            "\"initial_learning_rate\":0.1,\"decay_steps\":10}},\"loss\":\"huber\",\"metrics\":["
            "\"auc\"]}",
            "{\"optimizer\":{\"type\":\"SGD\",\"learning_rate\":{\"type\":\"CosineDecay\","
            "\"initial_learning_rate\":0.1,\"decay_steps\":10,\"alpha\":0,\"warmup_target\":null,"
            "\"warmup_steps\":0},\"weight_decay\":null,\"clipnorm\":null,\"global_clipnorm\":null,"
            "\"clipvalue\":null,\"momentum\":0,\"nesterov\":false},\"loss\":{\"type\":\"huber\","
            "\"delta\":1},"
            "\"metrics\":[{\"type\":\"auc\",\"num_thresholds\":200,\"curve\":\"ROC\","
            "\"summation_method\":\"interpolation\",\"multi_label\":false,\"name\":null}]}");
    becomes(catalogue_normalise_fit, "{\"callbacks\":[\"TerminateOnNaN\"]}",
            "{\"epochs\":1,\"batch_size\":32,\"callbacks\":[{\"type\":\"TerminateOnNaN\"}],"
            "\"shuffle\":true,"
            "\"class_weight\":null}");
    becomes(catalogue_normalise_dataset, "{\"name\":\"a\",\"split\":{\"stratify\":true}}",
            "{\"name\":\"a\",\"scale\":\"none\",\"validation_split\":null,\"validation_data\":null,"
            "\"split\":{\"test_size\":0.25,\"random_state\":null,\"stratify\":true},\"limit\":null,"
            "\"generate\":null}");
}

static void hyperparameters_are_no_concrete_values(void **state)
{
    (void)state;
    refused(catalogue_normalise_fit,
            "{\"epochs\":{\"hp\":\"Int\",\"name\":\"e\",\"min_value\":1,\"max_value\":3}}",
            "/x/epochs", "cannot be a hyperparameter");
    refused(catalogue_normalise_model, "{\"layers\":[{\"repeat\":2,\"layers\":[]}]}",
            "/x/layers/0/type", "give the layer");
}

static enum code infer(const char *layers, struct shape in, struct shape *out, int64_t *trainable,
                       int64_t *frozen, struct error *err)
{
    struct faults faults;
    cJSON *item = cJSON_CreateObject(), *made;
    struct shape outs[8];

    faults_init(&faults);
    cJSON_AddItemToObject(item, "layers", read_text(layers));
    made = catalogue_normalise_model(item, "", &faults);
    if (!made)
        fail_msg("%s: %s", faults.items[0].pointer, faults.items[0].message);
    enum code code = catalogue_infer_model(made, &in, outs, trainable, frozen, err);
    if (code == OK)
        *out = outs[cJSON_GetArraySize(json_member(made, "layers")) - 1];
    cJSON_Delete(made);
    cJSON_Delete(item);
    faults_fini(&faults);
    return code;
}

static void shapes_that_do_not_fit_are_told_with_both_sizes(void **state)
{
    static const struct {
        const char *layers;
        struct shape in;
        const char *pointer, *says;
    } cases[] = {
        {"[{\"type\":\"Conv1D\",\"filters\":1,\"kernel_size\":3,\"dilation_rate\":2}]",
         {2, {4, 1}},
         "/layers/0/kernel_size",
         "kernel of 5 is larger than its input (4, 1)"},
        {"[{\"type\":\"Flatten\"},{\"type\":\"LSTM\",\"units\":2}]",
         {2, {4, 3}},
         "/layers/1",
         "(steps, features), but what comes is (12,); put a Reshape before it"},
        {"[{\"type\":\"Reshape\",\"target_shape\":[5,-1]}]",
         {1, {12}},
         "/layers/0/target_shape",
         "(12,) has 12 values"},
        {"[{\"type\":\"LayerNormalization\",\"axis\":[1]}]",
         {2, {4, 3}},
         "/layers/0/axis",
         "last dimensions"},
        {"[{\"type\":\"LayerNormalization\",\"axis\":[2,2]}]",
         {2, {4, 3}},
         "/layers/0/axis",
         "last dimensions"},
        {"[{\"type\":\"Embedding\",\"input_dim\":2,\"output_dim\":2}]",
         {4, {1, 1, 1, 1}},
         "/layers/0",
         "4 already"},
        {"[{\"type\":\"GlobalMaxPooling2D\"}]",
         {2, {4, 3}},
         "/layers/0",
         "(height, width, channels)"},
    };
    struct shape out;
    int64_t trainable, frozen;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        assert_int_not_equal(infer(cases[i].layers, cases[i].in, &out, &trainable, &frozen, &err),
                             OK);
        if (strcmp(err.pointer, cases[i].pointer) != 0 || !strstr(err.message, cases[i].says))
            fail_msg("%s: %s: %s", cases[i].layers, err.pointer, err.message);
    }
}

static void counts_that_would_overflow_stay_large(void **state)
{
    struct shape out, in = {4, {1 << 20, 1 << 20, 1 << 20, 1 << 20}};
    int64_t trainable, frozen;
    struct error err;
    (void)state;

    assert_int_equal(
        infer("[{\"type\":\"Flatten\"},{\"type\":\"Dense\",\"units\":1000000},{\"type\":\"Dense\","
              "\"units\":1000000}]",
              in, &out, &trainable, &frozen, &err),
        OK);
    assert_true(trainable == (int64_t)1 << 62);
    assert_int_equal(out.dim[0], 1000000);
}

static void every_name_is_found_and_every_kind_has_some(void **state)
{
    const char *alias, *name;
    (void)state;

    for (int kind = CATALOGUE_NONE + 1; kind < CATALOGUE_KINDS; kind++) {
        int count;
        const struct entry *entries = catalogue_list((enum catalogue_kind)kind, &count);
        assert_true(count > 0);
        for (int i = 0; i < count; i++)
            assert_ptr_equal(catalogue_find((enum catalogue_kind)kind, entries[i].name),
                             &entries[i]);
        for (int i = 0; (alias = catalogue_alias((enum catalogue_kind)kind, i, &name)); i++)
            assert_string_equal(catalogue_find((enum catalogue_kind)kind, alias)->name, name);
        assert_null(catalogue_find((enum catalogue_kind)kind, "nothing"));
    }
    assert_null(catalogue_find(CATALOGUE_LAYER, "dense")); // class names are Keras' own
}

static void near_names_are_meant(void **state)
{
    (void)state;
    assert_int_equal(text_distance("units", "units"), 0);
    assert_int_equal(text_distance("unit", "units"), 1);
    assert_int_equal(text_distance("acuraccy", "accuracy"), 2); // one letter missing, one doubled
    assert_int_equal(text_distance("Adma", "Adam"), 1);         // neighbours swapped
    assert_int_equal(text_distance("ADAM", "adam"), 0);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_string_equal(text_nearer("Dens", NULL, "Dense"), "Dense");
    assert_null(text_nearer("Transformer", NULL, "Dense"));
    assert_string_equal(text_nearer("unit", "units", "omits"), "units");
}

static void an_arena_gives_zeroed_memory_of_any_size(void **state)
{
    struct arena *arena = arena_new();
    (void)state;

    assert_non_null(arena);
    for (size_t n = 0; n < 200; n++) {
        unsigned char *bytes = arena_alloc(arena, n, 3);
        assert_non_null(bytes);
        for (size_t i = 0; i < 3 * n; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xff, 3 * n);
        assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
    }
    assert_null(arena_alloc(arena, SIZE_MAX / 2, 3));
    assert_string_equal(arena_strdup(arena, "text"), "text");
    arena_free(arena);
    arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_get_every_argument_in_one_form),
        cmocka_unit_test(training_gets_every_argument_in_one_form),
        cmocka_unit_test(hyperparameters_are_no_concrete_values),
        cmocka_unit_test(shapes_that_do_not_fit_are_told_with_both_sizes),
        cmocka_unit_test(counts_that_would_overflow_stay_large),
        cmocka_unit_test(every_name_is_found_and_every_kind_has_some),
        cmocka_unit_test(near_names_are_meant),
        cmocka_unit_test(an_arena_gives_zeroed_memory_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
