// What the documents may name: layers, activations, initializers, regularizers, optimizers, losses,
// metrics, callbacks and schedules, each with Keras' argument names, types, bounds and defaults, as
// tables. The parser validates against it, the engine reads configurations normalised by it, and the
// layers' shape rules let both know a model's parameters before anything is built.
#ifndef TUNERD_COMMON_CATALOGUE_H
#define TUNERD_COMMON_CATALOGUE_H

#include "common/error.h"
#include "common/json.h"

enum arg_type {
    ARG_INTEGER,
    ARG_NUMBER,
    ARG_BOOL,
    ARG_NAME,         // one of `names`
    ARG_STRING,
    ARG_INTEGERS,     // one integer or a list (kernel_size, pool_size, strides, target_shape)
    ARG_ACTIVATION,   // a name of the activation table, or null
    ARG_INITIALIZER,  // a name
    ARG_REGULARIZER,  // null, {"type": "l1"|"l2"|"l1_l2", …} or Keras' short name
    ARG_SCHEDULE,     // learning_rate: a number or a schedule object
    ARG_NAMES,        // a list of strings
    ARG_OBJECT,
};

struct arg {
    const char *name;
    enum arg_type type;
    bool required;
    bool nullable;
    const char *fallback;     // Keras' default as JSON text
    double min, max;          // numbers: inclusive bounds
    bool min_open, max_open;  // bounds excluded
    const char *const *names;
};

struct shape {
    int rank;
    int64_t dim[4];  // of one sample, without the batch; channels last
};

struct entry {
    const char *name;         // Keras' class or function name
    const struct arg *args;   // ends with a NULL name
    // Layers only: output shape and parameter counts from the normalised configuration.
    enum code (*infer)(const cJSON *config, const struct shape *in, struct shape *out,
                       int64_t *trainable, int64_t *frozen, struct error *err);
};

enum catalogue_kind {
    CATALOGUE_LAYER,
    CATALOGUE_ACTIVATION,
    CATALOGUE_INITIALIZER,
    CATALOGUE_REGULARIZER,
    CATALOGUE_OPTIMIZER,
    CATALOGUE_LOSS,
    CATALOGUE_METRIC,
    CATALOGUE_CALLBACK,
    CATALOGUE_SCHEDULE,
};
const struct entry *catalogue_find(enum catalogue_kind kind, const char *name);
const struct entry *catalogue_list(enum catalogue_kind kind, int *count);

// Checks {"layers": […]} with no hyperparameter in it and gives a copy with every default filled in;
// likewise `compile`, `fit` and `dataset`. NULL with faults otherwise. Idempotent.
cJSON *catalogue_normalise_model(const cJSON *model, const char *pointer, struct faults *faults);
cJSON *catalogue_normalise_compile(const cJSON *compile, const char *pointer, struct faults *faults);
cJSON *catalogue_normalise_fit(const cJSON *fit, const char *pointer, struct faults *faults);
cJSON *catalogue_normalise_dataset(const cJSON *dataset, const char *pointer,
                                   struct faults *faults);

// Shapes and parameters through a normalised model. outs: [number of layers] or NULL.
enum code catalogue_infer_model(const cJSON *model, const struct shape *input, struct shape *outs,
                                int64_t *trainable, int64_t *frozen, struct error *err);

#endif
