// The training engine: Keras' Sequential for small networks on a CPU, with Keras' names, defaults and
// formulas. A library: no sockets, no files, no clock but the seconds it reports, no globals; everything
// comes from a seed. One training = data + configuration + seed -> epochs -> report:
//
//     struct training *t;
//     struct epoch_log log;
//
//     if (training_new(&t, config, &data, seed, NULL, &err))  // nothing is left behind on an error
//         return err.code;
//     while (!training_done(t) && training_epoch(t, &log, &err) == OK)
//         show(&log);
//     report = training_report(t, &err);
//     training_free(t);
//
// Configuration: {"dataset", "model": {"layers": […]}, "compile": {"optimizer", "loss", "metrics"},
// "fit": {"epochs", "batch_size", "shuffle", "class_weight", "callbacks"}} as study_spec_resolve() gives
// it: concrete, every argument present. Arguments that are missing all the same take Keras' defaults.
//
//   dataset      common/data/view.h: limit, split, validation_split, validation_data, scale
//   layers       layers.c has the table, layers/ a file each; channels last, sequences (steps, features)
//   activations, initializers, losses, optimizers    the tables in the .c files of these names
//   metrics, callbacks, schedules                     metrics.h, callbacks.h, schedules.h
//
// Where it differs from Keras, on purpose:
//   - a softmax or sigmoid that ends the model is fused with its cross-entropy: same loss, and the gradient
//     p - y also where the probability was clipped (as in Keras on TensorFlow)
//   - the log always has learning_rate, and training ends at the first batch whose running loss is not
//     finite, TerminateOnNaN or not
//   - dropout is exact to 2^-32 of its rate, drawn from Philox4x32-10 by (seed, layer, step, place)
//
// Determinism: the same configuration, data and seed give the same bits on the same kind of CPU, whatever
// else runs. Weights, shuffling, noise and split each have a stream of their own, so that none moves the
// others. The kernels are picked for the CPU (AVX-512, AVX2, portable) and differ in the last bits.
//
// Speed: one thread; nothing is allocated within an epoch; denormals are flushed while the engine computes.
// Features stay bytes in the mapped data and become numbers as a batch is gathered. Products leave out the
// zeros of their first matrix (pixels, what relu and dropout leave), so that a 0 times NaN or infinity in
// the other counts as 0. tests/bench/engine.py compares with PyTorch.
//
// Threads: a training belongs to one thread at a time; different ones do not know of each other.
#ifndef TUNERD_WORKER_ENGINE_ENGINE_H
#define TUNERD_WORKER_ENGINE_ENGINE_H

#include "common/data/dataset.h"

struct training;

struct training_limits {
    size_t memory; // bytes a training may take beside the mapped data; 0: no limit
};

enum { METRICS_MAX = 32 };
struct epoch_log {
    int epoch; // from 1
    int nmetrics;
    struct {
        char
            name[48]; // Keras' names in Keras' order: loss, accuracy, …, val_loss, …, learning_rate
        double value; // may be NaN
    } metrics[METRICS_MAX];
    double seconds; // training part alone
    double val_seconds;
};

// Builds data view, model, optimizer, metrics and callbacks. `config` is read and not kept; `data` is
// borrowed, shared and must outlive the training.
// Errors, with the JSON pointer into the configuration: E_UNKNOWN, E_RANGE, E_INVALID (for a layer its
// name and the shape it was given; for targets both sizes; for Embedding the sample out of its range);
// E_LIMIT when it would need more than limits->memory, with the bytes, before anything of that size is
// allocated; E_MEMORY.
enum code training_new(struct training **out, const cJSON *config, const struct dataset *data,
                       uint64_t seed, const struct training_limits *limits, struct error *err);
void training_free(struct training *training); // NULL is fine

// Runs one epoch and its validation and fills log. The loss is the mean over the epoch's batches, weighted
// by their sizes, while the weights change, with the regularizers' terms; metrics are those of all samples.
// E_DIVERGED: the loss became NaN or infinite; log holds what there is and the training is over.
// E_STATE: it was over before.
enum code training_epoch(struct training *training, struct epoch_log *log, struct error *err);
// True when the epochs are used up, a callback ended training or it diverged. With restore_best_weights
// the best weights are put back before this turns true.
bool training_done(const struct training *training);
// "epochs", the callback's name ("EarlyStopping", "TerminateOnNaN") or "diverged"; "" while it runs.
const char *training_end_reason(const struct training *training);
int training_epochs_done(const struct training *training);
// Raises or lowers the number of the last epoch (Hyperband's rounds). A training that had used its epochs
// up goes on when there are more; one that a callback ended does not.
void training_set_epochs(struct training *training, int epochs);

// Weights, optimizer and callback state, and epoch as one block of bytes with a checksum: restoring into a
// training_new() of the same configuration and going on equals never having stopped, bit for bit, given
// the same seed (random streams are named by seed, epoch and step and need no state). fit.epochs and the
// seed may differ. Save: *out malloc'ed. Restore errors: E_INVALID (other configuration or version, cut
// short, damaged); the training is unchanged then.
enum code training_save(const struct training *training, unsigned char **out, size_t *len,
                        struct error *err);
enum code training_restore(struct training *training, const unsigned char *bytes, size_t len,
                           struct error *err);

int64_t training_parameters(const struct training *training); // trainable and not
size_t training_memory(const struct training *training);      // bytes held beside the mapped data

// The contract's report: {"summary": {"layers": [{"name", "type", "output_shape", "parameters"}],
// "total_parameters", "trainable_parameters", "non_trainable_parameters", "text"}, "evaluated_on": "test"
// (or "validation", or "training", where there is no other part), "test": {"loss", metrics…},
// "class_names": [names of the matrix's rows] or null, "classification_report": {…, "text"},
// "confusion_matrix": [[…]], "samples": [{"index", "label", "prediction", "probability", "picture":
// base64 PNG}]}; the middle three for up to REPORT_CLASSES_MAX classes, samples are the part's first 16. A new tree, the caller's; NULL: E_MEMORY.
cJSON *training_report(struct training *training, struct error *err);

#endif
