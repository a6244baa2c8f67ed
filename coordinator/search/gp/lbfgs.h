// Minimises a smooth function in a box: L-BFGS directions (Nocedal & Wright 2006, algorithm 7.4) over
// the variables that are not pressed against their bound, projected back, with Armijo backtracking.
#ifndef TUNERD_COORDINATOR_SEARCH_GP_LBFGS_H
#define TUNERD_COORDINATOR_SEARCH_GP_LBFGS_H

enum { LBFGS_DIM_MAX = 512 };

// The value at x: [n] and its gradient g: [n]. A value that is not finite is a step too far.
typedef double (*lbfgs_function)(void *context, const double *x, double *g);

struct lbfgs_options {
    int evaluations; // at most
    double gradient; // stop when no component of the projected gradient is larger
    double decrease; // stop when an iteration gains less
    double step;     // longest first step
};

// Moves x: [n], lo <= x <= hi, n <= LBFGS_DIM_MAX, to the best point found and returns its value (NaN
// when the start has none).
double lbfgs_minimise(int n, double *x, const double *lo, const double *hi, lbfgs_function f,
                      void *context, const struct lbfgs_options *options);

#endif
