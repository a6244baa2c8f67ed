// CSV files as a data set. Three walks over the text: what each column is, which categories the text
// columns have, and the values.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/reader.h"
#include "common/data/table.h"

enum { CATEGORIES_MAX = 10000, LABEL_SIZE_MAX = 200 };

static enum code see_type(struct table_visit *v, int column, struct error *err)
{
    struct table *t = v->table;
    double value = 0;

    (void)err;
    if (!csv_number(&v->scanner, &value)) {
        t->columns[column].text |= !csv_missing(&v->scanner) && !csv_infinite(&v->scanner);
        return OK;
    }
    if (column == t->target && !v->test) {
        bool coded = value >= 0 && value < TABLE_CLASSES_MAX && value == floor(value);
        t->whole &= coded;
        if (coded)
            t->seen[(int)value] = true;
    }
    return OK;
}

// Index of a category, or where it would have to be put in (*found false).
static int find_category(const struct column *c, const char *value, bool *found)
{
    int low = 0, high = c->ncategories;

    while (low < high) {
        int middle = (low + high) / 2, order = strcmp(c->categories[middle], value);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static enum code see_category(struct table_visit *v, int column, struct error *err)
{
    struct column *c = &v->table->columns[column];
    bool found = false;

    if (!c->text)
        return OK;
    if (v->scanner.length == 0)
        return table_fault(v, column, err, "has no value; fill it in or leave the line out");
    if (v->scanner.length > LABEL_SIZE_MAX)
        return table_fault(
            v, column, err,
            column == v->table->target
                ? "has a label of more than 200 bytes; that is no class"
                : "has a text of more than 200 bytes; that is no category: leave the "
                  "column out");
    int at = find_category(c, v->scanner.field, &found);
    if (found)
        return OK;
    if (c->ncategories == CATEGORIES_MAX)
        return table_fault(v, column, err,
                           "is text with more than 10,000 different values; that is no "
                           "category: leave the column out");
    if ((c->ncategories & (c->ncategories - 1)) == 0) {
        size_t more = c->ncategories ? 2 * (size_t)c->ncategories : 1;
        char **categories = realloc(c->categories, more * sizeof *categories);
        if (!categories)
            return fail(err, E_MEMORY, "", "out of memory reading %s", v->scanner.source->name);
        c->categories = categories;
    }
    char *copy = strdup(v->scanner.field);
    if (!copy)
        return fail(err, E_MEMORY, "", "out of memory reading %s", v->scanner.source->name);
    memmove(c->categories + at + 1, c->categories + at,
            (size_t)(c->ncategories - at) * sizeof *c->categories);
    c->categories[at] = copy;
    c->ncategories++;
    return OK;
}

// Numbers as target are classes when they are 0..n-1, each there.
static void count_classes(struct table *t)
{
    const struct column *target = &t->columns[t->target];

    if (target->text) {
        t->classes = target->ncategories;
        return;
    }
    while (t->whole && t->classes < TABLE_CLASSES_MAX && t->seen[t->classes])
        t->classes++;
    for (int64_t k = t->classes; k < TABLE_CLASSES_MAX; k++)
        t->whole &= !t->seen[k];
    if (!t->whole || t->classes < 2)
        t->classes = 0;
}

static enum code lay_out(struct table *t, struct error *err)
{
    for (int c = 0; c < t->ncolumns; c++) {
        struct column *column = &t->columns[c];
        if (c == t->target)
            continue;
        column->feature = t->features;
        column->width = column->text && t->one_hot ? column->ncategories : 1;
        t->features += column->width;
    }
    for (int part = 0; part < 2; part++) {
        if (t->features > DATASET_FEATURES_MAX || t->rows[part] > UINT32_MAX / 2 ||
            t->rows[part] > INPUT_BYTES_MAX / 4 / t->features)
            return fail(err, E_LIMIT, "", "%s: %lld rows of %lld features are too many",
                        t->files[part].name, (long long)t->rows[part], (long long)t->features);
        t->x[part] = calloc((size_t)(t->rows[part] * t->features) + 1, sizeof(float));
        t->y[part] = calloc((size_t)t->rows[part] + 1, sizeof(float));
        if (!t->x[part] || !t->y[part])
            return fail(err, E_MEMORY, "", "out of memory reading %s", t->files[part].name);
    }
    return OK;
}

// The value of a field: the number, or the category's index.
static enum code value_of(struct table_visit *v, int column, double *out, struct error *err)
{
    const struct column *c = &v->table->columns[column];
    bool found = false;

    if (!c->text) {
        if (csv_number(&v->scanner, out))
            return OK;
        if (csv_infinite(&v->scanner))
            return table_fault(
                v, column, err,
                "has a number that is infinite or too large for 32 bits; every value "
                "must be finite");
        return table_fault(v, column, err, "has no value; fill it in or leave the line out");
    }
    *out = find_category(c, v->scanner.field, &found);
    if (!found)
        return table_fault(v, column, err,
                           v->scanner.length ? "has a value that the training part never has"
                                             : "has no value; fill it in or leave the line out");
    return OK;
}

static enum code put_value(struct table_visit *v, int column, struct error *err)
{
    struct table *t = v->table;
    const struct column *c = &t->columns[column];
    double value = 0;
    enum code code = value_of(v, column, &value, err);

    if (code)
        return code;
    if (column != t->target) {
        float *row = t->x[v->test] + v->row * t->features + c->feature;
        if (c->text && t->one_hot)
            row[(int)value] = 1;
        else
            *row = (float)value;
        return OK;
    }
    if (t->classes == 0) {
        ((float *)t->y[v->test])[v->row] = (float)value;
        return OK;
    }
    if (!(value >= 0 && value < (double)t->classes) || value != floor(value))
        return table_fault(v, column, err, "has a label that the training part never has");
    ((int32_t *)t->y[v->test])[v->row] = (int32_t)value;
    return OK;
}

static char *feature_name(const struct column *c, const char *category)
{
    size_t size = strlen(c->name) + (category ? strlen(category) + 1 : 0) + 1;
    char *name = malloc(size);

    if (name)
        snprintf(name, size, "%s%s%s", c->name, category ? "=" : "", category ? category : "");
    return name;
}

static enum code name_features(const struct table *t, struct dataset *out, struct error *err)
{
    out->feature_names = calloc((size_t)t->features + 1, sizeof *out->feature_names);
    bool good = out->feature_names != NULL;

    for (int c = 0; c < t->ncolumns && good; c++) {
        const struct column *column = &t->columns[c];
        for (int64_t i = 0; c != t->target && i < column->width && good; i++) {
            bool spread = column->text && t->one_hot;
            char *name = feature_name(column, spread ? column->categories[i] : NULL);
            out->feature_names[column->feature + i] = name;
            good = name != NULL;
        }
    }
    return good ? OK : fail(err, E_MEMORY, "", "out of memory naming features");
}

// Hands everything over; class names are moved.
static enum code give(struct table *t, struct dataset *out, struct error *err)
{
    struct column *target = &t->columns[t->target];

    out->info = (struct dataset_info){.train_samples = t->rows[0],
                                      .test_samples = t->rows[1],
                                      .rank = 1,
                                      .shape = {t->features},
                                      .classes = t->classes};
    out->target_width = 1;
    if (target->text) {
        out->class_names = target->categories;
        target->categories = NULL;
        target->ncategories = 0;
    }
    out->train_x = t->x[0];
    out->train_y = t->y[0];
    t->x[0] = t->y[0] = NULL;
    if (t->rows[1] > 0) {
        out->test_x = t->x[1];
        out->test_y = t->y[1];
        t->x[1] = t->y[1] = NULL;
    }
    return name_features(t, out, err);
}

static enum code load_files(struct table *t, const struct dataset_source *source, struct error *err)
{
    enum code code = OK;

    for (int i = 0; i < source->nfiles && !code; i++) {
        bool test = reader_role(source->names[i]).test;
        if (source->nfiles == 1)
            test = false;
        if (t->files[test].text)
            return fail(err, E_INVALID, "", "%s and %s both look like the %s part; rename one",
                        t->files[test].name, source->names[i], test ? "test" : "training");
        code = csv_load(&t->files[test], source->paths[i], source->names[i], err);
    }
    if (!code && !t->files[0].text)
        code = fail(err, E_MISSING, "", "no file looks like the training part");
    return code;
}

static enum code csv_read(const struct dataset_source *source, struct dataset *out,
                          struct error *err)
{
    struct table t = {.whole = true};
    const char *categories = source->categories ? source->categories : "one_hot";
    enum code code = OK;

    t.one_hot = strcmp(categories, "one_hot") == 0;
    if (!t.one_hot && strcmp(categories, "codes") != 0)
        return fail(err, E_UNKNOWN, "/categories", "categories is \"one_hot\" or \"codes\"");
    code = load_files(&t, source, err);
    if (!code)
        code = table_columns(&t, source->target, err);
    for (int test = 0; test < 2 && !code; test++)
        code = table_walk(&t, test, see_type, err);
    if (!code)
        code = table_walk(&t, false, see_category, err);
    if (!code) {
        count_classes(&t);
        code = lay_out(&t, err);
    }
    for (int test = 0; test < 2 && !code; test++)
        code = table_walk(&t, test, put_value, err);
    if (!code)
        code = give(&t, out, err);
    table_fini(&t);
    return code;
}

static bool csv_accepts(const char *file_name)
{
    return reader_has_extension(file_name, ".csv") || reader_has_extension(file_name, ".tsv");
}

const struct reader reader_csv = {"csv", csv_accepts, csv_read};
