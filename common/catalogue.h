// What the documents may name: layers, activations, initializers, regularizers, optimizers, losses,
// metrics, callbacks and schedules, each with Keras' argument names, types, bounds and defaults, as
// tables. The parser validates against it, the engine reads configurations normalised by it, and the
// layers' shape rules let both know a model's parameters before anything is built.
//
// Normalised means: every argument is present; what may be a name or an object is
// {"type": name, every argument} (layers, regularizers or null, optimizer, loss, metrics, callbacks,
// schedules; learning_rate is a number or such a schedule); activations and initializers are plain
// names ("linear" for null); kernel_size, pool_size, strides, dilation_rate are lists of the layer's
// rank, axis of LayerNormalization and target_shape lists; strides of a pooling layer are filled in.
#ifndef TUNERD_COMMON_CATALOGUE_H
#define TUNERD_COMMON_CATALOGUE_H

#include "common/error.h"
#include "common/json.h"

enum catalogue_kind {
    CATALOGUE_NONE,
    CATALOGUE_LAYER,
    CATALOGUE_ACTIVATION,
    CATALOGUE_INITIALIZER,
    CATALOGUE_REGULARIZER,
    CATALOGUE_OPTIMIZER,
    CATALOGUE_LOSS,
    CATALOGUE_METRIC,
    CATALOGUE_CALLBACK,
    CATALOGUE_SCHEDULE,
    CATALOGUE_TUNER,
    CATALOGUE_SECTION, // the study itself, dataset, compile, fit and the objects in them
    CATALOGUE_KINDS
};

enum arg_type {
    ARG_INTEGER,
    ARG_NUMBER,
    ARG_BOOL,
    ARG_NAME,     // one of `names`
    ARG_STRING,   // 1 to `max` (0: 128) bytes
    ARG_STRINGS,  // one or a list; normalised to a list
    ARG_INTEGERS, // one integer or a list; normalised to a list, of `count` when that is not 0
    ARG_NUMBERS,  // a list
    ARG_NAME_OF,  // a plain name of `kind`
    ARG_ENTRY,    // a name of `kind`, or {"type": name, …arguments}
    ARG_ENTRIES,  // a list of such
    ARG_SCHEDULE, // a number, or a schedule as ARG_ENTRY
    ARG_OBJECT,   // the members of the section `of`
    ARG_WEIGHTS,  // {"0": number, "1": number, …}
    ARG_ANY,      // checked elsewhere
};

struct arg {
    const char *name;
    enum arg_type type;
    bool required;
    bool nullable;
    bool fixed;              // no hyperparameter may stand here
    const char *fallback;    // Keras' default as JSON text; NULL: null
    double min, max;         // numbers and elements of lists: inclusive bounds; both 0: none
    bool min_open, max_open; // bounds excluded
    bool plain;              // ARG_STRING: letters, digits and . _ - only, and not dots alone
    int count;               // ARG_INTEGERS: exactly, 0: any from 1; ARG_ENTRIES: at most
    const char *const *names;
    enum catalogue_kind kind;
    const char *of;   // ARG_OBJECT
    const char *like; // when null it is as this other argument
};

struct shape {
    int rank;
    int64_t dim[4]; // of one sample, without the batch; channels last
};

struct entry {
    const char *name;       // Keras' class or function name
    const struct arg *args; // ends with a NULL name; NULL: none
    // Rules between the arguments of a normalised configuration; the pointer is relative ("/strides").
    enum code (*check)(const cJSON *config, struct error *err);
    // Layers only: output shape and parameter counts from the normalised configuration.
    enum code (*infer)(const cJSON *config, const struct shape *in, struct shape *out,
                       int64_t *trainable, int64_t *frozen, struct error *err);
    // Metrics only: 1 larger is better, -1 smaller is.
    int better;
};

// By the exact name or an alias ("adam", "mse"); NULL when there is none.
const struct entry *catalogue_find(enum catalogue_kind kind, const char *name);
const struct entry *catalogue_list(enum catalogue_kind kind, int *count);
// The index-th second name ("adam") of a kind and, in *name, what it stands for; NULL after the last.
const char *catalogue_alias(enum catalogue_kind kind, int index, const char **name);
// For messages: "layer", "loss", …
const char *catalogue_kind_name(enum catalogue_kind kind);

// Checks {"layers": […]} with no hyperparameter in it and gives a copy with every default filled in;
// likewise `compile`, `fit` and `dataset`. NULL with faults otherwise. Idempotent.
cJSON *catalogue_normalise_model(const cJSON *model, const char *pointer, struct faults *faults);
cJSON *catalogue_normalise_compile(const cJSON *compile, const char *pointer,
                                   struct faults *faults);
cJSON *catalogue_normalise_fit(const cJSON *fit, const char *pointer, struct faults *faults);
cJSON *catalogue_normalise_dataset(const cJSON *dataset, const char *pointer,
                                   struct faults *faults);

// Shapes and parameters through a normalised model. outs: [number of layers] or NULL. Counts that
// would overflow stay at 2^62. Errors: E_INVALID, E_RANGE with the pointer "/layers/i/…" and both shapes.
enum code catalogue_infer_model(const cJSON *model, const struct shape *input, struct shape *outs,
                                int64_t *trainable, int64_t *frozen, struct error *err);
// "(28, 28, 1)"
const char *shape_text(const struct shape *shape, char out[96]);

#endif
