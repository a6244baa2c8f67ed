#include "coordinator/search/curve.h"

#include <math.h>

enum { EXPONENTS = 20 };

struct line {
    double end, error; // fitted loss at the end; weighted sum of squared residuals
};

double curve_best(int n, const double *curve)
{
    double best = NAN;
    for (int i = 0; i < n; i++)
        best = fmin(best, curve[i]); // fmin prefers the number
    return best;
}

static double weight_of(int i, int n)
{
    return i >= n / 2 ? 2 : 1;
}

// Weighted least squares of y on x = r^-b; a falling curve has a >= 0.
static struct line fit_line(int n, const double *curve, int epochs, double b)
{
    double w = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (int i = 0; i < n; i++) {
        if (!isfinite(curve[i]))
            continue;
        double q = weight_of(i, n), t = pow(i + 1, -b);
        w += q, x += q * t, y += q * curve[i];
        xx += q * t * t, xy += q * t * curve[i];
    }
    double spread = xx - x * x / w;
    double a = spread > 1e-12 ? fmax(0, (xy - x * y / w) / spread) : 0;
    double c = (y - a * x) / w, error = 0;
    for (int i = 0; i < n; i++) {
        if (!isfinite(curve[i]))
            continue;
        double miss = curve[i] - c - a * pow(i + 1, -b);
        error += weight_of(i, n) * miss * miss;
    }
    return (struct line){c + a * pow(epochs, -b), error / w};
}

bool curve_extrapolate(int n, const double *curve, int epochs, double *loss, double *variance)
{
    struct line lines[EXPONENTS];
    int points = 0;
    double least = INFINITY, total = 0, mean = 0, square = 0;

    for (int i = 0; i < n; i++)
        points += isfinite(curve[i]);
    if (points < CURVE_MIN || epochs <= n)
        return false;
    for (int k = 0; k < EXPONENTS; k++) {
        lines[k] = fit_line(n, curve, epochs, 0.1 + k * 1.9 / (EXPONENTS - 1));
        least = fmin(least, lines[k].error);
    }
    // Each exponent by its likelihood, with the residual variance of the best (three were fitted).
    double residual = least * points / fmax(1, points - 3) + 1e-16;
    for (int k = 0; k < EXPONENTS; k++) {
        double share = exp(-0.5 * points * (lines[k].error - least) / residual);
        total += share;
        mean += share * lines[k].end;
        square += share * lines[k].end * lines[k].end;
    }
    mean /= total;
    *loss = mean;
    *variance = fmax(0, square / total - mean * mean) + residual * (1 + log((double)epochs / n));
    return true;
}
