#include "common/space.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/space_build.h"
#include "tests/test.h"

static enum code build(const char *json, struct space *space, struct faults *faults)
{
    struct error err = {0};
    cJSON *list = json_read(json, strlen(json), NULL, &err);

    if (!list)
        fail_msg("%s: %s", json, err.message);
    faults_init(faults);
    enum code code = space_from_parameters(list, "", space, faults);
    cJSON_Delete(list);
    return code;
}

static struct space make(const char *json)
{
    struct space space;
    struct faults faults;

    if (build(json, &space, &faults) != OK)
        fail_msg("%s: %s", faults.items[0].pointer, faults.items[0].message);
    faults_fini(&faults);
    return space;
}

static void refused(const char *json, const char *pointer, const char *message)
{
    struct space space;
    struct faults faults;

    if (build(json, &space, &faults) == OK)
        fail_msg("accepted: %s", json);
    for (int i = 0; i < faults.count; i++)
        if (strcmp(faults.items[i].pointer, pointer) == 0 &&
            strstr(faults.items[i].message, message)) {
            faults_fini(&faults);
            return;
        }
    fail_msg("%s: first fault is %s: %s", json, faults.items[0].pointer, faults.items[0].message);
}

static void reads_as(const struct space *space, const struct value *values, const char *expected)
{
    cJSON *object = space_values_to_json(space, values);
    char *text = json_write(object);

    assert_string_equal(text, expected);
    free(text);
    cJSON_Delete(object);
}

// A repeat of 1..3 layers as the study document makes it, a switch, and a free number.
static const char tree[] =
    "[{\"hp\":\"Int\",\"name\":\"n\",\"min_value\":1,\"max_value\":3},"
    "{\"hp\":\"Choice\",\"name\":\"u0\",\"values\":[8,16]},"
    "{\"hp\":\"Choice\",\"name\":\"u1\",\"values\":[8,16],\"parent_name\":\"n\",\"parent_values\":["
    "2,3]},"
    "{\"hp\":\"Choice\",\"name\":\"u2\",\"values\":[8,16],\"parent_name\":\"n\",\"parent_values\":["
    "3]},"
    "{\"hp\":\"Boolean\",\"name\":\"drop\"},"
    "{\"hp\":\"Float\",\"name\":\"rate\",\"min_value\":0.0,\"max_value\":0.5,\"step\":0.1,"
    "\"parent_name\":\"drop\",\"parent_values\":[true]}]";

static void a_step_grid_has_its_end_and_exact_decimals(void **state)
{
    static const struct {
        const char *json;
        int n;
        double values[12];
    } cases[] = {
        {"\"min_value\":0.0,\"max_value\":0.5,\"step\":0.1", 6, {0, 0.1, 0.2, 0.3, 0.4, 0.5}},
        {"\"min_value\":-0.3,\"max_value\":0.3,\"step\":0.1",
         7,
         {-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3}},
        {"\"min_value\":0,\"max_value\":1,\"step\":0.3", 4, {0, 0.3, 0.6, 0.9}},
        {"\"min_value\":1e-4,\"max_value\":5e-4,\"step\":1e-4", 5, {1e-4, 2e-4, 3e-4, 4e-4, 5e-4}},
        {"\"min_value\":1e-5,\"max_value\":0.1,\"step\":10,\"sampling\":\"log\"",
         5,
         {1e-5, 1e-4, 1e-3, 1e-2, 0.1}},
        {"\"min_value\":2.5,\"max_value\":2.5,\"step\":1", 1, {2.5}},
        {"\"min_value\":1,\"max_value\":100,\"step\":10,\"sampling\":\"reverse_log\"",
         3,
         {100, 91, 1}},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[200];
        snprintf(json, sizeof json, "[{\"hp\":\"Float\",\"name\":\"x\",%s}]", cases[i].json);
        struct space space = make(json);
        assert_int_equal(space.hps[0].nvalues, cases[i].n);
        for (int k = 0; k < cases[i].n; k++) {
            struct value v = hp_grid_value(&space.hps[0], k);
            assert_true(v.f == cases[i].values[k]);
            assert_int_equal(hp_grid_index(&space.hps[0], v), k);
            assert_true(value_equal(hp_value(&space.hps[0], hp_unit(&space.hps[0], v)), v));
        }
        space_fini(&space);
    }
}

