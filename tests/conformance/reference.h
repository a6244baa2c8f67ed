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

// ---- the account of the cases: keras_cases.json

#define REFERENCE "tests/conformance/keras_reference.json"
#define REFERENCE_CASES "tests/conformance/keras_cases.json"

// A section's tolerance: "float", "double", "float_gradient", "double_gradient".
static inline double reference_tolerance(const char *section, const char *which)
{
    cJSON *table = reference_load(REFERENCE_CASES);
    const cJSON *sections = json_member(table, "sections");
    const double tolerance = json_number_or(json_member(sections, section), which, -1);

    cJSON_Delete(table);
    if (tolerance < 0)
        fail_msg(REFERENCE_CASES " has no %s tolerance of section %s", which, section);
    return tolerance;
}

// True for a case that is listed as refused.
static inline bool reference_refused(const char *section, const char *name)
{
    cJSON *table = reference_load(REFERENCE_CASES);
    const cJSON *item = NULL;
    bool listed = false;

    cJSON_ArrayForEach(item, json_member(table, "refused"))
    {
        listed |= strcmp(json_string_or(item, "section", ""), section) == 0 &&
                  strcmp(json_string_or(item, "name", ""), name) == 0;
    }
    cJSON_Delete(table);
    return listed;
}

// Fails unless `test` checked as many cases of the section as the table says, and the table's tests and
// refusals together are all the cases that the reference has.
static inline void reference_account(const char *section, const char *test, int checked)
{
    cJSON *table = reference_load(REFERENCE_CASES), *reference = reference_load(REFERENCE);
    const cJSON *row = json_member(json_member(table, "sections"), section), *item = NULL;
    const int cases = cJSON_GetArraySize(json_member(reference, section));
    int accounted = 0;

    assert_int_equal(json_integer_or(row, "cases", -1), cases);
    assert_int_equal(json_integer_or(json_member(row, "tests"), test, -1), checked);
    cJSON_ArrayForEach(item, json_member(row, "tests")) accounted += item->valueint;
    cJSON_ArrayForEach(item, json_member(table, "refused"))
    {
        if (strcmp(json_string_or(item, "section", ""), section) == 0)
            accounted += (int)json_integer_or(item, "cases", 0);
    }
    if (accounted != cases)
        fail_msg("section %s has %d cases, and %d of them are checked or listed", section, cases,
                 accounted);
    cJSON_Delete(table);
    cJSON_Delete(reference);
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
