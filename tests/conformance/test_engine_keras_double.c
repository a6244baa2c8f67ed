#include "tests/conformance/keras_engine.h"

int main(void)
{
    return cmocka_run_group_tests_name("engine against Keras, double", engine_tests, load, unload);
}
