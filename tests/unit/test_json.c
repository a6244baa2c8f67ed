#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/rng.h"
#include "tests/test.h"

static cJSON *read_text(const char *text, struct error *err)
{
    // An exact copy without NUL, so that ASan sees a read behind the end.
    size_t len = strlen(text);
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    cJSON *tree = json_read(copy, len, NULL, err);
    free(copy);
    return tree;
}

static void refused(const char *text, enum code code, const char *message)
{
    struct error err = {0};
    cJSON *tree = read_text(text, &err);

    if (tree)
        fail_msg("accepted: %s", text);
    assert_int_equal(err.code, code);
    if (!strstr(err.message, message))
        fail_msg("%s: \"%s\" lacks \"%s\"", text, err.message, message);
}

static void same(const char *text, const char *expected)
{
    struct error err = {0};
    cJSON *tree = read_text(text, &err);

    if (!tree)
        fail_msg("%s: %s", text, err.message);
    char *written = json_write(tree);
    assert_string_equal(written, expected);
    free(written);
    cJSON_Delete(tree);
}

static void reads_all_kinds_of_values(void **state)
{
    (void)state;
    same(" { \"a\" : [ 1 , -2.5e3, true,false,null ] , \"b\":{} ,\"c\":[ ]}\r\n\t",
         "{\"a\":[1,-2500,true,false,null],\"b\":{},\"c\":[]}");
    same("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"", "\"\\\"\\\\/\\b\\f\\n\\r\\té😀\"");
    same("\"\\u001f\x7f\"", "\"\\u001f\x7f\"");
    same("0", "0");
    same("-0", "-0");
    same("1e-400", "0");
}

static void nul_byte_behind_the_document_is_refused(void **state)
{
    struct error err = {0};
    (void)state;
    assert_null(json_read("{}\0", 3, NULL, &err));
    assert_int_equal(err.code, E_SYNTAX);
}

static void refuses_each_deviation_with_its_place(void **state)
{
    (void)state;
    refused("{\"a\":1,\n \"b\":2,\n \"a\":3}", E_SYNTAX,
            "line 3, column 2: key \"a\" stands twice");
    refused("{\"a\":1,\"\\u0061\":2}", E_SYNTAX, "key \"a\" stands twice");
    refused("{} x", E_SYNTAX, "line 1, column 4: text after the end");
    refused("01", E_SYNTAX, "leading zero");
    refused("-01", E_SYNTAX, "leading zero");
    refused("1.", E_SYNTAX, "after its point");
    refused("1e", E_SYNTAX, "exponent");
    refused("1e400", E_SYNTAX, "range of a double");
    refused(".5", E_SYNTAX, "not a value");
    refused("+1", E_SYNTAX, "not a value");
    refused("NaN", E_SYNTAX, "not a value");
    refused("tru", E_SYNTAX, "not a value");
    refused("\"a\nb\"", E_SYNTAX, "control character");
    refused("\"abc", E_SYNTAX, "column 1: string without an end");
    refused("\"abc\\", E_SYNTAX, "escape");
    refused("\"\\x\"", E_SYNTAX, "unknown escape");
    refused("\"\\u12g4\"", E_SYNTAX, "hexadecimal");
    refused("\"\\u0000\"", E_SYNTAX, "\\u0000");
    refused("\"\\ud800\"", E_SYNTAX, "surrogate");
    refused("\"\\ud800\\u0041\"", E_SYNTAX, "surrogate");
    refused("\"\\udc00\"", E_SYNTAX, "surrogate");
    refused("\xef\xbb\xbf{}", E_SYNTAX, "byte order mark");
    refused("", E_SYNTAX, "text ends");
    refused("[1,]", E_SYNTAX, "not a value");
    refused("[1 2]", E_SYNTAX, "column 4: expected , or ]");
    refused("{\"a\":1,}", E_SYNTAX, "expected a key");
    refused("{\"a\" 1}", E_SYNTAX, "expected :");
    refused("{a:1}", E_SYNTAX, "double quotes");
    refused("{'a':1}", E_SYNTAX, "double quotes");
    refused("[1", E_SYNTAX, "expected , or ]");
    refused("{\"a\":1", E_SYNTAX, "expected , or }");
    refused("[\"é\", x]", E_SYNTAX, "column 7"); // columns count characters, not bytes
}

