// Thousands of spoiled studies from one seed: trees with parts swapped, dropped, doubled and replaced, and
// texts with bytes changed. Whatever comes in, the parser answers with a spec or with faults, and what
// it takes can be sampled, resolved and written. Leaks and stray reads are ASan's to find.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/catalogue.h"
#include "common/study_spec.h"
#include "tests/documents.h"
#include "tests/test.h"

static int count_nodes(const cJSON *item)
{
    int n = 1;

    for (const cJSON *child = item->child; child; child = child->next)
        n += count_nodes(child);
    return n;
}

// The k-th node below (k counts down; 0 is the item itself).
static cJSON *node_at(cJSON *item, int *k)
{
    if ((*k)-- == 0)
        return item;
    for (cJSON *child = item->child, *found; child; child = child->next)
        if ((found = node_at(child, k)))
            return found;
    return NULL;
}

static cJSON *any_node(struct rng *rng, cJSON *tree)
{
    int k = (int)rng_below(rng, (uint64_t)count_nodes(tree));

    return node_at(tree, &k);
}

static cJSON *any_parent(struct rng *rng, cJSON *tree)
{
    for (int i = 0; i < 50; i++) {
        cJSON *node = any_node(rng, tree);
        if (node->child)
            return node;
    }
    return tree;
}

static cJSON *any_value(struct rng *rng)
{
    static const char *const texts[] = {
        "null",
        "true",
        "0",
        "-1",
        "1",
        "2",
        "65",
        "1e308",
        "-1e308",
        "1e-320",
        "0.1",
        "9007199254740992",
        "\"\"",
        "\"x\"",
        "\"{i}\"",
        "\"{\"",
        "\"}{\"",
        "\"val_loss\"",
        "\"Dense\"",
        "\"log\"",
        "[]",
        "{}",
        "[[]]",
        "{\"hp\":\"Ref\",\"name\":\"u_{i}\"}",
        "{\"hp\":\"Ref\",\"name\":\"learning_rate\"}",
        "{\"hp\":\"Int\",\"name\":\"q\",\"min_value\":0,\"max_value\":64}",
        "{\"hp\":\"Int\",\"name\":\"q{i}\",\"min_value\":-9007199254740992,\"max_value\":"
        "9007199254740992}",
        "{\"hp\":\"Float\",\"name\":\"q\",\"min_value\":1e-300,\"max_value\":1e300,\"sampling\":"
        "\"log\"}",
        "{\"hp\":\"Choice\",\"name\":\"q\",\"values\":[\"a\",\"b\"]}",
        "{\"hp\":\"Choice\",\"name\":\"q\",\"values\":[1,2.5,3]}",
        "{\"hp\":\"Boolean\",\"name\":\"q\"}",
        "{\"hp\":\"Fixed\",\"name\":\"q\",\"value\":3}",
        "{\"hp\":7}",
        "{\"repeat\":64,\"as\":\"z\",\"layers\":[{\"repeat\":64,\"layers\":[{\"type\":\"Flatten\"}]"
        "}]}",
        "{\"repeat\":{\"hp\":\"Ref\",\"name\":\"n\"},\"layers\":[{\"type\":\"Flatten\"}]}",
        "{\"switch\":{\"hp\":\"Ref\",\"name\":\"k\"},\"cases\":{\"a\":[{\"type\":\"Flatten\"}]}}"};
    const char *text = texts[rng_below(rng, sizeof texts / sizeof *texts)];
    cJSON *value = json_read(text, strlen(text), NULL, NULL);

    assert_non_null(value);
    return value;
}

// Puts `value` where `old` stands below parent; takes it over.
static void replace(cJSON *parent, cJSON *old, cJSON *value)
{
    if (cJSON_IsObject(parent)) {
        char name[512];
        snprintf(name, sizeof name, "%s", old->string);
        assert_true(cJSON_ReplaceItemInObjectCaseSensitive(parent, name, value));
    } else {
        assert_true(cJSON_ReplaceItemViaPointer(parent, old, value));
    }
}

