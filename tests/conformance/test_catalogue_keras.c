// The catalogue against what Keras 3 itself says: defaults (get_config), output shapes and numbers of
// weights of its layers, and whole summaries. keras_reference.json, sections default, layer, summary.
#include "common/catalogue.h"
#include "tests/conformance/reference.h"
#include "worker/engine/activations.h"

static int load(void **state)
{
    *state = reference_load(REFERENCE);
    return 0;
}

static int unload(void **state)
{
    cJSON_Delete(*state);
    return 0;
}

// Keras' class name -> our kind and name.
static const struct {
    const char *keras;
    enum catalogue_kind kind;
    const char *ours;
} renamed[] = {
    {"SparseCategoricalCrossentropy", CATALOGUE_LOSS, "sparse_categorical_crossentropy"},
    {"CategoricalCrossentropy", CATALOGUE_LOSS, "categorical_crossentropy"},
    {"BinaryCrossentropy", CATALOGUE_LOSS, "binary_crossentropy"},
    {"Huber", CATALOGUE_LOSS, "huber"},
    {"AUC", CATALOGUE_METRIC, "auc"},
    {"Precision", CATALOGUE_METRIC, "precision"},
    {"SparseTopKCategoricalAccuracy", CATALOGUE_METRIC, "top_k_accuracy"},
    {"TopKCategoricalAccuracy", CATALOGUE_METRIC, "top_k_accuracy"},
    {"F1Score", CATALOGUE_METRIC, "f1"},
    {"L1", CATALOGUE_REGULARIZER, "l1"},
    {"L2", CATALOGUE_REGULARIZER, "l2"},
    {"L1L2", CATALOGUE_REGULARIZER, "l1_l2"},
};

static const struct entry *entry_of(const char *keras)
{
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if (strcmp(renamed[i].keras, keras) == 0)
            return catalogue_find(renamed[i].kind, renamed[i].ours);
    const struct entry *entry = catalogue_find(CATALOGUE_LAYER, keras);
    entry = entry ? entry : catalogue_find(CATALOGUE_OPTIMIZER, keras);
    return entry ? entry : catalogue_find(CATALOGUE_CALLBACK, keras);
}

// An initializer is {"class_name": "GlorotUniform"} there, "glorot_uniform" here.
static bool same_default(const cJSON *ours, const cJSON *keras)
{
    static const struct {
        const char *class_name, *name;
    } initializers[] = {{"GlorotUniform", "glorot_uniform"},
                        {"Zeros", "zeros"},
                        {"Ones", "ones"},
                        {"Orthogonal", "orthogonal"},
                        {"RandomUniform", "uniform"}};
    const char *class_name = json_string_or(keras, "class_name", NULL);

    for (size_t i = 0; class_name && i < sizeof initializers / sizeof *initializers; i++)
        if (strcmp(initializers[i].class_name, class_name) == 0)
            return cJSON_IsString(ours) && strcmp(ours->valuestring, initializers[i].name) == 0;
    // One number stands for a list of it.
    if (cJSON_IsArray(keras) && cJSON_IsNumber(ours))
        keras = keras->child;
    return cJSON_Compare(ours, keras, true);
}

// Listed in keras_cases.json as defined otherwise.
static bool otherwise(const char *name, const char *argument)
{
    cJSON *table = reference_load(REFERENCE_CASES);
    const cJSON *item = NULL;
    bool listed = false;

    cJSON_ArrayForEach(item, json_member(table, "otherwise"))
    {
        listed |= strcmp(json_string_or(item, "section", ""), "default") == 0 &&
                  strcmp(json_string_or(item, "name", ""), name) == 0 &&
                  strcmp(json_string_or(item, "argument", ""), argument) == 0;
    }
    cJSON_Delete(table);
    return listed;
}

static int compare_defaults(const char *name, const struct entry *entry, const cJSON *keras)
{
    int compared = 0;

    for (const struct arg *arg = entry->args; arg && arg->name; arg++) {
        const cJSON *expected = json_member(keras, arg->name);
        const char *text = arg->fallback ? arg->fallback : "null";
        if (!expected || arg->required || arg->like || strcmp(arg->name, "name") == 0)
            continue;
        cJSON *ours = json_read(text, strlen(text), NULL, NULL);
        assert_non_null(ours);
        if (same_default(ours, expected) == otherwise(name, arg->name))
            fail_msg("%s: %s is %s by default, Keras has another (or has it now too)", name,
                     arg->name, text);
        cJSON_Delete(ours);
        compared++;
    }
    return compared;
}

