// Puts arrays together to a data set: the files of a source, features and labels, training and test.

#include <stdlib.h>
#include <string.h>

#include "common/data/reader.h"

// Bytes and integers as floats, in place of the old block.
static enum code make_floats(struct array *array, struct error *err)
{
    int64_t count = array_count(array->rank, array->dim);

    if (array->type == ARRAY_FLOATS)
        return OK;
    float *values = malloc((size_t)count * sizeof *values + 1);
    if (!values)
        return fail(err, E_MEMORY, "", "out of memory reading %s", array->file);
    for (int64_t i = 0; i < count; i++)
        values[i] = array->type == ARRAY_BYTES ? (float)((uint8_t *)array->data)[i]
                                               : (float)((int64_t *)array->data)[i];
    free(array->data);
    array->data = values;
    array->type = ARRAY_FLOATS;
    return OK;
}

// Labels become int32 classes; *classes is raised to the highest one + 1.
static enum code make_classes(struct array *y, int64_t *classes, struct error *err)
{
    int64_t n = y->dim[0];
    int32_t *labels = malloc((size_t)n * sizeof *labels + 1);

    if (!labels)
        return fail(err, E_MEMORY, "", "out of memory reading %s", y->file);
    for (int64_t i = 0; i < n; i++) {
        int64_t label = y->type == ARRAY_BYTES ? ((uint8_t *)y->data)[i] : ((int64_t *)y->data)[i];
        if (label < 0 || label >= DATASET_CLASSES_MAX) {
            free(labels);
            return fail(err, E_INVALID, "",
                        "%s: label %lld of sample %lld is out of range; classes "
                        "are whole numbers from 0 to %d",
                        y->file, (long long)label, (long long)i, DATASET_CLASSES_MAX - 1);
        }
        labels[i] = (int32_t)label;
        if (label >= *classes)
            *classes = label + 1;
    }
    free(y->data);
    y->data = labels;
    return OK;
}

static enum code check_part(const struct array *x, const struct array *y, struct error *err)
{
    if (x->rank < 1 || x->dim[0] < 1)
        return fail(err, E_INVALID, "", "%s has no samples", x->file);
    if (x->dim[0] > UINT32_MAX / 2)
        return fail(err, E_LIMIT, "", "%s has %lld samples; the limit is %u", x->file,
                    (long long)x->dim[0], UINT32_MAX / 2);
    if (array_width(x) < 1 || array_width(x) > DATASET_FEATURES_MAX)
        return fail(err, E_INVALID, "", "%s has %lld features a sample; there must be 1 to %d",
                    x->file, (long long)array_width(x), DATASET_FEATURES_MAX);
    if (y->rank < 1 || y->rank > 2 || y->dim[0] != x->dim[0])
        return fail(err, E_INVALID, "", "%s has %lld samples, but %s has %lld labels%s", x->file,
                    (long long)x->dim[0], y->file, (long long)(y->rank ? y->dim[0] : 0),
                    y->rank > 2 ? " of more than one dimension" : "");
    return OK;
}

static enum code check_parts_agree(const struct array *train_x, const struct array *train_y,
                                   const struct array *test_x, const struct array *test_y,
                                   struct error *err)
{
    bool same = train_x->rank == test_x->rank;

    for (int i = 1; same && i < train_x->rank; i++)
        same = train_x->dim[i] == test_x->dim[i];
    if (!same)
        return fail(err, E_INVALID, "", "samples of %s and %s differ in shape", train_x->file,
                    test_x->file);
    if (array_width(train_y) != array_width(test_y) ||
        (train_y->type == ARRAY_FLOATS) != (test_y->type == ARRAY_FLOATS))
        return fail(err, E_INVALID, "", "labels of %s and %s differ in type or width",
                    train_y->file, test_y->file);
    return OK;
}

