#include "coordinator/search/gp/lbfgs.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 8 };

struct lbfgs {
    int n, pairs, newest;
    double *s[MEMORY], *y[MEMORY], rho[MEMORY];
    double *g, *x_new, *g_new, *direction;
    double *block;
};

static bool allocate(struct lbfgs *b, int n)
{
    *b = (struct lbfgs){.n = n};
    b->block = calloc((size_t)n * (2 * MEMORY + 4), sizeof *b->block);
    if (!b->block)
        return false;
    double *at = b->block;
    for (int k = 0; k < MEMORY; k++, at += 2 * n) {
        b->s[k] = at;
        b->y[k] = at + n;
    }
    b->g = at, b->x_new = at + n, b->g_new = at + 2 * n, b->direction = at + 3 * n;
    return true;
}

static double dot(int n, const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static bool pressed(double x, double lo, double hi, double g)
{
    return (x <= lo && g > 0) || (x >= hi && g < 0);
}

// direction := -H g over the free variables, by the two loops over the last pairs.
static void two_loops(struct lbfgs *b, const double *x, const double *lo, const double *hi)
{
    int n = b->n;
    double a[MEMORY] = {0}, *d = b->direction;

    for (int i = 0; i < n; i++)
        d[i] = pressed(x[i], lo[i], hi[i], b->g[i]) ? 0 : -b->g[i];
    for (int p = 0; p < b->pairs; p++) {
        int k = (b->newest - p + MEMORY) % MEMORY;
        a[k] = b->rho[k] * dot(n, b->s[k], d);
        for (int i = 0; i < n; i++)
            d[i] -= a[k] * b->y[k][i];
    }
    if (b->pairs > 0) {
        int k = b->newest;
        double scale = 1 / (b->rho[k] * dot(n, b->y[k], b->y[k]));
        for (int i = 0; i < n; i++)
            d[i] *= scale;
    }
    for (int p = b->pairs - 1; p >= 0; p--) {
        int k = (b->newest - p + MEMORY) % MEMORY;
        double beta = b->rho[k] * dot(n, b->y[k], d);
        for (int i = 0; i < n; i++)
            d[i] += (a[k] - beta) * b->s[k][i];
    }
    for (int i = 0; i < n; i++)
        if (pressed(x[i], lo[i], hi[i], b->g[i]))
            d[i] = 0;
}

static void remember(struct lbfgs *b, const double *x)
{
    int n = b->n, k = b->pairs ? (b->newest + 1) % MEMORY : 0;
    for (int i = 0; i < n; i++) {
        b->s[k][i] = b->x_new[i] - x[i];
        b->y[k][i] = b->g_new[i] - b->g[i];
    }
    double sy = dot(n, b->s[k], b->y[k]);
    if (!(sy > 1e-12 * dot(n, b->y[k], b->y[k])))
        return; // no curvature along this step
    b->rho[k] = 1 / sy;
    b->newest = k;
    if (b->pairs < MEMORY)
        b->pairs++;
}

static double largest(const struct lbfgs *b, const double *x, const double *lo, const double *hi)
{
    double most = 0;
    for (int i = 0; i < b->n; i++)
        if (!pressed(x[i], lo[i], hi[i], b->g[i]))
            most = fmax(most, fabs(b->g[i]));
    return most;
}

double lbfgs_minimise(int n, double *x, const double *lo, const double *hi, lbfgs_function f,
                      void *context, const struct lbfgs_options *options)
{
    struct lbfgs b;
    if (n > LBFGS_DIM_MAX || !allocate(&b, n > 0 ? n : 1))
        return NAN;
    double value = f(context, x, b.g);
    int left = options->evaluations - 1;

    while (n > 0 && left > 0 && isfinite(value) && largest(&b, x, lo, hi) > options->gradient) {
        two_loops(&b, x, lo, hi);
        if (!(dot(n, b.direction, b.g) < 0)) {
            if (b.pairs == 0)
                break;
            b.pairs = 0; // not a descent: start again from the gradient
            continue;
        }
        double step = 1;
        if (b.pairs == 0) {
            double longest = 0;
            for (int i = 0; i < n; i++)
                longest = fmax(longest, fabs(b.direction[i]));
            step = fmin(1, options->step / longest);
        }
        double found = NAN;
        bool accepted = false;
        for (int tries = 0; tries < 20 && left > 0 && !accepted; tries++, step *= 0.4) {
            double moved = 0;
            for (int i = 0; i < n; i++) {
                b.x_new[i] = fmin(hi[i], fmax(lo[i], x[i] + step * b.direction[i]));
                moved += (b.x_new[i] - x[i]) * b.g[i];
            }
            found = f(context, b.x_new, b.g_new);
            left--;
            accepted = isfinite(found) && found <= value + 1e-4 * moved && moved < 0;
        }
        if (!accepted) {
            if (b.pairs == 0)
                break;
            b.pairs = 0;
            continue;
        }
        remember(&b, x);
        memcpy(x, b.x_new, (size_t)n * sizeof *x);
        memcpy(b.g, b.g_new, (size_t)n * sizeof *b.g);
        double gain = value - found;
        value = found;
        if (gain < options->decrease)
            break;
    }
    free(b.block);
    return value;
}
