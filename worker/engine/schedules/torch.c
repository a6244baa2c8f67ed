// The schedules that Keras lacks, as torch.optim.lr_scheduler has them.

#include "worker/engine/schedules/kind.h"

static double step_decay(const struct schedule_args *a, double s)
{
    return a->initial * pow(a->gamma, floor(s / a->step_size));
}

enum { TRIANGULAR, TRIANGULAR2, EXP_RANGE };

static double cyclical(const struct schedule_args *a, double s)
{
    double length = a->up + (isnan(a->down) ? a->up : a->down), ratio = a->up / length;
    double cycle = floor(1 + s / length), x = 1 + s / length - cycle;
    double height = (a->max_lr - a->initial) * (x <= ratio ? x / ratio : (x - 1) / (ratio - 1));
    double scale = 1;

    if ((int)a->mode == TRIANGULAR2)
        scale = pow(2, 1 - cycle);
    else if ((int)a->mode == EXP_RANGE)
        scale = pow(a->gamma, s);
    return a->initial + height * scale;
}

enum { COS, LINEAR };

static double anneal(const struct schedule_args *a, double from, double to, double part)
{
    if ((int)a->anneal == LINEAR)
        return from + (to - from) * part;
    return to + (from - to) / 2 * (1 + cos(M_PI * part));
}

// Up to max_lr, down again, and with three_phase first back to the beginning before the last descent.
static double one_cycle(const struct schedule_args *a, double s)
{
    double low = a->max_lr / a->div, last = low / a->final_div, start = 0;
    double up_end = a->pct_start * a->total - 1;
    struct {
        double end, from, to;
    } two[] = {{up_end, low, a->max_lr}, {a->total - 1, a->max_lr, last}},
      three[] = {{up_end, low, a->max_lr},
                 {2 * a->pct_start * a->total - 2, a->max_lr, low},
                 {a->total - 1, low, last}},
      *phases = a->three_phase ? three : two;
    int count = a->three_phase ? 3 : 2;

    s = fmin(s, a->total - 1);
    for (int i = 0; i < count; i++) {
        if (s <= phases[i].end || i == count - 1) {
            double length = phases[i].end - start;
            return anneal(a, phases[i].from, phases[i].to, length > 0 ? (s - start) / length : 1);
        }
        start = phases[i].end;
    }
    return last;
}

static const char *const modes[] = {"triangular", "triangular2", "exp_range", NULL};
static const char *const strategies[] = {"cos", "linear", NULL};

#define CYCLE                                                                                      \
    {"max_lr", SCHEDULE_ARG(max_lr), REQUIRED, 0, 0, HUGE_VAL, NULL},                              \
        {"step_size_down", SCHEDULE_ARG(down), DEFAULT_NONE, 0, 1, 1e15, NULL},                    \
        {"mode", SCHEDULE_ARG(mode), DEFAULT_VALUE, TRIANGULAR, 0, 0, modes},                      \
    {                                                                                              \
        "gamma", SCHEDULE_ARG(gamma), DEFAULT_VALUE, 1, 0, 1, NULL                                 \
    }
#define ONE_CYCLE                                                                                  \
    {"pct_start", SCHEDULE_ARG(pct_start), DEFAULT_VALUE, 0.3, 0, 1, NULL},                        \
        {"anneal_strategy", SCHEDULE_ARG(anneal), DEFAULT_VALUE, COS, 0, 0, strategies},           \
        {"div_factor", SCHEDULE_ARG(div), DEFAULT_VALUE, 25, 1e-9, 1e12, NULL},                    \
        {"final_div_factor", SCHEDULE_ARG(final_div), DEFAULT_VALUE, 1e4, 1e-9, 1e12, NULL},       \
    {                                                                                              \
        "three_phase", SCHEDULE_ARG(three_phase), DEFAULT_VALUE, 0, 0, 1, NULL                     \
    }

static const struct schedule_rule step_rules[] = {
    RULE_INITIAL,
    {"step_size", SCHEDULE_ARG(step_size), DEFAULT_VALUE, 10, 1, 1e15, NULL},
    {"gamma", SCHEDULE_ARG(gamma), DEFAULT_VALUE, 0.1, 0, 1e6, NULL},
    RULE_WARMUP,
    RULE_END};
static const struct schedule_rule cyclical_rules[] = {
    RULE_INITIAL,
    CYCLE,
    {"step_size_up", SCHEDULE_ARG(up), DEFAULT_VALUE, 4, 1, 1e15, NULL},
    RULE_WARMUP,
    RULE_END};
static const struct schedule_rule cyclic_lr[] = {
    {"base_lr", SCHEDULE_ARG(initial), DEFAULT_INITIAL, 0, 0, HUGE_VAL, NULL},
    CYCLE,
    {"step_size_up", SCHEDULE_ARG(up), DEFAULT_VALUE, 2000, 1, 1e15, NULL},
    RULE_END};
static const struct schedule_rule one_cycle_rules[] = {
    RULE_INITIAL,
    {"max_lr", SCHEDULE_ARG(max_lr), DEFAULT_INITIAL, 0, 0, HUGE_VAL, NULL},
    {"total_steps", SCHEDULE_ARG(total), DEFAULT_STEPS, 0, 1, 1e15, NULL},
    ONE_CYCLE,
    RULE_WARMUP,
    RULE_END};
static const struct schedule_rule one_cycle_lr[] = {
    {"max_lr", SCHEDULE_ARG(max_lr), REQUIRED, 0, 0, HUGE_VAL, NULL},
    {"total_steps", SCHEDULE_ARG(total), DEFAULT_STEPS, 0, 1, 1e15, NULL},
    ONE_CYCLE,
    RULE_END};

const struct schedule_kind schedules_torch[] = {
    {"step", step_rules, NULL, step_decay, true},
    {"cyclical", cyclical_rules, NULL, cyclical, true},
    {"one_cycle", one_cycle_rules, NULL, one_cycle, true},
    {"CyclicLR", cyclic_lr, NULL, cyclical, false},
    {"OneCycleLR", one_cycle_lr, NULL, one_cycle, false},
    {NULL, NULL, NULL, NULL, false},
};
