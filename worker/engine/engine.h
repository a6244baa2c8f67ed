// The training engine: Keras' Sequential for small networks on a CPU, with Keras' names, defaults and
// formulas. A library: no sockets, no clock but the seconds it reports, no globals, everything from a
// seed; one thread. One training is: data + configuration + seed -> epochs -> report.
#ifndef TUNERD_WORKER_ENGINE_ENGINE_H
#define TUNERD_WORKER_ENGINE_ENGINE_H

#include "common/data/dataset.h"

struct training;

struct training_limits {
    size_t memory;  // bytes a training may take beside the mapped data; 0: no limit
};

enum { METRICS_MAX = 32 };
struct epoch_log {
    int epoch;  // from 1
    int nmetrics;
    struct {
        char name[48];  // Keras' names in Keras' order: loss, accuracy, …, val_loss, …, learning_rate
        double value;   // may be NaN
    } metrics[METRICS_MAX];
    double seconds;      // training part alone
    double val_seconds;
};

// Builds data views, model, optimizer and callbacks from a concrete configuration {"dataset", "model",
// "compile", "fit"} (study_spec_resolve; it is normalised once more). `data` is borrowed and shared.
// Errors: E_RANGE/E_INVALID with the pointer and, for shapes, the layer's name and both shapes; E_LIMIT
// when the model would need more than limits->memory (says how many bytes); E_MEMORY.
enum code training_new(struct training **out, const cJSON *config, const struct dataset *data,
                       uint64_t seed, const struct training_limits *limits, struct error *err);
void training_free(struct training *training);

// Runs one epoch and its validation. E_DIVERGED: the loss became NaN or infinite (log is filled).
enum code training_epoch(struct training *training, struct epoch_log *log, struct error *err);
// True when the epochs are used up or a callback ended training. With restore_best_weights the best
// weights are put back before this turns true.
bool training_done(const struct training *training);
const char *training_end_reason(const struct training *training);  // "epochs", "EarlyStopping", …
int training_epochs_done(const struct training *training);
// Raises or lowers the number of the last epoch (Hyperband's rounds).
void training_set_epochs(struct training *training, int epochs);

// Weights, optimizer and callback state, random stream and epoch as one block of bytes: restoring into
// a training_new() of the same configuration and going on equals never having stopped, bit for bit.
// Save: *out malloc'ed. Restore errors: E_INVALID (another model, damaged bytes).
enum code training_save(const struct training *training, unsigned char **out, size_t *len,
                        struct error *err);
enum code training_restore(struct training *training, const unsigned char *bytes, size_t len,
                           struct error *err);

int64_t training_parameters(const struct training *training);
size_t training_memory(const struct training *training);  // bytes held
// The contract's report: {"summary": {"layers": [{"name", "type", "output_shape", "parameters"}],
// "total_parameters", "trainable_parameters", "non_trainable_parameters", "text"}, "test": {"loss",
// metrics…}, "classification_report": {…, "text"}, "confusion_matrix": [[…]], "samples": [{"index",
// "label", "prediction", "probability", "picture": base64 PNG}]}. Evaluates the test part, or the
// validation part where there is none ("evaluated_on" says which).
cJSON *training_report(struct training *training, struct error *err);

#endif
