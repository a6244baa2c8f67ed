// The training engine: Keras' Sequential for small networks on a CPU, with Keras' names, defaults and
// formulas. A library: no sockets, no files, no clock but the seconds it reports, no globals; everything
// comes from a seed. One training is data + configuration + seed -> epochs -> report and predictions.
//
// A whole program (a test compiles it out of this comment and runs it):
//
//     #include <stdio.h>
//     #include <string.h>
//
//     #include "worker/engine/engine.h"
//
//     static const char text[] =
//         "{\"dataset\": {\"scale\": \"standard\", \"validation_split\": 0.2},"
//         " \"model\": {\"layers\": ["
//         "     {\"type\": \"Dense\", \"units\": 32, \"activation\": \"relu\"},"
//         "     {\"type\": \"Dropout\", \"rate\": 0.1},"
//         "     {\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]},"
//         " \"compile\": {\"optimizer\": {\"type\": \"Adam\", \"learning_rate\": 0.01},"
//         "     \"loss\": \"sparse_categorical_crossentropy\", \"metrics\": [\"accuracy\"]},"
//         " \"fit\": {\"epochs\": 40, \"batch_size\": 16, \"callbacks\": ["
//         "     {\"type\": \"EarlyStopping\", \"patience\": 5, \"restore_best_weights\": true}]}}";
//
//     int main(void)
//     {
//         struct training *training = NULL;
//         struct dataset data = {0};
//         struct epoch_log log;
//         struct error err;
//         const float point[] = {0.5f, -0.3f};
//         real probabilities[3];
//         cJSON *config = json_read(text, strlen(text), NULL, &err), *report = NULL;
//         enum code code = config ? dataset_generate("spirals", NULL, 1, &data, &err) : err.code;
//
//         if (code == OK)
//             code = training_new(&training, config, &data, 42, NULL, &err);
//         while (code == OK && !training_done(training)) {
//             code = training_epoch(training, &log, &err);
//             printf("epoch %d:", log.epoch);
//             for (int i = 0; i < log.nmetrics; i++)
//                 printf(" %s %.4f", log.metrics[i].name, log.metrics[i].value);
//             printf("\n");
//         }
//         if (code == OK) {
//             report = training_report(training, &err);
//             code = report ? training_predict(training, point, 1, probabilities, &err) : err.code;
//         }
//         if (code == OK) {
//             printf("%s\n", json_string_or(json_member(report, "classification_report"), "text", ""));
//             printf("that point is of class 1 with %.2f\n", (double)probabilities[1]);
//         } else {
//             fprintf(stderr, "%s: %s\n", err.pointer, err.message);
//         }
//         cJSON_Delete(report);
//         training_free(training);
//         dataset_fini(&data);
//         cJSON_Delete(config);
//         return code != OK;
//     }
//
// It is linked with libengine.a, libcommon.a, cJSON, zlib and libm.
//
// Data (common/data/dataset.h): files read by dataset_prepare() and mapped by dataset_map(), generated
// ones, or one's own arrays in a struct dataset: samples one after the other, of shape info.shape, bytes
// or floats; labels as int32_t from 0 to info.classes - 1, or (info.classes 0) target_width floats each.
// Channels are last, sequences are (steps, features), words are whole numbers with "scale": "none".
//
// Configuration, a JSON tree; what is left out takes Keras' default:
//   dataset   limit, split, validation_split, validation_data, scale          common/data/view.h
//   model     {"layers": [{"type", arguments…}]}, no Input layer: the shape is the data's
//   compile   optimizer, loss: a name or {"type", arguments…}; metrics: a list of such
//   fit       epochs, batch_size, shuffle, class_weight {"0": 2.0}, callbacks: a list of {"type", …}
// What there is, with every argument and its default, stands in the tables of common/catalogue_layers.c and
// common/catalogue_training.c; formulas stand in layers/, kernels/, loss.c, optimizer.c, metrics.h,
// callbacks.h and schedules.h. training_new() takes Keras' exact names and refuses an unknown layer, loss,
// optimizer, metric, callback, activation or initializer, but passes over unknown arguments. Aliases
// ("adam"), bounds and unknown arguments are the business of catalogue_normalise_model(), _compile(), _fit()
// and _dataset() (common/catalogue.h), which name every fault; pass a document from outside through them.
//
// Where it differs from Keras, on purpose:
//   - a softmax or sigmoid that ends the model is fused with its cross-entropy: same loss, and the gradient
//     p - y also where the probability was clipped (as in Keras on TensorFlow)
//   - the log always has learning_rate, and training ends at the first batch whose running loss is not
//     finite, TerminateOnNaN or not
//   - dropout is exact to 2^-32 of its rate, drawn from Philox4x32-10 by (seed, layer, step, place)
//   - f1 is "macro" by default: one number; tests/conformance/keras_cases.json has the rest
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
// Threads: a training belongs to one thread at a time; different ones do not know of each other, and may
// share a data set.
#ifndef TUNERD_WORKER_ENGINE_ENGINE_H
#define TUNERD_WORKER_ENGINE_ENGINE_H

#include "common/data/dataset.h"
#include "worker/engine/real.h"

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

// The model's outputs for samples beside the data set: features as the data set has them (bytes or floats,
// [samples × features]), scaled as the training part was; nothing is dropped, no noise. outputs: [samples ×
// training_outputs()], of a last softmax the probabilities. E_RANGE: a word that Embedding has no row for.
enum code training_predict(struct training *training, const void *features, int64_t samples,
                           real *outputs, struct error *err);
int64_t training_outputs(const struct training *training);

// The index-th array of weights in the order of Keras' get_weights(), layer by layer; false after the last.
struct training_weights {
    int layer;        // in the configuration's list, from 0
    const char *name; // Keras': "kernel", "bias", "gamma", "moving_mean", …
    // Keras', without the model's: "dense_1/kernel", "lstm/lstm_cell/bias". Of layers that were given one
    // name all but the first have _1, _2, … behind it.
    char path[256];
    bool trainable;
    int rank;
    int64_t dim[4];
    size_t size;        // product of dim
    const real *values; // row-major; change with the next epoch, go with the training
};
bool training_weights(const struct training *training, int index, struct training_weights *out);

// Called at the end of each epoch that the loss survived, before the callbacks act on it: the weights are
// those that log's val_ values were measured with, which restore_best_weights may put others in place of.
void training_observe(struct training *training,
                      void (*observe)(void *context, const struct training *training,
                                      const struct epoch_log *log),
                      void *context);

// What the first layer is given: {"shape": [of a sample], "subtract", "divide"}, (x - subtract) / divide
// of the data's own numbers, each one number or one a feature (row-major). NULL: E_MEMORY.
cJSON *training_input(const struct training *training);
// Names of the classes, [data set's classes]; NULL: they have none.
const char *const *training_class_names(const struct training *training, int *count);

// The contract's report: {"summary": {"layers": [{"name", "type", "output_shape", "parameters"}],
// "total_parameters", "trainable_parameters", "non_trainable_parameters", "text"}, "evaluated_on": "test"
// (or "validation", or "training", where there is no other part), "test": {"loss", metrics…},
// "class_names": [names of the matrix's rows] or null, "classification_report": {…, "text"},
// "confusion_matrix": [[…]], "samples": [{"index", "label", "prediction", "probability", "picture":
// base64 PNG}]}; the middle three for up to REPORT_CLASSES_MAX classes, samples are the part's first 16. A new tree, the caller's; NULL: E_MEMORY.
cJSON *training_report(struct training *training, struct error *err);

#endif
