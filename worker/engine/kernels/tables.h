// The builds of the kernels; which ones exist depends on the architecture.
#ifndef TUNERD_WORKER_ENGINE_KERNELS_TABLES_H
#define TUNERD_WORKER_ENGINE_KERNELS_TABLES_H

#include "worker/engine/kernels/kernels.h"

extern const struct kernels kernels_portable;
#ifdef __x86_64__
extern const struct kernels kernels_avx2;
extern const struct kernels kernels_avx512;
#endif

#endif
