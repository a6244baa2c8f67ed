// Definitions of Int and Float: bounds, sampling, step and the grid they make, default.
#include "common/space_define.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool take_number(struct definition *d, const char *key, bool required, double *out)
{
    const cJSON *item = definition_given(d, key);
    int64_t whole;

    if (!item) {
        if (required)
            definition_bad(d, E_MISSING, key, "%s is missing; give a number", key);
        return false;
    }
    if (!cJSON_IsNumber(item)) {
        definition_bad(d, E_TYPE, key, "%s must be a number", key);
        return false;
    }
    if (d->hp->type == HP_INT && !json_is_integer(item, &whole)) {
        definition_bad(d, E_TYPE, key, "%s of an Int must be a whole number within 2^53", key);
        return false;
    }
    *out = item->valuedouble;
    return true;
}

static void take_sampling(struct definition *d)
{
    static const char *const names[] = {"linear", "log", "reverse_log"};
    const cJSON *item = definition_given(d, "sampling");

    if (!item)
        return;
    for (int i = 0; i < 3; i++)
        if (cJSON_IsString(item) && strcmp(item->valuestring, names[i]) == 0) {
            d->hp->sampling = (enum hp_sampling)i;
            return;
        }
    definition_bad(d, E_UNKNOWN, "sampling",
                   "sampling must be \"linear\", \"log\" or \"reverse_log\"");
}

// Digits after the point in the shortest text of x.
static int digits_after_point(double x)
{
    char text[32];
    const char *exponent, *point;

    json_format_number(x, text);
    exponent = strchr(text, 'e');
    point = strchr(text, '.');
    int fraction = point ? (int)strcspn(point + 1, "e") : 0;
    long power = exponent ? strtol(exponent + 1, NULL, 10) : 0;
    return fraction > power ? fraction - (int)power : 0;
}

static double power_of_ten(int n)
{
    double power = 1;

    while (n-- > 0)
        power *= 10; // exact up to 10^22
    return power;
}

static void build_linear_grid(struct definition *d)
{
    struct hp *hp = d->hp;
    double step = hp->step > 0 ? hp->step : 1;
    // What is short of a point by a rounding error alone reaches it: 0.5 / 0.1, 0.3 / 0.1.
    double count = floor((hp->max - hp->min) / step * (1 + 4e-16) + 1e-9) + 1;

    if (count > 1 << 30) {
        if (hp->type == HP_FLOAT)
            definition_bad(d, E_RANGE, "step",
                           "more than 2^30 steps; use a larger step or leave it out");
        return;
    }
    hp->nvalues = (int)count;
    int low = digits_after_point(hp->min), fine = digits_after_point(step);
    int digits = low > fine ? low : fine;
    double scale = power_of_ten(digits < 23 ? digits : 0);
    double most = fmax(fabs(hp->min), fabs(hp->max)) * scale;
    hp->decimals = hp->type == HP_FLOAT && digits < 23 && most < 0x1p53 ? scale : 0;
}

// 15 significant digits: what pow() and the products add behind them is rounding.
static double rounded(double x)
{
    char text[32];

    snprintf(text, sizeof text, "%.15g", x);
    return strtod(text, NULL);
}

static void build_log_grid(struct definition *d)
{
    struct hp *hp = d->hp;
    double count = floor(log(hp->max / hp->min) / log(hp->step) + 1e-8) + 1;

    if (!(count <= GRID_TABLE_MAX)) {
        definition_bad(d, E_RANGE, "step", "more than %d values; use a larger step or leave it out",
                       GRID_TABLE_MAX);
        return;
    }
    hp->nvalues = (int)count;
    hp->grid = arena_alloc(d->arena, (size_t)count, sizeof *hp->grid);
    if (!hp->grid) {
        definition_bad(d, E_MEMORY, "", "out of memory");
        return;
    }
    for (int k = 0; k < hp->nvalues; k++) {
        double x = hp->min * pow(hp->step, k);
        if (hp->sampling == SAMPLING_REVERSE_LOG)
            x = hp->max + hp->min - x;
        hp->grid[k] = hp->type == HP_INT ? round(x) : rounded(x);
    }
}

static void build_grid(struct definition *d)
{
    struct hp *hp = d->hp;

    if (hp->sampling != SAMPLING_LINEAR && hp->step > 0)
        build_log_grid(d);
    else if (hp->type == HP_INT || hp->step > 0)
        build_linear_grid(d);
}

static void check_bounds(struct definition *d)
{
    struct hp *hp = d->hp;
    char low[32], high[32];

    json_format_number(hp->min, low);
    json_format_number(hp->max, high);
    if (hp->min > hp->max)
        definition_bad(d, E_RANGE, "max_value",
                       "max_value %s is below min_value %s; swap or mend them", high, low);
    else if (!isfinite(hp->max - hp->min))
        definition_bad(d, E_RANGE, "max_value", "the range from %s to %s is too wide", low, high);
    if (hp->sampling != SAMPLING_LINEAR && hp->min <= 0)
        definition_bad(
            d, E_RANGE, "min_value",
            "min_value is %s; log and reverse_log need one above 0 (or use linear sampling)", low);
}

static void check_step(struct definition *d)
{
    struct hp *hp = d->hp;

    if (!definition_given(d, "step"))
        return;
    if (hp->sampling == SAMPLING_LINEAR && hp->step <= 0)
        definition_bad(d, E_RANGE, "step", "step must be above 0; leave it out for no grid");
    else if (hp->sampling != SAMPLING_LINEAR && hp->step <= 1)
        definition_bad(d, E_RANGE, "step",
                       "step multiplies with log and reverse_log: it must be above 1");
}

static void take_number_default(struct definition *d)
{
    struct hp *hp = d->hp;
    double x = hp->min;
    struct value value = {.kind = hp->type == HP_INT ? V_INT : V_FLOAT};

    if (take_number(d, "default", false, &x)) {
        if (hp->type == HP_INT)
            value.i = (int64_t)x;
        else
            value.f = x;
        if (!hp_contains(hp, value)) {
            definition_bad(d, E_RANGE, "default",
                           "the default lies outside the range or between its steps");
            return;
        }
        hp->fallback = hp->nvalues ? hp_grid_value(hp, hp_grid_index(hp, value)) : value;
        return;
    }
    // KerasTuner's default: min_value; with reverse_log steps that is not always on the grid.
    value = hp->type == HP_INT ? (struct value){.kind = V_INT, .i = (int64_t)hp->min}
                               : (struct value){.kind = V_FLOAT, .f = hp->min};
    hp->fallback = hp_contains(hp, value) ? value : hp_grid_value(hp, hp->nvalues - 1);
}

void define_number(struct definition *d)
{
    struct hp *hp = d->hp;
    bool low = take_number(d, "min_value", true, &hp->min);
    bool high = take_number(d, "max_value", true, &hp->max);

    take_number(d, "step", false, &hp->step);
    take_sampling(d);
    if (low && high)
        check_bounds(d);
    check_step(d);
    if (d->ok)
        build_grid(d);
    if (d->ok)
        take_number_default(d);
}
