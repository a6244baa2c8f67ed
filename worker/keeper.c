// The numbers lie where a header of any length has room before them: the hole costs no memory.
#include "worker/keeper.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/safetensors.h"

enum { PAGE = 4096, OBJECTIVES_MAX = 64 };
_Static_assert(sizeof(real) == 4, "weights leave as float32");

static enum code read_objectives(struct keeper *keeper, const cJSON *list, struct error *err)
{
    struct objective objectives[OBJECTIVES_MAX];
    int n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const char *name = json_string_or(item, "name", NULL);
        const char *expression = json_string_or(item, "expression", NULL);
        if (n == OBJECTIVES_MAX || (name == NULL) == (expression == NULL))
            return fail(err, E_PROTOCOL, "", "the job's objectives do not hold");
        bool max = strcmp(json_string_or(item, "direction", ""), "max") == 0;
        objectives[n++] = (struct objective){(char *)(uintptr_t)name, (char *)(uintptr_t)expression,
                                             max ? MAXIMIZE : MINIMIZE};
    }
    if (n == 0)
        return fail(err, E_PROTOCOL, "", "the job has no objective");
    keeper->direction = objective_direction(objectives, n);
    return objective_new(objectives, n, &keeper->meter, err);
}

enum code keeper_init(struct keeper *keeper, const cJSON *job, int file, int64_t used,
                      struct error *err)
{
    const cJSON *model = json_member(job, "model");
    *keeper = (struct keeper){.file = file, .best = NAN};
    keeper->at = (used + PAGE - 1) / PAGE * PAGE + SAFETENSORS_HEADER_MAX;
    return cJSON_IsObject(model) ? read_objectives(keeper, json_member(model, "objectives"), err)
                                 : OK;
}

void keeper_fini(struct keeper *keeper)
{
    objective_free(keeper->meter);
    cJSON_Delete(keeper->metrics);
    keeper->meter = NULL;
    keeper->metrics = NULL;
}

