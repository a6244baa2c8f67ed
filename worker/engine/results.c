// The report of a finished training: summary, test metrics, classification report, confusion matrix and
// sample predictions.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/engine/kernels/denormals.h"
#include "worker/engine/report.h"
#include "worker/engine/training_state.h"

enum { SAMPLES = 16 };

static bool add(cJSON *object, const char *name, cJSON *item)
{
    if (!item)
        return false;
    if (cJSON_AddItemToObject(object, name, item))
        return true;
    cJSON_Delete(item);
    return false;
}

static cJSON *metrics_of(const struct training *t, double loss)
{
    cJSON *object = cJSON_CreateObject();
    bool ok = object && add(object, "loss", cJSON_CreateNumber(loss));

    for (int i = 0; ok && i < metrics_count(t->metrics); i++)
        ok = add(object, metrics_name(t->metrics, i),
                 cJSON_CreateNumber(metrics_value(t->metrics, i)));
    if (ok)
        return object;
    cJSON_Delete(object);
    return NULL;
}

static enum code add_class_sample(struct training *t, const struct data_part *part, int64_t place,
                                  int64_t row, const real *predicted, cJSON *samples,
                                  struct error *err)
{
    const struct dataset_info *info = &t->data->info;
    const int outputs = (int)t->model.output_size, class = report_class(predicted, outputs);
    struct report_sample sample = {.index = place,
                                   .label = t->batch.classes[0],
                                   .prediction = class,
                                   .names = (const char *const *)t->data->class_names,
                                   .nnames = info->classes,
                                   .rank = info->rank,
                                   .shape = info->shape};

    if (outputs > 1)
        sample.probability = (double)predicted[class];
    else
        sample.probability = (double)(class ? predicted[0] : 1 - predicted[0]);
    if (info->features_bytes)
        sample.pixels = (const uint8_t *)part->x + (size_t)row * (size_t)t->view.features;
    return report_add_sample(samples, &sample, err);
}

// The part's first samples with their predictions.
static enum code add_samples(struct training *t, const struct data_part *part, cJSON *report,
                             struct error *err)
{
    const int64_t count = part->samples < SAMPLES ? part->samples : SAMPLES;
    const struct pass pass = training_pass(t, 1, false);
    cJSON *samples = cJSON_AddArrayToObject(report, "samples");
    enum code code = samples ? OK : fail(err, E_MEMORY, "", "out of memory");

    for (int64_t i = 0; code == OK && i < count; i++) {
        const real *predicted;

        batch_gather(t, part, NULL, i, 1, false);
        predicted = model_forward(&t->model, &pass, t->batch.x);
        code = t->batch.classes ? add_class_sample(t, part, i, part->index ? part->index[i] : i,
                                                   predicted, samples, err)
                                : report_add_value(samples, i, (double)t->batch.values[0],
                                                   (double)predicted[0], err);
    }
    return code;
}

// Names of the confusion matrix's rows, or null. A model may have more outputs than there are classes.
static cJSON *names_of(const struct dataset *data, int classes)
{
    cJSON *list;

    if (!data->class_names || data->info.classes > classes)
        return cJSON_CreateNull();
    list = cJSON_CreateArray();
    for (int i = 0; list && i < classes; i++) {
        char number[16];

        snprintf(number, sizeof(number), "%d", i);
        if (!cJSON_AddItemToArray(
                list, cJSON_CreateString(i < data->info.classes ? data->class_names[i] : number))) {
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

static enum code add_classes(const struct training *t, const int64_t *confusion, int classes,
                             cJSON *report, struct error *err)
{
    const int64_t named = t->data->info.classes;
    const struct report_options options = {
        .names = named > classes ? NULL : (const char *const *)t->data->class_names,
        .nnames = named > classes ? 0 : (int)named,
        .digits = 2};

    if (!add(report, "class_names", names_of(t->data, classes)) ||
        !add(report, "classification_report",
             report_classification(confusion, classes, &options)) ||
        !add(report, "confusion_matrix", report_confusion(confusion, classes)))
        return fail(err, E_MEMORY, "", "out of memory");
    return OK;
}

static enum code fill(struct training *t, const struct data_part *part, const char *name,
                      cJSON *report, struct error *err)
{
    const int outputs = (int)t->model.output_size, classes = outputs > 1 ? outputs : 2;
    int64_t *confusion = NULL;
    enum code code = OK;
    double loss;

    if (t->batch.classes && classes <= REPORT_CLASSES_MAX) {
        confusion = calloc((size_t)classes * (size_t)classes, sizeof(*confusion));
        if (!confusion)
            return fail(err, E_MEMORY, "", "out of memory");
    }
    loss = training_evaluate(t, part, confusion);
    if (!add(report, "summary", training_summary(t)) ||
        !add(report, "evaluated_on", cJSON_CreateString(name)) ||
        !add(report, "test", metrics_of(t, loss)))
        code = fail(err, E_MEMORY, "", "out of memory");
    if (code == OK && confusion)
        code = add_classes(t, confusion, classes, report, err);
    if (code == OK)
        code = add_samples(t, part, report, err);
    free(confusion);
    return code;
}

cJSON *training_report(struct training *t, struct error *err)
{
    const struct data_part *const part = t->view.has_test         ? &t->view.test
                                         : t->view.has_validation ? &t->view.validation
                                                                  : &t->view.train;
    const char *const name = t->view.has_test         ? "test"
                             : t->view.has_validation ? "validation"
                                                      : "training";
    const uint64_t mode = denormals_off();
    cJSON *report = cJSON_CreateObject();

    if (!report)
        fail(err, E_MEMORY, "", "out of memory");
    else if (fill(t, part, name, report, err) != OK) {
        cJSON_Delete(report);
        report = NULL;
    }
    denormals_restore(mode);
    return report;
}

int64_t training_outputs(const struct training *t)
{
    return (int64_t)t->model.output_size;
}

static enum code predict(struct training *t, const void *features, int64_t samples, real *outputs,
                         struct error *err)
{
    const size_t wide = t->model.output_size;
    const size_t stride =
        (size_t)t->view.features * (t->data->info.features_bytes ? sizeof(uint8_t) : sizeof(float));

    for (int64_t first = 0; first < samples; first += (int64_t)t->batch_size) {
        const int64_t left = samples - first;
        const size_t now = left < (int64_t)t->batch_size ? (size_t)left : t->batch_size;
        const struct pass pass = training_pass(t, now, false);
        enum code code;

        batch_gather_features(t, (const char *)features + (size_t)first * stride, now);
        code = batch_check_words(t, first, err);
        if (code != OK)
            return code;
        memcpy(outputs + (size_t)first * wide, model_forward(&t->model, &pass, t->batch.x),
               now * wide * sizeof(real));
    }
    return OK;
}

enum code training_predict(struct training *t, const void *features, int64_t samples, real *outputs,
                           struct error *err)
{
    const uint64_t mode = denormals_off();
    const enum code code = predict(t, features, samples, outputs, err);

    denormals_restore(mode);
    return code;
}
