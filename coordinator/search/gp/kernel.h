// The covariance of two points of a mixed, conditional space:
//     k(a, b) = s M(r),  r^2 = sum_j w_j D_j(a_j, b_j),  w_j = 1 / l_j^2
//     M = (1 + q + q^2/3) e^-q,  q = sqrt(5) r          (Matern 5/2; Rasmussen & Williams 2006, 4.17)
// D_j is the squared difference of units, for categories 1 where they differ. A coordinate inactive in
// both points counts 0; in one of them, as if the other stood in the middle and a little aside:
// (x - 0.5)^2 + 0.02. The points then lie in a Euclidean space, so k is positive definite.
// Points here are columns: xt[m][i] is coordinate domain->model[m] of point i, rows ldx apart.
#ifndef TUNERD_COORDINATOR_SEARCH_GP_KERNEL_H
#define TUNERD_COORDINATOR_SEARCH_GP_KERNEL_H

#include <math.h>

#include "coordinator/search/domain.h"

// out[i] := D of x against each of column[n], of one coordinate.
void kernel_distances(enum dim_kind kind, double x, int n, const double *column, double *out);
// dD/dx of DIM_NUMBER and DIM_GRID.
static inline double kernel_distance_slope(double x, double other)
{
    return 2 * (x - (isnan(other) ? 0.5 : other));
}

// From r^2 (in place) to M; and to M with dM/d(r^2) = -5/6 (1 + q) e^-q, which has no pole at 0.
void kernel_value(int n, double *r2);
void kernel_value_slope(int n, double *r2, double *slope);

// k[i] := s M between x (a unit array of the whole space) and n columns; slope as above times s, or
// NULL.
void kernel_row(const struct domain *domain, const double *w, double s, const double *x, int n,
                const double *xt, int ldx, double *k, double *slope);

// The unit array x into column i of xt.
void kernel_store(const struct domain *domain, const double *x, int i, double *xt, int ldx);

#endif
