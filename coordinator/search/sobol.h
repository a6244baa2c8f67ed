// Sobol's low-discrepancy sequence with a nested uniform scramble of each coordinate (Owen 1995): the
// first 2^m points of a coordinate lie one in each 2^-m of the unit interval.
#ifndef TUNERD_COORDINATOR_SEARCH_SOBOL_H
#define TUNERD_COORDINATOR_SEARCH_SOBOL_H

#include "common/rng.h"

enum { SOBOL_DIM_MAX = 128 }; // coordinates beyond it are pseudo-random

struct sobol {
    int n;
    uint64_t seed;
    uint32_t columns[SOBOL_DIM_MAX][32];
};
// seed 0: not scrambled, the sequence as Joe and Kuo print it.
void sobol_init(struct sobol *sobol, int n, uint64_t seed);
// Point `index` (from 0) to out: [n], each in [0, 1).
void sobol_point(const struct sobol *sobol, uint32_t index, double *out);

#endif