// Ours have no arguments: what Keras' functions take by default is built in.
static void compare_activation(const char *name, const cJSON *keras)
{
    const struct activation *f = activation_find(name);

    assert_non_null(f);
    if (strcmp(name, "gelu") == 0) {
        assert_false(json_bool_or(keras, "approximate", true));
        assert_int_equal(f->kind, ACT_GELU);
    } else if (strcmp(name, "relu") == 0) {
        assert_true(json_number_or(keras, "negative_slope", 1) == 0);
        assert_true(json_number_or(keras, "threshold", 1) == 0);
        assert_true(cJSON_IsNull(json_member(keras, "max_value")));
        assert_int_equal(f->kind, ACT_RELU);
    } else {
        assert_near((double)f->p,
                    json_number_or(keras, "negative_slope", json_number_or(keras, "alpha", -1)),
                    1e-7);
    }
}

static void defaults_are_keras(void **state)
{
    static const char function[] = "activations.";
    const cJSON *reference = *state, *item;
    int checked = 0, compared = 0;

    cJSON_ArrayForEach(item, json_member(reference, "default"))
    {
        const char *name = json_string_or(item, "name", "");
        const cJSON *expected = json_member(item, "expected");
        const struct entry *entry = entry_of(name);
        assert_int_equal(!entry && strncmp(name, function, strlen(function)) != 0,
                         reference_refused("default", name));
        if (entry)
            compared += compare_defaults(name, entry, expected);
        else if (strncmp(name, function, strlen(function)) == 0)
            compare_activation(name + strlen(function), expected);
        else
            continue;
        checked++;
    }
    reference_account("default", "catalogue_keras", checked);
    assert_true(compared > 160);
}

// The model of one layer, normalised.
static cJSON *model_of(const char *type, const cJSON *args)
{
    cJSON *model = cJSON_CreateObject(), *layer = cJSON_Duplicate(args, true), *made;
    struct faults faults;

    faults_init(&faults);
    cJSON_AddStringToObject(layer, "type", type);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(model, "layers"), layer);
    made = catalogue_normalise_model(model, "/model", &faults);
    if (!made)
        fail_msg("%s: %s: %s", type, faults.items[0].pointer, faults.items[0].message);
    cJSON_Delete(model);
    faults_fini(&faults);
    return made;
}

static struct shape shape_of_sample(const cJSON *batch)
{
    struct shape shape = {0};

    for (const cJSON *item = batch->child; cJSON_IsArray(item); item = item->child)
        shape.dim[shape.rank++] = cJSON_GetArraySize(item);
    if (shape.rank == 0) // a batch of single numbers
        shape = (struct shape){1, {1}};
    return shape;
}

static int64_t count_weights(const cJSON *weights)
{
    const cJSON *weight, *dim;
    int64_t total = 0;

    cJSON_ArrayForEach(weight, weights)
    {
        int64_t size = 1;
        cJSON_ArrayForEach(dim, json_member(weight, "shape")) size *= (int64_t)dim->valuedouble;
        total += size;
    }
    return total;
}

static void shapes_and_weights_of_layers_are_keras(void **state)
{
    const cJSON *reference = *state, *item, *dim;
    int compared = 0;

    cJSON_ArrayForEach(item, json_member(reference, "layer"))
    {
        const char *type = json_string_or(item, "name", "");
        const cJSON *expected = reference_at(item, "expected", "output_shape");
        const cJSON *x = reference_at(item, "inputs", "x"), *args = json_member(item, "args");
        const char *recurrent = json_string_or(args, "recurrent_activation", "sigmoid");
        if (!expected || !x || !catalogue_find(CATALOGUE_LAYER, type) ||
            strcmp(recurrent, "hard_sigmoid") == 0)
            continue;
        struct shape input = shape_of_sample(x), out;
        struct error err;
        int64_t trainable, frozen;
        cJSON *model = model_of(type, args);
        if (catalogue_infer_model(model, &input, &out, &trainable, &frozen, &err) != OK)
            fail_msg("%s: %s", type, err.message);
        int i = -1;
        cJSON_ArrayForEach(dim, expected)
        {
            if (i >= 0)
                assert_int_equal(out.dim[i], (int64_t)dim->valuedouble);
            i++;
        }
        assert_int_equal(out.rank, i);
        assert_int_equal(trainable + frozen,
                         count_weights(reference_at(item, "inputs", "weights")));
        cJSON_Delete(model);
        compared++;
    }
    assert_true(compared >= 50);
}

