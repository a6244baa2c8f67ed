#include "coordinator/search/gp/linalg.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef double lanes __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t lanes_i __attribute__((vector_size(32), aligned(8), may_alias));

#define LOAD(p) (*(const lanes *)(p))
#define SUM(v) (((v)[0] + (v)[1]) + ((v)[2] + (v)[3]))

int linalg_ld(int n)
{
    return (n + 3) / 4 * 4;
}

LINALG_FAST double linalg_dot(int n, const double *a, const double *b)
{
    lanes sum = {0}, sum2 = {0};
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        sum += LOAD(a + i) * LOAD(b + i);
        sum2 += LOAD(a + i + 4) * LOAD(b + i + 4);
    }
    sum += sum2;
    double rest = 0;
    for (; i < n; i++)
        rest += a[i] * b[i];
    return SUM(sum) + rest;
}

// out[r] := a . b_r for four rows b_r = b + r ldb: one load of a serves four products.
LINALG_FAST static void dot4(int n, const double *a, const double *b, size_t ldb, double out[4])
{
    const double *b0 = b, *b1 = b + ldb, *b2 = b + 2 * ldb, *b3 = b + 3 * ldb;
    lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        lanes x = LOAD(a + i);
        s0 += x * LOAD(b0 + i);
        s1 += x * LOAD(b1 + i);
        s2 += x * LOAD(b2 + i);
        s3 += x * LOAD(b3 + i);
    }
    out[0] = SUM(s0), out[1] = SUM(s1), out[2] = SUM(s2), out[3] = SUM(s3);
    for (; i < n; i++) {
        out[0] += a[i] * b0[i];
        out[1] += a[i] * b1[i];
        out[2] += a[i] * b2[i];
        out[3] += a[i] * b3[i];
    }
}

// Row by row (Cholesky-Crout): l_ij = (a_ij - l_i . l_j) / l_jj over the first j columns. Four columns
// at a time take the long part of their sums together.
bool linalg_cholesky(int n, int from, double *a, int ld)
{
    for (int i = from; i < n; i++) {
        double *row = a + (size_t)i * (size_t)ld;
        int j = 0;
        for (; j + 4 <= i; j += 4) {
            double sums[4];
            const double *rows = a + (size_t)j * (size_t)ld;
            dot4(j, row, rows, (size_t)ld, sums);
            for (int r = 0; r < 4; r++) {
                const double *other = rows + (size_t)r * (size_t)ld;
                double sum = row[j + r] - sums[r];
                for (int k = j; k < j + r; k++)
                    sum -= row[k] * other[k];
                row[j + r] = sum / other[j + r];
            }
        }
        for (; j < i; j++) {
            const double *other = a + (size_t)j * (size_t)ld;
            row[j] = (row[j] - linalg_dot(j, row, other)) / other[j];
        }
        double pivot = row[i] - linalg_dot(i, row, row);
        if (!(pivot > 0) || !isfinite(pivot))
            return false;
        row[i] = sqrt(pivot);
    }
    return true;
}

void linalg_solve_lower(int n, const double *l, int ld, int m, double *v, int ldv)
{
    int c = 0;
    for (; c + 4 <= m; c += 4) {
        double *four = v + (size_t)c * (size_t)ldv;
        for (int i = 0; i < n; i++) {
            const double *row = l + (size_t)i * (size_t)ld;
            double sums[4];
            dot4(i, row, four, (size_t)ldv, sums);
            for (int r = 0; r < 4; r++) {
                double *at = four + (size_t)r * (size_t)ldv + i;
                *at = (*at - sums[r]) / row[i];
            }
        }
    }
    for (; c < m; c++) {
        double *one = v + (size_t)c * (size_t)ldv;
        for (int i = 0; i < n; i++) {
            const double *row = l + (size_t)i * (size_t)ld;
            one[i] = (one[i] - linalg_dot(i, row, one)) / row[i];
        }
    }
}

