// One {"hp": …} object: keys, bounds, default, grid.
#include "common/space_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

struct definition {
    const cJSON *item;
    const char *pointer;
    struct arena *arena;
    struct hp *hp;
    struct faults *faults;
    bool ok;
};

__attribute__((format(printf, 4, 5))) static void bad(struct definition *d, enum code code,
                                                      const char *key, const char *format, ...)
{
    struct error err = {.code = code};
    struct json_pointer at = json_pointer_of(d->pointer, key);
    va_list args;

    snprintf(err.pointer, sizeof err.pointer, "%s", key[0] ? at.text : d->pointer);
    va_start(args, format);
    vsnprintf(err.message, sizeof err.message, format, args);
    va_end(args);
    faults_add(d->faults, &err);
    d->ok = false;
}

// A member that is there and not null.
static const cJSON *given(const struct definition *d, const char *key)
{
    const cJSON *item = json_member(d->item, key);

    return cJSON_IsNull(item) ? NULL : item;
}

static bool take_number(struct definition *d, const char *key, bool required, double *out)
{
    const cJSON *item = given(d, key);
    int64_t whole;

    if (!item) {
        if (required)
            bad(d, E_MISSING, key, "%s is missing; give a number", key);
        return false;
    }
    if (!cJSON_IsNumber(item)) {
        bad(d, E_TYPE, key, "%s must be a number", key);
        return false;
    }
    if (d->hp->type == HP_INT && !json_is_integer(item, &whole)) {
        bad(d, E_TYPE, key, "%s of an Int must be a whole number within 2^53", key);
        return false;
    }
    *out = item->valuedouble;
    return true;
}

static void take_sampling(struct definition *d)
{
    static const char *const names[] = {"linear", "log", "reverse_log"};
    const cJSON *item = given(d, "sampling");

    if (!item)
        return;
    for (int i = 0; i < 3; i++)
        if (cJSON_IsString(item) && strcmp(item->valuestring, names[i]) == 0) {
            d->hp->sampling = (enum hp_sampling)i;
            return;
        }
    bad(d, E_UNKNOWN, "sampling", "sampling must be \"linear\", \"log\" or \"reverse_log\"");
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
            bad(d, E_RANGE, "step", "more than 2^30 steps; use a larger step or leave it out");
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
        bad(d, E_RANGE, "step", "more than %d values; use a larger step or leave it out",
            GRID_TABLE_MAX);
        return;
    }
    hp->nvalues = (int)count;
    hp->grid = arena_alloc(d->arena, (size_t)count, sizeof *hp->grid);
    if (!hp->grid) {
        bad(d, E_MEMORY, "", "out of memory");
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
        bad(d, E_RANGE, "max_value", "max_value %s is below min_value %s; swap or mend them", high,
            low);
    else if (!isfinite(hp->max - hp->min))
        bad(d, E_RANGE, "max_value", "the range from %s to %s is too wide", low, high);
    if (hp->sampling != SAMPLING_LINEAR && hp->min <= 0)
        bad(d, E_RANGE, "min_value",
            "min_value is %s; log and reverse_log need one above 0 (or use linear sampling)", low);
}

