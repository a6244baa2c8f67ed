// What a training is made of beside its layers: Keras 3's names, arguments and defaults, but for the
// metrics' short names (contract) and the short schedules (worker/engine/schedules.h).
#include "common/catalogue_tables.h"

// clang-format off
#define INF INFINITY
#define FLAG(arg, by_default) {arg, ARG_BOOL, .fallback = #by_default}
#define POSITIVE(arg, by_default) \
    {arg, ARG_NUMBER, .fallback = by_default, .min = 0, .max = INF, .min_open = true}
#define POSITIVE_OR_NULL(arg) \
    {arg, ARG_NUMBER, .nullable = true, .min = 0, .max = INF, .min_open = true}
#define NOT_NEGATIVE(arg, by_default) {arg, ARG_NUMBER, .fallback = by_default, .min = 0, .max = INF}
#define FRACTION(arg, by_default) \
    {arg, ARG_NUMBER, .fallback = by_default, .min = 0, .max = 1, .max_open = true}
#define COUNT(arg, by_default) {arg, ARG_INTEGER, .fallback = by_default, .min = 0, .max = 1e9}
#define STEPS(arg, by_default) {arg, ARG_INTEGER, .fallback = by_default, .min = 1, .max = 1e12}
#define ARGS(id, ...) static const struct arg id[] = {__VA_ARGS__, {0}}

#define OPTIMIZER(rate) \
    {"learning_rate", ARG_SCHEDULE, .fallback = rate, .min = 0, .max = INF, .kind = CATALOGUE_SCHEDULE}, \
    {"weight_decay", ARG_NUMBER, .nullable = true, .min = 0, .max = INF}, \
    POSITIVE_OR_NULL("clipnorm"), \
    POSITIVE_OR_NULL("global_clipnorm"), \
    POSITIVE_OR_NULL("clipvalue")
#define BETAS FRACTION("beta_1", "0.9"), FRACTION("beta_2", "0.999"), POSITIVE("epsilon", "1e-7")

ARGS(sgd_args, OPTIMIZER("0.01"), {"momentum", ARG_NUMBER, .fallback = "0", .min = 0, .max = 1},
     FLAG("nesterov", false));
ARGS(rmsprop_args, OPTIMIZER("0.001"), FRACTION("rho", "0.9"),
     {"momentum", ARG_NUMBER, .fallback = "0", .min = 0, .max = 1}, POSITIVE("epsilon", "1e-7"),
     FLAG("centered", false));
ARGS(adam_args, OPTIMIZER("0.001"), BETAS, FLAG("amsgrad", false));
ARGS(adamw_args,
     {"learning_rate", ARG_SCHEDULE, .fallback = "0.001", .min = 0, .max = INF, .kind = CATALOGUE_SCHEDULE},
     NOT_NEGATIVE("weight_decay", "0.004"),
     POSITIVE_OR_NULL("clipnorm"), POSITIVE_OR_NULL("global_clipnorm"), POSITIVE_OR_NULL("clipvalue"),
     BETAS, FLAG("amsgrad", false));
ARGS(adagrad_args, OPTIMIZER("0.001"), NOT_NEGATIVE("initial_accumulator_value", "0.1"),
     POSITIVE("epsilon", "1e-7"));
ARGS(nadam_args, OPTIMIZER("0.001"), BETAS);

ARGS(sparse_args, FLAG("from_logits", false));
ARGS(smoothed_args, FLAG("from_logits", false),
     {"label_smoothing", ARG_NUMBER, .fallback = "0", .min = 0, .max = 1});
ARGS(huber_args, POSITIVE("delta", "1"));

#define METRIC_NAME {"name", ARG_STRING, .nullable = true, .fixed = true, .max = 40, .plain = true}
static const char *const averages[] = {"macro", "micro", "weighted", NULL};
static const char *const curves[] = {"ROC", "PR", NULL};
static const char *const summations[] = {"interpolation", "minoring", "majoring", NULL};
ARGS(metric_args, METRIC_NAME);
ARGS(top_k_args, {"k", ARG_INTEGER, .fallback = "5", .min = 1, .max = 1000000}, METRIC_NAME);
ARGS(precision_args, {"thresholds", ARG_NUMBER, .nullable = true, .min = 0, .max = 1},
     {"top_k", ARG_INTEGER, .nullable = true, .min = 1, .max = 1000000},
     {"class_id", ARG_INTEGER, .nullable = true, .min = 0, .max = 1000000}, METRIC_NAME);
