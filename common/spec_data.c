// What can only be checked against the data: shapes through the layers, labels, parts. A space holds too
// many models to build each, so a few points stand for it: the defaults, every hyperparameter at its
// smallest and at its largest, and the largest with each alternative of a Choice. A fault is what no
// point escapes; a space that is only wrong in places gives infeasible trials there.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/spec_parser.h"

enum { POINTS_MAX = 64, LAYERS_WORK_MAX = 8192 };

struct points {
    const struct space *space;
    int n;
    struct value *values; // [POINTS_MAX][space->n]
};

static struct value *point(const struct points *points, int index)
{
    return points->values + (size_t)index * (size_t)points->space->n;
}

static double magnitude(struct value value)
{
    return value.kind == V_INT     ? (double)value.i
           : value.kind == V_FLOAT ? value.f
           : value.kind == V_BOOL  ? value.b
                                   : 0;
}

static bool is_alternative(const struct hp *hp)
{
    return hp->values && hp->nvalues > 1 &&
           (hp->values[0].kind == V_STRING || hp->values[0].kind == V_BOOL);
}

// The smallest (sign -1) or largest (1) value; of strings the default.
static struct value extreme(const struct hp *hp, int sign)
{
    struct value best = hp->fallback;

    if (is_alternative(hp) || hp->type == HP_FIXED)
        return best;
    if (!hp->values) {
        bool falling = hp->grid && hp->sampling == SAMPLING_REVERSE_LOG;
        return hp_value(hp, (sign > 0) != falling ? 1 : 0);
    }
    for (int i = 0; i < hp->nvalues; i++)
        if (sign * magnitude(hp->values[i]) > sign * magnitude(best))
            best = hp->values[i];
    return best;
}

static void add_point(struct points *points, int sign, int changed, int alternative)
{
    struct value *values;

    if (points->n == POINTS_MAX)
        return;
    values = point(points, points->n++);
    for (int i = 0; i < points->space->n; i++)
        values[i] = sign ? extreme(&points->space->hps[i], sign) : points->space->hps[i].fallback;
    if (changed >= 0)
        values[changed] = points->space->hps[changed].values[alternative];
    space_canonicalise(points->space, values);
}

// The first three: defaults, smallest, largest.
static bool choose_points(const struct space *space, struct points *points)
{
    *points = (struct points){.space = space};
    points->values = calloc((size_t)space->n * POINTS_MAX + 1, sizeof *points->values);
    if (!points->values)
        return false;
    add_point(points, 0, -1, 0);
    add_point(points, -1, -1, 0);
    add_point(points, 1, -1, 0);
    for (int i = 0; i < space->n; i++)
        for (int k = 0; is_alternative(&space->hps[i]) && k < space->hps[i].nvalues; k++)
            add_point(points, 1, i, k);
    return true;
}

static enum code check_last_layer(const cJSON *config, const struct shape *last, int index,
                                  const struct dataset_info *info, struct error *err)
{
    const char *loss =
        json_string_or(json_member(json_member(config, "compile"), "loss"), "type", "");
    const cJSON *layer =
        cJSON_GetArrayItem(json_member(json_member(config, "model"), "layers"), index);
    struct json_pointer at = json_pointer_at("/layers", index);
    struct json_pointer place =
        json_member(layer, "units") ? json_pointer_of(at.text, "units") : at;
    long long units = (long long)last->dim[0], classes = (long long)info->classes;
    bool sparse = strcmp(loss, "sparse_categorical_crossentropy") == 0;
    bool one_each = sparse || strcmp(loss, "categorical_crossentropy") == 0;
    bool binary = strcmp(loss, "binary_crossentropy") == 0;
    char text[96];

    if (last->rank != 1)
        return fail(
            err, E_INVALID, at.text,
            "the last layer gives %s for a sample; it must be a list of numbers (put Flatten or "
            "a pooling layer before it)",
            shape_text(last, text));
    if (classes == 0 && sparse)
        return fail(
            err, E_INVALID, "/compile/loss",
            "%s needs class labels, but the target of \"%s\" is numbers; use mean_squared_error",
            loss, json_string_or(json_member(config, "dataset"), "name", ""));
    // One output is class 0 or 1 itself, several are one a class.
    if (units < classes && (units > 1 || one_each || (binary && classes > 2)))
        return fail(
            err, E_RANGE, place.text,
            "the last layer has %lld units, but there are %lld classes in the data; with %s it "
            "needs %lld",
            units, classes, loss, binary && classes == 2 ? 1 : classes);
    return OK;
}