static void every_integer_comes_back_from_its_probability(void **state)
{
    static const char *const samplings[] = {"linear", "log", "reverse_log"};
    (void)state;

    for (int i = 0; i < 3; i++) {
        char json[200];
        snprintf(json, sizeof json,
                 "[{\"hp\":\"Int\",\"name\":\"x\",\"min_value\":1,\"max_value\":1000,\"sampling\":"
                 "\"%s\"}]",
                 samplings[i]);
        struct space space = make(json);
        assert_int_equal(space.hps[0].nvalues, 1000);
        for (int k = 1; k <= 1000; k++) {
            struct value v = {.kind = V_INT, .i = k};
            double unit = hp_unit(&space.hps[0], v);
            assert_true(unit > 0 && unit < 1);
            assert_int_equal(hp_value(&space.hps[0], unit).i, k);
        }
        space_fini(&space);
    }
}

static void samples_stay_in_bounds_and_have_only_what_is_active(void **state)
{
    struct space space = make(tree);
    struct value v[6], back[6];
    double unit[6];
    struct rng rng;
    int per_n[4] = {0};
    (void)state;

    rng_init(&rng, 1, 0);
    for (int i = 0; i < 3000; i++) {
        space_sample(&space, &rng, v);
        per_n[v[0].i]++;
        assert_int_equal(v[2].kind != V_NONE, v[0].i > 1);
        assert_int_equal(v[3].kind != V_NONE, v[0].i > 2);
        assert_int_equal(v[5].kind != V_NONE, v[4].b);
        for (int k = 0; k < 6; k++) {
            assert_int_equal(space_is_active(&space, v, k), v[k].kind != V_NONE);
            assert_true(v[k].kind == V_NONE || hp_contains(&space.hps[k], v[k]));
        }
        space_to_unit(&space, v, unit);
        space_from_unit(&space, unit, back);
        assert_true(space_equal(&space, v, back));
        assert_true(space_hash(&space, v) == space_hash(&space, back));
    }
    for (int n = 1; n <= 3; n++)
        assert_in_range(per_n[n], 870, 1130); // 1000, five deviations
    space_fini(&space);
}

static void canonicalising_fills_defaults_and_drops_what_is_inactive(void **state)
{
    struct space space = make(tree);
    struct value v[6];
    (void)state;

    space_default(&space, v);
    reads_as(&space, v, "{\"n\":1,\"u0\":8,\"drop\":false}");
    v[0].i = 2;
    v[5] = (struct value){.kind = V_FLOAT, .f = 0.3};
    space_canonicalise(&space, v);
    reads_as(&space, v, "{\"n\":2,\"u0\":8,\"u1\":8,\"drop\":false}");
    // A grandchild of an inactive parent is inactive though the parent's stale value would allow it.
    space_fini(&space);
    space =
        make("[{\"hp\":\"Boolean\",\"name\":\"a\"},"
             "{\"hp\":\"Boolean\",\"name\":\"b\",\"parent_name\":\"a\",\"parent_values\":true},"
             "{\"hp\":\"Boolean\",\"name\":\"c\",\"parent_name\":\"b\",\"parent_values\":true}]");
    for (int i = 0; i < 3; i++)
        v[i] = (struct value){.kind = V_BOOL, .b = i > 0};
    assert_false(space_is_active(&space, v, 2));
    space_canonicalise(&space, v);
    reads_as(&space, v, "{\"a\":false}");
    space_fini(&space);
}

static void the_grid_meets_each_point_once_in_keras_tuners_order(void **state)
{
    enum { N = 98 }; // (2 + 4 + 8) * (1 + 6)
    struct space space = make(tree);
    struct value seen[N][6], v[6];
    static const char *const first[] = {
        "{\"n\":1,\"u0\":8,\"drop\":false}",
        "{\"n\":1,\"u0\":8,\"drop\":true,\"rate\":0}",
        "{\"n\":1,\"u0\":8,\"drop\":true,\"rate\":0.1}",
    };
    int n = 0;
    (void)state;

    assert_true(space_size(&space) == N);
    space_first(&space, v);
    do {
        if (n < 3)
            reads_as(&space, v, first[n]);
        if (n == 7)
            reads_as(&space, v, "{\"n\":1,\"u0\":16,\"drop\":false}");
        if (n == 14)
            reads_as(&space, v, "{\"n\":2,\"u0\":8,\"u1\":8,\"drop\":false}");
        for (int i = 0; i < n; i++)
            assert_false(space_equal(&space, seen[i], v));
        assert_true(n < N);
        memcpy(seen[n++], v, sizeof v);
    } while (space_next(&space, v));
    assert_int_equal(n, N);
    space_fini(&space);
}

