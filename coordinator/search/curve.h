// Where a learning curve is heading: y(r) = c + a r^-b, fitted by least squares for every b of a grid
// (0.1 to 2), the later half of the epochs weighing double.
#ifndef TUNERD_COORDINATOR_SEARCH_CURVE_H
#define TUNERD_COORDINATOR_SEARCH_CURVE_H

#include <stdbool.h>

enum { CURVE_MIN = 4 }; // epochs with a loss that an extrapolation needs

// curve: [n] losses after epochs 1 … n, NaN where there is none. The expected loss after epoch `epochs`
// > n to *loss, and the variance of that to *variance: of the fit's residuals, grown by how far ahead
// it looks, and of the fits with other b that explain the curve as well. False with too few epochs.
bool curve_extrapolate(int n, const double *curve, int epochs, double *loss, double *variance);

// The least loss among the first n; NaN without any.
double curve_best(int n, const double *curve);

#endif
