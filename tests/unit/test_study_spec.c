#include "common/study_spec.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/catalogue.h"
#include "tests/documents.h"
#include "tests/test.h"

static struct study_spec parse(const char *json)
{
    struct error err;
    struct faults faults;
    struct study_spec spec;
    cJSON *document = json_read(json, strlen(json), NULL, &err);

    if (!document)
        fail_msg("%s: %s", json, err.message);
    faults_init(&faults);
    if (study_spec_parse(document, &spec, &faults) != OK)
        fail_msg("%s: %s: %s", json, faults.items[0].pointer, faults.items[0].message);
    faults_fini(&faults);
    cJSON_Delete(document); // the spec has copies of all it needs
    return spec;
}

// A study around some layers, a tuner and a fit section.
static struct study_spec with(const char *layers, const char *tuner, const char *fit)
{
    static char json[8192];

    snprintf(
        json, sizeof json,
        "{\"name\":\"s\",\"dataset\":{\"name\":\"digits\",\"validation_split\":0.2},"
        "\"model\":{\"layers\":[%s{\"type\":\"Dense\",\"units\":10,\"activation\":\"softmax\"}]},"
        "\"compile\":{\"loss\":\"sparse_categorical_crossentropy\",\"metrics\":[\"accuracy\"]},"
        "\"fit\":%s,\"tuner\":%s}",
        layers, fit, tuner);
    return parse(json);
}

#define PLAIN "{\"objective\":\"val_accuracy\"}"

// The point that a JSON object says.
static struct value *point(const struct study_spec *spec, const char *json)
{
    static struct value values[512];
    cJSON *object = json_read(json, strlen(json), NULL, NULL);
    struct faults faults;

    faults_init(&faults);
    if (space_values_from_json(&spec->space, object, "", values, &faults) != OK)
        fail_msg("%s: %s: %s", json, faults.items[0].pointer, faults.items[0].message);
    faults_fini(&faults);
    // Strings of the object are the space's own by now.
    cJSON_Delete(object);
    return values;
}

static cJSON *resolve(const struct study_spec *spec, const char *json)
{
    struct error err;
    cJSON *config = study_spec_resolve(spec, point(spec, json), &err);

    if (!config)
        fail_msg("%s: %s: %s", json, err.pointer, err.message);
    return config;
}

// "Dense 32, Dropout 0.1, …" of a resolved configuration.
static const char *layers_of(const cJSON *config)
{
    static char text[1024];
    const cJSON *layer;
    size_t n = 0;

    text[0] = 0;
    cJSON_ArrayForEach(layer, json_member(json_member(config, "model"), "layers"))
    {
        double number = json_number_or(layer, "units", json_number_or(layer, "rate", -1));
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "",
                              json_string_or(layer, "type", "?"));
        if (number >= 0)
            n += (size_t)snprintf(text + n, sizeof text - n, " %g", number);
    }
    return text;
}

static void every_good_document_is_taken_and_resolves(void **state)
{
    struct documents *good = documents_load("good");
    (void)state;

    assert_true(good->n >= 50);
    for (int i = 0; i < good->n; i++) {
        struct study_spec spec;
        struct faults faults;
        struct value *values;
        struct rng rng;
        faults_init(&faults);
        if (study_spec_parse(good->items[i].json, &spec, &faults) != OK)
            fail_msg("%s: %s: %s", good->items[i].name, faults.items[0].pointer,
                     faults.items[0].message);
        assert_int_equal(faults.count, 0);
        values = calloc((size_t)spec.space.n + 1, sizeof *values);
        rng_init(&rng, 1, (uint64_t)i);
        for (int k = 0; k < 20 && spec.has_model; k++) {
            struct error err;
            space_sample(&spec.space, &rng, values);
            cJSON *config = study_spec_resolve(&spec, values, &err);
            if (!config)
                fail_msg("%s: %s: %s", good->items[i].name, err.pointer, err.message);
            cJSON_Delete(config);
        }
        free(values);
        study_spec_fini(&spec);
        faults_fini(&faults);
    }
    documents_free(good);
}