static void the_default_is_first_on_the_grid(void **state)
{
    struct space space =
        make("[{\"hp\":\"Choice\",\"name\":\"a\",\"values\":[\"x\",\"y\",\"z\"],\"default\":\"y\"},"
             "{\"hp\":\"Boolean\",\"name\":\"b\",\"default\":true}]");
    static const char *const all[] = {"{\"a\":\"y\",\"b\":true}", "{\"a\":\"y\",\"b\":false}",
                                      "{\"a\":\"x\",\"b\":true}", "{\"a\":\"x\",\"b\":false}",
                                      "{\"a\":\"z\",\"b\":true}", "{\"a\":\"z\",\"b\":false}"};
    struct value v[2];
    (void)state;

    space_first(&space, v);
    for (int i = 0; i < 6; i++) {
        reads_as(&space, v, all[i]);
        assert_int_equal(space_next(&space, v), i < 5);
    }
    space_fini(&space);
}

static void sizes_of_large_conditional_spaces_are_exact(void **state)
{
    char json[60000], *p = json;
    struct space space;
    double expected = 0, product = 1;
    (void)state;

    // 40 repeated blocks, each a switch of 3 cases, one of them with 5 values: 7 points a block
    p += snprintf(p, 200, "[{\"hp\":\"Int\",\"name\":\"n\",\"min_value\":0,\"max_value\":40}");
    for (int i = 0; i < 40; i++) {
        p += snprintf(p, 300,
                      ",{\"hp\":\"Choice\",\"name\":\"k%d\",\"values\":[\"a\",\"b\",\"c\"],"
                      "\"parent_name\":\"n\",\"parent_values\":[",
                      i);
        for (int v = i + 1; v <= 40; v++)
            p += snprintf(p, 20, "%s%d", v > i + 1 ? "," : "", v);
        p += snprintf(p, 300,
                      "]},{\"hp\":\"Int\",\"name\":\"u%d\",\"min_value\":1,\"max_value\":5,"
                      "\"parent_name\":\"k%d\",\"parent_values\":[\"b\"]}",
                      i, i);
    }
    snprintf(p, 2, "]");
    space = make(json);
    for (int i = 0; i <= 40; i++, product *= 7)
        expected += product;
    assert_true(fabs(space_size(&space) / expected - 1) < 1e-12);
    space_fini(&space);

    space = make(
        "[{\"hp\":\"Boolean\",\"name\":\"a\"},{\"hp\":\"Float\",\"name\":\"x\",\"min_value\":0,"
        "\"max_value\":1,\"parent_name\":\"a\",\"parent_values\":[true]}]");
    assert_true(isinf(space_size(&space)));
    space_fini(&space);
    space = make(
        "[{\"hp\":\"Int\",\"name\":\"a\",\"min_value\":1,\"max_value\":100,\"sampling\":\"log\"}]");
    assert_true(space_size(&space) == 100);
    space_fini(&space);
    space = make("[]");
    assert_true(space_size(&space) == 1);
    space_fini(&space);
}

static void points_are_read_strictly(void **state)
{
    static const struct {
        const char *json, *pointer, *message;
    } bad[] = {
        {"{\"n\":2,\"u0\":8,\"drop\":false}", "/h/u1", "is missing"},
        {"{\"n\":1,\"u0\":8,\"u1\":8,\"drop\":false}", "/h/u1", "does not exist"},
        {"{\"n\":1,\"u0\":9,\"drop\":false}", "/h/u0", "one of 8, 16"},
        {"{\"n\":4,\"u0\":8,\"drop\":false}", "/h/n", "an integer from 1 to 3"},
        {"{\"n\":1.5,\"u0\":8,\"drop\":false}", "/h/n", "an integer"},
        {"{\"n\":1,\"u0\":8,\"drop\":0}", "/h/drop", "one of false, true"},
        {"{\"n\":1,\"u0\":8,\"drop\":true,\"rate\":0.25}", "/h/rate",
         "from 0 to 0.5 in steps of 0.1"},
        {"{\"n\":1,\"u0\":8,\"dorp\":false}", "/h/dorp", "did you mean \"drop\""},
        {"[]", "/h", "an object"},
    };
    struct space space = make(tree);
    struct faults faults;
    struct value v[6];
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cJSON *object = cJSON_Parse(bad[i].json);
        faults_init(&faults);
        assert_int_not_equal(space_values_from_json(&space, object, "/h", v, &faults), OK);
        assert_string_equal(faults.items[0].pointer, bad[i].pointer);
        if (!strstr(faults.items[0].message, bad[i].message))
            fail_msg("%s: %s", bad[i].json, faults.items[0].message);
        faults_fini(&faults);
        cJSON_Delete(object);
    }
    cJSON *object = cJSON_Parse("{\"rate\":0.30000000000000004,\"drop\":true,\"u0\":16,\"n\":1}");
    faults_init(&faults);
    assert_int_equal(space_values_from_json(&space, object, "/h", v, &faults), OK);
    reads_as(&space, v, "{\"n\":1,\"u0\":16,\"drop\":true,\"rate\":0.3}");
    cJSON_Delete(object);
    faults_fini(&faults);
    space_fini(&space);
}

