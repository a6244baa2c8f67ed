#include "coordinator/search/gp/kernel.h"

#include <math.h>
#include <string.h>

#include "coordinator/search/gp/linalg.h"

static const double ASIDE = 0.02;         // offset of an inactive number
static const double CATEGORY_ASIDE = 0.5; // distance of an inactive category from any value

static void number_distances(double x, int n, const double *restrict column, double *restrict out)
{
    double centred = (x - 0.5) * (x - 0.5) + ASIDE;
    for (int i = 0; i < n; i++) {
        double b = column[i], d = x - b;
        out[i] = b == b ? d * d : centred;
    }
}

static void inactive_distances(int n, const double *restrict column, double *restrict out)
{
    for (int i = 0; i < n; i++) {
        double b = column[i], d = b - 0.5;
        out[i] = b == b ? d * d + ASIDE : 0;
    }
}

static void category_distances(double x, int n, const double *restrict column, double *restrict out)
{
    for (int i = 0; i < n; i++) {
        double b = column[i], same = b == x ? 0 : 1;
        out[i] = b == b ? same : CATEGORY_ASIDE;
    }
}

static void inactive_category(int n, const double *restrict column, double *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = column[i] == column[i] ? CATEGORY_ASIDE : 0;
}

LINALG_FAST void kernel_distances(enum dim_kind kind, double x, int n, const double *column,
                                  double *out)
{
    if (kind == DIM_CATEGORY && isnan(x))
        inactive_category(n, column, out);
    else if (kind == DIM_CATEGORY)
        category_distances(x, n, column, out);
    else if (isnan(x))
        inactive_distances(n, column, out);
    else
        number_distances(x, n, column, out);
}

// Blocks small enough for the stack and the first cache.
enum { BLOCK = 256 };

LINALG_FAST void kernel_value(int n, double *r2)
{
    double e[BLOCK];
    for (int from = 0; from < n; from += BLOCK) {
        int m = n - from < BLOCK ? n - from : BLOCK;
        double *r = r2 + from;
        for (int i = 0; i < m; i++) {
            r[i] = sqrt(5 * r[i]);
            e[i] = -r[i];
        }
        linalg_exp_negative(m, e);
        for (int i = 0; i < m; i++)
            r[i] = (1 + r[i] + r[i] * r[i] * (1.0 / 3)) * e[i];
    }
}

LINALG_FAST void kernel_value_slope(int n, double *r2, double *slope)
{
    double e[BLOCK];
    for (int from = 0; from < n; from += BLOCK) {
        int m = n - from < BLOCK ? n - from : BLOCK;
        double *r = r2 + from, *s = slope + from;
        for (int i = 0; i < m; i++) {
            r[i] = sqrt(5 * r[i]);
            e[i] = -r[i];
        }
        linalg_exp_negative(m, e);
        for (int i = 0; i < m; i++) {
            s[i] = (-5.0 / 6) * (1 + r[i]) * e[i];
            r[i] = (1 + r[i] + r[i] * r[i] * (1.0 / 3)) * e[i];
        }
    }
}

LINALG_FAST void kernel_row(const struct domain *domain, const double *w, double s, const double *x,
                            int n, const double *xt, int ldx, double *k, double *slope)
{
    double d[BLOCK];
    for (int from = 0; from < n; from += BLOCK) {
        int m = n - from < BLOCK ? n - from : BLOCK;
        double *at = k + from;
        memset(at, 0, (size_t)m * sizeof *at);
        for (int c = 0; c < domain->nmodel; c++) {
            int j = domain->model[c];
            kernel_distances(domain->dims[j].kind, x[j], m, xt + (size_t)c * (size_t)ldx + from, d);
            for (int i = 0; i < m; i++)
                at[i] += w[c] * d[i];
        }
    }
    if (slope)
        kernel_value_slope(n, k, slope);
    else
        kernel_value(n, k);
    for (int i = 0; i < n; i++)
        k[i] *= s;
    for (int i = 0; slope && i < n; i++)
        slope[i] *= s;
}

void kernel_store(const struct domain *domain, const double *x, int i, double *xt, int ldx)
{
    for (int c = 0; c < domain->nmodel; c++)
        xt[(size_t)c * (size_t)ldx + (size_t)i] = x[domain->model[c]];
}