ARGS(f1_args, {"average", ARG_NAME, .nullable = true, .fallback = "\"macro\"", .names = averages},
     {"threshold", ARG_NUMBER, .nullable = true, .min = 0, .max = 1}, METRIC_NAME);
ARGS(auc_args, {"num_thresholds", ARG_INTEGER, .fallback = "200", .min = 2, .max = 100000},
     {"curve", ARG_NAME, .fallback = "\"ROC\"", .names = curves},
     {"summation_method", ARG_NAME, .fallback = "\"interpolation\"", .names = summations},
     FLAG("multi_label", false), METRIC_NAME);

static const char *const modes[] = {"auto", "min", "max", NULL};
#define MONITOR {"monitor", ARG_STRING, .fallback = "\"val_loss\"", .fixed = true}
#define MODE {"mode", ARG_NAME, .fallback = "\"auto\"", .names = modes}
ARGS(early_stopping_args, MONITOR, {"min_delta", ARG_NUMBER, .fallback = "0"}, COUNT("patience", "0"),
     MODE, {"baseline", ARG_NUMBER, .nullable = true}, FLAG("restore_best_weights", false),
     COUNT("start_from_epoch", "0"));
ARGS(reduce_lr_args, MONITOR, FRACTION("factor", "0.1"), COUNT("patience", "10"), MODE,
     NOT_NEGATIVE("min_delta", "0.0001"), COUNT("cooldown", "0"), NOT_NEGATIVE("min_lr", "0"));
ARGS(scheduler_args, {"schedule", ARG_ENTRY, .required = true, .kind = CATALOGUE_SCHEDULE});

#define RATE(arg) {arg, ARG_NUMBER, .required = true, .min = 0, .max = INF}
#define RATE_OR_NULL(arg) {arg, ARG_NUMBER, .nullable = true, .min = 0, .max = INF}
#define STEPS_REQUIRED(arg) {arg, ARG_INTEGER, .required = true, .min = 1, .max = 1e12}
#define STEPS_OR_NULL(arg) {arg, ARG_INTEGER, .nullable = true, .min = 1, .max = 1e12}
// Below 1 Keras' formula ends in NaN.
#define T_MUL {"t_mul", ARG_NUMBER, .fallback = "2", .min = 1, .max = 1000}
#define SHORT RATE_OR_NULL("initial_learning_rate"), COUNT("warmup_steps", "0")
#define CYCLE \
    STEPS_OR_NULL("step_size_down"), \
    {"mode", ARG_NAME, .fallback = "\"triangular\"", .names = cycle_modes}, \
    {"gamma", ARG_NUMBER, .fallback = "1", .min = 0, .max = 1, .min_open = true}
#define ONE_CYCLE \
    {"pct_start", ARG_NUMBER, .fallback = "0.3", .min = 0, .max = 1}, \
    {"anneal_strategy", ARG_NAME, .fallback = "\"cos\"", .names = anneals}, \
    POSITIVE("div_factor", "25"), POSITIVE("final_div_factor", "10000"), FLAG("three_phase", false)
static const char *const cycle_modes[] = {"triangular", "triangular2", "exp_range", NULL};
static const char *const anneals[] = {"cos", "linear", NULL};
ARGS(exponential_decay_args, RATE("initial_learning_rate"), STEPS_REQUIRED("decay_steps"),
     {"decay_rate", ARG_NUMBER, .required = true, .min = 0, .max = INF}, FLAG("staircase", false));
ARGS(piecewise_args,
     {"boundaries", ARG_NUMBERS, .required = true, .min = 0, .max = INF},
     {"values", ARG_NUMBERS, .required = true, .min = 0, .max = INF});
ARGS(polynomial_decay_args, RATE("initial_learning_rate"), STEPS_REQUIRED("decay_steps"),
     NOT_NEGATIVE("end_learning_rate", "0.0001"), POSITIVE("power", "1"), FLAG("cycle", false));
