// Keras' callbacks: EarlyStopping, ReduceLROnPlateau, LearningRateScheduler, TerminateOnNaN, in the
// order of the study's list. They decide; the training loop acts. Epochs count from 0 here, as in Keras.
//
// The training loop:
//     for each epoch e:
//         callbacks_epoch_begin(c, e, &rate)            LearningRateScheduler sets the rate
//         for each batch: if (callbacks_batch_end(c, loss)) stop      (loss: the running mean Keras logs)
//         put "learning_rate" = rate into the log (what this epoch was trained with)
//         callbacks_epoch_end(c, e, log, &rate, &actions)
//             for each bit i of actions.save: copy the weights to slot i
//             actions.stop: this was the last epoch
//     callbacks_train_end(c): slot to take the weights back from, or -1
#ifndef TUNERD_WORKER_ENGINE_CALLBACKS_H
#define TUNERD_WORKER_ENGINE_CALLBACKS_H

#include "common/error.h"
#include "common/json.h"
#include "worker/engine/metrics.h"

struct callbacks;

// One value of an epoch's log; names as Keras', "val_loss" and so on.
struct log_value {
    const char *name;
    double value;
};

struct callback_actions {
    bool stop;     // end training after this epoch
    unsigned save; // bit i: the weights as they are now are the best ones of slot i
};

// list: the normalised fit.callbacks (NULL or empty: none). epochs: fit.epochs, the length of schedules
// that span training. rate: the optimizer's rate at the beginning. Errors with the pointer
// /fit/callbacks/i/argument: E_UNKNOWN, E_TYPE, E_RANGE; E_MEMORY.
enum code callbacks_new(struct callbacks **out, const cJSON *list, int epochs, double rate,
                        struct error *err);
void callbacks_free(struct callbacks *callbacks); // NULL is fine

// To be called once, before training: settles mode "auto" by the metric that is monitored (a loss is
// better when smaller) and checks that every monitored name is one the log will have. E_UNKNOWN at
// /fit/callbacks/i/monitor; the message lists what there is.
enum code callbacks_check(struct callbacks *callbacks, const struct metrics *metrics,
                          const char *const *names, int count, struct error *err);
// How many copies of the weights the training loop must keep (one for each EarlyStopping with
// restore_best_weights, at most 32).
int callbacks_slots(const struct callbacks *callbacks);
// True when one sets the rate: not to be combined with a schedule as `learning_rate` (as in Keras).
bool callbacks_set_rate(const struct callbacks *callbacks);
// May change *rate.
void callbacks_epoch_begin(struct callbacks *callbacks, int epoch, double *rate);
// True when TerminateOnNaN is there and the loss is NaN or infinite: training ends at once.
bool callbacks_batch_end(struct callbacks *callbacks, double loss);
// May change *rate (for the next epoch). A monitored value that the log lacks changes nothing.
void callbacks_epoch_end(struct callbacks *callbacks, int epoch, const struct log_value *log,
                         int count, double *rate, struct callback_actions *actions);
// When training has ended for whatever reason: the slot whose weights are to be put back, or -1.
int callbacks_train_end(const struct callbacks *callbacks);
// Name of the callback that ended training ("EarlyStopping", "TerminateOnNaN"); NULL when none did.
const char *callbacks_stopped_by(const struct callbacks *callbacks);

// State as bytes, for a checkpoint. The size is fixed from callbacks_new() on. Restoring into callbacks
// of the same list and going on equals never having stopped, bit for bit. E_INVALID: other bytes.
size_t callbacks_state_size(const struct callbacks *callbacks);
void callbacks_save(const struct callbacks *callbacks, unsigned char *out);
enum code callbacks_restore(struct callbacks *callbacks, const unsigned char *bytes, size_t len,
                            struct error *err);

#endif
