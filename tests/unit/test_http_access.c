// Host, Origin and token; and the texts answers are made of.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coordinator/http/access.h"
#include "coordinator/http/buf.h"
#include "tests/test.h"

static struct access opened(const char *listen, const char *extra, const char *token_file)
{
    struct access access;
    struct sockaddr_storage address;
    socklen_t len;
    struct error err = {0};
    if (access_address(listen, &address, &len, &err) ||
        access_init(&access, &address, extra, token_file, &err))
        fail_msg("%s: %s", listen, err.message);
    return access;
}

static enum code tried(const char *listen, const char *token_file)
{
    struct access access;
    struct sockaddr_storage address;
    socklen_t len;
    struct error err = {0};
    enum code code = access_address(listen, &address, &len, &err);
    if (code == OK)
        code = access_init(&access, &address, NULL, token_file, &err);
    if (code == OK)
        access_fini(&access);
    return code;
}

static void addresses_are_numeric_with_a_port(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      ":",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:99999",
                                      ":8080",
                                      "example.org:80",
                                      "[::1:80",
                                      "[]:80",
                                      "127.0.0.1:x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sockaddr_storage address;
        socklen_t len;
        struct error err = {0};
        if (access_address(bad[i], &address, &len, &err) != E_RANGE)
            fail_msg("accepted '%s'", bad[i]);
    }
    struct sockaddr_storage address;
    socklen_t len;
    assert_int_equal(access_address("[::1]:81", &address, &len, NULL), OK);
    assert_int_equal(access_port(&address), 81);
    assert_int_equal(access_address("localhost:82", &address, &len, NULL), OK);
    assert_int_equal(access_port(&address), 82);
}

static void hosts_are_known_with_their_port(void **state)
{
    (void)state;
    struct access a = opened("127.0.0.1:8080", "tuner.example, box:9", NULL);
    static const char *const good[] = {"127.0.0.1:8080", "LOCALHOST:8080", "[::1]:8080",
                                       "tuner.example:8080", "box:9"};
    static const char *const bad[] = {"127.0.0.1",       "127.0.0.1:80",
                                      "localhost",       "evil.example:8080",
                                      "tuner.example",   "localhost:8080.evil.example",
                                      "127.0.0.1:8080 ", "",
                                      "localhost:08080"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(access_check_host(&a, good[i], NULL), OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(access_check_host(&a, bad[i], NULL), E_DENIED);
    assert_int_equal(access_check_host(&a, NULL, NULL), E_SYNTAX);
    access_fini(&a);
}

static void port_80_may_be_left_out(void **state)
{
    (void)state;
    struct access a = opened("127.0.0.1:80", NULL, NULL);
    assert_int_equal(access_check_host(&a, "localhost", NULL), OK);
    assert_int_equal(access_check_host(&a, "localhost:80", NULL), OK);
    access_fini(&a);
}

static void origins_are_our_own_pages(void **state)
{
    (void)state;
    struct access a = opened("127.0.0.1:8080", NULL, NULL);
    assert_int_equal(access_check_origin(&a, NULL, NULL), OK);
    assert_int_equal(access_check_origin(&a, "http://127.0.0.1:8080", NULL), OK);
    static const char *const bad[] = {"null",
                                      "",
                                      "http://127.0.0.1",
                                      "http://evil.example",
                                      "ftp://127.0.0.1:8080",
                                      "127.0.0.1:8080",
                                      "http://127.0.0.1:8080.evil.example"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(access_check_origin(&a, bad[i], NULL), E_DENIED);
    access_fini(&a);
}

static void other_machines_need_a_token(void **state)
{
    (void)state;
    assert_int_equal(tried("0.0.0.0:0", NULL), E_DENIED);
    assert_int_equal(tried("[::]:0", NULL), E_DENIED);
    assert_int_equal(tried("127.0.0.1:0", NULL), OK);
    assert_int_equal(tried("[::1]:0", NULL), OK);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_token_file_is_private_and_long(void **state)
{
    (void)state;
    char path[] = "/tmp/test_http_token_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_file(path, "0123456789abcdefghijklmnop\n", 0644);
    assert_int_equal(tried("127.0.0.1:0", path), E_DENIED);
    write_file(path, "short\n", 0600);
    assert_int_equal(tried("127.0.0.1:0", path), E_DENIED);
    write_file(path, "0123456789abcdefghij klmnop\n", 0600);
    assert_int_equal(tried("127.0.0.1:0", path), E_DENIED);
    write_file(path, "0123456789abcdefghijklmnop\n", 0600);
    struct access a = opened("0.0.0.0:0", NULL, path);
    assert_true(access_token_holds(&a, "Bearer 0123456789abcdefghijklmnop"));
    assert_true(access_token_holds(&a, "bearer  0123456789abcdefghijklmnop"));
    assert_false(access_token_holds(&a, "Bearer 0123456789abcdefghijklmno"));
    assert_false(access_token_holds(&a, "Bearer "));
    assert_false(access_token_holds(&a, "Basic 0123456789abcdefghijklmnop"));
    assert_false(access_token_holds(&a, NULL));
    access_fini(&a);
    unlink(path);
}

static void a_missing_token_file_is_made(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_http_XXXXXX", path[64], token[128], value[256];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/token", folder);
    struct access a = opened("127.0.0.1:0", NULL, path);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%127s", token), 1);
    fclose(file);
    assert_int_equal(strlen(token), 43); // 256 bits in base64
    snprintf(value, sizeof value, "Bearer %s", token);
    assert_true(access_token_holds(&a, value));
    access_fini(&a);
    unlink(path);
    rmdir(folder);
}

static void texts_stop_at_their_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4);
    buf_put(&b, "abcd");
    assert_false(b.failed);
    buf_put(&b, "e");
    assert_true(b.failed);
    assert_null(buf_take(&b, NULL));
    buf_put(&b, "abcd");
    size_t len;
    char *taken = buf_take(&b, &len);
    assert_string_equal(taken, "abcd");
    assert_int_equal(len, 4);
    free(taken);
    buf_fini(&b);
}

static void expect_json(const char *text, size_t len, const char *expected)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_json_string_n(&b, text, len);
    char *taken = buf_take(&b, NULL);
    assert_string_equal(taken, expected);
    free(taken);
}

