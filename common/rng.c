// xoshiro256++ and what is drawn from it.
#include "common/rng.h"

#include <math.h>

// splitmix64 (Steele, Lea & Flood 2014; constants of Vigna's splitmix64.c).
static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t rng_mix(uint64_t a, uint64_t b)
{
    uint64_t state = a, first = splitmix(&state);

    state = first ^ (b * 0xda942042e4dd58b5u + 0x2545f4914f6cdd1du);
    return splitmix(&state);
}

void rng_init(struct rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t state = rng_mix(seed, stream);

    // splitmix64 is a bijection of a counter, so at most one of the four words can be 0.
    for (int i = 0; i < 4; i++)
        rng->s[i] = splitmix(&state);
}

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t rng_next(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double rng_uniform(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

// Lemire 2019, "Fast random integer generation in an interval", algorithm 5.
uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    __extension__ typedef unsigned __int128 wide;
    wide m = (wide)rng_next(rng) * bound;

    if ((uint64_t)m < bound) {
        uint64_t threshold = -bound % bound;
        while ((uint64_t)m < threshold)
            m = (wide)rng_next(rng) * bound;
    }
    return (uint64_t)(m >> 64);
}

// Box & Muller 1958; one of the pair is dropped so that no state beside s[] exists.
double rng_normal(struct rng *rng)
{
    double u = 1.0 - rng_uniform(rng), v = rng_uniform(rng);

    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

void rng_permutation(struct rng *rng, uint32_t *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = (uint32_t)rng_below(rng, (uint64_t)i + 1);
        out[i] = out[j];
        out[j] = i;
    }
}
