#include <string.h>

#include "common/error.h"
#include "tests/test.h"

static void fail_fills_and_returns_the_code(void **state)
{
    struct error err;
    (void)state;

    assert_int_equal(fail(&err, E_RANGE, "/a/b", "%d is too %s", 7, "big"), E_RANGE);
    assert_string_equal(err.pointer, "/a/b");
    assert_string_equal(err.message, "7 is too big");
    assert_int_equal(fail(NULL, E_TYPE, NULL, "x"), E_TYPE);
    assert_int_equal(fail(&err, E_RANGE, NULL, "%s, again", err.message), E_RANGE);
    assert_string_equal(err.message, "7 is too big, again");
    assert_string_equal(err.pointer, "");
}

static void a_long_message_is_cut_at_a_whole_character(void **state)
{
    char text[600];
    struct error err;
    (void)state;

    memset(text, 'x', sizeof text);
    memcpy(text + 510, "\xc3\xa9", 3); // é would be cut in half at 511
    fail(&err, E_TYPE, "", "%s", text);
    assert_int_equal(strlen(err.message), 510);
}

static void bytes_that_are_no_text_do_not_leave_in_a_message(void **state)
{
    struct error err;
    (void)state;

    fail(&err, E_INVALID, "/\xff/x", "\xc3\xa9 \xff\xfe \xc3( %.2s", "a\xc3\xa9");
    assert_string_equal(err.pointer, "/?/x");
    assert_string_equal(err.message, "\xc3\xa9 ?? ?( a"); // the last one was cut off: gone
}

static void every_code_has_a_name_a_title_and_a_status(void **state)
{
    (void)state;
    assert_string_equal(code_name(OK), "ok");
    assert_int_equal(code_http_status(E_LIMIT), 413);
    for (int code = OK; code <= E_INTERNAL; code++) {
        assert_non_null(code_name(code));
        assert_non_null(code_title(code));
        assert_in_range(code_http_status(code), 200, 599);
    }
    assert_int_equal(code_http_status((enum code)999), 500);
}

static void faults_keep_the_first_ones_and_count_all(void **state)
{
    struct faults faults;
    (void)state;

    faults_init(&faults);
    for (int i = 0; i < 100; i++)
        assert_int_equal(fault(&faults, E_TYPE, "/x", "number %d", i), E_TYPE);
    assert_int_equal(faults.count, 100);
    assert_string_equal(faults.items[FAULTS_MAX - 1].message, "number 63");
    faults_fini(&faults);
    assert_int_equal(faults.count, 0);
    assert_int_equal(fault(NULL, E_TYPE, "", "none"), E_TYPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_fills_and_returns_the_code),
        cmocka_unit_test(a_long_message_is_cut_at_a_whole_character),
        cmocka_unit_test(bytes_that_are_no_text_do_not_leave_in_a_message),
        cmocka_unit_test(every_code_has_a_name_a_title_and_a_status),
        cmocka_unit_test(faults_keep_the_first_ones_and_count_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