static void every_bad_document_names_its_place(void **state)
{
    struct documents *bad = documents_load("bad");
    (void)state;

    assert_true(bad->n >= 150);
    for (int i = 0; i < bad->n; i++) {
        const cJSON *json = bad->items[i].json;
        const char *pointer = json_string_or(json, "pointer", "?");
        const char *says = json_string_or(json, "says", "?");
        struct study_spec spec;
        struct faults faults;
        bool found = false;
        faults_init(&faults);
        if (study_spec_parse(json_member(json, "document"), &spec, &faults) == OK)
            fail_msg("%s was taken", bad->items[i].name);
        for (int k = 0; k < faults.count && k < FAULTS_MAX; k++)
            found |= strcmp(faults.items[k].pointer, pointer) == 0 &&
                     strstr(faults.items[k].message, says) != NULL;
        if (!found)
            fail_msg("%s: instead of \"%s\" at %s: \"%s\" at %s", bad->items[i].name, says, pointer,
                     faults.items[0].message, faults.items[0].pointer);
        faults_fini(&faults);
    }
    documents_free(bad);
}

static void every_fault_is_told_at_once(void **state)
{
    static const char json[] =
        "{\"name\":\"a b\",\"zzz\":1,\"dataset\":{\"name\":\"d\",\"scale\":\"x\"},"
        "\"model\":{\"layers\":[{\"type\":\"Dense\",\"units\":0},{\"type\":\"Foo\"}]},"
        "\"compile\":{\"loss\":\"nope\"},\"fit\":{\"epochs\":-1},"
        "\"tuner\":{\"type\":\"RandomSearch\",\"max_trials\":0,\"objective\":\"loss\"}}";
    static const char *const pointers[] = {"/zzz",
                                           "/dataset/scale",
                                           "/model/layers/0/units",
                                           "/compile/loss",
                                           "/model/layers/1/type",
                                           "/fit/epochs",
                                           "/tuner/max_trials",
                                           "/name"};
    cJSON *document = json_read(json, strlen(json), NULL, NULL);
    struct study_spec spec;
    struct faults faults;
    (void)state;

    faults_init(&faults);
    assert_int_not_equal(study_spec_parse(document, &spec, &faults), OK);
    assert_int_equal(faults.count, sizeof pointers / sizeof *pointers);
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        bool found = false;
        for (int k = 0; k < faults.count; k++)
            found |= strcmp(faults.items[k].pointer, pointers[i]) == 0;
        if (!found)
            fail_msg("nothing said about %s", pointers[i]);
    }
    faults_fini(&faults);
    cJSON_Delete(document);
}

static void the_contracts_example_becomes_a_flat_space(void **state)
{
    static const char *const names[] = {"num_layers", "units_0", "dropout_0", "units_1",
                                        "dropout_1",  "units_2", "dropout_2", "learning_rate"};
    cJSON *document = document_read("schema/examples/fashion-mlp.json");
    struct study_spec spec;
    struct faults faults;
    (void)state;

    faults_init(&faults);
    assert_int_equal(study_spec_parse(document, &spec, &faults), OK);
    assert_string_equal(spec.name, "fashion-mlp");
    assert_string_equal(spec.dataset, "fashion-mnist");
    assert_int_equal(spec.seed, 7);
    assert_int_equal(spec.epochs, 50);
    assert_int_equal(spec.tuner.max_trials, 10);
    assert_int_equal(spec.tuner.executions_per_trial, 3);
    assert_int_equal(spec.tuner.nobjectives, 1);
    assert_string_equal(spec.tuner.objectives[0].name, "val_accuracy");
    assert_int_equal(spec.tuner.objectives[0].direction, MAXIMIZE);
    assert_int_equal(spec.space.n, 8);
    for (int i = 0; i < 8; i++)
        assert_string_equal(spec.space.hps[i].name, names[i]);
    assert_int_equal(spec.space.hps[1].nclauses, 0); // one layer there always is
    assert_int_equal(spec.space.hps[3].clauses[0].conditions[0].nvalues, 2);
    assert_int_equal(spec.space.hps[5].clauses[0].conditions[0].nvalues, 1);

    cJSON *config =
        resolve(&spec, "{\"num_layers\":2,\"units_0\":64,\"dropout_0\":0.3,\"units_1\":512,"
                       "\"dropout_1\":0.5,\"learning_rate\":0.005}");
    assert_string_equal(layers_of(config),
                        "Flatten, Dense 64, Dropout 0.3, Dense 512, Dropout 0.5, Dense 10");
    assert_true(json_number_or(json_member(json_member(config, "compile"), "optimizer"),
                               "learning_rate", 0) == 0.005);
    cJSON_Delete(config);
    study_spec_fini(&spec);
    faults_fini(&faults);
    cJSON_Delete(document);
}

