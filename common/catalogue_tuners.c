// Tuners: KerasTuner's arguments and defaults where it has the algorithm (keras_tuner/tuners), the
// contract's beside them.
#include "common/catalogue_tables.h"

// clang-format off
static const char *const samplers[] = {"random", "model", NULL};
static const char *const variants[] = {"promotion", "stopping", NULL};
static const char *const early_stoppings[] = {"median", "curve", NULL};

#define INTEGER(arg, by_default, low, high) \
    {arg, ARG_INTEGER, .fallback = by_default, .fixed = true, .min = low, .max = high}
#define INTEGER_OR_NULL(arg, low, high) \
    {arg, ARG_INTEGER, .nullable = true, .fixed = true, .min = low, .max = high}
#define TRIALS(by_default) \
    {"max_trials", ARG_INTEGER, .nullable = true, .fallback = by_default, .fixed = true, .min = 1, .max = 1e9}
#define COMMON \
    {"objective", ARG_ANY, .required = true}, \
    INTEGER("executions_per_trial", "1", 1, 1000), \
    INTEGER_OR_NULL("max_parallel_trials", 1, 1e6), \
    INTEGER("max_retries_per_trial", "0", 0, 1000), \
    INTEGER("max_consecutive_failed_trials", "3", 1, 1e6), \
    {"max_duration_s", ARG_NUMBER, .nullable = true, .fixed = true, .min = 0, .max = 1e10, .min_open = true}, \
    {"target_value", ARG_NUMBER, .nullable = true, .fixed = true}, \
    {"early_stopping", ARG_NAME, .nullable = true, .fixed = true, .names = early_stoppings}, \
    {"warm_start_from", ARG_STRINGS, .fallback = "[]", .fixed = true}
#define SAMPLER {"sampler", ARG_NAME, .fallback = "\"model\"", .fixed = true, .names = samplers}
#define EPOCHS_MAX 100000

static const struct arg plain_args[] = {COMMON, TRIALS("10"), {0}};
static const struct arg grid_args[] = {COMMON, TRIALS(NULL), {0}};
static const struct arg bayesian_args[] = {
    COMMON, TRIALS("10"),
    INTEGER_OR_NULL("num_initial_points", 1, 1e6),
    {"alpha", ARG_NUMBER, .fallback = "0.0001", .fixed = true, .min = 0, .max = INFINITY},
    {"beta", ARG_NUMBER, .fallback = "2.6", .fixed = true, .min = 0, .max = INFINITY},
    {0},
};
static const struct arg hyperband_args[] = {
    COMMON, TRIALS(NULL), SAMPLER,
    INTEGER("max_epochs", "100", 1, EPOCHS_MAX),
    INTEGER("factor", "3", 2, 1000),
    INTEGER("hyperband_iterations", "1", 1, 1000),
    {0},
};
static const struct arg asha_args[] = {
    COMMON, TRIALS("10"), SAMPLER,
    INTEGER_OR_NULL("max_epochs", 1, EPOCHS_MAX),
    INTEGER("min_epochs", "1", 1, EPOCHS_MAX),
    INTEGER("factor", "3", 2, 1000),
    {"variant", ARG_NAME, .fallback = "\"promotion\"", .fixed = true, .names = variants},
    {0},
};
// clang-format on

const struct entry catalogue_tuners[] = {
    {.name = "Auto", .args = plain_args},
    {.name = "RandomSearch", .args = plain_args},
    {.name = "GridSearch", .args = grid_args},
    {.name = "QuasiRandom", .args = plain_args},
    {.name = "BayesianOptimization", .args = bayesian_args},
    {.name = "Hyperband", .args = hyperband_args},
    {.name = "ASHA", .args = asha_args},
    {0},
};
