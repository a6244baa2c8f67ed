// What a training is inside; shared by training.c (building, the door's small functions), epoch.c (the
// loops), checkpoint.c, describe.c and results.c.
#ifndef TUNERD_WORKER_ENGINE_TRAINING_STATE_H
#define TUNERD_WORKER_ENGINE_TRAINING_STATE_H

#include "common/data/view.h"
#include "worker/engine/callbacks.h"
#include "worker/engine/engine.h"
#include "worker/engine/loss.h"
#include "worker/engine/metrics.h"
#include "worker/engine/model.h"
#include "worker/engine/optimizer.h"

// Each use of randomness has a stream of its own, named by the seed and one of these.
enum stream { STREAM_WEIGHTS = 1, STREAM_SHUFFLE, STREAM_NOISE, STREAM_SPLIT };

// One batch, gathered: features as numbers, targets and weights beside them.
struct batch {
    size_t samples;
    real *x;          // [batch × features]
    int32_t *classes; // [batch], or NULL
    real *values;     // [batch × target_width], or NULL
    real *weights;    // [batch], or NULL: no class_weight
};

struct training {
    const struct dataset *data;
    struct data_view view;
    struct model model;
    struct loss loss;
    struct optimizer optimizer;
    struct metrics *metrics;
    struct callbacks *callbacks;
    const struct kernels *kernels;
    uint64_t seed;
    uint64_t fingerprint; // of the configuration: a checkpoint fits only its own
    int epochs, epochs_done;
    size_t batch_size;
    bool shuffle;
    bool done;
    const char *end_reason;
    void (*observe)(void *context, const struct training *training, const struct epoch_log *log);
    void *observer;
    struct batch batch;
    real *shift, *factor; // of the view, as the kernels want them
    real *class_weight;   // [classes] or NULL
    uint32_t *order;      // [train.samples]
    real *best;           // [callbacks_slots × weights]
    void *block;          // order, batch, shift, factor and the rest lie in it
    size_t bytes;         // of all the blocks
};

// Samples of a part in the order given (NULL: as they lie) into t->batch.
void batch_gather(struct training *t, const struct data_part *part, const uint32_t *order,
                  int64_t first, size_t samples, bool weigh);
// The same for features alone, [samples × features] as the data set has them.
void batch_gather_features(struct training *t, const void *features, size_t samples);
// How many words the Embedding has that the features go into, 0 where they go into none; E_RANGE for a
// gathered sample that has another, `first` being the number of the first one.
int64_t batch_words(const struct training *t);
enum code batch_check_words(const struct training *t, int64_t first, struct error *err);
// Loss and t->metrics over a part, without training. Returns the loss with the penalty. confusion: as
// report_count() wants it, or NULL.
double training_evaluate(struct training *t, const struct data_part *part, int64_t *confusion);
cJSON *training_summary(const struct training *t); // of the report; NULL: out of memory
struct pass training_pass(const struct training *t, size_t samples, bool training);

#endif
