// Windows that slide over an image: what convolution and pooling share. One-dimensional layers are
// images of height 1.
#ifndef TUNERD_WORKER_ENGINE_LAYERS_WINDOW_H
#define TUNERD_WORKER_ENGINE_LAYERS_WINDOW_H

#include "worker/engine/layer.h"

// Reads kernel or pool size (`size_name`), strides (null: `stride_fallback`: the size when 0), padding
// and dilation of a layer with `dims` (1 or 2) spatial axes, and sets l->out but for its channels.
enum code window_init(struct window *w, struct layer *l, const cJSON *config, int dims,
                      const char *size_name, int64_t stride_fallback, struct error *err);
// The window that covers the whole image.
enum code window_whole(struct window *w, const struct layer *l, int dims, struct error *err);

#endif
