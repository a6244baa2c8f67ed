// Keeps the weights of a training's best epoch by the study's objective, in the file the work came in:
// memory, which the daemon reads on when the child has gone. At the end they are a safetensors file
// (common/safetensors.h) somewhere in it.
//
// Names are Keras' paths without the model's name ("dense_1/kernel"), shapes and order Keras'. "__metadata__":
//   format        "tunerd"              study, trial, execution, epoch, seed
//   hyperparameters, config, metrics    JSON: the trial's; what the engine was given; of that epoch
//   input         JSON: the model is given (x - subtract) / divide of samples of `shape`
//   class_names   JSON: a list, where the data set has names
#ifndef TUNERD_WORKER_KEEPER_H
#define TUNERD_WORKER_KEEPER_H

#include "common/objective.h"
#include "worker/engine/engine.h"

struct keeper {
    int file;
    int64_t at;                    // in the file: of the first number
    struct objective_meter *meter; // NULL: nothing is kept
    enum direction direction;
    double best;    // NaN: none yet
    int epoch;      // of the weights kept
    cJSON *metrics; // of that epoch
    struct error err;
};

// job: {"model": {"objectives", "hyperparameters"}}, or without a model, when nothing will be kept. Weights
// are written behind the file's first `used` bytes. E_PROTOCOL, E_SYNTAX, E_MEMORY.
enum code keeper_init(struct keeper *keeper, const cJSON *job, int file, int64_t used,
                      struct error *err);
void keeper_fini(struct keeper *keeper);

// After an epoch with its metrics (read): its weights are kept when it is the best so far.
void keeper_look(struct keeper *keeper, const struct training *training, int epoch,
                 const cJSON *metrics);
// When the training has completed: completes the file and gives {"sha256", "size", "offset", "epoch"}.
// NULL with OK: there is nothing to be kept. Errors, also those of keeper_look(): E_IO, E_MEMORY, E_LIMIT,
// E_CONFLICT.
enum code keeper_finish(struct keeper *keeper, const struct training *training, const cJSON *job,
                        cJSON **out, struct error *err);

#endif