// What the points have shown.
struct findings {
    int failed;         // of the first three points
    struct error first; // failure of the first of them
    int64_t most;       // parameters of the largest model
    struct error size;  // told when that is too many
};

// Place and parameters of the layer that has most of them.
static int widest_layer(const cJSON *model, const struct shape *input, const struct shape *outs,
                        int64_t *parameters)
{
    const struct shape *in = input;
    int index = 0, widest = 0;

    *parameters = 0;
    for (const cJSON *layer = json_member(model, "layers")->child; layer;
         layer = layer->next, index++) {
        const struct entry *entry =
            catalogue_find(CATALOGUE_LAYER, json_string_or(layer, "type", ""));
        struct shape out;
        int64_t trainable = 0, frozen = 0;
        struct error ignored;
        if (entry && entry->infer(layer, in, &out, &trainable, &frozen, &ignored) == OK &&
            trainable > *parameters) {
            *parameters = trainable;
            widest = index;
        }
        in = &outs[index];
    }
    return widest;
}

static void note_size(const struct study_spec *spec, const struct value *values, const cJSON *model,
                      const struct shape *input, const struct shape *outs, int64_t parameters,
                      struct findings *findings)
{
    int64_t own;

    if (parameters <= findings->most)
        return;
    findings->most = parameters;
    if (parameters <= MODEL_PARAMETERS_MAX)
        return;
    struct json_pointer at = json_pointer_at("/layers", widest_layer(model, input, outs, &own));
    fail(&findings->size, E_RANGE, at.text,
         "the largest model of this space has %.3g parameters, %.3g of them here; at most %.3g are "
         "possible: use fewer units or layers",
         (double)parameters, (double)own, (double)MODEL_PARAMETERS_MAX);
    spec_point_into_document(spec, values, "/layers/", &findings->size);
}

// Shapes, labels and size of one point. The pointer of a failure below /layers is into the expanded model.
static enum code check_point(const struct study_spec *spec, const struct value *values,
                             const struct shape *input, const struct dataset_info *info,
                             struct findings *findings, int *nlayers, struct error *err)
{
    cJSON *config = study_spec_resolve(spec, values, err);
    const cJSON *model = json_member(config, "model");
    int64_t parameters = 0, frozen = 0;
    enum code code;

    if (!config)
        return err->code;
    *nlayers = cJSON_GetArraySize(json_member(model, "layers"));
    struct shape *outs = calloc((size_t)*nlayers + 1, sizeof *outs);
    if (!outs) {
        cJSON_Delete(config);
        return fail(err, E_MEMORY, "", "out of memory");
    }
    code = catalogue_infer_model(model, input, outs, &parameters, &frozen, err);
    if (code == OK)
        note_size(spec, values, model, input, outs, parameters, findings);
    if (code == OK && info)
        code = check_last_layer(config, &outs[*nlayers - 1], *nlayers - 1, info, err);
    free(outs);
    cJSON_Delete(config);
    return code;
}

