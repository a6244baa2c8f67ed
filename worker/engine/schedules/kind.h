// One schedule: which arguments it takes, and the rate of a step. Arguments are numbers; truth values
// are 0 and 1, names their index.
#ifndef TUNERD_WORKER_ENGINE_SCHEDULES_KIND_H
#define TUNERD_WORKER_ENGINE_SCHEDULES_KIND_H

#include <math.h>
#include <stddef.h>

#include "worker/engine/schedules.h"

struct schedule_args {
    double initial; // initial_learning_rate, base_lr
    double decay_steps, decay_rate, staircase;
    double end, power, cycle;
    double alpha, warmup_target, t_mul, m_mul;
    double gamma, step_size;
    double max_lr, up, down, mode;
    double total, pct_start, anneal, div, final_div, three_phase;
    double warmup_steps;
    // PiecewiseConstantDecay: values[i] up to and with boundaries[i]
    int nboundaries;
    double *boundaries, *values; // owned
};

enum schedule_default {
    DEFAULT_VALUE,
    DEFAULT_NONE,    // null is allowed and stays NaN
    DEFAULT_INITIAL, // the rate at the beginning of training
    DEFAULT_STEPS,   // all steps
    REQUIRED,
};

struct schedule_rule {
    const char *name;
    size_t offset; // in struct schedule_args
    enum schedule_default when_absent;
    double fallback;
    double min, max;          // inclusive
    const char *const *names; // NULL: a number or truth value
};

struct schedule_kind {
    const char *name;
    const struct schedule_rule *rules; // ends with a NULL name
    // Reads what is no number; NULL: nothing.
    enum code (*read)(struct schedule_args *args, const cJSON *config, const char *pointer,
                      struct error *err);
    double (*rate)(const struct schedule_args *args, double step);
    bool warms_up; // by the rule of schedules.h
};
extern const struct schedule_kind schedules_keras[], schedules_torch[]; // end with a NULL name

#define SCHEDULE_ARG(field) offsetof(struct schedule_args, field)
// Rules that several schedules have.
#define RULE_INITIAL                                                                               \
    {                                                                                              \
        "initial_learning_rate", SCHEDULE_ARG(initial), DEFAULT_INITIAL, 0, 0, HUGE_VAL, NULL      \
    }
#define RULE_WARMUP                                                                                \
    {                                                                                              \
        "warmup_steps", SCHEDULE_ARG(warmup_steps), DEFAULT_VALUE, 0, 0, 1e15, NULL                \
    }
#define RULE_END                                                                                   \
    {                                                                                              \
        NULL, 0, DEFAULT_VALUE, 0, 0, 0, NULL                                                      \
    }

#endif
