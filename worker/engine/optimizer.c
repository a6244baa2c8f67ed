// Clipping, weight decay and the numbers of a step; the loops are in kernels/body_steps.h.
#include "worker/engine/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct optimizer_ops {
    const char *name;
    double rate, momentum, weight_decay; // Keras' defaults
    int (*slots)(const struct optimizer *o);
    // The kernel of step t = iterations + 1, and its numbers (lr is set, may be changed).
    step_fn *(*prepare)(struct optimizer *o, const struct kernels *k, struct step_numbers *n);
};

static int slots_sgd(const struct optimizer *o)
{
    return o->momentum != 0;
}

static step_fn *prepare_sgd(struct optimizer *o, const struct kernels *k, struct step_numbers *n)
{
    n->a = (real)o->momentum;
    if (o->momentum == 0)
        return k->sgd;
    return o->nesterov ? k->sgd_nesterov : k->sgd_momentum;
}

static int slots_rmsprop(const struct optimizer *o)
{
    return o->centered ? 3 : o->momentum != 0 ? 2 : 1;
}

static step_fn *prepare_rmsprop(struct optimizer *o, const struct kernels *k,
                                struct step_numbers *n)
{
    n->a = (real)o->rho;
    n->b = (real)o->momentum;
    if (o->centered)
        return k->rmsprop_centered;
    return o->momentum != 0 ? k->rmsprop_momentum : k->rmsprop;
}

static int slots_adam(const struct optimizer *o)
{
    return o->amsgrad ? 3 : 2;
}

static step_fn *prepare_adam(struct optimizer *o, const struct kernels *k, struct step_numbers *n)
{
    const double t = (double)(o->iterations + 1);

    n->a = (real)o->beta_1;
    n->b = (real)o->beta_2;
    n->lr = (real)((double)n->lr * sqrt(1 - pow(o->beta_2, t)) / (1 - pow(o->beta_1, t)));
    return o->amsgrad ? k->adam_amsgrad : k->adam;
}

static int slots_adagrad(const struct optimizer *o)
{
    (void)o;
    return 1;
}

static step_fn *prepare_adagrad(struct optimizer *o, const struct kernels *k,
                                struct step_numbers *n)
{
    (void)o, (void)n;
    return k->adagrad;
}

static int slots_nadam(const struct optimizer *o)
{
    (void)o;
    return 2;
}

// u_t = b1 (1 - 0.5 · 0.96^t)
static step_fn *prepare_nadam(struct optimizer *o, const struct kernels *k, struct step_numbers *n)
{
    const double t = (double)(o->iterations + 1), lr = (double)n->lr;
    const double u = o->beta_1 * (1 - 0.5 * pow(0.96, t));
    const double next = o->beta_1 * (1 - 0.5 * pow(0.96, t + 1));

    o->u_product *= u;
    n->a = (real)o->beta_1;
    n->b = (real)o->beta_2;
    n->c = (real)(1 / (1 - pow(o->beta_2, t)));
    n->momentum = (real)(lr * next / (1 - o->u_product * next));
    n->lr = (real)(lr * (1 - u) / (1 - o->u_product));
    return k->nadam;
}

static const struct optimizer_ops optimizers[] = {
    {"SGD", 0.01, 0, 0, slots_sgd, prepare_sgd},
    {"RMSprop", 0.001, 0, 0, slots_rmsprop, prepare_rmsprop},
    {"Adam", 0.001, 0, 0, slots_adam, prepare_adam},
    {"AdamW", 0.001, 0, 0.004, slots_adam, prepare_adam},
    {"Adagrad", 0.001, 0, 0, slots_adagrad, prepare_adagrad},
    {"Nadam", 0.001, 0, 0, slots_nadam, prepare_nadam},
};

static enum code read_rate(struct optimizer *o, const cJSON *item, int64_t steps, struct error *err)
{
    const cJSON *rate = json_member(item, "learning_rate");

    o->rate = json_number_or(item, "learning_rate", o->ops->rate);
    if (cJSON_IsObject(rate) || cJSON_IsString(rate)) {
        const enum code code = schedule_new(&o->schedule, rate, (double)NAN, steps,
                                            "/compile/optimizer/learning_rate", err);

        if (code != OK)
            return code;
        o->rate = schedule_rate(o->schedule, 0);
    }
    return OK;
}

enum code optimizer_init(struct optimizer *o, const cJSON *compile, int64_t steps,
                         struct error *err)
{
    const cJSON *item = json_member(compile, "optimizer");
    const char *name = cJSON_IsString(item) ? item->valuestring : json_string_or(item, "type", "");

