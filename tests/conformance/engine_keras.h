// What the parts of the reference's tests of the engine share: included by a program for each number type.
// All builds of the kernels that the CPU can run are checked. The tolerances are those of keras_cases.json;
// what is defined otherwise than in the reference is listed there.
#ifndef TUNERD_TESTS_CONFORMANCE_ENGINE_KERAS_H
#define TUNERD_TESTS_CONFORMANCE_ENGINE_KERAS_H

#include "tests/conformance/reference.h"
#include "tests/json.h"
#include "worker/engine/training_state.h"

enum { NUMBERS = 4096 };

static cJSON *reference;
static double near_value, near_gradient; // tolerances of the section that is being checked

static int load(void **state)
{
    (void)state;
    reference = reference_load(REFERENCE);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    cJSON_Delete(reference);
    return 0;
}

static void open_section(const char *name)
{
    const bool doubles = sizeof(real) == sizeof(double);
    const bool gradients = strcmp(name, "loss") == 0 || strcmp(name, "layer") == 0;

    near_value = reference_tolerance(name, doubles ? "double" : "float");
    near_gradient = near_value;
    if (gradients)
        near_gradient = reference_tolerance(name, doubles ? "double_gradient" : "float_gradient");
}

// All numbers of nested lists, in order.
static size_t flat(const cJSON *item, real *out)
{
    const cJSON *child = NULL;
    size_t n = 0;

    if (!cJSON_IsArray(item)) {
        out[0] = (real)reference_number(item);
        return 1;
    }
    cJSON_ArrayForEach(child, item) n += flat(child, out + n);
    return n;
}

static void assert_all_near(const char *what, const real *values, const cJSON *expected,
                            double within)
{
    static real numbers[NUMBERS];
    const size_t n = flat(expected, numbers);

    for (size_t i = 0; i < n; i++)
        if (!reference_near((double)values[i], (double)numbers[i], within))
            fail_msg("%s: number %zu is %.12g, expected %.12g", what, i, (double)values[i],
                     (double)numbers[i]);
}

static const char *name_of(const cJSON *item)
{
    return json_string_or(item, "name", "");
}

#endif