LINALG_FAST void linalg_solve_upper(int n, const double *l, int ld, double *v)
{
    for (int i = n - 1; i >= 0; i--) {
        const double *row = l + (size_t)i * (size_t)ld;
        v[i] /= row[i];
        for (int j = 0; j < i; j++)
            v[j] -= row[j] * v[i];
    }
}

// Row i of u is column i of L^-1, by forward substitution from i on; four columns together once the
// short triangle between them is done.
void linalg_invert_lower(int n, const double *l, int ld, double *u)
{
    memset(u, 0, (size_t)n * (size_t)ld * sizeof *u);
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        double *four = u + (size_t)i * (size_t)ld;
        for (int k = i; k < n; k++) {
            const double *row = l + (size_t)k * (size_t)ld;
            double sums[4];
            dot4(k - i, row + i, four + i, (size_t)ld, sums);
            for (int r = 0; r < 4 && i + r <= k; r++)
                four[(size_t)r * (size_t)ld + (size_t)k] = ((i + r == k) - sums[r]) / row[k];
        }
    }
    for (; i < n; i++) {
        double *one = u + (size_t)i * (size_t)ld;
        for (int k = i; k < n; k++) {
            const double *row = l + (size_t)k * (size_t)ld;
            one[k] = ((i == k) - linalg_dot(k - i, row + i, one + i)) / row[k];
        }
    }
}

void linalg_inverse(int n, const double *u, int ld, double *k)
{
    for (int i = 0; i < n; i++) {
        const double *row = u + (size_t)i * (size_t)ld;
        int j = 0;
        for (; j + 4 <= i + 1; j += 4) {
            double sums[4];
            dot4(n - i, row + i, u + (size_t)j * (size_t)ld + i, (size_t)ld, sums);
            for (int r = 0; r < 4; r++)
                k[(size_t)i * (size_t)ld + (size_t)(j + r)] =
                    k[(size_t)(j + r) * (size_t)ld + (size_t)i] = sums[r];
        }
        for (; j <= i; j++)
            k[(size_t)i * (size_t)ld + (size_t)j] = k[(size_t)j * (size_t)ld + (size_t)i] =
                linalg_dot(n - i, row + i, u + (size_t)j * (size_t)ld + i);
    }
}

// x = k ln 2 + r with |r| <= ln 2 / 2, in two parts (Cody and Waite 1980); exp r by its Taylor series to
// the 13th power, whose remainder is below 1e-17; 2^k by its bits.
LINALG_FAST void linalg_exp_negative(int n, double *x)
{
    static const double inverse[] = {1.0,
                                     1.0,
                                     1.0 / 2,
                                     1.0 / 6,
                                     1.0 / 24,
                                     1.0 / 120,
                                     1.0 / 720,
                                     1.0 / 5040,
                                     1.0 / 40320,
                                     1.0 / 362880,
                                     1.0 / 3628800,
                                     1.0 / 39916800,
                                     1.0 / 479001600,
                                     1.0 / 6227020800};
    const double log2e = 1.4426950408889634, ln2_high = 6.93147180369123816490e-01,
                 ln2_low = 1.90821492927058770002e-10, to_nearest = 6755399441055744.0;

    for (int i = 0; i < n; i += 4) {
        lanes v = {0};
        if (i + 4 <= n)
            v = LOAD(x + i);
        else
            memcpy(&v, x + i, (size_t)(n - i) * sizeof *x);
        lanes_i tiny = v < -700.0;
        v = (lanes)((lanes_i)v & ~tiny);
        lanes shifted = v * log2e + to_nearest;
        lanes k = shifted - to_nearest;
        lanes r = v - k * ln2_high - k * ln2_low;
        lanes p = {inverse[13], inverse[13], inverse[13], inverse[13]};
        for (int c = 12; c >= 0; c--)
            p = p * r + inverse[c];
        lanes_i power = ((lanes_i)shifted - 0x4338000000000000 + 1023) << 52;
        p *= (lanes)power;
        p = (lanes)((lanes_i)p & ~tiny);
        if (i + 4 <= n)
            *(lanes *)(x + i) = p;
        else
            memcpy(x + i, &p, (size_t)(n - i) * sizeof *x);
    }
}