    *o = (struct optimizer){.u_product = 1};
    for (size_t i = 0; i < sizeof(optimizers) / sizeof(optimizers[0]); i++)
        if (strcmp(optimizers[i].name, name) == 0)
            o->ops = &optimizers[i];
    if (!o->ops)
        return fail(err, E_UNKNOWN, "/compile/optimizer/type", "there is no optimizer \"%s\"",
                    name);
    o->momentum = json_number_or(item, "momentum", o->ops->momentum);
    o->rho = json_number_or(item, "rho", 0.9);
    o->beta_1 = json_number_or(item, "beta_1", 0.9);
    o->beta_2 = json_number_or(item, "beta_2", 0.999);
    o->epsilon = json_number_or(item, "epsilon", 1e-7);
    o->initial_accumulator = json_number_or(item, "initial_accumulator_value", 0.1);
    o->weight_decay = json_number_or(item, "weight_decay", o->ops->weight_decay);
    o->clipnorm = json_number_or(item, "clipnorm", 0);
    o->global_clipnorm = json_number_or(item, "global_clipnorm", 0);
    o->clipvalue = json_number_or(item, "clipvalue", 0);
    o->nesterov = json_bool_or(item, "nesterov", false);
    o->centered = json_bool_or(item, "centered", false);
    o->amsgrad = json_bool_or(item, "amsgrad", false);
    if ((o->clipnorm > 0) + (o->global_clipnorm > 0) + (o->clipvalue > 0) > 1)
        return fail(err, E_INVALID, "/compile/optimizer",
                    "only one of clipnorm, global_clipnorm and clipvalue can be given");
    return read_rate(o, item, steps, err);
}

void optimizer_fini(struct optimizer *o)
{
    schedule_free(o->schedule);
    free(o->slots);
    *o = (struct optimizer){0};
}

int optimizer_slots(const struct optimizer *o)
{
    return o->ops->slots(o);
}

enum code optimizer_allocate(struct optimizer *o, size_t size, struct error *err)
{
    const size_t numbers = (size_t)optimizer_slots(o) * size;
    const bool adagrad = o->ops->prepare == prepare_adagrad;

    o->size = size;
    o->slots = aligned_alloc(ENGINE_ALIGN, real_padded(numbers + 1) * sizeof(real));
    if (!o->slots)
        return fail(err, E_MEMORY, "", "out of memory");
    for (size_t i = 0; i < numbers; i++)
        o->slots[i] = adagrad ? (real)o->initial_accumulator : 0;
    return OK;
}

double optimizer_rate(const struct optimizer *o)
{
    return o->schedule ? schedule_rate(o->schedule, o->iterations) : o->rate;
}

static double square_sum(const struct param *param)
{
    double sum = 0;

    for (size_t i = 0; i < param->size; i++)
        sum += (double)param->g[i] * (double)param->g[i];
    return sum;
}

static void scale_by(struct param *param, double factor)
{
    for (size_t i = 0; i < param->size; i++)
        param->g[i] = (real)((double)param->g[i] * factor);
}

// keras/src/optimizers/base_optimizer.py, _clip_gradients: clipnorm is for each variable by itself.
static void clip(const struct optimizer *o, struct param *param, double global_norm)
{
    if (o->clipnorm > 0) {
        const double norm = sqrt(square_sum(param));

        if (norm > o->clipnorm)
            scale_by(param, o->clipnorm / norm);
    } else if (o->global_clipnorm > 0) {
        if (global_norm > o->global_clipnorm)
            scale_by(param, o->global_clipnorm / global_norm);
    } else {
        const real limit = (real)o->clipvalue;

        for (size_t i = 0; i < param->size; i++) {
            const real g = param->g[i];

            param->g[i] = g > limit ? limit : g < -limit ? -limit : g;
        }
    }
}

static void clip_all(const struct optimizer *o, struct model *model)
{
    double sum = 0;

    for (int i = 0; o->global_clipnorm > 0 && i < model->nlayers; i++)
        for (int p = 0; p < model->layers[i].nparams; p++)
            if (model->layers[i].params[p].trainable)
                sum += square_sum(&model->layers[i].params[p]);
    for (int i = 0; i < model->nlayers; i++)
        for (int p = 0; p < model->layers[i].nparams; p++)
            if (model->layers[i].params[p].trainable)
                clip(o, &model->layers[i].params[p], sqrt(sum));
}

bool optimizer_clips(const struct optimizer *o)
{
    return o->clipnorm > 0 || o->global_clipnorm > 0 || o->clipvalue > 0;
}

void optimizer_begin(struct optimizer *o, const struct kernels *kernels, struct model *model)
{
    const double rate = optimizer_rate(o);

    o->numbers = (struct step_numbers){
        .lr = (real)rate, .eps = (real)o->epsilon, .decay = (real)(rate * o->weight_decay)};
    o->weights = model->weights;
    o->step = o->ops->prepare(o, kernels, &o->numbers);
}

void optimizer_apply(void *optimizer, real *w, const real *g, size_t n)
{
    struct optimizer *o = optimizer;
    const int slots = optimizer_slots(o);
    real *first = o->slots + (w - o->weights);

    o->step(n, &o->numbers, g, slots > 0 ? first : NULL, slots > 1 ? first + o->size : NULL,
            slots > 2 ? first + 2 * o->size : NULL, w);
}

void optimizer_finish(struct optimizer *o, struct model *model, bool early)
{
    if (optimizer_clips(o))
        clip_all(o, model);
    if (!early)
        optimizer_apply(o, model->weights, model->gradients, model->trainable);
    for (int i = 0; early && i < model->nlayers; i++)
        for (int p = 0; p < model->layers[i].nparams; p++) {
            struct param *param = &model->layers[i].params[p];

            if (param->trainable && !param->steps_itself)
                optimizer_apply(o, param->w, param->g, param->size);
        }
    o->iterations++;
}