static void a_resolved_configuration_is_normalised(void **state)
{
    struct documents *good = documents_load("good");
    (void)state;

    for (int i = 0; i < good->n; i++) {
        struct study_spec spec;
        struct faults faults;
        struct error err;
        faults_init(&faults);
        assert_int_equal(study_spec_parse(good->items[i].json, &spec, &faults), OK);
        if (spec.has_model) {
            struct value *values = calloc((size_t)spec.space.n + 1, sizeof *values);
            space_default(&spec.space, values);
            cJSON *config = study_spec_resolve(&spec, values, &err);
            cJSON *again[] = {
                catalogue_normalise_dataset(json_member(config, "dataset"), "", &faults),
                catalogue_normalise_model(json_member(config, "model"), "", &faults),
                catalogue_normalise_compile(json_member(config, "compile"), "", &faults),
                catalogue_normalise_fit(json_member(config, "fit"), "", &faults)};
            const cJSON *section = config->child;
            for (int k = 0; k < 4; k++, section = section->next) {
                if (!again[k] || !cJSON_Compare(section, again[k], true))
                    fail_msg("%s: %s changes when normalised again", good->items[i].name,
                             section->string);
                cJSON_Delete(again[k]);
            }
            assert_null(section);
            cJSON_Delete(config);
            free(values);
        }
        study_spec_fini(&spec);
        faults_fini(&faults);
    }
    documents_free(good);
}

static void nested_repeats_and_switches_expand(void **state)
{
    struct study_spec spec = with(
        "{\"repeat\":{\"hp\":\"Int\",\"name\":\"blocks\",\"min_value\":1,\"max_value\":2},\"as\":"
        "\"b\","
        "\"layers\":[{\"repeat\":{\"hp\":\"Int\",\"name\":\"depth_{b}\",\"min_value\":1,\"max_"
        "value\":2},"
        "\"as\":\"d\",\"layers\":[{\"type\":\"Dense\",\"units\":{\"hp\":\"Int\",\"name\":\"u_{b}_{"
        "d}\","
        "\"min_value\":1,\"max_value\":4}}]},{\"switch\":{\"hp\":\"Choice\",\"name\":\"end_{b}\","
        "\"values\":[\"drop\",\"none\"]},\"cases\":{\"drop\":[{\"type\":\"Dropout\",\"rate\":{"
        "\"hp\":"
        "\"Float\",\"name\":\"r_{b}\",\"min_value\":0,\"max_value\":0.5,\"step\":0.25}}],\"none\":["
        "]}}]},",
        PLAIN, "{}");
    (void)state;

    // each block: depths 1 and 2 give 4 + 16, times the end's 3 + 1: 80; one or two blocks
    assert_true(space_size(&spec.space) == 80 + 80 * 80);
    assert_int_equal(spec.space.n, 1 + 2 * (1 + 2 + 1 + 1));
    cJSON *config =
        resolve(&spec, "{\"blocks\":2,\"depth_0\":2,\"u_0_0\":1,\"u_0_1\":2,\"end_0\":\"none\","
                       "\"depth_1\":1,\"u_1_0\":3,\"end_1\":\"drop\",\"r_1\":0.25}");
    assert_string_equal(layers_of(config), "Dense 1, Dense 2, Dense 3, Dropout 0.25, Dense 10");
    cJSON_Delete(config);
    study_spec_fini(&spec);
}