static void strings_are_escaped_and_made_valid(void **state)
{
    (void)state;
    expect_json("a\"b\\c\n\t\x01\x7f", 9, "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\"");
    expect_json("\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\"");
    expect_json("a\xff"
                "b\xc3",
                4,
                "\"a\xef\xbf\xbd"
                "b\xef\xbf\xbd\"");
    expect_json("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    expect_json("a\0b", 3, "\"a\\u0000b\"");
}

static void numbers_and_times_are_exact(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    buf_json_integer(&b, INT64_MAX);
    buf_put(&b, " ");
    buf_json_number(&b, 0.1);
    buf_put(&b, " ");
    buf_json_number(&b, NAN);
    buf_put(&b, " ");
    buf_json_time(&b, 951782400123); // a leap day
    buf_put(&b, " ");
    buf_json_time(&b, -1);
    char *taken = buf_take(&b, NULL);
    assert_string_equal(taken, "9223372036854775807 0.1 null \"2000-02-29T00:00:00.123Z\" "
                               "\"1969-12-31T23:59:59.999Z\"");
    free(taken);
}

static void csv_fields_are_quoted_where_needed(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    buf_csv_field(&b, "plain", 5);
    buf_put(&b, ";");
    buf_csv_field(&b, "a,b", 3);
    buf_put(&b, ";");
    buf_csv_field(&b, "say \"hi\"\n", 9);
    char *taken = buf_take(&b, NULL);
    assert_string_equal(taken, "plain;\"a,b\";\"say \"\"hi\"\"\n\"");
    free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_numeric_with_a_port),
        cmocka_unit_test(hosts_are_known_with_their_port),
        cmocka_unit_test(port_80_may_be_left_out),
        cmocka_unit_test(origins_are_our_own_pages),
        cmocka_unit_test(other_machines_need_a_token),
        cmocka_unit_test(a_token_file_is_private_and_long),
        cmocka_unit_test(a_missing_token_file_is_made),
        cmocka_unit_test(texts_stop_at_their_maximum),
        cmocka_unit_test(strings_are_escaped_and_made_valid),
        cmocka_unit_test(numbers_and_times_are_exact),
        cmocka_unit_test(csv_fields_are_quoted_where_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