#define X(rest) "[{\"hp\":\"Int\",\"name\":\"x\"" rest "}]"
#define F(rest) "[{\"hp\":\"Float\",\"name\":\"x\"" rest "}]"

static void wrong_definitions_are_named(void **state)
{
    (void)state;
    refused(X(",\"min_value\":3,\"max_value\":1"), "/0/max_value", "below min_value");
    refused(X(",\"min_value\":3"), "/0/max_value", "missing");
    refused(X(",\"min_value\":1.5,\"max_value\":3"), "/0/min_value", "whole number");
    refused(X(",\"min_value\":\"1\",\"max_value\":3"), "/0/min_value", "must be a number");
    refused(X(",\"min_value\":1,\"max_value\":3,\"step\":0"), "/0/step", "above 0");
    refused(X(",\"min_value\":1,\"max_value\":3,\"step\":-1"), "/0/step", "above 0");
    refused(X(",\"min_value\":0,\"max_value\":3,\"sampling\":\"log\""), "/0/min_value", "above 0");
    refused(X(",\"min_value\":1,\"max_value\":3,\"step\":1,\"sampling\":\"log\""), "/0/step",
            "above 1");
    refused(X(",\"min_value\":1,\"max_value\":3,\"sampling\":\"lin\""), "/0/sampling", "must be");
    refused(X(",\"min_value\":1,\"max_value\":9,\"step\":4,\"default\":4"), "/0/default",
            "default");
    refused(X(",\"min_value\":1,\"max_value\":9,\"stpe\":4"), "/0/stpe", "did you mean \"step\"");
    refused(F(",\"min_value\":-1e308,\"max_value\":1e308"), "/0/max_value", "too wide");
    refused(F(",\"min_value\":0,\"max_value\":1,\"step\":1e-12"), "/0/step", "2^30");
    refused(F(",\"min_value\":1,\"max_value\":10,\"step\":1.0001,\"sampling\":\"log\""), "/0/step",
            "more than 10000");
    refused("[{\"hp\":\"Choice\",\"name\":\"x\",\"values\":[]}]", "/0/values", "at least one");
    refused("[{\"hp\":\"Choice\",\"name\":\"x\",\"values\":[1,\"a\"]}]", "/0/values/1",
            "must be all");
    refused("[{\"hp\":\"Choice\",\"name\":\"x\",\"values\":[1,null]}]", "/0/values/1",
            "must be all");
    refused("[{\"hp\":\"Choice\",\"name\":\"x\",\"values\":[1,2,1]}]", "/0/values/2", "twice");
    refused("[{\"hp\":\"Choice\",\"name\":\"x\",\"values\":[1,2],\"default\":3}]", "/0/default",
            "one of");
    refused("[{\"hp\":\"Choice\",\"name\":\"x\",\"values\":[\"a\"],\"ordered\":true}]",
            "/0/ordered", "no order");
    refused("[{\"hp\":\"Boolean\",\"name\":\"x\",\"default\":1}]", "/0/default", "true or false");
    refused("[{\"hp\":\"Fixed\",\"name\":\"x\"}]", "/0/value", "value must be");
    refused("[{\"hp\":\"Int32\",\"name\":\"x\"}]", "/0/hp", "hp must be");
    refused("[{\"hp\":\"Boolean\"}]", "/0/name", "needs a name");
    refused("[{\"hp\":\"Boolean\",\"name\":\"\"}]", "/0/name", "1 to 128");
    refused("[{\"hp\":\"Boolean\",\"name\":\"x\"},{\"hp\":\"Boolean\",\"name\":\"x\",\"default\":"
            "true}]",
            "/1", "defined differently at /0");
    refused("[{\"hp\":\"Boolean\",\"name\":\"x\",\"parent_name\":\"y\",\"parent_values\":[1]}]",
            "/0/parent_values", "not declared");
    refused("[{\"hp\":\"Boolean\",\"name\":\"x\",\"parent_name\":\"y\"}]", "/0/parent_values",
            "must list");
    refused("[{\"hp\":\"Boolean\",\"name\":\"x\",\"parent_name\":\"y\",\"parent_values\":[2]},"
            "{\"hp\":\"Boolean\",\"name\":\"y\"}]",
            "/0/parent_values", "none that \"y\" takes");
    refused("[{\"hp\":\"Boolean\",\"name\":\"x\",\"parent_name\":\"y\",\"parent_values\":[true]},"
            "{\"hp\":\"Boolean\",\"name\":\"y\",\"parent_name\":\"x\",\"parent_values\":[true]}]",
            "/0", "in a circle");
    refused("[{\"hp\":\"Boolean\",\"name\":\"x\",\"parent_name\":\"y\",\"parent_values\":[0.5]},"
            "{\"hp\":\"Float\",\"name\":\"y\",\"min_value\":0,\"max_value\":1}]",
            "/0/parent_values", "any number");
    refused("[7]", "/0", "give an object");
}

