#include "tests/conformance/metrics.h"

// A float has 24 bits: figures of a few samples agree to 1e-6.
static void metrics_are_keras_metrics_after_every_batch(void **state)
{
    (void)state;
    all_cases("float");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_keras_metrics_after_every_batch),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
