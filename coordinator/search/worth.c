#include "coordinator/search/worth.h"

#include <math.h>

enum { CELLS = 160, NODES = 13 };

struct worth {
    const struct outset *outset;
    const struct levels *levels;
    double price, width;          // the grid covers -width … width
    double cost[LEVELS_MAX];      // epochs of all executions, up to the level
    double deviation[LEVELS_MAX]; // of the step from level k, of what is foreseen at the end
    double value[LEVELS_MAX][CELLS + 1];
};

static double cell(int i, double width)
{
    return width * (2.0 * i / CELLS - 1);
}

static double value_at(const struct worth *w, int level, double ahead)
{
    int last = w->levels->n - 1;
    if (level == last)
        return fmax(0, -ahead);
    if (ahead >= w->width)
        return 0;
    if (ahead <= -w->width)
        return fmax(0, -ahead - w->price * (w->cost[last] - w->cost[level]));
    double at = (ahead / w->width + 1) * CELLS / 2;
    int i = (int)at < CELLS ? (int)at : CELLS - 1;
    return w->value[level][i] + (at - i) * (w->value[level][i + 1] - w->value[level][i]);
}

// E V(ahead + deviation e) at a level, by a sum over e = -3, -2.5 … 3.
static double expected(const struct worth *w, int level, double ahead, double deviation)
{
    double sum = 0, total = 0;
    for (int q = 0; q < NODES; q++) {
        double e = 0.5 * q - 0.25 * (NODES - 1), weight = exp(-0.5 * e * e);
        total += weight;
        sum += weight * value_at(w, level, ahead + deviation * e);
    }
    return sum / total;
}

static void set_price(struct worth *w, double price)
{
    w->price = price;
    for (int k = w->levels->n - 2; k >= 0; k--) {
        double cost = price * (w->cost[k + 1] - w->cost[k]);
        for (int i = 0; i <= CELLS; i++)
            w->value[k][i] = fmax(0, expected(w, k + 1, cell(i, w->width), w->deviation[k]) - cost);
    }
}

static double worth_of(const struct worth *w, const struct arm *arm)
{
    if (arm->level >= 0)
        return value_at(w, arm->level, arm->ahead);
    double epochs = w->cost[0] +
                    w->outset->trial * fmin(w->levels->epochs[w->levels->n - 1], w->outset->length);
    double deviation = sqrt(arm->variance * w->outset->known[0]);
    return expected(w, 0, arm->ahead, deviation) - w->price * epochs;
}

static int most(const struct worth *w, int n, const struct arm *arms)
{
    int best = -1;
    double value = 0;
    for (int i = 0; i < n; i++) {
        double one = worth_of(w, &arms[i]);
        if (one > value) {
            value = one;
            best = i;
        }
    }
    return best;
}

int worth_choose(const struct outset *outset, int n, const struct arm *arms)
{
    enum { HALVINGS = 40 };
    const struct levels *levels = outset->levels;
    struct worth w = {.outset = outset, .levels = levels};
    double total = 0;

    for (int k = 0; k < levels->n; k++)
        w.cost[k] = level_cost(levels, k, outset->length);
    for (int k = levels->n - 2; k >= 0; k--) {
        double told = fmax(0, outset->known[k + 1] - outset->known[k]);
        bool again = level_is_again(levels, k + 1) && outset->luck > 0;
        w.deviation[k] = sqrt(again ? outset->luck : outset->variance * told);
        total += w.deviation[k];
    }
    for (int i = 0; i < n; i++)
        w.width = fmax(w.width, fmax(-arms[i].ahead, 4 * sqrt(arms[i].variance)));
    w.width = w.width + 4 * total;
    if (!(w.width > 0) || !isfinite(w.width))
        return -1;
    set_price(&w, 0);
    int best = most(&w, n, arms);
    double low = 0, high = 2 * w.width / levels->epochs[0];
    for (int k = 0; best >= 0 && k < HALVINGS; k++) {
        double price = low > 0 ? sqrt(low * high) : high * 1e-3;
        set_price(&w, price);
        int one = most(&w, n, arms);
        if (one >= 0) {
            best = one;
            low = price;
        } else {
            high = price;
        }
    }
    return best;
}