static void parents_move_before_their_children(void **state)
{
    struct space space = make("[{\"hp\":\"Boolean\",\"name\":\"x\",\"parent_name\":\"y\","
                              "\"parent_values\":[1]},{\"hp\":\"Boolean\",\"name\":\"z\"},"
                              "{\"hp\":\"Choice\",\"name\":\"y\",\"values\":[1,2.5]}]");
    (void)state;

    assert_string_equal(space.hps[0].name, "z");
    assert_string_equal(space.hps[1].name, "y");
    assert_string_equal(space.hps[2].name, "x");
    assert_int_equal(space.hps[2].clauses[0].conditions[0].parent, 1);
    assert_int_equal(space_find(&space, "x"), 2);
    assert_int_equal(space_find(&space, "q"), -1);
    space_fini(&space);
}

static void one_name_in_two_places_exists_where_either_does(void **state)
{
    struct space space = make(
        "[{\"hp\":\"Choice\",\"name\":\"k\",\"values\":[\"a\",\"b\",\"c\"]},"
        "{\"hp\":\"Boolean\",\"name\":\"x\",\"parent_name\":\"k\",\"parent_values\":\"a\"},"
        "{\"hp\":\"Boolean\",\"name\":\"x\",\"parent_name\":\"k\",\"parent_values\":[\"c\"]}]");
    struct value v[2];
    (void)state;

    assert_int_equal(space.n, 2);
    assert_int_equal(space.hps[1].nclauses, 2);
    for (int i = 0; i < 3; i++) {
        v[0] = space.hps[0].values[i];
        assert_int_equal(space_is_active(&space, v, 1), i != 1);
    }
    assert_true(space_size(&space) == 5);
    cJSON *json = space_to_json(&space);
    char *text = json_write(json);
    assert_string_equal(
        text, "[{\"name\":\"k\",\"hp\":\"Choice\",\"values\":[\"a\",\"b\",\"c\"],"
              "\"ordered\":false,\"default\":\"a\"},{\"name\":\"x\",\"hp\":\"Boolean\","
              "\"default\":false,\"conditions\":[[{\"parent_name\":\"k\",\"parent_values\":"
              "[\"a\"]}],[{\"parent_name\":\"k\",\"parent_values\":[\"c\"]}]]}]");
    free(text);
    cJSON_Delete(json);
    space_fini(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_grid_has_its_end_and_exact_decimals),
        cmocka_unit_test(every_integer_comes_back_from_its_probability),
        cmocka_unit_test(samples_stay_in_bounds_and_have_only_what_is_active),
        cmocka_unit_test(canonicalising_fills_defaults_and_drops_what_is_inactive),
        cmocka_unit_test(the_grid_meets_each_point_once_in_keras_tuners_order),
        cmocka_unit_test(the_default_is_first_on_the_grid),
        cmocka_unit_test(sizes_of_large_conditional_spaces_are_exact),
        cmocka_unit_test(points_are_read_strictly),
        cmocka_unit_test(wrong_definitions_are_named),
        cmocka_unit_test(parents_move_before_their_children),
        cmocka_unit_test(one_name_in_two_places_exists_where_either_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