static void spoil_tree(struct rng *rng, cJSON *tree, cJSON *donor)
{
    cJSON *parent = any_parent(rng, tree), *child = parent->child, *piece;
    int skip = (int)rng_below(rng, (uint64_t)cJSON_GetArraySize(parent));

    while (skip--)
        child = child->next;
    switch (rng_below(rng, 6)) {
    case 0:
        cJSON_Delete(cJSON_DetachItemViaPointer(parent, child));
        break;
    case 1:
        replace(parent, child, any_value(rng));
        break;
    case 2:
        replace(parent, child, cJSON_Duplicate(any_node(rng, donor), true));
        break;
    case 3: // once more, or under a name from elsewhere
        piece = any_parent(rng, donor);
        if (cJSON_IsObject(parent) && cJSON_IsObject(piece) &&
            !json_member(parent, piece->child->string))
            cJSON_AddItemToObject(parent, piece->child->string, cJSON_Duplicate(child, true));
        else if (cJSON_IsArray(parent))
            cJSON_AddItemToArray(parent, cJSON_Duplicate(child, true));
        break;
    case 4:
        if (cJSON_IsNumber(child))
            cJSON_SetNumberValue(child, child->valuedouble * (rng_uniform(rng) < 0.5 ? -1 : 1e6));
        else
            replace(parent, child, any_value(rng));
        break;
    case 5:
        replace(parent, child, cJSON_Duplicate(any_node(rng, tree), true));
        break;
    }
}

static void check_against_some_data(const struct study_spec *spec, struct rng *rng)
{
    struct dataset_info info = {.train_samples = 1 + (int64_t)rng_below(rng, 100),
                                .test_samples = (int64_t)rng_below(rng, 3),
                                .rank = 1 + (int)rng_below(rng, 4),
                                .classes = (int64_t)rng_below(rng, 12)};
    struct faults faults;

    for (int i = 0; i < info.rank; i++)
        info.shape[i] = 1 + (int64_t)rng_below(rng, 40);
    faults_init(&faults);
    enum code code = study_spec_check_data(spec, &info, &faults);
    assert_int_equal(code == OK, faults.count == 0);
    faults_fini(&faults);
}

// What a taken study must stand.
static void use(const struct study_spec *spec, struct rng *rng)
{
    int n = spec->space.n;
    struct value *values = calloc((size_t)n + 1, sizeof *values),
                 *back = calloc((size_t)n + 1, sizeof *back);
    double *unit = calloc((size_t)n + 1, sizeof *unit);
    struct faults faults;
    struct error err;

    faults_init(&faults);
    assert_true(space_size(&spec->space) >= 1);
    for (int i = 0; i < 3; i++) {
        space_sample(&spec->space, rng, values);
        space_to_unit(&spec->space, values, unit);
        space_from_unit(&spec->space, unit, back);
        cJSON *object = space_values_to_json(&spec->space, values);
        if (space_values_from_json(&spec->space, object, "", back, &faults) != OK)
            fail_msg("%s: %s", faults.items[0].pointer, faults.items[0].message);
        assert_true(space_equal(&spec->space, values, back));
        cJSON_Delete(object);
        if (spec->has_model)
            cJSON_Delete(study_spec_resolve(spec, values, &err));
    }
    space_first(&spec->space, values);
    for (int i = 0; i < 3 && space_next(&spec->space, values); i++)
        continue;
    cJSON_Delete(space_to_json(&spec->space));
    check_against_some_data(spec, rng);
    free(values);
    free(back);
    free(unit);
    faults_fini(&faults);
}

// Parses; tells what comes of it and that it does not take for ever.
static bool taken(const cJSON *document, struct rng *rng)
{
    struct study_spec spec;
    struct faults faults;
    clock_t start = clock();

    faults_init(&faults);
    enum code code = study_spec_parse(document, &spec, &faults);
    assert_int_equal(code == OK, faults.count == 0);
    for (int i = 0; i < faults.count && i < FAULTS_MAX; i++) {
        assert_true(faults.items[i].message[0]);
        assert_true(faults.items[i].pointer[0] == '/' || !faults.items[i].pointer[0]);
        if (faults.items[i].code == E_INTERNAL)
            fail_msg("%s: %s", faults.items[i].pointer, faults.items[i].message);
    }
    if (code == OK) {
        use(&spec, rng);
        study_spec_fini(&spec);
    }
    faults_fini(&faults);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (seconds > 5) {
        char *text = json_write(document);
        print_error("%s\n", text);
        free(text);
        fail_msg("took %.1f s", seconds);
    }
    return code == OK;
}

