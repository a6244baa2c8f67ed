// One hyperparameter: its values, its grid, and the way between values and [0,1].
// Formulas: KerasTuner 1.4 engine/hyperparameters/hp_types/{numerical,int_hp,float_hp,choice_hp}.py and
// hp_utils.py, but for end points on the grid and exact decimals.
#include "common/space.h"

#include <math.h>
#include <string.h>

bool value_equal(struct value a, struct value b)
{
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case V_NONE:
        return true;
    case V_BOOL:
        return a.b == b.b;
    case V_INT:
        return a.i == b.i;
    case V_FLOAT:
        return a.f == b.f;
    case V_STRING:
        return strcmp(a.s, b.s) == 0;
    }
    return false;
}

static bool is_number(const struct hp *hp)
{
    return hp->type == HP_INT || hp->type == HP_FLOAT;
}

static double number_of(struct value value)
{
    return value.kind == V_INT ? (double)value.i : value.f;
}

static struct value number(const struct hp *hp, double x)
{
    // An Int's bounds are whole numbers within 2^53, so that the clamp makes the conversion safe.
    x = x < hp->min ? hp->min : x > hp->max ? hp->max : x;
    return hp->type == HP_INT ? (struct value){.kind = V_INT, .i = (int64_t)x}
                              : (struct value){.kind = V_FLOAT, .f = x};
}

// True when the values share [0,1] in equal parts: everything finite but an Int by log without a step.
static bool has_equal_parts(const struct hp *hp)
{
    return hp->nvalues > 0 && (!is_number(hp) || hp->step > 0 || hp->sampling == SAMPLING_LINEAR);
}

struct value hp_grid_value(const struct hp *hp, int k)
{
    if (hp->values)
        return hp->values[k];
    if (hp->grid)
        return number(hp, hp->grid[k]);
    double step = hp->step > 0 ? hp->step : 1;
    if (hp->decimals > 0) // exact: both operands of the division are whole numbers below 2^53
        return number(hp, (round(hp->min * hp->decimals) + k * round(step * hp->decimals)) /
                              hp->decimals);
    return number(hp, hp->min + k * step);
}

static int nearest_on_grid(const struct hp *hp, double x)
{
    double step = hp->step > 0 ? hp->step : 1;

    if (!hp->grid) {
        double k = round((x - hp->min) / step);
        return k < 0 ? 0 : k > hp->nvalues - 1 ? hp->nvalues - 1 : (int)k;
    }
    int best = 0;
    for (int k = 1; k < hp->nvalues; k++)
        if (fabs(hp->grid[k] - x) < fabs(hp->grid[best] - x))
            best = k;
    return best;
}

int hp_grid_index(const struct hp *hp, struct value value)
{
    if (hp->values) {
        for (int k = 0; k < hp->nvalues; k++)
            if (value_equal(hp->values[k], value))
                return k;
        return -1;
    }
    if (hp->nvalues == 0 || value.kind != (hp->type == HP_INT ? V_INT : V_FLOAT))
        return -1;
    double x = number_of(value);
    int k = nearest_on_grid(hp, x);
    double on_grid = number_of(hp_grid_value(hp, k));
    double step = hp->grid ? fabs(on_grid) : hp->step > 0 ? hp->step : 1;
    return fabs(x - on_grid) <= 1e-9 * step ? k : -1;
}

bool hp_contains(const struct hp *hp, struct value value)
{
    if (hp->nvalues > 0)
        return hp_grid_index(hp, value) >= 0;
    if (value.kind != (hp->type == HP_INT ? V_INT : V_FLOAT))
        return false;
    double x = number_of(value);
    return x >= hp->min && x <= hp->max;
}

// An Int's interval is [min, max + 1), so that truncating gives every integer its part.
static double upper(const struct hp *hp)
{
    return hp->type == HP_INT ? hp->max + 1 : hp->max;
}

static double at_probability(const struct hp *hp, double p)
{
    double low = hp->min, high = upper(hp);

    switch (hp->sampling) {
    case SAMPLING_LOG:
        return low * pow(high / low, p);
    case SAMPLING_REVERSE_LOG:
        return high + low - low * pow(high / low, 1 - p);
    case SAMPLING_LINEAR:
        break;
    }
    return p * (high - low) + low;
}

static double probability_of(const struct hp *hp, double x)
{
    double low = hp->min, high = upper(hp);

    if (high == low)
        return 0.5;
    switch (hp->sampling) {
    case SAMPLING_LOG:
        return log(x / low) / log(high / low);
    case SAMPLING_REVERSE_LOG:
        return 1 - log((high + low - x) / low) / log(high / low);
    case SAMPLING_LINEAR:
        break;
    }
    return (x - low) / (high - low);
}

static double clamp01(double x)
{
    return x >= 0 ? x <= 1 ? x : 1 : 0;
}

struct value hp_value(const struct hp *hp, double unit)
{
    unit = clamp01(unit);
    if (!has_equal_parts(hp))
        return number(hp, at_probability(hp, unit));
    double part = 1.0 / hp->nvalues, k = floor(unit / part);
    return hp_grid_value(hp, k < hp->nvalues ? (int)k : hp->nvalues - 1);
}

double hp_unit(const struct hp *hp, struct value value)
{
    if (!has_equal_parts(hp)) {
        double x = number_of(value);
        return clamp01(probability_of(hp, hp->type == HP_INT ? x + 0.5 : x));
    }
    int k = hp_grid_index(hp, value);
    if (k < 0)
        k = is_number(hp) ? nearest_on_grid(hp, number_of(value)) : 0;
    return (k + 0.5) * (1.0 / hp->nvalues);
}