static void a_name_in_two_cases_is_one_hyperparameter(void **state)
{
    struct study_spec spec = with(
        "{\"switch\":{\"hp\":\"Choice\",\"name\":\"k\",\"values\":[\"a\",\"b\",\"c\"]},\"cases\":{"
        "\"a\":"
        "[{\"type\":\"Dense\",\"units\":{\"hp\":\"Int\",\"name\":\"w\",\"min_value\":1,\"max_"
        "value\":4}}],"
        "\"b\":[{\"type\":\"Dense\",\"units\":{\"hp\":\"Ref\",\"name\":\"w\"}},{\"type\":\"Dense\","
        "\"units\":{\"hp\":\"Ref\",\"name\":\"w\"}}],\"c\":[]}},",
        PLAIN, "{}");
    (void)state;

    assert_int_equal(spec.space.n, 2);
    assert_int_equal(spec.space.hps[1].nclauses, 2); // where it stands and where it is referred to
    assert_true(space_size(&spec.space) == 4 + 4 + 1);
    cJSON *config = resolve(&spec, "{\"k\":\"b\",\"w\":3}");
    assert_string_equal(layers_of(config), "Dense 3, Dense 3, Dense 10");
    cJSON_Delete(config);
    config = resolve(&spec, "{\"k\":\"c\"}");
    assert_string_equal(layers_of(config), "Dense 10");
    cJSON_Delete(config);
    study_spec_fini(&spec);
}

static void what_its_own_condition_rules_out_takes_the_default(void **state)
{
    struct study_spec spec = with("", PLAIN,
                                  "{\"shuffle\":{\"hp\":\"Boolean\",\"name\":\"s\"},\"batch_size\":"
                                  "{\"hp\":\"Choice\",\"name\":\"b\",\"values\":[64,128],"
                                  "\"parent_name\":\"s\",\"parent_values\":[true]}}");
    (void)state;

    cJSON *config = resolve(&spec, "{\"s\":true,\"b\":128}");
    assert_int_equal(json_integer_or(json_member(config, "fit"), "batch_size", 0), 128);
    cJSON_Delete(config);
    config = resolve(&spec, "{\"s\":false}");
    assert_int_equal(json_integer_or(json_member(config, "fit"), "batch_size", 0), 32);
    cJSON_Delete(config);
    study_spec_fini(&spec);
}

static void tuners_have_keras_tuners_defaults(void **state)
{
    // keras_tuner/tuners/{randomsearch,bayesian,gridsearch,hyperband}.py, engine/{oracle,tuner}.py
    static const struct {
        const char *type;
        int64_t max_trials, max_epochs, epochs;
    } cases[] = {{"RandomSearch", 10, 0, 5}, {"BayesianOptimization", 10, 0, 5},
                 {"GridSearch", -1, 0, 5},   {"QuasiRandom", 10, 0, 5},
                 {"Auto", 10, 0, 5},         {"Hyperband", -1, 100, 100},
                 {"ASHA", 10, 5, 5}};
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char tuner[200];
        snprintf(tuner, sizeof tuner, "{\"type\":\"%s\",\"objective\":\"val_loss\"}",
                 cases[i].type);
        struct study_spec spec = with("", tuner, "{\"epochs\":5}");
        assert_string_equal(spec.tuner.type, cases[i].type);
        assert_int_equal(spec.tuner.max_trials, cases[i].max_trials);
        assert_int_equal(spec.tuner.max_epochs, cases[i].max_epochs);
        assert_int_equal(spec.epochs, cases[i].epochs);
        assert_int_equal(spec.tuner.executions_per_trial, 1);
        assert_int_equal(spec.tuner.max_parallel_trials, 0);
        assert_int_equal(spec.tuner.max_retries_per_trial, 0);
        assert_int_equal(spec.tuner.max_consecutive_failed_trials, 3);
        assert_int_equal(spec.tuner.num_initial_points, 0);
        assert_true(spec.tuner.alpha == 1e-4 && spec.tuner.beta == 2.6);
        assert_int_equal(spec.tuner.factor, 3);
        assert_int_equal(spec.tuner.hyperband_iterations, 1);
        assert_int_equal(spec.tuner.min_epochs, 1);
        assert_int_equal(spec.tuner.sampler, SAMPLER_MODEL);
        assert_true(spec.tuner.asha_promotion);
        assert_int_equal(spec.tuner.early_stopping, STOP_NEVER);
        assert_true(isnan(spec.tuner.target_value) && spec.tuner.max_duration_s == 0);
        assert_int_equal(spec.tuner.objectives[0].direction, MINIMIZE);
        struct value *values = calloc((size_t)spec.space.n + 1, sizeof *values);
        struct error err;
        space_default(&spec.space, values);
        cJSON *config = study_spec_resolve(&spec, values, &err);
        assert_int_equal(json_integer_or(json_member(config, "fit"), "epochs", 0), cases[i].epochs);
        cJSON_Delete(config);
        free(values);
        study_spec_fini(&spec);
    }
    struct study_spec spec = with("", PLAIN, "{}");
    assert_string_equal(spec.tuner.type, "Auto");
    assert_int_equal(spec.epochs, 1); // Keras' fit(epochs=1)
    study_spec_fini(&spec);
}

