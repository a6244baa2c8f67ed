// The strict header check and the address parser: what they refuse, and that no bytes upset them.
#include <stdio.h>
#include <string.h>

#include "common/rng.h"
#include "coordinator/http/headers.h"
#include "coordinator/http/uri.h"
#include "tests/test.h"

static struct header line(const char *name, const char *value)
{
    return (struct header){name, value, strlen(name), strlen(value)};
}

static struct headers accepted(const struct header *lines, size_t n)
{
    struct headers out;
    struct error err = {0};
    int status;
    if (headers_check(lines, n, &out, &status, &err))
        fail_msg("refused: %s", err.message);
    return out;
}

static void refused(const struct header *lines, size_t n, int status, const char *pointer)
{
    struct headers out;
    struct error err = {0};
    int got = 0;
    if (!headers_check(lines, n, &out, &got, &err))
        fail_msg("accepted, expected %d at %s", status, pointer);
    assert_int_equal(got, status);
    assert_string_equal(err.pointer, pointer);
}

static void what_the_server_needs_is_found(void **state)
{
    (void)state;
    struct header lines[] = {line("hOST", "a:1"), line("Content-Length", "12"),
                             line("Authorization", "Bearer x"), line("X-Other", "\ty\xc3\xa9")};
    struct headers h = accepted(lines, 4);
    assert_string_equal(h.host, "a:1");
    assert_string_equal(h.authorization, "Bearer x");
    assert_int_equal(h.content_length, 12);
    assert_false(h.chunked);
    assert_null(h.origin);
}

static void no_length_is_minus_one(void **state)
{
    (void)state;
    struct header lines[] = {line("Transfer-Encoding", "Chunked")};
    struct headers h = accepted(lines, 1);
    assert_int_equal(h.content_length, -1);
    assert_true(h.chunked);
    assert_int_equal(accepted(NULL, 0).content_length, -1);
}

static void single_lines_are_refused_twice(void **state)
{
    (void)state;
    static const char *const names[] = {"Host",           "Content-Length", "Content-Type",
                                        "Authorization",  "Origin",         "Transfer-Encoding",
                                        "Idempotency-Key"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char pointer[64];
        struct header lines[] = {line(names[i], "1"), line("X", "y"), line(names[i], "1")};
        snprintf(pointer, sizeof pointer, "#%s", names[i]);
        refused(lines, 3, 400, pointer);
    }
}

static void names_are_tokens(void **state)
{
    (void)state;
    static const char *const names[] = {"Host ", " Host", "",      "a b",
                                        "a:b",   "a\tb",  "a\x7f", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct header one = line(names[i], "x");
        refused(&one, 1, 400, "");
    }
    struct header nul = {"A\0B", "x", 3, 1};
    refused(&nul, 1, 400, "");
}

static void values_have_no_control_bytes(void **state)
{
    (void)state;
    static const char *const values[] = {"a\rb", "a\nb", "\x01", "\x7f"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct header one = line("X", values[i]);
        refused(&one, 1, 400, "#X");
    }
    struct header nul = {"Host", "good\0evil", 4, 9};
    refused(&nul, 1, 400, "#Host");
}

static void content_length_is_digits(void **state)
{
    (void)state;
    static const char *const values[] = {"",
                                         "+2",
                                         "-1",
                                         "0x10",
                                         "2 ",
                                         "2,2",
                                         "1e3",
                                         "1234567890123456789",
                                         "99999999999999999999999"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct header one = line("Content-Length", values[i]);
        refused(&one, 1, 400, "#Content-Length");
    }
    struct header longest = line("Content-Length", "999999999999999999");
    assert_int_equal(accepted(&longest, 1).content_length, 999999999999999999);
}

static void only_one_framing(void **state)
{
    (void)state;
    struct header both[] = {line("Content-Length", "2"), line("Transfer-Encoding", "chunked")};
    refused(both, 2, 400, "#Content-Length");
    static const char *const codings[] = {"gzip", "gzip, chunked", "chunked, chunked", "identity",
                                          ""};
    for (size_t i = 0; i < sizeof codings / sizeof codings[0]; i++) {
        struct header one = line("Transfer-Encoding", codings[i]);
        refused(&one, 1, 501, "#Transfer-Encoding");
    }
}

static void many_lines_are_refused(void **state)
{
    (void)state;
    struct header lines[HEADERS_MAX + 1];
    for (int i = 0; i <= HEADERS_MAX; i++)
        lines[i] = line("X", "y");
    accepted(lines, HEADERS_MAX);
    refused(lines, HEADERS_MAX + 1, 413, "");
}

static void lists_are_searched_by_item(void **state)
{
    (void)state;
    assert_true(header_lists("gzip", "gzip", false));
    assert_true(header_lists("deflate, GZIP;q=0.5", "gzip", false));
    assert_true(header_lists("*", "gzip", true));
    assert_false(header_lists("*", "gzip", false));
    assert_false(header_lists("gzip;q=0", "gzip", false));
    assert_false(header_lists("gzip;q=0.0, x", "gzip", true));
    assert_false(header_lists("xgzip, gzipx", "gzip", false));
    assert_false(header_lists(NULL, "gzip", true));
    assert_false(header_lists(",, ,", "gzip", true));
}

