// Optimizers by Keras' names (keras/src/optimizers): SGD, RMSprop, Adam, AdamW, Adagrad, Nadam, with
// clipnorm, global_clipnorm, clipvalue and weight_decay, over the model's flat block of weights.
#ifndef TUNERD_WORKER_ENGINE_OPTIMIZER_H
#define TUNERD_WORKER_ENGINE_OPTIMIZER_H

#include "worker/engine/model.h"
#include "worker/engine/schedules.h"

enum { OPTIMIZER_SLOTS = 3 };

struct optimizer_ops;
struct optimizer {
    const struct optimizer_ops *ops;
    double rate;               // learning_rate, as callbacks leave it
    struct schedule *schedule; // or NULL; then it gives the rate of every step
    double momentum, rho, beta_1, beta_2, epsilon, initial_accumulator;
    double weight_decay;                         // 0: none
    double clipnorm, global_clipnorm, clipvalue; // 0: none
    bool nesterov, centered, amsgrad;
    int64_t iterations; // steps done
    double u_product;   // Nadam's Π u_t
    size_t size;        // numbers in a slot
    real *slots;        // [OPTIMIZER_SLOTS used × size], after optimizer_allocate()
    // Of the step that is under way:
    step_fn *step;
    struct step_numbers numbers;
    real *weights;
};

// compile: the normalised object; `optimizer` in it a name or {"type", arguments}. steps: of the whole
// training, for schedules that span it. Errors with pointers. Release with optimizer_fini().
enum code optimizer_init(struct optimizer *optimizer, const cJSON *compile, int64_t steps,
                         struct error *err);
void optimizer_fini(struct optimizer *optimizer);
// How many numbers a parameter it keeps (0 to 3).
int optimizer_slots(const struct optimizer *optimizer);
// One block for all slots of `size` numbers, filled as they start.
enum code optimizer_allocate(struct optimizer *optimizer, size_t size, struct error *err);

// Rate of the next step.
double optimizer_rate(const struct optimizer *optimizer);
// One step in three parts: begin, then apply() for the parameters that step themselves (see layer.h)
// while the model runs backward, then finish for the others. Clipping needs all gradients first:
// optimizer_clips() means that nothing may be applied early.
bool optimizer_clips(const struct optimizer *optimizer);
void optimizer_begin(struct optimizer *optimizer, const struct kernels *kernels,
                     struct model *model);
void optimizer_apply(void *optimizer, real *w, const real *g, size_t n);
// early: apply() was called for the parameters that step themselves.
void optimizer_finish(struct optimizer *optimizer, struct model *model, bool early);

#endif