static void objectives_have_directions(void **state)
{
    struct study_spec spec = with(
        "",
        "{\"objective\":[\"val_accuracy\",\"val_loss\",{\"name\":\"loss\",\"direction\":\"max\"}]}",
        "{}");
    (void)state;

    assert_int_equal(spec.tuner.nobjectives, 3);
    assert_int_equal(spec.tuner.objectives[0].direction, MAXIMIZE);
    assert_int_equal(spec.tuner.objectives[1].direction, MINIMIZE);
    assert_int_equal(spec.tuner.objectives[2].direction, MAXIMIZE);
    study_spec_fini(&spec);
    spec = with(
        "",
        "{\"objective\":{\"expression\":\"val_loss + 1e-9 * parameters\",\"direction\":\"min\"}}",
        "{}");
    assert_null(spec.tuner.objectives[0].name);
    assert_string_equal(spec.tuner.objectives[0].expression, "val_loss + 1e-9 * parameters");
    assert_int_equal(spec.tuner.objectives[0].direction, MINIMIZE);
    study_spec_fini(&spec);
}

static void a_seed_left_out_comes_from_the_name(void **state)
{
    struct study_spec a = with("", PLAIN, "{}"), b = with("", PLAIN, "{}");
    struct study_spec c =
        parse("{\"name\":\"other\",\"parameters\":[{\"hp\":\"Boolean\",\"name\":\"x\"}],"
              "\"tuner\":{\"objective\":\"loss\"}}");
    (void)state;

    assert_true(a.seed == b.seed && a.seed != c.seed);
    assert_true(a.seed < (uint64_t)1 << 53);
    assert_false(c.has_model);
    assert_null(c.dataset);
    study_spec_fini(&a);
    study_spec_fini(&b);
    study_spec_fini(&c);
}

static void checked(const struct study_spec *spec, const struct dataset_info *info,
                    const char *pointer, const char *says)
{
    struct faults faults;

    faults_init(&faults);
    enum code code = study_spec_check_data(spec, info, &faults);
    if (!says && code != OK)
        fail_msg("%s: %s", faults.items[0].pointer, faults.items[0].message);
    if (says && code == OK)
        fail_msg("nothing said of \"%s\"", says);
    if (says &&
        (strcmp(faults.items[0].pointer, pointer) != 0 || !strstr(faults.items[0].message, says)))
        fail_msg("%s: %s", faults.items[0].pointer, faults.items[0].message);
    faults_fini(&faults);
}

static const struct dataset_info images = {
    .train_samples = 60000, .test_samples = 10000, .rank = 2, .shape = {28, 28}, .classes = 10};

