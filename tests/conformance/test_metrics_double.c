#include "tests/conformance/metrics.h"

static void metrics_are_keras_metrics_after_every_batch(void **state)
{
    (void)state;
    all_cases("double");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_keras_metrics_after_every_batch),
    };
    return cmocka_run_group_tests_name("metrics, double", tests, NULL, NULL);
}