static void check_points(const struct study_spec *spec, const struct shape *input,
                         const struct dataset_info *info, struct faults *faults)
{
    struct points points;
    struct findings findings = {0};
    struct error err;
    int nlayers = 0, work = 0;

    if (!choose_points(&spec->space, &points)) {
        fault(faults, E_MEMORY, "", "out of memory");
        return;
    }
    for (int i = 0; i < points.n && (i < 3 || work < LAYERS_WORK_MAX); i++) {
        enum code code =
            check_point(spec, point(&points, i), input, info, &findings, &nlayers, &err);
        work += nlayers;
        if (code == OK || i >= 3 || findings.failed++ > 0)
            continue;
        spec_point_into_document(spec, point(&points, i), "/layers/", &err);
        findings.first = err;
    }
    if (findings.most > MODEL_PARAMETERS_MAX)
        faults_add(faults, &findings.size);
    if (findings.failed == 3 && info)
        faults_add(faults, &findings.first);
    free(points.values);
}

void spec_check_parameters(const struct study_spec *spec, struct faults *faults)
{
    const struct shape one = {1, {1}};

    check_points(spec, &one, NULL, faults);
}

static void check_parts(const cJSON *dataset, const struct dataset_info *info,
                        struct faults *faults)
{
    const cJSON *split = json_member(dataset, "split");
    double n = (double)info->train_samples, limit = json_number_or(dataset, "limit", n);
    double share = json_number_or(dataset, "validation_split", 0);
    double size = json_number_or(split, "test_size", 0.25);
    bool has_split = cJSON_IsObject(split);

    if (has_split && info->test_samples > 0)
        fault(faults, E_CONFLICT, "/dataset/split",
              "the data set has a test part of %lld samples already; leave split out",
              (long long)info->test_samples);
    if (cJSON_IsString(json_member(dataset, "validation_data")) && info->test_samples == 0 &&
        !has_split)
        fault(faults, E_INVALID, "/dataset/validation_data",
              "the data set has no test part; use validation_split or split");
    if (has_split && info->test_samples == 0) {
        double test = size < 1 ? ceil(n * size) : size;
        if (test >= n)
            fault(faults, E_RANGE, "/dataset/split/test_size",
                  "%.0f of %.0f samples leave none to train on", test, n);
        n -= test;
    }
    n = limit < n ? limit : n;
    if (share > 0 && n >= 1 && (floor(n * (1 - share)) < 1 || floor(n * (1 - share)) >= n))
        fault(faults, E_RANGE, "/dataset/validation_split",
              "%g of %.0f samples leaves one of the two parts without any", share, n);
}

static void check_stratify(const cJSON *dataset, const struct dataset_info *info,
                           struct faults *faults)
{
    if (info->classes == 0 && json_bool_or(json_member(dataset, "split"), "stratify", false))
        fault(faults, E_INVALID, "/dataset/split/stratify",
              "the target is numbers: there are no classes to keep in proportion");
}

static void check_class_weights(const cJSON *fit, const struct dataset_info *info,
                                struct faults *faults)
{
    const cJSON *weights = json_member(fit, "class_weight"), *item;

    if (!cJSON_IsObject(weights))
        return;
    if (info->classes == 0) {
        fault(faults, E_INVALID, "/fit/class_weight",
              "the target is numbers: there are no classes to weigh");
        return;
    }
    cJSON_ArrayForEach(item, weights)
    {
        if (strtol(item->string, NULL, 10) >= info->classes)
            fault(faults, E_RANGE, json_pointer_of("/fit/class_weight", item->string).text,
                  "the data has %lld classes, counted from 0", (long long)info->classes);
    }
}

enum code study_spec_check_data(const struct study_spec *spec, const struct dataset_info *info,
                                struct faults *faults)
{
    struct shape input = {.rank = info->rank};
    int before = faults->count;

    if (!spec->has_model)
        return OK;
    if (info->rank < 1 || info->rank > 4)
        return fault(faults, E_INVALID, "/dataset/name", "samples must have 1 to 4 dimensions");
    for (int i = 0; i < info->rank; i++)
        input.dim[i] = info->shape[i];
    check_parts(json_member(spec->document, "dataset"), info, faults);
    check_stratify(json_member(spec->document, "dataset"), info, faults);
    check_class_weights(json_member(spec->document, "fit"), info, faults);
    check_points(spec, &input, info, faults);
    return faults->count > before ? faults->items[before < FAULTS_MAX ? before : 0].code : OK;
}
