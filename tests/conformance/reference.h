// Reading of tests/conformance/keras_reference.json: figures computed by Keras' own code in double
// precision (tests are run from the root of the tree).
#ifndef TUNERD_TESTS_CONFORMANCE_REFERENCE_H
#define TUNERD_TESTS_CONFORMANCE_REFERENCE_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "tests/test.h"

static inline cJSON *reference_load(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct json_limits limits = {1 << 24, 64, 2000000};
    struct error err;

    if (!file)
        fail_msg("%s is not there; run from the root of the tree", path);
    char *text = malloc(limits.bytes);
    assert_non_null(text);
    size_t length = fread(text, 1, limits.bytes, file);
    fclose(file);
    cJSON *tree = json_read(text, length, &limits, &err);
    free(text);
    if (!tree)
        fail_msg("%s: %s", path, err.message);
    return tree;
}

// Numbers, and the file's words for what JSON lacks.
static inline double reference_number(const cJSON *item)
{
    if (cJSON_IsString(item)) {
        if (strcmp(item->valuestring, "nan") == 0)
            return (double)NAN;
        return item->valuestring[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    }
    if (!cJSON_IsNumber(item))
        fail_msg("the reference has no number where there should be one");
    return item->valuedouble;
}

static inline const cJSON *reference_at(const cJSON *object, const char *first, const char *second)
{
    return json_member(json_member(object, first), second);
}

// |value - expected| within tolerance, relative to figures above 1; NaN equals NaN.
static inline bool reference_near(double value, double expected, double tolerance)
{
    if (isnan(expected) || isinf(expected))
        return isnan(expected) ? isnan(value) : value == expected;
    return fabs(value - expected) <= tolerance * fmax(1, fabs(expected));
}

#define assert_near(value, expected, tolerance)                                                    \
    do {                                                                                           \
        double value_ = (value), expected_ = (expected);                                           \
        if (!reference_near(value_, expected_, tolerance))                                         \
            fail_msg("%s is %.12g, expected %.12g", #value, value_, expected_);                    \
    } while (0)

#endif