static enum code assemble_features(struct dataset *out, struct array *train, struct array *test,
                                   struct error *err)
{
    out->info.features_bytes =
        train->type == ARRAY_BYTES && (!test->data || test->type == ARRAY_BYTES);
    if (!out->info.features_bytes) {
        enum code code = make_floats(train, err);
        if (!code && test->data)
            code = make_floats(test, err);
        if (code)
            return code;
    }
    out->info.rank = train->rank > 1 ? train->rank - 1 : 1;
    for (int i = 0; i < out->info.rank; i++)
        out->info.shape[i] = train->rank > 1 ? train->dim[i + 1] : 1;
    return OK;
}

static enum code assemble_labels(struct dataset *out, struct array *train, struct array *test,
                                 struct error *err)
{
    int64_t classes = 0;
    enum code code;

    out->target_width = array_width(train);
    if (train->type == ARRAY_FLOATS || out->target_width > 1) {
        code = make_floats(train, err);
        return !code && test->data ? make_floats(test, err) : code;
    }
    code = make_classes(train, &classes, err);
    out->info.classes = classes;
    if (code || !test->data)
        return code;
    code = make_classes(test, &classes, err);
    if (!code && classes > out->info.classes)
        return fail(err, E_INVALID, "",
                    "%s has label %lld, but the training labels of %s end at %lld", test->file,
                    (long long)classes - 1, train->file, (long long)out->info.classes - 1);
    return code;
}

static void *take(struct array *array)
{
    void *data = array->data;
    array->data = NULL;
    return data;
}

enum code dataset_assemble(struct dataset *out, struct array *train_x, struct array *train_y,
                           struct array *test_x, struct array *test_y, struct error *err)
{
    bool tested = test_x->data != NULL;
    enum code code = check_part(train_x, train_y, err);

    if (!code && tested)
        code = check_part(test_x, test_y, err);
    if (!code && tested)
        code = check_parts_agree(train_x, train_y, test_x, test_y, err);
    if (!code)
        code = assemble_features(out, train_x, test_x, err);
    if (!code)
        code = assemble_labels(out, train_y, test_y, err);
    if (code)
        return code;
    out->info.train_samples = train_x->dim[0];
    out->info.test_samples = tested ? test_x->dim[0] : 0;
    out->train_x = take(train_x);
    out->train_y = take(train_y);
    out->test_x = take(test_x);
    out->test_y = take(test_y);
    return OK;
}

enum code reader_read_files(const struct dataset_source *source,
                            enum code (*read_file)(const char *path, const char *name,
                                                   struct array *out, struct error *err),
                            struct dataset *out, struct error *err)
{
    struct array arrays[2][2] = {0}; // [test][labels]
    enum code code = OK;

    for (int i = 0; i < source->nfiles && !code; i++) {
        struct role role = reader_role(source->names[i]);
        struct array *array = &arrays[role.test][role.labels];
        if (array->file)
            code = fail(err, E_INVALID, "",
                        "%s and %s both look like the %s of the %s part; rename one", array->file,
                        source->names[i], role.labels ? "labels" : "features",
                        role.test ? "test" : "training");
        else
            code = read_file(source->paths[i], source->names[i], array, err);
    }
    for (int test = 0; test < 2 && !code; test++) {
        bool x = arrays[test][0].data != NULL, y = arrays[test][1].data != NULL;
        if (test == 0 ? !(x && y) : x != y)
            code = fail(err, E_MISSING, "",
                        "the %s part has no file of %s; its name should say so, as "
                        "%s does",
                        test ? "test" : "training", x ? "labels" : "features",
                        x ? "\"y_train.npy\" or \"train-labels-idx1-ubyte.gz\""
                          : "\"x_train.npy\" or \"train-images-idx3-ubyte.gz\"");
    }
    if (!code)
        code =
            dataset_assemble(out, &arrays[0][0], &arrays[0][1], &arrays[1][0], &arrays[1][1], err);
    for (int i = 0; i < 4; i++)
        array_fini(&arrays[i / 2][i % 2]);
    return code;
}
