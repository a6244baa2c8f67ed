// Keras' schedules, under Keras' names and under the short ones that have defaults of their own
// (keras/src/optimizers/schedules/learning_rate_schedule.py).

#include <stdlib.h>

#include "worker/engine/schedules/kind.h"

static double exponential(const struct schedule_args *a, double s)
{
    double p = s / a->decay_steps;
    return a->initial * pow(a->decay_rate, a->staircase ? floor(p) : p);
}

static double polynomial(const struct schedule_args *a, double s)
{
    double steps = a->decay_steps;

    if (a->cycle)
        steps *= s == 0 ? 1 : ceil(s / steps);
    else
        s = fmin(s, steps);
    return (a->initial - a->end) * pow(1 - s / steps, a->power) + a->end;
}

static double inverse_time(const struct schedule_args *a, double s)
{
    double p = s / a->decay_steps;
    return a->initial / (1 + a->decay_rate * (a->staircase ? floor(p) : p));
}

static double cosine_from(const struct schedule_args *a, double from, double s)
{
    double cosine = 0.5 * (1 + cos(M_PI * fmin(s, a->decay_steps) / a->decay_steps));
    return from * ((1 - a->alpha) * cosine + a->alpha);
}

static double plain_cosine(const struct schedule_args *a, double s)
{
    return cosine_from(a, a->initial, s);
}

// With a warmup_target the rate first rises to it in warmup_steps, and the cosine begins there.
static double cosine(const struct schedule_args *a, double s)
{
    if (isnan(a->warmup_target))
        return cosine_from(a, a->initial, s);
    if (s < a->warmup_steps)
        return a->initial + (a->warmup_target - a->initial) * s / a->warmup_steps;
    return cosine_from(a, a->warmup_target, s - a->warmup_steps);
}

static double cosine_restarts(const struct schedule_args *a, double s)
{
    double done = s / a->decay_steps, restarts;

    if (a->t_mul == 1) {
        restarts = floor(done);
        done -= restarts;
    } else {
        restarts = floor(log(1 - done * (1 - a->t_mul)) / log(a->t_mul));
        double begun = (1 - pow(a->t_mul, restarts)) / (1 - a->t_mul);
        done = (done - begun) / pow(a->t_mul, restarts);
    }
    double height = 0.5 * pow(a->m_mul, restarts) * (1 + cos(M_PI * done));
    return a->initial * ((1 - a->alpha) * height + a->alpha);
}

static double piecewise(const struct schedule_args *a, double s)
{
    int i = 0;
    while (i < a->nboundaries && s > a->boundaries[i])
        i++;
    return a->values[i];
}

static enum code read_numbers(const cJSON *config, const char *name, const char *pointer,
                              double **out, int *count, struct error *err)
{
    const cJSON *list = json_member(config, name), *item = NULL;
    int n = 0;

    double *numbers = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *numbers);
    if (!numbers)
        return fail(err, E_MEMORY, "", "out of memory");
    *out = numbers;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item))
            break;
        numbers[n++] = item->valuedouble;
    }
    *count = n;
    if (!cJSON_IsArray(list) || n < cJSON_GetArraySize(list))
        return fail(err, E_TYPE, json_pointer_of(pointer, name).text,
                    "%s must be a list of numbers", name);
    return OK;
}

static enum code read_pieces(struct schedule_args *a, const cJSON *config, const char *pointer,
                             struct error *err)
{
    int nvalues = 0;
    enum code code =
        read_numbers(config, "boundaries", pointer, &a->boundaries, &a->nboundaries, err);

    if (!code)
        code = read_numbers(config, "values", pointer, &a->values, &nvalues, err);
    if (!code && nvalues != a->nboundaries + 1)
        code = fail(err, E_RANGE, json_pointer_of(pointer, "values").text,
                    "%d boundaries need %d values, not %d", a->nboundaries, a->nboundaries + 1,
                    nvalues);
    return code;
}

#define STEPS(field, absent, value)                                                                \
    {                                                                                              \
        field, SCHEDULE_ARG(decay_steps), absent, value, 1e-9, 1e15, NULL                          \
    }