ARGS(cosine_decay_args, RATE("initial_learning_rate"), STEPS_REQUIRED("decay_steps"),
     {"alpha", ARG_NUMBER, .fallback = "0", .min = 0, .max = 1}, RATE_OR_NULL("warmup_target"),
     COUNT("warmup_steps", "0"));
ARGS(cosine_restarts_args, RATE("initial_learning_rate"), STEPS_REQUIRED("first_decay_steps"),
     T_MUL, POSITIVE("m_mul", "1"),
     {"alpha", ARG_NUMBER, .fallback = "0", .min = 0, .max = 1});
ARGS(cyclic_lr_args, RATE("base_lr"), RATE("max_lr"), STEPS("step_size_up", "2000"), CYCLE);
ARGS(one_cycle_lr_args, RATE("max_lr"), STEPS_OR_NULL("total_steps"), ONE_CYCLE);
ARGS(step_args, STEPS("step_size", "10"),
     {"gamma", ARG_NUMBER, .fallback = "0.1", .min = 0, .max = INF}, SHORT);
ARGS(exponential_args, STEPS("decay_steps", "1"),
     {"decay_rate", ARG_NUMBER, .fallback = "0.9", .min = 0, .max = INF}, FLAG("staircase", false), SHORT);
ARGS(polynomial_args, STEPS_OR_NULL("decay_steps"), NOT_NEGATIVE("end_learning_rate", "0.0001"),
     POSITIVE("power", "1"), FLAG("cycle", false), SHORT);
ARGS(cosine_args, STEPS_OR_NULL("decay_steps"),
     {"alpha", ARG_NUMBER, .fallback = "0", .min = 0, .max = 1}, SHORT);
ARGS(restarts_args, STEPS("first_decay_steps", "10"), T_MUL, POSITIVE("m_mul", "1"),
     {"alpha", ARG_NUMBER, .fallback = "0", .min = 0, .max = 1}, SHORT);
ARGS(cyclical_args, RATE("max_lr"), STEPS("step_size_up", "4"), CYCLE, SHORT);
ARGS(one_cycle_args, RATE_OR_NULL("max_lr"), STEPS_OR_NULL("total_steps"), ONE_CYCLE, SHORT);

ARGS(l1_args, NOT_NEGATIVE("l1", "0.01"));
ARGS(l2_args, NOT_NEGATIVE("l2", "0.01"));
ARGS(l1_l2_args, NOT_NEGATIVE("l1", "0"), NOT_NEGATIVE("l2", "0"));
// clang-format on

static bool given(const cJSON *config, const char *name)
{
    const cJSON *item = json_member(config, name);

    return item && !cJSON_IsNull(item);
}

static enum code check_optimizer(const cJSON *config, struct error *err)
{
    static const char *const rates[] = {"initial_learning_rate", "max_lr"};

    // Only a LearningRateScheduler has a rate to fall back on: the optimizer's.
    for (int i = 0; i < 2; i++) {
        const cJSON *rate = json_member(json_member(config, "learning_rate"), rates[i]);
        if (rate && cJSON_IsNull(rate))
            return fail(err, E_MISSING, json_pointer_of("/learning_rate", rates[i]).text,
                        "a schedule as learning_rate needs its %s", rates[i]);
    }
    if (given(config, "clipnorm") + given(config, "global_clipnorm") + given(config, "clipvalue") >
        1)
        return fail(err, E_INVALID, given(config, "clipvalue") ? "/clipvalue" : "/global_clipnorm",
                    "only one of clipnorm, global_clipnorm and clipvalue can be set");
    return OK;
}

static enum code one_value_more_than_boundaries(const cJSON *config, struct error *err)
{
    const cJSON *boundaries = json_member(config, "boundaries"), *item;
    int n = cJSON_GetArraySize(boundaries),
        values = cJSON_GetArraySize(json_member(config, "values"));
    double before = -1;

