// The kernels for what the compiler targets by itself (SSE2 on x86-64, NEON on arm64).
#define VEC_BYTES 16
#define TABLE kernels_portable
#define TABLE_NAME "portable"
#include "worker/engine/kernels/body.h"
