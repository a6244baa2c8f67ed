#include <math.h>
#include <string.h>
#include <zlib.h>

#include "tests/test.h"
#include "worker/engine/report.h"

// RFC 4648; gives the length.
static size_t from_base64(const char *text, unsigned char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = 0;
    uint32_t word = 0;
    int bits = 0;

    for (; *text && *text != '='; text++) {
        const char *digit = strchr(digits, *text);
        assert_non_null(digit);
        word = word << 6 | (uint32_t)(digit - digits);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[length++] = (unsigned char)(word >> bits);
        }
    }
    return length;
}

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// Reads back a PNG of the plainest kind, every CRC checked; gives the pixels.
static void from_png(const unsigned char *png, size_t size, uint32_t *width, uint32_t *height,
                     int *channels, unsigned char *pixels)
{
    static unsigned char raw[1 << 18];
    uLongf raw_size = sizeof raw;

    assert_memory_equal(png, "\x89PNG\r\n\x1a\n", 8);
    for (size_t at = 8; at < size;) {
        uint32_t length = get32(png + at);
        const unsigned char *data = png + at + 8;
        assert_true(at + 12 + length <= size);
        assert_int_equal(crc32(0, png + at + 4, length + 4), get32(data + length));
        if (memcmp(png + at + 4, "IHDR", 4) == 0) {
            *width = get32(data);
            *height = get32(data + 4);
            assert_int_equal(data[8], 8);
            *channels = data[9] == 2 ? 3 : 1;
        } else if (memcmp(png + at + 4, "IDAT", 4) == 0) {
            assert_int_equal(uncompress(raw, &raw_size, data, length), Z_OK);
        }
        at += 12 + length;
        if (memcmp(data - 4, "IEND", 4) == 0)
            assert_int_equal(at, size);
    }
    size_t stride = (size_t)*width * (size_t)*channels;
    assert_int_equal(raw_size, *height * (stride + 1));
    for (uint32_t y = 0; y < *height; y++) {
        assert_int_equal(raw[y * (stride + 1)], 0);
        memcpy(pixels + y * stride, raw + y * (stride + 1) + 1, stride);
    }
}

static void pictures_read_back_pixel_by_pixel(void **state)
{
    static const struct {
        int64_t height, width, channels;
    } cases[] = {{28, 28, 1}, {1, 1, 1}, {1, 2, 1}, {1, 3, 1},    {2, 2, 1},
                 {2, 3, 1},   {3, 3, 1}, {5, 3, 3}, {256, 256, 3}};
    static unsigned char pixels[256 * 256 * 3], png[1 << 19], back[256 * 256 * 3];
    (void)state;

    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * 2654435761u >> 13);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        struct error err;
        uint32_t width = 0, height = 0;
        int channels = 0;
        assert_int_equal(
            report_picture(pixels, cases[i].height, cases[i].width, cases[i].channels, &text, &err),
            OK);
        assert_int_equal(strlen(text) % 4, 0);
        from_png(png, from_base64(text, png), &width, &height, &channels, back);
        assert_int_equal(width, cases[i].width);
        assert_int_equal(height, cases[i].height);
        assert_int_equal(channels, cases[i].channels);
        assert_memory_equal(back, pixels, (size_t)(height * width) * (size_t)channels);
        free(text);
    }
}

static void shapes_that_are_no_picture_are_refused(void **state)
{
    static const int64_t cases[][3] = {{0, 1, 1}, {1, 257, 1}, {4, 4, 2}, {4, 4, 4}, {-1, 4, 1}};
    char *text = NULL;
    struct error err;
    (void)state;

    for (size_t i = 0; i < 5; i++)
        assert_int_equal(
            report_picture((const uint8_t *)"", cases[i][0], cases[i][1], cases[i][2], &text, &err),
            E_RANGE);
}

