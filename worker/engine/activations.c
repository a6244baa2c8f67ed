// The table of activations; all derivatives come from y but gelu's and silu's, which need z.
#include "worker/engine/activations.h"

#include <string.h>

static const struct activation activations[] = {
    {"linear", ACT_LINEAR, false, 0},
    {"relu", ACT_RELU, false, 0},
    {"leaky_relu", ACT_LEAKY_RELU, false, (real)0.2},
    {"elu", ACT_ELU, false, 1},
    {"selu", ACT_SELU, false, 0},
    {"gelu", ACT_GELU, true, 0},
    {"silu", ACT_SILU, true, 0},
    {"sigmoid", ACT_SIGMOID, false, 0},
    {"hard_sigmoid", ACT_HARD_SIGMOID, false, 0},
    {"tanh", ACT_TANH, false, 0},
    {"softplus", ACT_SOFTPLUS, false, 0},
    {"softmax", ACT_SOFTMAX, false, 0},
};

const struct activation *activation_all(int *count)
{
    *count = (int)(sizeof(activations) / sizeof(activations[0]));
    return activations;
}

const struct activation *activation_find(const char *name)
{
    if (!name)
        return &activations[0];
    for (size_t i = 0; i < sizeof(activations) / sizeof(activations[0]); i++)
        if (strcmp(activations[i].name, name) == 0)
            return &activations[i];
    return NULL;
}
