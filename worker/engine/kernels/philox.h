// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
// Counter-based: the words of a place in the stream need no state. Written so that loops over lanes
// become vector code.
#ifndef TUNERD_WORKER_ENGINE_KERNELS_PHILOX_H
#define TUNERD_WORKER_ENGINE_KERNELS_PHILOX_H

#include <stdint.h>

enum { PHILOX_LANES = 16, PHILOX_BLOCK = 4 * PHILOX_LANES };

// Words first·64 … first·64+63 of the stream (key, counter): block b holds the counters
// (b·16 + lane, counter) for its 16 lanes, word w of lane l at place 16 w + l.
static inline void philox_block(uint64_t key, uint64_t counter, uint64_t first,
                                uint32_t out[PHILOX_BLOCK])
{
    uint32_t c0[PHILOX_LANES], c1[PHILOX_LANES], c2[PHILOX_LANES], c3[PHILOX_LANES];
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

    for (int l = 0; l < PHILOX_LANES; l++) {
        const uint64_t at = first * PHILOX_LANES + (uint64_t)l;

        c0[l] = (uint32_t)at;
        c1[l] = (uint32_t)(at >> 32);
        c2[l] = (uint32_t)counter;
        c3[l] = (uint32_t)(counter >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (int l = 0; l < PHILOX_LANES; l++) {
            const uint64_t p0 = (uint64_t)c0[l] * 0xD2511F53u;
            const uint64_t p1 = (uint64_t)c2[l] * 0xCD9E8D57u;
            const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1[l] ^ k0;
            const uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3[l] ^ k1;

            c1[l] = (uint32_t)p1;
            c3[l] = (uint32_t)p0;
            c0[l] = n0;
            c2[l] = n2;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int l = 0; l < PHILOX_LANES; l++) {
        out[l] = c0[l];
        out[PHILOX_LANES + l] = c1[l];
        out[2 * PHILOX_LANES + l] = c2[l];
        out[3 * PHILOX_LANES + l] = c3[l];
    }
}

#endif
