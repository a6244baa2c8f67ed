// LearningRateScheduler and TerminateOnNaN (keras/src/callbacks).

#include "worker/engine/callbacks/kind.h"

static enum code scheduler_init(struct callback *c, const cJSON *config,
                                const struct callback_setting *setting, struct error *err)
{
    struct json_pointer pointer = json_pointer_of(setting->pointer, "schedule");
    return schedule_new(&c->schedule, json_member(config, "schedule"), setting->rate,
                        setting->epochs, pointer.text, err);
}

static void scheduler_begin(struct callback *c, int epoch, double *rate)
{
    *rate = schedule_rate(c->schedule, epoch);
}

const struct callback_kind callback_lr_scheduler = {.name = "LearningRateScheduler",
                                                    .sets_rate = true,
                                                    .init = scheduler_init,
                                                    .epoch_begin = scheduler_begin};

static bool terminate_batch_end(const struct callback *c, double loss)
{
    (void)c;
    return !isfinite(loss);
}

const struct callback_kind callback_terminate_on_nan = {.name = "TerminateOnNaN",
                                                        .batch_end = terminate_batch_end};
