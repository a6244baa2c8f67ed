// Denormal numbers off (flush to zero, denormals are zero) while the engine computes: they cost a
// hundred times a normal number and mean nothing to a training. Per thread; put back afterwards.
#ifndef TUNERD_WORKER_ENGINE_KERNELS_DENORMALS_H
#define TUNERD_WORKER_ENGINE_KERNELS_DENORMALS_H

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
static inline uint64_t denormals_off(void)
{
    const uint64_t before = _mm_getcsr();

    _mm_setcsr((unsigned)before | 0x8040u);
    return before;
}
static inline void denormals_restore(uint64_t before)
{
    _mm_setcsr((unsigned)before);
}
#elif defined(__aarch64__)
static inline uint64_t denormals_off(void)
{
    uint64_t before;

    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | (UINT64_C(1) << 24)));
    return before;
}
static inline void denormals_restore(uint64_t before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
}
#else
static inline uint64_t denormals_off(void)
{
    return 0;
}
static inline void denormals_restore(uint64_t before)
{
    (void)before;
}
#endif

#endif