#define RATE(absent, value)                                                                        \
    {                                                                                              \
        "decay_rate", SCHEDULE_ARG(decay_rate), absent, value, 0, 1e6, NULL                        \
    }
#define STAIRCASE                                                                                  \
    {                                                                                              \
        "staircase", SCHEDULE_ARG(staircase), DEFAULT_VALUE, 0, 0, 1, NULL                         \
    }
#define ALPHA                                                                                      \
    {                                                                                              \
        "alpha", SCHEDULE_ARG(alpha), DEFAULT_VALUE, 0, 0, 1, NULL                                 \
    }
#define POLYNOMIAL                                                                                 \
    {"end_learning_rate", SCHEDULE_ARG(end), DEFAULT_VALUE, 1e-4, 0, HUGE_VAL, NULL},              \
        {"power", SCHEDULE_ARG(power), DEFAULT_VALUE, 1, 0, 1000, NULL},                           \
    {                                                                                              \
        "cycle", SCHEDULE_ARG(cycle), DEFAULT_VALUE, 0, 0, 1, NULL                                 \
    }
#define RESTARTS                                                                                   \
    {"t_mul", SCHEDULE_ARG(t_mul), DEFAULT_VALUE, 2, 1, 1000, NULL},                               \
        {"m_mul", SCHEDULE_ARG(m_mul), DEFAULT_VALUE, 1, 0, 1000, NULL}, ALPHA

static const struct schedule_rule exponential_decay[] = {
    RULE_INITIAL, STEPS("decay_steps", REQUIRED, 0), RATE(REQUIRED, 0), STAIRCASE, RULE_END};
static const struct schedule_rule exponential_rules[] = {RULE_INITIAL,
                                                         STEPS("decay_steps", DEFAULT_VALUE, 1),
                                                         RATE(DEFAULT_VALUE, 0.9),
                                                         STAIRCASE,
                                                         RULE_WARMUP,
                                                         RULE_END};
static const struct schedule_rule polynomial_decay[] = {
    RULE_INITIAL, STEPS("decay_steps", REQUIRED, 0), POLYNOMIAL, RULE_END};
static const struct schedule_rule polynomial_rules[] = {
    RULE_INITIAL, STEPS("decay_steps", DEFAULT_STEPS, 0), POLYNOMIAL, RULE_WARMUP, RULE_END};
static const struct schedule_rule cosine_decay[] = {
    RULE_INITIAL,
    STEPS("decay_steps", REQUIRED, 0),
    ALPHA,
    {"warmup_target", SCHEDULE_ARG(warmup_target), DEFAULT_NONE, 0, 0, HUGE_VAL, NULL},
    RULE_WARMUP,
    RULE_END};
static const struct schedule_rule cosine_rules[] = {
    RULE_INITIAL, STEPS("decay_steps", DEFAULT_STEPS, 0), ALPHA, RULE_WARMUP, RULE_END};
static const struct schedule_rule restarts_decay[] = {
    RULE_INITIAL, STEPS("first_decay_steps", REQUIRED, 0), RESTARTS, RULE_END};
static const struct schedule_rule restarts_rules[] = {
    RULE_INITIAL, STEPS("first_decay_steps", DEFAULT_VALUE, 10), RESTARTS, RULE_WARMUP, RULE_END};
static const struct schedule_rule piecewise_rules[] = {RULE_END};

const struct schedule_kind schedules_keras[] = {
    {"ExponentialDecay", exponential_decay, NULL, exponential, false},
    {"InverseTimeDecay", exponential_decay, NULL, inverse_time, false},
    {"PolynomialDecay", polynomial_decay, NULL, polynomial, false},
    {"CosineDecay", cosine_decay, NULL, cosine, false},
    {"CosineDecayRestarts", restarts_decay, NULL, cosine_restarts, false},
    {"PiecewiseConstantDecay", piecewise_rules, read_pieces, piecewise, false},
    {"exponential", exponential_rules, NULL, exponential, true},
    {"polynomial", polynomial_rules, NULL, polynomial, true},
    {"cosine", cosine_rules, NULL, plain_cosine, true},
    {"cosine_restarts", restarts_rules, NULL, cosine_restarts, true},
    {NULL, NULL, NULL, NULL, false},
};
