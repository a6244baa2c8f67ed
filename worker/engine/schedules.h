// Learning-rate schedules: a rate as a function of the step (a `learning_rate` object: steps are
// batches) or of the epoch (LearningRateScheduler's `schedule`: steps are epochs). Computed in double.
//
// Keras' own, with its argument names and formulas (keras/src/optimizers/schedules):
//   ExponentialDecay, PiecewiseConstantDecay, PolynomialDecay, InverseTimeDecay, CosineDecay (with
//   warmup_target, warmup_steps), CosineDecayRestarts
// and the ones for LearningRateScheduler. r is initial_learning_rate (null: the rate at the beginning of
// training), s the step:
//   step             step_size (10), gamma (0.1): r gamma^floor(s / step_size)       (torch StepLR)
//   exponential      decay_steps (1), decay_rate (0.9), staircase                    (ExponentialDecay)
//   polynomial       decay_steps (null: all), end_learning_rate (1e-4), power, cycle (PolynomialDecay)
//   cosine           decay_steps (null: all), alpha (0)                              (CosineDecay)
//   cosine_restarts  first_decay_steps (10), t_mul (2), m_mul (1), alpha (0)         (CosineDecayRestarts)
//   cyclical         max_lr, step_size_up (4), step_size_down (null: the same), mode ("triangular",
//                    "triangular2", "exp_range"), gamma (1); r is the lower bound    (torch CyclicLR)
//   one_cycle        max_lr (null: r), total_steps (null: all), pct_start (0.3), anneal_strategy ("cos",
//                    "linear"), div_factor (25), final_div_factor (1e4), three_phase (false); r is not
//                    used beside max_lr                                             (torch OneCycleLR)
// These seven also take warmup_steps (0): for s < w the rate is schedule(0) (s + 1) / (w + 1), and the
// schedule proper begins at s = w. "CyclicLR" (base_lr) and "OneCycleLR" name the last two as torch does.
#ifndef TUNERD_WORKER_ENGINE_SCHEDULES_H
#define TUNERD_WORKER_ENGINE_SCHEDULES_H

#include <stdint.h>

#include "common/error.h"
#include "common/json.h"

struct schedule;

// config: a name or {"type": name, arguments}. initial: r where the configuration has none (NaN: there
// is none to fall back on). steps: how many "all" are. Errors: E_UNKNOWN, E_TYPE, E_RANGE, E_MISSING
// with a pointer below `pointer`; E_MEMORY.
enum code schedule_new(struct schedule **out, const cJSON *config, double initial, int64_t steps,
                       const char *pointer, struct error *err);
void schedule_free(struct schedule *schedule); // NULL is fine
// The rate of step s >= 0 (the first batch or epoch is 0). Pure: no state.
double schedule_rate(const struct schedule *schedule, int64_t step);

#endif
