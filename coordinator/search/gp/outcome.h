// From losses to outcomes a Gaussian process can model: z, mean 0, deviation 1, smaller is better.
// Bad results differ by orders of magnitude where good ones differ in the third digit; a model of the
// plain losses spends itself on the bad ones.
#ifndef TUNERD_COORDINATOR_SEARCH_GP_OUTCOME_H
#define TUNERD_COORDINATOR_SEARCH_GP_OUTCOME_H

#include <stdbool.h>

enum outcome_kind {
    OUTCOME_PLAIN,         // standardised
    OUTCOME_HALF_RANK,     // the worse half by its ranks
    OUTCOME_HALF_RANK_LOG, // and the better half stretched towards the best
};

// loss: [n] finite, n >= 1. z: [n]. slope: [n] dz/dloss where z is a smooth function of the loss, NaN
// where it is a rank: what turns a density of z into one of the loss; or NULL.
// Half rank, with u = -loss and m the median of u (Vizier, designers/gp/output_warpers.py): u >= m
// stays; below, u' = m + s Phi^-1(0.5 (r - 0.5) / q), r the dense rank from the worst (1), q the number
// of distinct values below m (+ 0.5 if m is one of the values), s the root mean square of u - m over
// the distinct values >= m. Log: u'' = 0.5 - log1p(0.5 (max - u') / (max - min)) / log 1.5.
// Returns false (z then plain) when memory runs out.
bool outcome_transform(enum outcome_kind kind, int n, const double *loss, double *z, double *slope);

#endif