    if (values != n + 1)
        return fail(err, E_INVALID, "/values", "%d boundaries need %d values; there are %d", n,
                    n + 1, values);
    cJSON_ArrayForEach(item, boundaries)
    {
        if (item->valuedouble <= before)
            return fail(err, E_INVALID, "/boundaries", "boundaries must grow");
        before = item->valuedouble;
    }
    return OK;
}

const struct entry catalogue_optimizers[] = {
    {.name = "SGD", .args = sgd_args, .check = check_optimizer},
    {.name = "RMSprop", .args = rmsprop_args, .check = check_optimizer},
    {.name = "Adam", .args = adam_args, .check = check_optimizer},
    {.name = "AdamW", .args = adamw_args, .check = check_optimizer},
    {.name = "Adagrad", .args = adagrad_args, .check = check_optimizer},
    {.name = "Nadam", .args = nadam_args, .check = check_optimizer},
    {0},
};

const struct entry catalogue_losses[] = {
    {.name = "sparse_categorical_crossentropy", .args = sparse_args},
    {.name = "categorical_crossentropy", .args = smoothed_args},
    {.name = "binary_crossentropy", .args = smoothed_args},
    {.name = "mean_squared_error"},
    {.name = "mean_absolute_error"},
    {.name = "huber", .args = huber_args},
    {0},
};

const struct entry catalogue_metrics[] = {
    {.name = "accuracy", .args = metric_args, .better = 1},
    {.name = "top_k_accuracy", .args = top_k_args, .better = 1},
    {.name = "precision", .args = precision_args, .better = 1},
    {.name = "recall", .args = precision_args, .better = 1},
    {.name = "f1", .args = f1_args, .better = 1},
    {.name = "auc", .args = auc_args, .better = 1},
    {.name = "mae", .args = metric_args, .better = -1},
    {.name = "mse", .args = metric_args, .better = -1},
    {.name = "rmse", .args = metric_args, .better = -1},
    {0},
};

const struct entry catalogue_callbacks[] = {
    {.name = "EarlyStopping", .args = early_stopping_args},
    {.name = "ReduceLROnPlateau", .args = reduce_lr_args},
    {.name = "LearningRateScheduler", .args = scheduler_args},
    {.name = "TerminateOnNaN"},
    {0},
};

const struct entry catalogue_schedules[] = {
    {.name = "ExponentialDecay", .args = exponential_decay_args},
    {.name = "PiecewiseConstantDecay",
     .args = piecewise_args,
     .check = one_value_more_than_boundaries},
    {.name = "PolynomialDecay", .args = polynomial_decay_args},
    {.name = "InverseTimeDecay", .args = exponential_decay_args},
    {.name = "CosineDecay", .args = cosine_decay_args},
    {.name = "CosineDecayRestarts", .args = cosine_restarts_args},
    {.name = "CyclicLR", .args = cyclic_lr_args},
    {.name = "OneCycleLR", .args = one_cycle_lr_args},
    {.name = "step", .args = step_args},
    {.name = "exponential", .args = exponential_args},
    {.name = "polynomial", .args = polynomial_args},
    {.name = "cosine", .args = cosine_args},
    {.name = "cosine_restarts", .args = restarts_args},
    {.name = "cyclical", .args = cyclical_args},
    {.name = "one_cycle", .args = one_cycle_args},
    {0},
};

const struct entry catalogue_regularizers[] = {{.name = "l1", .args = l1_args},
                                               {.name = "l2", .args = l2_args},
                                               {.name = "l1_l2", .args = l1_l2_args},
                                               {0}};

const struct entry catalogue_activations[] = {
    {.name = "linear"},
    {.name = "relu"},
    {.name = "hard_sigmoid"},
    {.name = "leaky_relu"},
    {.name = "elu"},
    {.name = "selu"},
    {.name = "gelu"},
    {.name = "silu"},
    {.name = "sigmoid"},
    {.name = "tanh"},
    {.name = "softplus"},
    {.name = "softmax"},
    {0},
};

const struct entry catalogue_initializers[] = {
    {.name = "glorot_uniform"}, {.name = "glorot_normal"}, {.name = "he_uniform"},
    {.name = "he_normal"},      {.name = "zeros"},         {.name = "ones"},
    {.name = "orthogonal"},     {.name = "uniform"},       {0},
};
