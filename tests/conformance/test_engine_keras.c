// Float: numbers of a few operations to 2e-6; gradients, sums of more, to 1e-5; whole trainings of up
// to twelve epochs to 2e-5.
#define TOLERANCE 2e-6
#define GRADIENT_TOLERANCE 1e-5
#define FIT_TOLERANCE 2e-5
#include "tests/conformance/engine_keras.h"

int main(void)
{
    return cmocka_run_group_tests_name("engine against Keras", engine_tests, load, unload);
}
