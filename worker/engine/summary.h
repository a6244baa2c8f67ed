// The model summary as Keras prints it (keras/src/utils/summary_utils.py, line_length 80).
#ifndef TUNERD_WORKER_ENGINE_SUMMARY_H
#define TUNERD_WORKER_ENGINE_SUMMARY_H

#include "common/catalogue.h"

struct summary_layer {
    const char *type; // Keras' class name
    const char *name; // NULL: Keras' automatic one ("dense", "dense_1", "batch_normalization", …)
    struct shape output;
    int64_t trainable, frozen; // parameters
};

// {"layers": [{"name", "type", "output_shape": [null, …], "parameters"}], "total_parameters",
// "trainable_parameters", "non_trainable_parameters", "text"}. value_size: bytes of one parameter (4;
// 8 in the reference). model_name NULL: "sequential". NULL when out of memory.
cJSON *summary_of(const char *model_name, const struct summary_layer *layers, int count,
                  int value_size);

// Keras' automatic name of a class: "MaxPooling2D" -> "max_pooling2d", "LSTM" -> "lstm". Cuts at `size`.
void summary_snake_case(const char *type, char *out, size_t size);

#endif
