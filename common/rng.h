// xoshiro256++ (Blackman & Vigna 2019) seeded through splitmix64. A stream is named by (seed, stream):
// what must be replayed draws from a stream of its own, so no generator state is ever stored.
#ifndef TUNERD_COMMON_RNG_H
#define TUNERD_COMMON_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_init(struct rng *rng, uint64_t seed, uint64_t stream);
uint64_t rng_next(struct rng *rng);
double rng_uniform(struct rng *rng);                 // [0, 1), 53 bits
uint64_t rng_below(struct rng *rng, uint64_t bound); // [0, bound), without bias; bound > 0
double rng_normal(struct rng *rng);                  // mean 0, deviation 1
void rng_permutation(struct rng *rng, uint32_t *out, uint32_t n); // Fisher-Yates of 0..n-1
// A well-mixed 64-bit hash of the words, for naming streams: seed of execution = mix(study, trial, …).
uint64_t rng_mix(uint64_t a, uint64_t b);

#endif