static void shapes_and_labels_are_checked_against_the_data(void **state)
{
    static const struct {
        const char *layers, *pointer, *says;
    } cases[] = {
        {"{\"type\":\"Flatten\"},", NULL, NULL},
        {"", "/model/layers/0", "Flatten"}, // Dense over (28, 28) gives (28, 10)
        {"{\"type\":\"Conv2D\",\"filters\":8,\"kernel_size\":3},", "/model/layers/0", "Reshape"},
        {"{\"type\":\"Reshape\",\"target_shape\":[28,28,1]},{\"type\":\"Conv2D\",\"filters\":8,"
         "\"kernel_size\":29},{\"type\":\"Flatten\"},",
         "/model/layers/1/kernel_size", "larger than its input (28, 28, 1)"},
        {"{\"type\":\"Reshape\",\"target_shape\":[28,29]},", "/model/layers/0/target_shape",
         "784 values"},
        {"{\"repeat\":3,\"layers\":[{\"type\":\"MaxPooling1D\",\"pool_size\":5}]},{\"type\":"
         "\"Flatten\"},",
         "/model/layers/0/layers/0/pool_size", "larger than its input (1, 28)"},
        // Wrong at its largest only: those trials are infeasible, the study is not.
        {"{\"repeat\":{\"hp\":\"Int\",\"name\":\"n\",\"min_value\":0,\"max_value\":3},\"layers\":[{"
         "\"type\":"
         "\"MaxPooling1D\",\"pool_size\":5}]},{\"type\":\"Flatten\"},",
         NULL, NULL},
        {"{\"type\":\"Flatten\"},{\"type\":\"Dense\",\"units\":1000000},", "/model/layers/1",
         "at most 2e+08"},
        {"{\"type\":\"Flatten\"},{\"type\":\"Dense\",\"units\":{\"hp\":\"Choice\",\"name\":\"u\","
         "\"values\":"
         "[8,1000000]}},",
         "/model/layers/1", "7.95e+08 parameters"},
        {"{\"type\":\"Flatten\"},{\"switch\":{\"hp\":\"Choice\",\"name\":\"k\",\"values\":[\"s\","
         "\"l\"]},"
         "\"cases\":{\"s\":[],\"l\":[{\"type\":\"Dense\",\"units\":1000000}]}},",
         "/model/layers/1/cases/l/0", "7.95e+08 parameters"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct study_spec spec = with(cases[i].layers, PLAIN, "{}");
        checked(&spec, &images, cases[i].pointer, cases[i].says);
        study_spec_fini(&spec);
    }
    struct study_spec spec = with("{\"type\":\"Flatten\"},", PLAIN, "{}");
    struct dataset_info more = images, numbers = images;
    more.classes = 11;
    numbers.classes = 0;
    checked(&spec, &more, "/model/layers/1/units", "11 classes");
    checked(&spec, &numbers, "/compile/loss", "class labels");
    study_spec_fini(&spec);
    spec = with("{\"type\":\"Flatten\"},", PLAIN, "{\"class_weight\":{\"9\":1,\"10\":2}}");
    checked(&spec, &images, "/fit/class_weight/10", "10 classes");
    study_spec_fini(&spec);
}

static void parts_are_checked_against_the_data(void **state)
{
    static const struct {
        const char *dataset, *pointer, *says;
        int64_t train, test;
    } cases[] = {
        {"\"validation_data\":\"test\"", NULL, NULL, 100, 10},
        {"\"validation_data\":\"test\"", "/dataset/validation_data", "no test part", 100, 0},
        {"\"validation_data\":\"test\",\"split\":{}", NULL, NULL, 100, 0},
        {"\"split\":{}", "/dataset/split", "test part of 10 samples", 100, 10},
        {"\"split\":{\"test_size\":100}", "/dataset/split/test_size", "none to train on", 100, 0},
        {"\"validation_split\":0.001", "/dataset/validation_split", "without any", 1, 10},
        {"\"validation_split\":0.5,\"limit\":1", "/dataset/validation_split", "without any", 100,
         10},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[700];
        struct dataset_info info = images;
        snprintf(
            json, sizeof json,
            "{\"name\":\"s\",\"dataset\":{\"name\":\"digits\",%s},\"model\":{\"layers\":[{\"type\":"
            "\"Flatten\"},{\"type\":\"Dense\",\"units\":10}]},\"compile\":{\"loss\":"
            "\"sparse_categorical_crossentropy\"},\"tuner\":{\"objective\":\"loss\"}}",
            cases[i].dataset);
        info.train_samples = cases[i].train;
        info.test_samples = cases[i].test;
        struct study_spec spec = parse(json);
        checked(&spec, &info, cases[i].pointer, cases[i].says);
        study_spec_fini(&spec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_good_document_is_taken_and_resolves),
        cmocka_unit_test(every_bad_document_names_its_place),
        cmocka_unit_test(every_fault_is_told_at_once),
        cmocka_unit_test(the_contracts_example_becomes_a_flat_space),
        cmocka_unit_test(a_resolved_configuration_is_normalised),
        cmocka_unit_test(nested_repeats_and_switches_expand),
        cmocka_unit_test(a_name_in_two_cases_is_one_hyperparameter),
        cmocka_unit_test(what_its_own_condition_rules_out_takes_the_default),
        cmocka_unit_test(tuners_have_keras_tuners_defaults),
        cmocka_unit_test(objectives_have_directions),
        cmocka_unit_test(a_seed_left_out_comes_from_the_name),
        cmocka_unit_test(shapes_and_labels_are_checked_against_the_data),
        cmocka_unit_test(parts_are_checked_against_the_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