static void check_step(struct definition *d)
{
    struct hp *hp = d->hp;

    if (!given(d, "step"))
        return;
    if (hp->sampling == SAMPLING_LINEAR && hp->step <= 0)
        bad(d, E_RANGE, "step", "step must be above 0; leave it out for no grid");
    else if (hp->sampling != SAMPLING_LINEAR && hp->step <= 1)
        bad(d, E_RANGE, "step", "step multiplies with log and reverse_log: it must be above 1");
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
            bad(d, E_RANGE, "default", "the default lies outside the range or between its steps");
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

static void define_number(struct definition *d)
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

static enum value_kind kind_of(const cJSON *item)
{
    int64_t whole;

    return cJSON_IsBool(item)              ? V_BOOL
           : cJSON_IsString(item)          ? V_STRING
           : json_is_integer(item, &whole) ? V_INT
           : cJSON_IsNumber(item)          ? V_FLOAT
                                           : V_NONE;
}

static bool take_value(struct definition *d, const cJSON *item, enum value_kind kind,
                       struct value *out)
{
    out->kind = kind;
    if (kind == V_BOOL)
        out->b = cJSON_IsTrue(item);
    else if (kind == V_INT)
        out->i = (int64_t)item->valuedouble;
    else if (kind == V_FLOAT)
        out->f = item->valuedouble;
    else if (!(out->s = arena_strdup(d->arena, item->valuestring)))
        bad(d, E_MEMORY, "", "out of memory");
    return d->ok;
}

// The common kind of all values, V_NONE with a fault: whole numbers beside others count as numbers.
static enum value_kind common_kind(struct definition *d, const cJSON *values)
{
    enum value_kind common = V_NONE;
    int index = 0;

    for (const cJSON *item = values->child; item; item = item->next, index++) {
        enum value_kind kind = kind_of(item);
        bool fits = kind == common || (kind == V_INT && common == V_FLOAT) || common == V_NONE ||
                    (kind == V_FLOAT && common == V_INT);
        if (fits && kind != V_NONE) {
            common = kind == V_INT && common == V_FLOAT ? V_FLOAT : kind;
            continue;
        }
        struct json_pointer at = json_pointer_at(json_pointer_of(d->pointer, "values").text, index);
        fault(d->faults, E_TYPE, at.text,
              "the values of a Choice must be all strings, all numbers or all true/false");
        d->ok = false;
        return V_NONE;
    }
    return common;
}

static void take_choice_default(struct definition *d, enum value_kind kind)
{
    struct hp *hp = d->hp;
    const cJSON *item = given(d, "default");
    struct value value;

    hp->fallback = hp->values[0];
    if (!item)
        return;
    enum value_kind own = kind_of(item);
    if (own != kind && !(own == V_INT && kind == V_FLOAT)) {
        bad(d, E_TYPE, "default", "the default must be one of the values");
        return;
    }
    if (!take_value(d, item, kind, &value))
        return;
    int k = hp_grid_index(hp, value);
    if (k < 0)
        bad(d, E_RANGE, "default", "the default must be one of the values");
    else
        hp->fallback = hp->values[k];
}

static void define_choice(struct definition *d)
{
    struct hp *hp = d->hp;
    const cJSON *values = json_member(d->item, "values"), *ordered = given(d, "ordered");
    int n = cJSON_GetArraySize(values), k = 0;

    if (!cJSON_IsArray(values) || n == 0) {
        bad(d, values ? E_TYPE : E_MISSING, "values",
            "values must be a list of at least one value");
        return;
    }
    if (n > GRID_TABLE_MAX) {
        bad(d, E_RANGE, "values", "%d values; at most %d are taken", n, GRID_TABLE_MAX);
        return;
    }
    enum value_kind kind = common_kind(d, values);
    hp->values = arena_alloc(d->arena, (size_t)n, sizeof *hp->values);
    if (!hp->values)
        bad(d, E_MEMORY, "", "out of memory");
    if (!d->ok)
        return;
    for (const cJSON *item = values->child; item; item = item->next, k++) {
        if (!take_value(d, item, kind, &hp->values[k]))
            return;
        if (hp_grid_index(hp, hp->values[k]) >= 0) {
            struct json_pointer at = json_pointer_at(json_pointer_of(d->pointer, "values").text, k);
            fault(d->faults, E_INVALID, at.text, "this value stands twice; leave one out");
            d->ok = false;
            return;
        }
        hp->nvalues = k + 1;
    }
    hp->ordered = kind != V_STRING;
    if (ordered && !cJSON_IsBool(ordered))
        bad(d, E_TYPE, "ordered", "ordered must be true or false");
    else if (cJSON_IsTrue(ordered) && kind == V_STRING)
        bad(d, E_INVALID, "ordered", "strings have no order; leave ordered out");
    else if (ordered)
        hp->ordered = cJSON_IsTrue(ordered);
    take_choice_default(d, kind);
}

static void define_boolean(struct definition *d)
{
    struct hp *hp = d->hp;
    const cJSON *item = given(d, "default");

    if (!(hp->values = arena_alloc(d->arena, 2, sizeof *hp->values))) {
        bad(d, E_MEMORY, "", "out of memory");
        return;
    }
    hp->nvalues = 2;
    hp->values[0] = (struct value){.kind = V_BOOL, .b = false};
    hp->values[1] = (struct value){.kind = V_BOOL, .b = true};
    if (item && !cJSON_IsBool(item))
        bad(d, E_TYPE, "default", "the default of a Boolean must be true or false");
    hp->fallback = hp->values[cJSON_IsTrue(item)];
}

static void define_fixed(struct definition *d)
{
    struct hp *hp = d->hp;
    const cJSON *item = json_member(d->item, "value");
    enum value_kind kind = kind_of(item);

    if (kind == V_NONE) {
        bad(d, item ? E_TYPE : E_MISSING, "value",
            "value must be a string, a number, true or false");
        return;
    }
    if (!(hp->values = arena_alloc(d->arena, 1, sizeof *hp->values)))
        bad(d, E_MEMORY, "", "out of memory");
    else if (take_value(d, item, kind, &hp->values[0])) {
        hp->nvalues = 1;
        hp->fallback = hp->values[0];
    }
}

#define COMMON "hp", "name", "parent_name", "parent_values"
static const struct {
    const char *name;
    enum hp_type type;
    void (*define)(struct definition *);
    const char *keys[12];
} types[] = {
    {"Int",
     HP_INT,
     define_number,
     {COMMON, "min_value", "max_value", "step", "sampling", "default"}},
    {"Float",
     HP_FLOAT,
     define_number,
     {COMMON, "min_value", "max_value", "step", "sampling", "default"}},
    {"Choice", HP_CHOICE, define_choice, {COMMON, "values", "ordered", "default"}},
    {"Boolean", HP_BOOLEAN, define_boolean, {COMMON, "default"}},
    {"Fixed", HP_FIXED, define_fixed, {COMMON, "value"}},
};

static void check_keys(struct definition *d, const char *const *keys, const char *type)
{
    for (const cJSON *item = d->item->child; item; item = item->next) {
        const char *near = NULL;
        bool known = false;
        for (int i = 0; i < 12 && keys[i]; i++) {
            known |= strcmp(keys[i], item->string) == 0;
            near = text_nearer(item->string, near, keys[i]);
        }
        if (known)
            continue;
        if (near)
            bad(d, E_UNKNOWN, item->string, "%s has no \"%s\"; did you mean \"%s\"?", type,
                item->string, near);
        else
            bad(d, E_UNKNOWN, item->string, "%s has no \"%s\"; leave it out", type, item->string);
    }
}

bool hp_define(const cJSON *item, const char *pointer, struct arena *arena, struct hp *out,
               struct faults *faults)
{
    struct hp hp = {0};
    struct definition d = {item, pointer, arena, &hp, faults, true};
    const char *type = json_string_or(item, "hp", "");

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, type) == 0) {
            hp.type = types[i].type;
            check_keys(&d, types[i].keys, type);
            types[i].define(&d);
            if (d.ok)
                *out = hp;
            return d.ok;
        }
    bad(&d, E_UNKNOWN, "hp",
        "hp must be \"Int\", \"Float\", \"Choice\", \"Boolean\", \"Fixed\" or \"Ref\"");
    return false;
}

bool hp_same_definition(const struct hp *a, const struct hp *b)
{
    if (a->type != b->type || a->sampling != b->sampling || a->min != b->min || a->max != b->max ||
        a->step != b->step || a->ordered != b->ordered || a->nvalues != b->nvalues ||
        !value_equal(a->fallback, b->fallback))
        return false;
    for (int i = 0; a->values && i < a->nvalues; i++)
        if (!value_equal(a->values[i], b->values[i]))
            return false;
    return true;
}