static enum code write_at(const struct keeper *keeper, const void *bytes, size_t len, int64_t at,
                          struct error *err)
{
    for (size_t done = 0; done < len;) {
        ssize_t n =
            pwrite(keeper->file, (const char *)bytes + done, len - done, at + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(err, E_IO, "", "cannot keep the weights: %s", strerror(errno));
        done += (size_t)n;
    }
    return OK;
}

static enum code keep(struct keeper *keeper, const struct training *training, struct error *err)
{
    struct training_weights weights;
    int64_t at = keeper->at;
    enum code code = OK;
    for (int i = 0; code == OK && training_weights(training, i, &weights); i++) {
        code = write_at(keeper, weights.values, weights.size * sizeof(real), at, err);
        at += (int64_t)(weights.size * sizeof(real));
    }
    return code;
}

void keeper_look(struct keeper *keeper, const struct training *training, int epoch,
                 const cJSON *metrics)
{
    if (keeper->meter == NULL || keeper->err.code != OK)
        return;
    double value = objective_value(keeper->meter, metrics, training_parameters(training));
    bool better = keeper->direction == MAXIMIZE ? value > keeper->best : value < keeper->best;
    if (!isfinite(value) || (isfinite(keeper->best) && !better))
        return;
    cJSON_Delete(keeper->metrics);
    keeper->metrics = cJSON_Duplicate(metrics, true);
    keeper->best = value;
    keeper->epoch = epoch;
    if (keeper->metrics == NULL)
        fail(&keeper->err, E_MEMORY, "", "out of memory for the weights' metrics");
    else
        keep(keeper, training, &keeper->err);
}

// ---- the header

static bool add_text(cJSON *object, const char *name, char *text)
{
    bool added = text != NULL && cJSON_AddStringToObject(object, name, text) != NULL;
    free(text);
    return added;
}

static bool add_json(cJSON *object, const char *name, const cJSON *tree)
{
    return add_text(object, name, tree ? json_write(tree) : NULL);
}

static bool add_owned(cJSON *object, const char *name, cJSON *tree)
{
    bool added = add_json(object, name, tree);
    cJSON_Delete(tree);
    return added;
}

static bool add_number(cJSON *object, const char *name, double value)
{
    char text[32];
    json_format_number(value, text);
    return cJSON_AddStringToObject(object, name, text) != NULL;
}

static bool add_class_names(cJSON *object, const struct training *training)
{
    int count;
    const char *const *names = training_class_names(training, &count);
    return names == NULL || add_owned(object, "class_names", cJSON_CreateStringArray(names, count));
}

static cJSON *describe(const struct keeper *keeper, const struct training *training,
                       const cJSON *job)
{
    cJSON *all = cJSON_CreateObject();
    const cJSON *model = json_member(job, "model");
    if (cJSON_AddStringToObject(all, "format", "tunerd") &&
        cJSON_AddStringToObject(all, "study", json_string_or(job, "study", "")) &&
        add_number(all, "trial", json_number_or(job, "trial", 0)) &&
        add_number(all, "execution", json_number_or(job, "execution", 0)) &&
        add_number(all, "epoch", keeper->epoch) &&
        add_number(all, "seed", json_number_or(job, "seed", 0)) &&
        add_json(all, "hyperparameters", json_member(model, "hyperparameters")) &&
        add_json(all, "config", json_member(job, "config")) &&
        add_json(all, "metrics", keeper->metrics) &&
        add_owned(all, "input", training_input(training)) && add_class_names(all, training))
        return all;
    cJSON_Delete(all);
    return NULL;
}

static enum code make_header(const struct keeper *keeper, const struct training *training,
                             const cJSON *job, unsigned char **out, size_t *len, struct error *err)
{
    struct training_weights one;
    int count = 0;
    while (training_weights(training, count, &one))
        count++;
    struct training_weights *weights = calloc((size_t)count + 1, sizeof *weights);
    struct safetensor *tensors = calloc((size_t)count + 1, sizeof *tensors);
    cJSON *metadata = describe(keeper, training, job);
    enum code code = OK;
    if (weights == NULL || tensors == NULL || metadata == NULL)
        code = fail(err, E_MEMORY, "", "out of memory");
    for (int i = 0; code == OK && i < count; i++) {
        training_weights(training, i, &weights[i]);
        tensors[i] = (struct safetensor){weights[i].path, weights[i].rank, weights[i].dim};
    }
    if (code == OK)
        code = safetensors_header(metadata, tensors, count, out, len, err);
    free(weights);
    free(tensors);
    cJSON_Delete(metadata);
    return code;
}

static enum code digest(const struct keeper *keeper, int64_t at, int64_t size, char sha256[65],
                        struct error *err)
{
    unsigned char piece[4096], result[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state hash;
    crypto_hash_sha256_init(&hash);
    for (int64_t done = 0; done < size;) {
        size_t want = size - done < (int64_t)sizeof piece ? (size_t)(size - done) : sizeof piece;
        ssize_t n = pread(keeper->file, piece, want, at + done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(err, E_IO, "", "cannot read the weights: %s", strerror(errno));
        crypto_hash_sha256_update(&hash, piece, (unsigned long long)n);
        done += n;
    }
    crypto_hash_sha256_final(&hash, result);
    sodium_bin2hex(sha256, 65, result, sizeof result);
    return OK;
}

static cJSON *result_of(const struct keeper *keeper, const char *sha256, int64_t at, int64_t size)
{
    cJSON *model = cJSON_CreateObject();
    if (cJSON_AddStringToObject(model, "sha256", sha256) &&
        cJSON_AddNumberToObject(model, "size", (double)size) &&
        cJSON_AddNumberToObject(model, "offset", (double)at) &&
        cJSON_AddNumberToObject(model, "epoch", keeper->epoch))
        return model;
    cJSON_Delete(model);
    return NULL;
}

enum code keeper_finish(struct keeper *keeper, const struct training *training, const cJSON *job,
                        cJSON **out, struct error *err)
{
    unsigned char *header = NULL;
    size_t len = 0;
    char sha256[65];
    *out = NULL;
    if (keeper->err.code != OK) {
        *err = keeper->err;
        return err->code;
    }
    if (keeper->meter == NULL || !isfinite(keeper->best) || training_parameters(training) == 0)
        return OK;
    enum code code = make_header(keeper, training, job, &header, &len, err);
    int64_t at = keeper->at - (int64_t)len;
    int64_t size = (int64_t)len + training_parameters(training) * (int64_t)sizeof(real);
    if (code == OK)
        code = write_at(keeper, header, len, at, err);
    free(header);
    if (code == OK)
        code = digest(keeper, at, size, sha256, err);
    if (code != OK)
        return code;
    *out = result_of(keeper, sha256, at, size);
    return *out ? OK : fail(err, E_MEMORY, "", "out of memory");
}
