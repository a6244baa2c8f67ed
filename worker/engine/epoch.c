// The loops: one epoch of training with its validation, and evaluation of a part. Nothing is allocated
// here.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "worker/engine/kernels/denormals.h"
#include "worker/engine/report.h"
#include "worker/engine/training_state.h"

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct pass training_pass(const struct training *t, size_t samples, bool training)
{
    return (struct pass){.batch = samples,
                         .training = training,
                         .step = (uint64_t)t->optimizer.iterations,
                         .seed = rng_mix(t->seed, STREAM_NOISE),
                         .kernels = t->kernels,
                         .scratch = t->model.scratch};
}

static void add_metrics(struct training *t, const real *predicted)
{
    const struct metric_batch batch = {.samples = (int)t->batch.samples,
                                       .outputs = (int)t->model.output_size,
                                       .predicted = predicted,
                                       .classes = t->batch.classes,
                                       .values = t->batch.values};

    if (metrics_count(t->metrics) > 0)
        metrics_update(t->metrics, &batch);
}

static struct loss_batch losses_of(const struct training *t, const real *predicted)
{
    return (struct loss_batch){.samples = t->batch.samples,
                               .width = t->model.output_size,
                               .predicted = predicted,
                               .classes = t->batch.classes,
                               .values = t->batch.values,
                               .weights = t->batch.weights};
}

// One step; returns the sum of the samples' losses, penalty included.
static double train_batch(struct training *t)
{
    struct pass pass = training_pass(t, t->batch.samples, true);
    const real *predicted = model_forward(&t->model, &pass, t->batch.x);
    const struct loss_batch batch = losses_of(t, predicted);
    const bool early = !optimizer_clips(&t->optimizer);
    double sum = loss_run(&t->loss, &batch, model_output_gradient(&t->model), NULL);

    add_metrics(t, predicted);
    if (t->model.regularized)
        sum += model_penalty(&t->model) * (double)batch.samples;
    if (t->model.trainable == 0)
        return sum;
    optimizer_begin(&t->optimizer, t->kernels, &t->model);
    if (early) {
        pass.apply = optimizer_apply;
        pass.optimizer = &t->optimizer;
    }
    model_backward(&t->model, &pass, t->batch.x);
    if (t->model.regularized)
        model_penalty_gradient(&t->model);
    optimizer_finish(&t->optimizer, &t->model, early);
    return sum;
}

double training_evaluate(struct training *t, const struct data_part *part, int64_t *confusion)
{
    double sum = 0;

    metrics_reset(t->metrics);
    for (int64_t first = 0; first < part->samples; first += (int64_t)t->batch_size) {
        const int64_t left = part->samples - first;
        const size_t samples = left < (int64_t)t->batch_size ? (size_t)left : t->batch_size;
        const struct pass pass = training_pass(t, samples, false);
        const real *predicted;
        struct loss_batch batch;

        batch_gather(t, part, NULL, first, samples, false);
        predicted = model_forward(&t->model, &pass, t->batch.x);
        batch = losses_of(t, predicted);
        sum += loss_run(&t->loss, &batch, NULL, NULL);
        add_metrics(t, predicted);
        if (confusion)
            report_count(confusion, t->model.output_size > 1 ? (int)t->model.output_size : 2,
                         t->batch.classes, predicted, (int)samples, (int)t->model.output_size);
    }
    return sum / (double)part->samples + (t->model.regularized ? model_penalty(&t->model) : 0);
}

static void log_value(struct epoch_log *log, const char *prefix, const char *name, double value)
{
    if (log->nmetrics == METRICS_MAX)
        return;
    snprintf(log->metrics[log->nmetrics].name, sizeof(log->metrics[0].name), "%s%s", prefix, name);
    log->metrics[log->nmetrics++].value = value;
}

static void log_part(struct training *t, struct epoch_log *log, const char *prefix, double loss)
{
    log_value(log, prefix, "loss", loss);
    for (int i = 0; i < metrics_count(t->metrics); i++)
        log_value(log, prefix, metrics_name(t->metrics, i), metrics_value(t->metrics, i));
}