// The models of the reference's summaries (keras_reference.py, "summary").
static const struct {
    struct shape input;
    const char *layers;
} summaries[] = {
    {{2, {28, 28}},
     "[{\"type\":\"Flatten\"},{\"type\":\"Dense\",\"units\":128,\"activation\":\"relu\"},"
     "{\"type\":\"Dropout\",\"rate\":0.2},{\"type\":\"Dense\",\"units\":10}]"},
    {{3, {28, 28, 1}},
     "[{\"type\":\"Conv2D\",\"filters\":16,\"kernel_size\":3},{\"type\":\"BatchNormalization\"},"
     "{\"type\":\"MaxPooling2D\"},{\"type\":\"Conv2D\",\"filters\":32,\"kernel_size\":3,"
     "\"padding\":\"same\"},{\"type\":\"GlobalAveragePooling2D\"},{\"type\":\"Dense\",\"units\":10}"
     "]"},
    {{1, {20}},
     "[{\"type\":\"Embedding\",\"input_dim\":1000,\"output_dim\":16},"
     "{\"type\":\"LSTM\",\"units\":32,\"return_sequences\":true},{\"type\":\"GRU\",\"units\":8},"
     "{\"type\":\"LayerNormalization\"},{\"type\":\"Dense\",\"units\":1}]"},
    {{2, {28, 28}},
     "[{\"type\":\"SimpleRNN\",\"units\":64},{\"type\":\"Reshape\",\"target_shape\":[8,8]},"
     "{\"type\":\"Conv1D\",\"filters\":4,\"kernel_size\":3},{\"type\":\"Flatten\"},"
     "{\"type\":\"Dense\",\"units\":10}]"},
};

static void summaries_are_keras(void **state)
{
    const cJSON *reference = *state, *item, *layer;
    int index = 0;

    cJSON_ArrayForEach(item, json_member(reference, "summary"))
    {
        const cJSON *expected = json_member(item, "expected");
        const char *text = summaries[index].layers;
        cJSON *model = cJSON_CreateObject(), *made;
        struct shape outs[8];
        struct faults faults;
        struct error err;
        int64_t trainable, frozen;
        int i = 0;
        faults_init(&faults);
        cJSON_AddItemToObject(model, "layers", json_read(text, strlen(text), NULL, NULL));
        made = catalogue_normalise_model(model, "", &faults);
        assert_non_null(made);
        assert_int_equal(
            catalogue_infer_model(made, &summaries[index].input, outs, &trainable, &frozen, &err),
            OK);
        assert_int_equal(trainable, json_integer_or(expected, "trainable", -1));
        assert_int_equal(frozen, json_integer_or(expected, "non_trainable", -1));
        cJSON_ArrayForEach(layer, json_member(expected, "layers"))
        {
            const cJSON *shape = json_member(layer, "output_shape");
            assert_int_equal(outs[i].rank, cJSON_GetArraySize(shape) - 1);
            for (int k = 0; k < outs[i].rank; k++)
                assert_int_equal(outs[i].dim[k],
                                 (int64_t)cJSON_GetArrayItem(shape, k + 1)->valuedouble);
            i++;
        }
        assert_int_equal(i, cJSON_GetArraySize(json_member(made, "layers")));
        cJSON_Delete(made);
        cJSON_Delete(model);
        faults_fini(&faults);
        index++;
    }
    assert_int_equal(index, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_keras),
        cmocka_unit_test(shapes_and_weights_of_layers_are_keras),
        cmocka_unit_test(summaries_are_keras),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
