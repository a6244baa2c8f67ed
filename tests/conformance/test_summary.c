#include "tests/conformance/reference.h"
#include "worker/engine/summary.h"

static int64_t frozen_of(const char *type, int64_t parameters)
{
    return strcmp(type, "BatchNormalization") == 0 ? parameters / 2 : 0;
}

// The reference's layer names go on counting from test to test: they are taken from its text, where a
// layer's row is the one whose last cell is not empty.
static int read_layer_names(const char *text, char names[16][64])
{
    int count = 0;

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += line != text;
        char first[64] = "";
        const char *end = strchr(line, '\n');
        if (strncmp(line, "│ ", 4) == 0 && end && end[-5] != ' ' &&
            sscanf(line + 4, "%63s", first) == 1)
            snprintf(names[count++], 64, "%s", first);
    }
    return count;
}

static void summaries_are_what_keras_prints(void **state)
{
    cJSON *tree = reference_load(REFERENCE);
    const cJSON *c = NULL, *l = NULL, *dim = NULL;
    int cases = 0;
    (void)state;

    cJSON_ArrayForEach(c, json_member(tree, "summary"))
    {
        const cJSON *expected = json_member(c, "expected");
        const char *text = json_string_or(expected, "text", "");
        struct summary_layer layers[16] = {0};
        char names[16][64];
        int count = 0;
        cJSON_ArrayForEach(l, json_member(expected, "layers"))
        {
            struct summary_layer *layer = &layers[count];
            int64_t parameters = json_integer_or(l, "parameters", -1);
            layer->type = json_string_or(l, "type", "");
            layer->name = names[count++];
            layer->frozen = frozen_of(layer->type, parameters);
            layer->trainable = parameters - layer->frozen;
            cJSON_ArrayForEach(dim, json_member(l, "output_shape"))
            {
                if (cJSON_IsNumber(dim))
                    layer->output.dim[layer->output.rank++] = (int64_t)dim->valuedouble;
            }
        }
        assert_int_equal(read_layer_names(text, names), count);
        cJSON *summary = summary_of(json_string_or(c, "name", ""), layers, count, 8);
        assert_non_null(summary);
        assert_string_equal(json_string_or(summary, "text", ""), text);
        assert_int_equal(json_integer_or(summary, "trainable_parameters", -1),
                         json_integer_or(expected, "trainable", -2));
        assert_int_equal(json_integer_or(summary, "non_trainable_parameters", -1),
                         json_integer_or(expected, "non_trainable", -2));
        cJSON_Delete(summary);
        cases++;
    }
    reference_account("summary", "summary", cases);
    cJSON_Delete(tree);
}

static void layers_are_named_as_keras_names_them(void **state)
{
    // keras/src/utils/naming.py, to_snake_case
    static const char *const cases[][2] = {
        {"Dense", "dense"},
        {"MaxPooling2D", "max_pooling2d"},
        {"GlobalAveragePooling1D", "global_average_pooling1d"},
        {"BatchNormalization", "batch_normalization"},
        {"LSTM", "lstm"},
        {"SimpleRNN", "simple_rnn"},
        {"LeakyReLU", "leaky_re_lu"},
        {"Conv2D", "conv2d"},
        {"GaussianNoise", "gaussian_noise"},
    };
    char name[64];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        summary_snake_case(cases[i][0], name, sizeof name);
        assert_string_equal(name, cases[i][1]);
    }
}

static void names_count_layers_of_a_class(void **state)
{
    struct summary_layer layers[] = {
        {.type = "Dense", .output = {1, {4}}, .trainable = 8},
        {.type = "Dropout", .output = {1, {4}}},
        {.type = "Dense", .output = {1, {123456789}}, .trainable = 1234567890123},
    };
    cJSON *summary = summary_of(NULL, layers, 3, 4);
    const cJSON *list = json_member(summary, "layers");
    (void)state;

    assert_string_equal(json_string_or(cJSON_GetArrayItem(list, 0), "name", ""), "dense");
    assert_string_equal(json_string_or(cJSON_GetArrayItem(list, 2), "name", ""), "dense_1");
    assert_non_null(strstr(json_string_or(summary, "text", ""), "Model: \"sequential\""));
    assert_non_null(strstr(json_string_or(summary, "text", ""), " 1,234,567,890 │")); // folded
    assert_non_null(
        strstr(json_string_or(summary, "text", ""), "Total params: 1,234,567,890,131 (4.49 TB)"));
    cJSON_Delete(summary);
    layers[0].trainable = 255;
    summary = summary_of(NULL, layers, 1, 4);
    assert_non_null(strstr(json_string_or(summary, "text", ""), "Total params: 255 (1020.00 B)"));
    cJSON_Delete(summary);
    layers[0].trainable = 256;
    summary = summary_of(NULL, layers, 1, 4);
    assert_non_null(strstr(json_string_or(summary, "text", ""), "Total params: 256 (1.00 KB)"));
    cJSON_Delete(summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summaries_are_what_keras_prints),
        cmocka_unit_test(layers_are_named_as_keras_names_them),
        cmocka_unit_test(names_count_layers_of_a_class),
    };
    return cmocka_run_group_tests_name("summaries", tests, NULL, NULL);
}