// All batches once. Returns the epoch's loss; stops at the first that is not a number.
static double train_part(struct training *t)
{
    const struct data_part *part = &t->view.train;
    double sum = 0, seen = 0;

    if (t->shuffle) {
        struct rng rng;

        rng_init(&rng, rng_mix(t->seed, STREAM_SHUFFLE), (uint64_t)t->epochs_done);
        rng_permutation(&rng, t->order, (uint32_t)part->samples);
    }
    metrics_reset(t->metrics);
    for (int64_t first = 0; first < part->samples; first += (int64_t)t->batch_size) {
        const int64_t left = part->samples - first;
        const size_t samples = left < (int64_t)t->batch_size ? (size_t)left : t->batch_size;

        batch_gather(t, part, t->shuffle ? t->order : NULL, first, samples, true);
        sum += train_batch(t);
        seen += (double)samples;
        if (callbacks_batch_end(t->callbacks, sum / seen) || !isfinite(sum))
            break;
    }
    return sum / seen;
}

static void run_callbacks(struct training *t, const struct epoch_log *log)
{
    const size_t weights = t->model.trainable + t->model.frozen;
    struct log_value values[METRICS_MAX];
    struct callback_actions actions = {0};
    double rate = optimizer_rate(&t->optimizer);

    for (int i = 0; i < log->nmetrics; i++)
        values[i] = (struct log_value){log->metrics[i].name, log->metrics[i].value};
    callbacks_epoch_end(t->callbacks, log->epoch - 1, values, log->nmetrics, &rate, &actions);
    if (!t->optimizer.schedule)
        t->optimizer.rate = rate;
    for (int i = 0; i < callbacks_slots(t->callbacks); i++)
        if (actions.save >> i & 1)
            memcpy(t->best + (size_t)i * weights, t->model.weights, weights * sizeof(real));
    if (actions.stop) {
        t->done = true;
        t->end_reason = callbacks_stopped_by(t->callbacks);
    }
}

static void finish(struct training *t)
{
    const size_t weights = t->model.trainable + t->model.frozen;
    const int slot = callbacks_train_end(t->callbacks);

    t->done = true;
    if (slot >= 0)
        memcpy(t->model.weights, t->best + (size_t)slot * weights, weights * sizeof(real));
}

static enum code run_epoch(struct training *t, struct epoch_log *log, struct error *err)
{
    const double start = now();
    double rate = t->optimizer.rate, loss, middle;

    callbacks_epoch_begin(t->callbacks, t->epochs_done, &rate);
    if (!t->optimizer.schedule)
        t->optimizer.rate = rate;
    loss = train_part(t);
    middle = now();
    log->epoch = t->epochs_done + 1;
    log->seconds = middle - start;
    log_part(t, log, "", loss);
    if (!isfinite(loss)) {
        log_value(log, "", "learning_rate", optimizer_rate(&t->optimizer));
        t->done = true;
        t->end_reason = "diverged";
        if (callbacks_stopped_by(t->callbacks))
            t->end_reason = callbacks_stopped_by(t->callbacks);
        return fail(
            err, E_DIVERGED, "",
            "the loss became %s in epoch %d; a smaller learning_rate, or clipnorm, may help",
            isnan(loss) ? "NaN" : "infinite", log->epoch);
    }
    if (t->view.has_validation) {
        log_part(t, log, "val_", training_evaluate(t, &t->view.validation, NULL));
        log->val_seconds = now() - middle;
    }
    log_value(log, "", "learning_rate", optimizer_rate(&t->optimizer));
    t->epochs_done++;
    if (t->observe)
        t->observe(t->observer, t, log);
    run_callbacks(t, log);
    if (!t->done && t->epochs_done >= t->epochs)
        t->end_reason = "epochs";
    if (t->done || t->epochs_done >= t->epochs)
        finish(t);
    return OK;
}

void training_observe(struct training *t,
                      void (*observe)(void *context, const struct training *training,
                                      const struct epoch_log *log),
                      void *context)
{
    t->observe = observe;
    t->observer = context;
}

enum code training_epoch(struct training *t, struct epoch_log *log, struct error *err)
{
    const uint64_t mode = denormals_off();
    enum code code;

    *log = (struct epoch_log){0};
    if (t->done) {
        denormals_restore(mode);
        return fail(err, E_STATE, "", "the training has ended (%s)", t->end_reason);
    }
    code = run_epoch(t, log, err);
    denormals_restore(mode);
    return code;
}
