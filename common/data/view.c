// See view.h.

#include "common/data/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/split.h"

// A part as the data set has it, without an index.
static struct data_part part_of(const struct dataset *d, bool test)
{
    return (struct data_part){
        .samples = test ? d->info.test_samples : d->info.train_samples,
        .x = test ? d->test_x : d->train_x,
        .y = test ? d->test_y : d->train_y,
    };
}

// Samples from..from + count of a part.
static struct data_part slice(const struct data_view *view, const struct data_part *part,
                              int64_t from, int64_t count)
{
    const struct dataset *d = view->data;
    struct data_part out = *part;
    size_t x_size = d->info.features_bytes ? 1 : sizeof(float);

    out.samples = count;
    if (part->index) {
        out.index = part->index + from;
        return out;
    }
    out.x = (const char *)part->x + (size_t)(from * view->features) * x_size;
    out.y = (const char *)part->y + (size_t)(from * d->target_width) * sizeof(float);
    return out;
}

static enum code apply_limit(struct data_view *view, const cJSON *config, struct error *err)
{
    const cJSON *item = json_member(config, "limit");
    int64_t limit = 0;

    if (!item || cJSON_IsNull(item))
        return OK;
    if (!json_is_integer(item, &limit) || limit < 1)
        return fail(err, E_RANGE, "/dataset/limit", "limit must be a whole number from 1");
    if (limit < view->train.samples)
        view->train = slice(view, &view->train, 0, limit);
    return OK;
}

static enum code read_split(const struct data_view *view, const cJSON *json, uint64_t seed,
                            struct split *split, struct error *err)
{
    const cJSON *state = json_member(json, "random_state");
    int64_t number = (int64_t)(seed & UINT32_MAX);

    if (state && !cJSON_IsNull(state) &&
        (!json_is_integer(state, &number) || number < 0 || number > UINT32_MAX))
        return fail(err, E_RANGE, "/dataset/split/random_state",
                    "random_state must be a whole number from 0 to %u", UINT32_MAX);
    *split = (struct split){.test_size = json_number_or(json, "test_size", 0.25),
                            .random_state = (uint32_t)number,
                            .classes = view->data->info.classes};
    if (!json_bool_or(json, "stratify", false))
        return OK;
    if (split->classes == 0)
        return fail(err, E_INVALID, "/dataset/split/stratify",
                    "stratify needs classes, but this data set has a regression target");
    split->stratify = view->train.y;
    return OK;
}

static enum code apply_split(struct data_view *view, const cJSON *config, uint64_t seed,
                             struct error *err)
{
    const cJSON *json = json_member(config, "split");
    struct split split;
    uint32_t n = (uint32_t)view->train.samples, ntrain = 0;

    if (!json || cJSON_IsNull(json))
        return OK;
    if (view->has_test)
        return fail(err, E_INVALID, "/dataset/split",
                    "this data set has a test part of its own (%lld "
                    "samples); leave split out",
                    (long long)view->test.samples);
    enum code code = read_split(view, json, seed, &split, err);
    if (code)
        return code;
    view->permutation = malloc(n * sizeof *view->permutation);
    if (!view->permutation)
        return fail(err, E_MEMORY, "", "out of memory splitting %u samples", n);
    code = split_samples(&split, n, view->permutation, &ntrain, "/dataset/split", err);
    if (code)
        return code;
    view->train.index = view->permutation;
    view->test = slice(view, &view->train, ntrain, n - ntrain);
    view->train = slice(view, &view->train, 0, ntrain);
    view->has_test = true;
    return OK;
}

static enum code apply_validation(struct data_view *view, const cJSON *config, struct error *err)
{
    const char *source = json_string_or(config, "validation_data", NULL);
    double split = json_number_or(config, "validation_split", 0);
    int64_t n = view->train.samples, keep = (int64_t)floor((double)n * (1 - split));

    if (source && strcmp(source, "test") != 0)
        return fail(err, E_UNKNOWN, "/dataset/validation_data",
                    "validation_data \"%s\" is unknown; \"test\" is the only one", source);
    if (source && !view->has_test)
        return fail(err, E_INVALID, "/dataset/validation_data",
                    "this data set has no test part; give "
                    "\"split\": {\"test_size\": 0.2} or use validation_split");
    if (source) {
        view->validation = view->test;
        view->has_validation = true;
        return OK;
    }
    if (split == 0)
        return OK;
    if (!(split > 0 && split < 1) || keep < 1 || keep >= n)
        return fail(err, E_INVALID, "/dataset/validation_split",
                    "validation_split %g of %lld samples "
                    "leaves one part empty",
                    split, (long long)n);
    view->validation = slice(view, &view->train, keep, n - keep);
    view->train = slice(view, &view->train, 0, keep);
    view->has_validation = true;
    return OK;
}

