// Double: everything to 1e-7, the reference being printed with 10 digits.
#define TOLERANCE 1e-7
#define GRADIENT_TOLERANCE 1e-7
#define FIT_TOLERANCE 1e-7
#include "tests/conformance/engine_keras.h"

int main(void)
{
    return cmocka_run_group_tests_name("engine against Keras, double", engine_tests, load, unload);
}
