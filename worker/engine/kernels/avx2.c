// The kernels for x86-64 with AVX2 and FMA.
#ifdef __x86_64__
#pragma GCC target("avx2,fma,bmi,bmi2,popcnt")
#define VEC_BYTES 32
#define TABLE kernels_avx2
#define TABLE_NAME "avx2"
#include "worker/engine/kernels/body.h"
#else
typedef int no_kernels_here;
#endif
