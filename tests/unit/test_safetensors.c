// common/safetensors.h: the format as github.com/huggingface/safetensors describes it, and files that lie.
#include "common/safetensors.h"

#include "tests/test.h"

#include <stdio.h>
#include <string.h>

static const int64_t matrix[] = {3, 2}, row[] = {2};
static const struct safetensor tensors[] = {{"dense/kernel", 2, matrix}, {"dense/bias", 1, row}};
enum { NUMBERS = 8, DATA = 4 * NUMBERS };

static size_t header_of(const struct safetensor *list, int count, unsigned char **out)
{
    struct error err;
    size_t len;
    cJSON *metadata = cJSON_CreateObject();
    cJSON_AddStringToObject(metadata, "study", "a \"b\"");
    assert_int_equal(safetensors_header(metadata, list, count, out, &len, &err), OK);
    cJSON_Delete(metadata);
    return len;
}

static void a_header_is_laid_out_as_the_format_says(void **state)
{
    (void)state;
    static const char text[] =
        "{\"__metadata__\":{\"study\":\"a \\\"b\\\"\"},"
        "\"dense/kernel\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]},"
        "\"dense/bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]}}";
    const size_t text_len = sizeof text - 1, padded = (text_len + 7) / 8 * 8;
    unsigned char *header;
    size_t len = header_of(tensors, 2, &header);
    assert_int_equal(len, 8 + padded);
    assert_int_equal(header[0] | header[1] << 8, padded);
    for (int i = 2; i < 8; i++)
        assert_int_equal(header[i], 0);
    assert_memory_equal(header + 8, text, text_len);
    for (size_t i = 8 + text_len; i < len; i++)
        assert_int_equal(header[i], ' ');
    free(header);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct error err;
    unsigned char *header;
    int64_t numbers = 0;
    size_t len = header_of(tensors, 2, &header);
    assert_int_equal(safetensors_header_length(header), len);
    assert_int_equal(safetensors_check(header, len, (int64_t)len + DATA, &numbers, &err), OK);
    assert_int_equal(numbers, NUMBERS);
    free(header);
}

static void two_tensors_of_one_name_are_refused(void **state)
{
    (void)state;
    struct error err;
    unsigned char *header;
    size_t len;
    const struct safetensor twice[] = {tensors[0], tensors[0]};
    const struct safetensor reserved[] = {{"__metadata__", 1, row}};
    cJSON *metadata = cJSON_CreateObject();
    assert_int_equal(safetensors_header(metadata, twice, 2, &header, &len, &err), E_CONFLICT);
    assert_int_equal(safetensors_header(metadata, reserved, 1, &header, &len, &err), E_CONFLICT);
    cJSON_Delete(metadata);
}

static void a_header_has_its_bound(void **state)
{
    (void)state;
    struct error err;
    unsigned char *header, wild[8];
    size_t len;
    char *text = malloc(SAFETENSORS_HEADER_MAX);
    assert_non_null(text);
    memset(text, 'x', SAFETENSORS_HEADER_MAX - 1);
    text[SAFETENSORS_HEADER_MAX - 1] = '\0';
    cJSON *metadata = cJSON_CreateObject();
    cJSON_AddStringToObject(metadata, "long", text);
    assert_int_equal(safetensors_header(metadata, tensors, 2, &header, &len, &err), E_LIMIT);
    cJSON_Delete(metadata);
    free(text);
    memset(wild, 0xFF, sizeof wild);
    assert_int_equal(safetensors_header_length(wild), 0);
    memcpy(wild, (unsigned char[8]){0, 0, 64}, sizeof wild); // 4 MiB, and 8 bytes before it
    assert_int_equal(safetensors_header_length(wild), 0);
}

static enum code check_text(const char *text, int64_t data)
{
    struct error err;
    int64_t numbers;
    const size_t len = strlen(text);
    unsigned char *bytes = calloc(1, 8 + len);
    assert_non_null(bytes);
    bytes[0] = (unsigned char)len;
    bytes[1] = (unsigned char)(len >> 8);
    memcpy(bytes + 8, text, len);
    enum code code = safetensors_check(bytes, 8 + len, (int64_t)(8 + len) + data, &numbers, &err);
    free(bytes);
    return code;
}

static void tensors_lie_where_their_shapes_and_order_say(void **state)
{
    (void)state;
#define TENSOR(shape, from, to)                                                                    \
    "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"
    assert_int_equal(check_text("{\"a\":" TENSOR("[2,2]", 0, 16) "}", 16), OK);
    assert_int_equal(check_text("{\"a\":" TENSOR("[]", 0, 4) "}", 4), OK); // a scalar
    static const struct {
        const char *text;
        int64_t data;
    } wrong[] = {
        {"{\"a\":" TENSOR("[2,2]", 0, 16) "}", 17}, // bytes behind the end
        {"{\"a\":" TENSOR("[2,2]", 0, 16) "}", 12},
        {"{\"a\":" TENSOR("[2,2]", 4, 20) "}", 20},                             // a hole
        {"{\"a\":" TENSOR("[2]", 0, 8) ",\"b\":" TENSOR("[2]", 4, 12) "}", 12}, // overlap
        {"{\"a\":" TENSOR("[3]", 0, 16) "}", 16},
        {"{\"a\":" TENSOR("[-4]", 0, 16) "}", 16},
        {"{\"a\":" TENSOR("[-2,-2]", 0, 16) "}", 16},
        {"{\"a\":" TENSOR("[0]", 0, 0) "}", 0},
        {"{\"a\":" TENSOR("[1.5]", 0, 6) "}", 6},
        {"{\"a\":" TENSOR("[4294967296,4294967296]", 0, 0) "}", 0},
        {"{\"a\":" TENSOR("[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4}, // more sides than are allowed
        {"{\"a\":" TENSOR("4", 0, 16) "}", 16},
        {"{\"a\":{\"dtype\":\"F16\",\"shape\":[8],\"data_offsets\":[0,16]}}", 16},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0]}}", 16},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,\"16\"]}}", 16},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4]}}", 16},
        {"{\"a\":7}", 0},
        {"{\"__metadata__\":{\"x\":1}}", 0},
        {"{\"__metadata__\":[]}", 0},
        {"[]", 0},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (check_text(wrong[i].text, wrong[i].data) == OK)
            fail_msg("accepted: %s", wrong[i].text);
}

// Whatever byte of the header is another one, and wherever it ends: refused or understood, never more.
static void damaged_headers_do_no_harm(void **state)
{
    (void)state;
    struct error err;
    unsigned char *header;
    int64_t numbers;
    size_t len = header_of(tensors, 2, &header);
    for (size_t i = 0; i < len; i++) {
        unsigned char *copy = malloc(i + 1); // exact, so that a look beyond it is seen
        assert_non_null(copy);
        memcpy(copy, header, i);
        assert_int_not_equal(safetensors_check(copy, i, (int64_t)len + DATA, &numbers, &err), OK);
        free(copy);
        for (int byte = 0; byte < 256; byte += 5) {
            const unsigned char kept = header[i];
            header[i] = (unsigned char)byte;
            if (safetensors_check(header, len, (int64_t)len + DATA, &numbers, &err) == OK)
                assert_int_equal(numbers, NUMBERS);
            header[i] = kept;
        }
    }
    free(header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_laid_out_as_the_format_says),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(two_tensors_of_one_name_are_refused),
        cmocka_unit_test(a_header_has_its_bound),
        cmocka_unit_test(tensors_lie_where_their_shapes_and_order_say),
        cmocka_unit_test(damaged_headers_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