static void refuses_bytes_that_are_not_utf8(void **state)
{
    // RFC 3629: overlong forms, surrogates, above U+10FFFF, lone and missing continuations
    static const char *const bad[] = {
        "\"\xc0\xaf\"", "\"\xe0\x80\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
        "\"\x80\"",     "\"\xe2\x82\"",     "\"\xff\"",         "\"\xf0\x8f\xbf\xbf\"",
        "\"\xc3"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(bad[i], E_SYNTAX, "not UTF-8");
}

static void limits_hold_before_memory_is_taken(void **state)
{
    struct json_limits limits = {100, 4, 10};
    struct error err;
    cJSON *tree;
    char big[101];
    (void)state;

    memset(big, ' ', sizeof big);
    assert_null(json_read(big, sizeof big, &limits, &err));
    assert_int_equal(err.code, E_LIMIT);
    assert_null(json_read("[[[[[]]]]]", 10, &limits, &err));
    assert_int_equal(err.code, E_SYNTAX);
    assert_non_null(strstr(err.message, "more than 4 deep"));
    tree = json_read("[[[[]]]]", 8, &limits, &err);
    assert_non_null(tree);
    cJSON_Delete(tree);
    assert_null(json_read("[0,0,0,0,0,0,0,0,0,0]", 21, &limits, &err));
    assert_int_equal(err.code, E_LIMIT);
    tree = json_read("[0,0,0,0,0,0,0,0,0]", 19, &limits, &err);
    assert_non_null(tree);
    cJSON_Delete(tree);
}

static void nesting_of_ten_thousand_is_refused(void **state)
{
    enum { N = 10000 };
    char *text = malloc(N);
    struct error err;
    (void)state;

    memset(text, '[', N);
    assert_null(json_read(text, N, NULL, &err));
    assert_int_equal(err.code, E_SYNTAX);
    for (int i = 0; i < N; i++)
        text[i] = "{\"a\":"[i % 5];
    assert_null(json_read(text, N, NULL, &err));
    assert_int_equal(err.code, E_SYNTAX);
    free(text);
}

static void numbers_read_back_to_the_same_double(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {0.30000000000000004, "0.30000000000000004"},
                 {9007199254740992.0, "9007199254740992"},
                 {-9007199254740992.0, "-9007199254740992"},
                 {1e-4, "0.0001"},
                 {1e300, "1e+300"},
                 {1e15, "1000000000000000"},
                 {123456.5, "123456.5"},
                 {5e-324, "4.94065645841247e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {NAN, "null"},
                 {INFINITY, "null"},
                 {-INFINITY, "null"}};
    struct rng rng;
    char text[32];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_format_number(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
    rng_init(&rng, 1, 2);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = rng_next(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        json_format_number(value, text);
        assert_true(strtod(text, NULL) == value);
        cJSON *tree = json_read(text, strlen(text), NULL, NULL);
        assert_true(tree && tree->valuedouble == value);
        cJSON_Delete(tree);
    }
}

static void broken_text_of_a_tree_is_written_as_valid_utf8(void **state)
{
    cJSON *tree = cJSON_CreateString("a\xff\xe2\x82z");
    char *text = json_write(tree);
    (void)state;

    assert_string_equal(text, "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
    free(text);
    cJSON_Delete(tree);
}

static void pretty_text_reads_back(void **state)
{
    cJSON *tree = read_text("{\"a\":[1,{}],\"b\":[]}", NULL);
    char *text = json_write_pretty(tree);
    (void)state;

    assert_string_equal(text, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}\n");
    free(text);
    cJSON_Delete(tree);
}

static void members_are_found_by_exact_name_and_type(void **state)
{
    cJSON *o = read_text("{\"a\":1.5,\"b\":7,\"c\":true,\"d\":\"x\",\"e\":1e300}", NULL);
    int64_t i;
    (void)state;

    assert_null(json_member(o, "A"));
    assert_null(json_member(NULL, "a"));
    assert_true(json_number_or(o, "a", 9) == 1.5);
    assert_true(json_number_or(o, "d", 9) == 9);
    assert_int_equal(json_integer_or(o, "b", 9), 7);
    assert_int_equal(json_integer_or(o, "a", 9), 9);
    assert_true(json_bool_or(o, "c", false));
    assert_true(json_bool_or(o, "b", true));
    assert_string_equal(json_string_or(o, "d", "y"), "x");
    assert_string_equal(json_string_or(o, "a", "y"), "y");
    assert_false(json_is_integer(json_member(o, "e"), &i));
    cJSON_Delete(o);
}

static void pointers_are_escaped_and_never_cut_inside_a_token(void **state)
{
    char token[300];
    (void)state;

    assert_string_equal(json_pointer_of("/model", "a/b~c").text, "/model/a~1b~0c");
    assert_string_equal(json_pointer_at("/layers", 12).text, "/layers/12");
    memset(token, 'x', sizeof token - 1);
    token[sizeof token - 1] = 0;
    assert_string_equal(json_pointer_of("/model", token).text, "/model");
}

static void twenty_thousand_keys_take_no_quadratic_time(void **state)
{
    // 20,000 keys compared pairwise would be 2e8 string comparisons; here it is n log n.
    enum { N = 20000 };
    char *text = malloc((size_t)N * 16 + 2), *p = text;
    struct error err;
    (void)state;

    *p++ = '{';
    for (int i = 0; i < N; i++)
        p += snprintf(p, 16, "%s\"k%d\":0", i ? "," : "", i);
    *p++ = '}';
    cJSON *tree = json_read(text, (size_t)(p - text), NULL, &err);
    assert_non_null(tree);
    assert_int_equal(cJSON_GetArraySize(tree), N);
    cJSON_Delete(tree);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_kinds_of_values),
        cmocka_unit_test(nul_byte_behind_the_document_is_refused),
        cmocka_unit_test(refuses_each_deviation_with_its_place),
        cmocka_unit_test(refuses_bytes_that_are_not_utf8),
        cmocka_unit_test(limits_hold_before_memory_is_taken),
        cmocka_unit_test(nesting_of_ten_thousand_is_refused),
        cmocka_unit_test(numbers_read_back_to_the_same_double),
        cmocka_unit_test(broken_text_of_a_tree_is_written_as_valid_utf8),
        cmocka_unit_test(pretty_text_reads_back),
        cmocka_unit_test(members_are_found_by_exact_name_and_type),
        cmocka_unit_test(pointers_are_escaped_and_never_cut_inside_a_token),
        cmocka_unit_test(twenty_thousand_keys_take_no_quadratic_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
