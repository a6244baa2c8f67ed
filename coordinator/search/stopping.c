#include "coordinator/search/stopping.h"

#include <math.h>
#include <stdlib.h>

#include "coordinator/search/curve.h"

enum { COMPLETED_MIN = 5, GRACE = 1 };

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double running_average(const struct search_trial *trial, int epoch)
{
    double sum = 0;
    int n = 0;
    for (int e = 0; e < epoch && e < trial->ncurve; e++)
        if (isfinite(trial->curve[e])) {
            sum += trial->curve[e];
            n++;
        }
    return n > 0 ? sum / n : NAN;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

bool stopping_median(const struct history *history, int index, int epoch)
{
    const struct search_trial *trial = &history->trials[index];
    double best = curve_best(least(epoch, trial->ncurve), trial->curve);
    if (epoch <= GRACE || isnan(best))
        return false;
    double *averages = malloc((size_t)history->n * sizeof *averages);
    int n = 0;
    for (int i = 0; averages && i < history->n; i++) {
        double average = history->trials[i].state == SEARCH_COMPLETED
                             ? running_average(&history->trials[i], epoch)
                             : NAN;
        if (!isnan(average))
            averages[n++] = average;
    }
    bool stop = false;
    if (n >= COMPLETED_MIN) {
        qsort(averages, (size_t)n, sizeof *averages, ascending);
        double median = 0.5 * (averages[(n - 1) / 2] + averages[n / 2]);
        stop = best > median;
    }
    free(averages);
    return stop;
}

bool stopping_curve(const struct history *history, int index, int epoch, int epochs)
{
    const struct search_trial *trial = &history->trials[index];
    double best = INFINITY, loss, variance;
    int completed = 0, longest = 0;

    for (int i = 0; i < history->n; i++) {
        const struct search_trial *other = &history->trials[i];
        if (other->state != SEARCH_COMPLETED || !isfinite(other->loss))
            continue;
        best = fmin(best, other->loss);
        longest = other->ncurve > longest ? other->ncurve : longest;
        completed++;
    }
    int n = least(epoch, trial->ncurve), end = epochs > 0 ? epochs : longest;
    if (completed < COMPLETED_MIN || !curve_extrapolate(n, trial->curve, end, &loss, &variance))
        return false;
    return fmin(loss, curve_best(n, trial->curve)) - 2 * sqrt(variance) > best;
}

bool stopping_rules_out(const struct study_spec *spec, const struct history *history, int index,
                        int epoch, double loss)
{
    (void)loss;
    if (spec->tuner.early_stopping == STOP_MEDIAN)
        return stopping_median(history, index, epoch);
    if (spec->tuner.early_stopping == STOP_CURVE)
        return stopping_curve(history, index, epoch, (int)spec->epochs);
    return false;
}