static void samples_have_names_where_there_are_some(void **state)
{
    static const char *const names[] = {"Trouser", "Bag"};
    static const uint8_t pixels[4] = {0, 1, 2, 3};
    static const int64_t shape[] = {2, 2};
    cJSON *list = cJSON_CreateArray();
    struct report_sample sample = {.index = 7,
                                   .label = 1,
                                   .prediction = 2,
                                   .probability = 0.75,
                                   .names = names,
                                   .nnames = 2,
                                   .pixels = pixels,
                                   .rank = 2,
                                   .shape = shape};
    struct error err;
    (void)state;

    assert_int_equal(report_add_sample(list, &sample, &err), OK);
    sample.rank = 1;
    sample.names = NULL;
    assert_int_equal(report_add_sample(list, &sample, &err), OK);
    assert_int_equal(report_add_value(list, 3, 1.5, 1.25, &err), OK);
    const cJSON *first = cJSON_GetArrayItem(list, 0), *second = cJSON_GetArrayItem(list, 1),
                *third = cJSON_GetArrayItem(list, 2);
    assert_string_equal(json_string_or(first, "label", ""), "Bag");
    assert_int_equal(json_integer_or(first, "prediction", -1),
                     2); // no name: the model has more outputs
    assert_true(json_number_or(first, "probability", 0) == 0.75);
    assert_true(cJSON_IsString(json_member(first, "picture")));
    assert_int_equal(json_integer_or(second, "label", -1), 1);
    assert_true(cJSON_IsNull(json_member(second, "picture")));
    assert_true(json_number_or(third, "prediction", 0) == 1.25);
    cJSON_Delete(list);
}

static void predictions_are_counted_by_true_and_predicted_class(void **state)
{
    const real rows[] = {(real)0.2, (real)0.8, (real)0.8, (real)0.2, (real)0.5, (real)0.5};
    const real one[] = {(real)0.5, (real)0.51, 0};
    const int32_t truth[] = {1, 1, 0};
    int64_t matrix[4] = {0}, binary[4] = {0};
    (void)state;

    report_count(matrix, 2, truth, rows, 3, 2);
    assert_memory_equal(matrix, ((int64_t[]){1, 0, 1, 1}), sizeof matrix);
    report_count(binary, 2, truth, one, 3, 1);
    assert_memory_equal(binary, ((int64_t[]){1, 0, 1, 1}), sizeof binary);
}

static void keys_of_a_report_are_never_equal(void **state)
{
    static const char *const names[] = {"accuracy", "a", "a", "text"};
    const int64_t matrix[16] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    struct report_options options = {.names = names, .nnames = 4, .digits = 2};
    cJSON *json = report_classification(matrix, 4, &options);
    (void)state;

    assert_non_null(json);
    char *text = json_write(json);
    struct error err;
    cJSON *back = json_read(text, strlen(text), NULL, &err); // refuses equal keys
    assert_non_null(back);
    assert_non_null(json_member(back, "accuracy (class 0)"));
    assert_non_null(json_member(back, "a (class 2)"));
    assert_true(json_number_or(back, "accuracy", 0) == 1);
    cJSON_Delete(back);
    cJSON_Delete(json);
    free(text);
}

// A model may have more outputs than the data set has classes.
static void classes_beyond_the_names_are_numbers(void **state)
{
    static const char *const names[] = {"cat", "dog"};
    const int64_t matrix[9] = {2, 0, 1, 0, 3, 0, 0, 0, 0};
    struct report_options options = {.names = names, .nnames = 2, .digits = 2};
    cJSON *json = report_classification(matrix, 3, &options);
    (void)state;

    assert_non_null(json);
    assert_non_null(json_member(json, "dog"));
    assert_non_null(json_member(json, "2"));
    cJSON_Delete(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_read_back_pixel_by_pixel),
        cmocka_unit_test(shapes_that_are_no_picture_are_refused),
        cmocka_unit_test(samples_have_names_where_there_are_some),
        cmocka_unit_test(predictions_are_counted_by_true_and_predicted_class),
        cmocka_unit_test(keys_of_a_report_are_never_equal),
        cmocka_unit_test(classes_beyond_the_names_are_numbers),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
