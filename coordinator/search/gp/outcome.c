#include "coordinator/search/gp/outcome.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/search/gp/normal.h"

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The distinct values of u, ascending, to `sorted` [n]; their number. *median of all values.
static int distinct(int n, const double *u, double *sorted, double *median)
{
    memcpy(sorted, u, (size_t)n * sizeof *u);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    *median = n % 2 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
    int m = 1;
    for (int i = 1; i < n; i++)
        if (sorted[i] > sorted[m - 1])
            sorted[m++] = sorted[i];
    return m;
}

static double spread_above(int m, const double *sorted, int from, double median)
{
    double sum = 0;
    for (int i = from; i < m; i++)
        sum += (sorted[i] - median) * (sorted[i] - median);
    return sqrt(sum / (m - from));
}

// Values below the median by rank, in place; marks them in slope (NaN). sorted: scratch [n].
static void half_rank(int n, double *u, double *slope, double *sorted)
{
    double median;
    int m = distinct(n, u, sorted, &median), below = 0;
    while (below < m && sorted[below] < median)
        below++;
    if (below == 0)
        return; // more than half are equal to the worst
    double s = spread_above(m, sorted, below, median);
    if (!(s > 0))
        s = spread_above(m, sorted, 0, median);
    double q = below + (sorted[below] == median ? 0.5 : 0);
    for (int i = 0; i < n; i++) {
        if (u[i] >= median)
            continue;
        const double *at = bsearch(&u[i], sorted, (size_t)below, sizeof *sorted, ascending);
        double rank = (double)(at - sorted) + 1;
        u[i] = median + s * normal_quantile(0.5 * (rank - 0.5) / q);
        slope[i] = NAN;
    }
}

static void stretch(int n, double *u, double *slope)
{
    double min = INFINITY, max = -INFINITY;
    for (int i = 0; i < n; i++) {
        min = fmin(min, u[i]);
        max = fmax(max, u[i]);
    }
    double range = max - min;
    if (!(range > 0))
        return;
    for (int i = 0; i < n; i++) {
        double t = 0.5 * (max - u[i]) / range;
        slope[i] *= 0.5 / (range * (1 + t) * log(1.5));
        u[i] = 0.5 - log1p(t) / log(1.5);
    }
}

// z := -u, standardised; slope of the loss.
static void standardise(int n, const double *u, double *z, double *slope)
{
    double mean = 0, square = 0;
    for (int i = 0; i < n; i++)
        mean += u[i] / n;
    for (int i = 0; i < n; i++)
        square += (u[i] - mean) * (u[i] - mean) / n;
    double deviation = square > 0 ? sqrt(square) : 1;
    for (int i = 0; i < n; i++) {
        z[i] = (mean - u[i]) / deviation;
        slope[i] /= deviation;
    }
}

bool outcome_transform(enum outcome_kind kind, int n, const double *loss, double *z, double *slope)
{
    double *work = malloc(3 * (size_t)n * sizeof *work);
    if (!work) {
        memcpy(z, loss, (size_t)n * sizeof *z);
        return false;
    }
    double *u = work, *sorted = work + n, *own_slope = slope ? slope : work + 2 * n;
    for (int i = 0; i < n; i++) {
        u[i] = -loss[i];
        own_slope[i] = 1;
    }
    if (kind != OUTCOME_PLAIN)
        half_rank(n, u, own_slope, sorted);
    if (kind == OUTCOME_HALF_RANK_LOG)
        stretch(n, u, own_slope);
    standardise(n, u, z, own_slope);
    free(work);
    return true;
}