static const void *sample_of(const struct data_view *view, const struct data_part *part, int64_t i)
{
    int64_t at = part->index ? part->index[i] : i;
    size_t size = view->data->info.features_bytes ? 1 : sizeof(float);
    return (const char *)part->x + (size_t)(at * view->features) * size;
}

static double feature_of(const struct data_view *view, const void *sample, int64_t j)
{
    return view->data->info.features_bytes ? ((const uint8_t *)sample)[j]
                                           : (double)((const float *)sample)[j];
}

// Smallest value and range of each feature; a constant one divides by 1 (scikit-learn's MinMaxScaler).
static void find_ranges(struct data_view *view)
{
    double *low = view->shift, *high = view->divisor;

    for (int64_t i = 0; i < view->train.samples; i++) {
        const void *sample = sample_of(view, &view->train, i);
        for (int64_t j = 0; j < view->features; j++) {
            double x = feature_of(view, sample, j);
            if (i == 0 || x < low[j])
                low[j] = x;
            if (i == 0 || x > high[j])
                high[j] = x;
        }
    }
    for (int64_t j = 0; j < view->features; j++)
        high[j] = high[j] > low[j] ? high[j] - low[j] : 1;
}

// Mean and deviation in one pass (Welford 1962), dividing by n. A constant feature has a variance of
// exactly 0 this way.
static void find_moments(struct data_view *view)
{
    double *mean = view->shift, *sum = view->divisor, n = (double)view->train.samples;

    for (int64_t j = 0; j < view->features; j++)
        mean[j] = sum[j] = 0;
    for (int64_t i = 0; i < view->train.samples; i++) {
        const void *sample = sample_of(view, &view->train, i);
        double weight = 1 / (double)(i + 1);
        for (int64_t j = 0; j < view->features; j++) {
            double x = feature_of(view, sample, j), delta = x - mean[j];
            mean[j] += delta * weight;
            sum[j] += delta * (x - mean[j]);
        }
    }
    for (int64_t j = 0; j < view->features; j++) {
        view->divisor[j] = sum[j] > 0 ? sqrt(sum[j] / n) : 1;
    }
}

static void leave_unscaled(struct data_view *view)
{
    view->shift[0] = 0;
    view->divisor[0] = 1;
}

static void scale_to_unit(struct data_view *view)
{
    if (view->uniform) {
        view->shift[0] = 0;
        view->divisor[0] = 255;
        return;
    }
    find_ranges(view);
}

static const struct scaling {
    const char *name;
    bool uniform_bytes, uniform_floats;
    void (*fit)(struct data_view *view);
} scalings[] = {
    {"none", true, true, leave_unscaled},
    {"0-1", true, false, scale_to_unit},
    {"standard", false, false, find_moments},
};

static enum code apply_scale(struct data_view *view, const cJSON *config, struct error *err)
{
    const char *name = json_string_or(config, "scale", "none");

    for (size_t i = 0; i < sizeof scalings / sizeof *scalings; i++) {
        const struct scaling *s = &scalings[i];
        if (strcmp(s->name, name) != 0)
            continue;
        view->uniform = view->data->info.features_bytes ? s->uniform_bytes : s->uniform_floats;
        size_t count = view->uniform ? 1 : (size_t)view->features;
        view->shift = calloc(count, sizeof *view->shift);
        view->divisor = calloc(count, sizeof *view->divisor);
        if (!view->shift || !view->divisor)
            return fail(err, E_MEMORY, "", "out of memory scaling %zu features", count);
        s->fit(view);
        return OK;
    }
    return fail(err, E_UNKNOWN, "/dataset/scale",
                "scale \"%s\" is unknown; use \"none\", \"0-1\" or \"standard\"", name);
}

enum code data_view_init(struct data_view *view, const struct dataset *data, const cJSON *config,
                         uint64_t seed, struct error *err)
{
    struct data_view made = {
        .data = data,
        .train = part_of(data, false),
        .test = part_of(data, true),
        .has_test = data->info.test_samples > 0,
        .features = 1,
    };

    for (int i = 0; i < data->info.rank; i++)
        made.features *= data->info.shape[i];
    enum code code = apply_limit(&made, config, err);
    if (!code)
        code = apply_split(&made, config, seed, err);
    if (!code)
        code = apply_validation(&made, config, err);
    if (!code)
        code = apply_scale(&made, config, err);
    if (code) {
        data_view_fini(&made);
        return code;
    }
    *view = made;
    return OK;
}

void data_view_fini(struct data_view *view)
{
    free(view->shift);
    free(view->divisor);
    free(view->permutation);
    *view = (struct data_view){0};
}
