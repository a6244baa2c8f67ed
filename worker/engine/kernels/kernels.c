// Picks the build of the kernels for the running CPU.
#include "worker/engine/kernels/kernels.h"

#include "worker/engine/kernels/tables.h"

int kernels_list(const struct kernels *out[4])
{
    int count = 0;

#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        out[count++] = &kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        out[count++] = &kernels_avx2;
#endif
    out[count++] = &kernels_portable;
    return count;
}

const struct kernels *kernels_best(void)
{
    const struct kernels *all[4];

    kernels_list(all);
    return all[0];
}

size_t gemm_nt_scratch(size_t m, size_t n, size_t k)
{
    return real_padded(m < n ? m : n) * k;
}
