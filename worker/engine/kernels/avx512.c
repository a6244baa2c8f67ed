// The kernels for x86-64 with AVX-512 (F, BW, DQ, VL).
#ifdef __x86_64__
#pragma GCC target(                                                                                \
    "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2,popcnt,prefer-vector-width=512")
#define VEC_BYTES 64
#define TABLE kernels_avx512
#define TABLE_NAME "avx512"
#include "worker/engine/kernels/body.h"
#else
typedef int no_kernels_here;
#endif