// Bytes are drawn from an alphabet that hits the rules often.
static size_t draw(struct rng *rng, char *out, size_t max)
{
    static const char *const words[] = {"Host",
                                        "Content-Length",
                                        "Transfer-Encoding",
                                        "chunked",
                                        "12",
                                        ":",
                                        " ",
                                        "\t",
                                        "gzip",
                                        ",",
                                        ";q=",
                                        "0",
                                        "\r\n"};
    size_t len = 0;
    for (uint64_t n = rng_below(rng, 4); n > 0; n--) {
        const char *word = words[rng_below(rng, sizeof words / sizeof words[0])];
        size_t size = strlen(word);
        if (rng_below(rng, 4) == 0 && len < max)
            out[len++] = (char)rng_below(rng, 256);
        else if (len + size <= max) {
            memcpy(out + len, word, size);
            len += size;
        }
    }
    return len;
}

// Whatever the bytes: no read outside them (ASan), and what is accepted keeps the promises.
static void no_header_upsets_the_check(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 7, 0);
    for (int round = 0; round < 50000; round++) {
        struct header lines[4];
        char *memory[8];
        size_t n = rng_below(&rng, 5);
        for (size_t i = 0; i < n; i++) {
            char text[64];
            for (int part = 0; part < 2; part++) {
                size_t len = draw(&rng, text, sizeof text);
                char *copy = malloc(len + 1); // its end is ASan's
                memcpy(copy, text, len);
                copy[len] = '\0';
                memory[2 * i + (size_t)part] = copy;
                if (part == 0)
                    lines[i].name = copy, lines[i].name_len = len;
                else
                    lines[i].value = copy, lines[i].value_len = len;
            }
            header_lists(lines[i].value, "gzip", true);
        }
        struct headers out;
        struct error err = {0};
        int status = 0;
        if (headers_check(lines, n, &out, &status, &err) == OK) {
            assert_true(out.content_length >= -1);
            assert_false(out.chunked && out.content_length >= 0);
        } else {
            assert_true(status == 400 || status == 413 || status == 501);
            assert_true(err.message[0] != '\0');
        }
        for (size_t i = 0; i < 2 * n; i++)
            free(memory[i]);
    }
}

static void segments_are_decoded_after_splitting(void **state)
{
    (void)state;
    struct uri uri;
    struct error err;
    assert_int_equal(uri_parse("/a%2Fb/c%20d/?x=1+2&y=%26&z", &uri, &err), OK);
    assert_int_equal(uri.nsegments, 3);
    assert_string_equal(uri.segments[0], "a/b");
    assert_string_equal(uri.segments[1], "c d");
    assert_string_equal(uri.segments[2], "");
    assert_string_equal(uri_parameter(&uri, "x"), "1 2");
    assert_string_equal(uri_parameter(&uri, "y"), "&");
    assert_string_equal(uri_parameter(&uri, "z"), "");
    assert_null(uri_parameter(&uri, "w"));
    uri_fini(&uri);
}

static void bad_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "",       "*",    "http://h/", "/%",    "/%2",    "/%zz",      "/%00",
        "/a%0ab", "/%7f", "/a b",      "/\xff", "/?a=%0", "/?a=1&a=2", "/1/2/3/4/5/6/7/8/9/10/11"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct uri uri;
        struct error err = {0};
        if (uri_parse(targets[i], &uri, &err) == OK)
            fail_msg("accepted %s", targets[i]);
        assert_true(err.message[0] != '\0');
    }
}

static void no_address_upsets_the_parser(void **state)
{
    (void)state;
    static const char letters[] = "/?&=%0123456789abfF+. x-";
    struct rng rng;
    rng_init(&rng, 8, 0);
    for (int round = 0; round < 50000; round++) {
        size_t len = rng_below(&rng, 40);
        char *target = malloc(len + 1);
        for (size_t i = 0; i < len; i++)
            target[i] = rng_below(&rng, 20) ? letters[rng_below(&rng, sizeof letters - 1)]
                                            : (char)(1 + rng_below(&rng, 255));
        if (len)
            target[0] = '/';
        target[len] = '\0';
        struct uri uri;
        struct error err = {0};
        if (uri_parse(target, &uri, &err) == OK) {
            for (int i = 0; i < uri.nsegments; i++)
                for (const char *p = uri.segments[i]; *p; p++)
                    assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
            uri_fini(&uri);
        }
        free(target);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_server_needs_is_found),
        cmocka_unit_test(no_length_is_minus_one),
        cmocka_unit_test(single_lines_are_refused_twice),
        cmocka_unit_test(names_are_tokens),
        cmocka_unit_test(values_have_no_control_bytes),
        cmocka_unit_test(content_length_is_digits),
        cmocka_unit_test(only_one_framing),
        cmocka_unit_test(many_lines_are_refused),
        cmocka_unit_test(lists_are_searched_by_item),
        cmocka_unit_test(no_header_upsets_the_check),
        cmocka_unit_test(segments_are_decoded_after_splitting),
        cmocka_unit_test(bad_addresses_are_refused),
        cmocka_unit_test(no_address_upsets_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
