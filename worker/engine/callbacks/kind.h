// One callback: what it is configured with, what it remembers, and what it does at each moment.
#ifndef TUNERD_WORKER_ENGINE_CALLBACKS_KIND_H
#define TUNERD_WORKER_ENGINE_CALLBACKS_KIND_H

#include <math.h>
#include <stdint.h>

#include "worker/engine/callbacks.h"
#include "worker/engine/schedules.h"

// What a callback remembers between epochs, and all that a checkpoint holds of it.
struct callback_state {
    double best;        // EarlyStopping, ReduceLROnPlateau
    int64_t wait;       // epochs without improvement
    int64_t cooldown;   // ReduceLROnPlateau: epochs left
    int64_t best_epoch; // EarlyStopping
    int32_t has_best;
    int32_t has_weights; // weights were put into the slot
    int32_t stopped;
    int32_t padding;
};

struct callback {
    const struct callback_kind *kind;
    char monitor[64];
    bool larger;    // a larger monitored value is better
    bool automatic; // mode "auto": callbacks_check() settles `larger`
    double min_delta, baseline, factor, min_lr;
    int64_t patience, cooldown, start_from_epoch;
    bool restore_best_weights;
    int slot;                  // of the weights; -1: none
    struct schedule *schedule; // owned
    struct callback_state state;
};

struct callback_setting {
    int epochs;
    double rate;
    const char *pointer;
};

struct callback_moment {
    int epoch;
    const struct log_value *log;
    int count;
    double *rate;
    struct callback_actions *actions;
};

struct callback_kind {
    const char *name;
    bool monitors, sets_rate;
    enum code (*init)(struct callback *c, const cJSON *config,
                      const struct callback_setting *setting, struct error *err);
    void (*epoch_begin)(struct callback *c, int epoch, double *rate);            // NULL: nothing
    bool (*batch_end)(const struct callback *c, double loss);                    // true: stop; NULL
    void (*epoch_end)(struct callback *c, const struct callback_moment *moment); // NULL
};
extern const struct callback_kind callback_early_stopping, callback_reduce_lr,
    callback_lr_scheduler, callback_terminate_on_nan;

// The monitored value of this epoch; false when the log lacks it.
bool callback_current(const struct callback *c, const struct callback_moment *moment, double *out);
// A member that is a number or absent or null. E_TYPE, E_RANGE below the pointer.
enum code callback_number(const cJSON *config, const char *name, double fallback, double min,
                          double max, const char *pointer, double *out, struct error *err);
// The same for whole numbers from 0.
enum code callback_count(const cJSON *config, const char *name, int64_t fallback,
                         const char *pointer, int64_t *out, struct error *err);

#endif
