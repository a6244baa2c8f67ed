// The parts together: what both programs run.
#ifndef TUNERD_TESTS_CONFORMANCE_KERAS_ENGINE_H
#define TUNERD_TESTS_CONFORMANCE_KERAS_ENGINE_H

#include "tests/conformance/keras_fits.h"
#include "tests/conformance/keras_functions.h"
#include "tests/conformance/keras_layers.h"

static const struct CMUnitTest engine_tests[] = {
    cmocka_unit_test(activations_and_their_slopes),
    cmocka_unit_test(losses_and_regularizers_with_their_gradients),
    cmocka_unit_test(optimizers_step_by_step),
    cmocka_unit_test(layers_forward_and_backward),
    cmocka_unit_test(layers_with_other_arguments),
    cmocka_unit_test(initializers_have_keras_limits_and_deviations),
    cmocka_unit_test(whole_trainings_give_keras_history_and_weights),
};
#endif
