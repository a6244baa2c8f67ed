// The tables behind catalogue.h, one file a subject; each ends with a NULL name.
#ifndef TUNERD_COMMON_CATALOGUE_TABLES_H
#define TUNERD_COMMON_CATALOGUE_TABLES_H

#include <math.h>

#include "common/catalogue.h"

extern const struct entry catalogue_layers[];
extern const struct entry catalogue_activations[];
extern const struct entry catalogue_initializers[];
extern const struct entry catalogue_regularizers[];
extern const struct entry catalogue_optimizers[];
extern const struct entry catalogue_losses[];
extern const struct entry catalogue_metrics[];
extern const struct entry catalogue_callbacks[];
extern const struct entry catalogue_schedules[];
extern const struct entry catalogue_tuners[];
extern const struct entry catalogue_sections[];

// Layers' shape rules (catalogue_shapes.c).
typedef enum code infer_fn(const cJSON *config, const struct shape *in, struct shape *out,
                           int64_t *trainable, int64_t *frozen, struct error *err);
infer_fn infer_same, infer_flatten, infer_dense, infer_reshape, infer_batch_normalization,
    infer_layer_normalization, infer_conv, infer_pooling, infer_global_pooling, infer_embedding,
    infer_simple_rnn, infer_lstm, infer_gru;

#endif
