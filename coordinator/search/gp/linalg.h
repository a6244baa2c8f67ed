// Dense arithmetic for Gaussian processes of up to a few hundred points. Our own, because its results
// must be the same to the bit on every machine that replays a study: each sum is taken in one fixed
// order, by four-lane vectors that the compiler maps to whatever the machine has, never with fused
// multiply-add. Matrices are row-major with a leading dimension ld >= n, rounded up by linalg_ld().
#ifndef TUNERD_COORDINATOR_SEARCH_GP_LINALG_H
#define TUNERD_COORDINATOR_SEARCH_GP_LINALG_H

#include <stdbool.h>
#include <stddef.h>

// On a function of loops over doubles: AVX2 without FMA gives the same bits as SSE2, only sooner.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LINALG_FAST __attribute__((target_clones("avx2", "default")))
#else
#define LINALG_FAST
#endif

// n rounded up to a multiple of 4.
int linalg_ld(int n);

double linalg_dot(int n, const double *a, const double *b);

// Cholesky factor of the lower triangle of a: [n][ld], in place; rows 0..from-1 are a factor already.
// False when a pivot is not positive (the row and those after it are then spoilt).
bool linalg_cholesky(int n, int from, double *a, int ld);

// v := L^-1 v for m vectors v: [m][ldv], each of n values. L: [n][ld].
void linalg_solve_lower(int n, const double *l, int ld, int m, double *v, int ldv);
// v := L^-T v for one vector.
void linalg_solve_upper(int n, const double *l, int ld, double *v);

// u: [n][ld] := (L^-1)^T, an upper triangle; what is below its diagonal is zero.
void linalg_invert_lower(int n, const double *l, int ld, double *u);
// k: [n][ld] := U U^T, that is (L L^T)^-1 for u of linalg_invert_lower(); both triangles.
void linalg_inverse(int n, const double *u, int ld, double *k);

// exp(x) for x <= 0, below -700 zero; relative error below 4e-16. In place over n values.
void linalg_exp_negative(int n, double *x);

#endif