static void spoiled_trees_are_answered(void **state)
{
    enum { ROUNDS = 6000 };
    struct documents *good = documents_load("good");
    struct rng rng;
    int ntaken = 0;
    (void)state;

    rng_init(&rng, 20240607, 1);
    for (int i = 0; i < ROUNDS; i++) {
        cJSON *tree = cJSON_Duplicate(good->items[rng_below(&rng, (uint64_t)good->n)].json, true);
        cJSON *donor = good->items[rng_below(&rng, (uint64_t)good->n)].json;
        int times = 1 + (int)rng_below(&rng, 3);
        for (int k = 0; k < times; k++)
            spoil_tree(&rng, tree, donor);
        ntaken += taken(tree, &rng);
        cJSON_Delete(tree);
    }
    // Both outcomes must be met, or the test tests little.
    assert_in_range(ntaken, ROUNDS / 20, ROUNDS - ROUNDS / 3);
    documents_free(good);
}

static void spoiled_texts_are_answered(void **state)
{
    enum { ROUNDS = 6000 };
    struct documents *good = documents_load("good");
    struct rng rng;
    int nread = 0;
    (void)state;

    rng_init(&rng, 20240607, 2);
    for (int i = 0; i < ROUNDS; i++) {
        char *text = json_write(good->items[rng_below(&rng, (uint64_t)good->n)].json);
        size_t len = strlen(text), cut = rng_below(&rng, 10) == 0 ? rng_below(&rng, len) : len;
        int times = 1 + (int)rng_below(&rng, 3);
        struct error err = {0};
        for (int k = 0; k < times; k++) {
            size_t at = (size_t)rng_below(&rng, len);
            text[at] = rng_uniform(&rng) < 0.5
                           ? (char)rng_next(&rng)
                           : "{}[]\",:0123456789.eE-+ntf\\u"[rng_below(&rng, 27)];
        }
        char *exact = malloc(cut ? cut : 1);
        memcpy(exact, text, cut);
        cJSON *tree = json_read(exact, cut, NULL, &err);
        assert_true(tree || (err.code == E_SYNTAX && err.message[0]));
        nread += tree != NULL;
        if (tree)
            taken(tree, &rng);
        cJSON_Delete(tree);
        free(exact);
        free(text);
    }
    assert_in_range(nread, ROUNDS / 20, ROUNDS - ROUNDS / 20);
    documents_free(good);
}

static long allocations_left;

static void *scarce_malloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void every_allocation_of_a_tree_can_fail(void **state)
{
    static const char *const paths[] = {
        "schema/examples/fashion-mlp.json", "tests/documents/good/repeat-nested.json",
        "tests/documents/good/callbacks.json", "tests/documents/good/parameters.json"};
    (void)state;

    for (int i = 0; i < 4; i++) {
        cJSON *document = document_read(paths[i]);
        char *text = json_write(document);
        enum code code = E_MEMORY;
        for (long n = 0; code != OK; n += 1 + n / 64) {
            struct study_spec spec;
            struct faults faults;
            struct error err = {0};
            cJSON_Hooks scarce = {scarce_malloc, free};
            faults_init(&faults);
            allocations_left = n;
            cJSON_InitHooks(&scarce);
            cJSON *tree = json_read(text, strlen(text), NULL, &err);
            assert_true(tree || err.code == E_MEMORY);
            code = tree ? study_spec_parse(tree, &spec, &faults) : E_MEMORY;
            if (code == OK) {
                struct value *values = calloc((size_t)spec.space.n + 1, sizeof *values);
                space_default(&spec.space, values);
                cJSON *config = spec.has_model ? study_spec_resolve(&spec, values, &err) : NULL;
                cJSON *json = space_to_json(&spec.space),
                      *point = space_values_to_json(&spec.space, values);
                if (!json || !point || (spec.has_model && !config))
                    code = E_MEMORY;
                cJSON_Delete(config);
                cJSON_Delete(json);
                cJSON_Delete(point);
                free(values);
                study_spec_fini(&spec);
            }
            cJSON_Delete(tree);
            cJSON_InitHooks(NULL);
            faults_fini(&faults);
        }
        free(text);
        cJSON_Delete(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spoiled_trees_are_answered),
        cmocka_unit_test(spoiled_texts_are_answered),
        cmocka_unit_test(every_allocation_of_a_tree_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
