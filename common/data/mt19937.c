// See mt19937.h. Sources: the reference mt19937ar.c and numpy/random/src (mt19937.c, distributions.c,
// random_interval).

#include "common/data/mt19937.h"

enum { N = 624, M = 397 };

void mt19937_init(struct mt19937 *mt, uint32_t seed)
{
    for (uint32_t i = 0; i < N; i++) {
        mt->key[i] = seed;
        seed = 1812433253u * (seed ^ seed >> 30) + i + 1;
    }
    mt->position = N;
}

static void generate(struct mt19937 *mt)
{
    for (int i = 0; i < N; i++) {
        uint32_t y = (mt->key[i] & 0x80000000u) | (mt->key[(i + 1) % N] & 0x7fffffffu);
        mt->key[i] = mt->key[(i + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    mt->position = 0;
}

uint32_t mt19937_next(struct mt19937 *mt)
{
    if (mt->position == N)
        generate(mt);
    uint32_t y = mt->key[mt->position++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

static uint32_t interval(struct mt19937 *mt, uint32_t max)
{
    uint32_t mask = max, value;

    for (int shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    do
        value = mt19937_next(mt) & mask;
    while (value > max);
    return value;
}

void mt19937_shuffle(struct mt19937 *mt, uint32_t *items, uint32_t n)
{
    for (uint32_t i = n; i-- > 1;) {
        uint32_t j = interval(mt, i), item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}
