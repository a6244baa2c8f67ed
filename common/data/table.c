// CSV files as a data set. Three passes over the text: what each column is, which categories the text
// columns have, and the values. The training file defines the columns; the test file must have them too.

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/data/csv.h"
#include "common/data/reader.h"

enum { COLUMNS_MAX = 100000, CATEGORIES_MAX = 10000, CODED_CLASSES_MAX = 256 };

struct column {
    char *name;
    bool text;       // some value is no number
    int ncategories; // of text: sorted
    char **categories;
    int64_t feature; // where its features begin
    int64_t width;   // how many they are
};

struct table {
    struct csv_text files[2]; // training, test (text NULL: none)
    int64_t rows[2];
    int ncolumns;
    struct column *columns;
    int target;
    bool one_hot;
    int64_t features;
    // of a target of numbers
    bool whole, seen[CODED_CLASSES_MAX];
    int64_t classes;
    float *x[2];
    void *y[2];
};

struct visit {
    struct table *table;
    struct csv_scanner scanner;
    bool test;
    int64_t row;
};

typedef enum code (*visitor_fn)(struct visit *visit, int column, struct error *err);

static void table_fini(struct table *t)
{
    for (int c = 0; c < t->ncolumns; c++) {
        for (int i = 0; i < t->columns[c].ncategories; i++)
            free(t->columns[c].categories[i]);
        free(t->columns[c].categories);
        free(t->columns[c].name);
    }
    free(t->columns);
    for (int part = 0; part < 2; part++) {
        csv_unload(&t->files[part]);
        free(t->x[part]);
        free(t->y[part]);
    }
}

static enum code fault_at(const struct visit *v, int column, struct error *err, const char *what)
{
    return fail(err, E_INVALID, "", "%s:%lld: column \"%.64s\" %s", v->scanner.source->name,
                (long long)v->scanner.record, v->table->columns[column].name, what);
}

static enum code add_column(struct table *t, int *capacity, const char *name, struct error *err)
{
    if (t->ncolumns == COLUMNS_MAX)
        return fail(err, E_LIMIT, "", "%s:1: more than %d columns", t->files[0].name, COLUMNS_MAX);
    if (t->ncolumns == *capacity) {
        int more = *capacity ? 2 * *capacity : 16;
        struct column *columns = realloc(t->columns, (size_t)more * sizeof *columns);
        if (!columns)
            return fail(err, E_MEMORY, "", "out of memory reading %s", t->files[0].name);
        t->columns = columns;
        *capacity = more;
    }
    char *copy = strdup(name);
    if (!copy)
        return fail(err, E_MEMORY, "", "out of memory reading %s", t->files[0].name);
    t->columns[t->ncolumns++] = (struct column){.name = copy};
    return OK;
}

static enum code read_columns(struct table *t, struct error *err)
{
    struct csv_scanner scanner;
    enum code code = OK;
    int capacity = 0;

    csv_begin(&scanner, &t->files[0]);
    if (!csv_record(&scanner))
        code = fail(err, E_INVALID, "", "%s is empty; its first line must name the columns",
                    t->files[0].name);
    while (!code && !scanner.ended) {
        code = csv_field(&scanner, err);
        if (!code)
            code = add_column(t, &capacity, scanner.field, err);
    }
    csv_end(&scanner);
    return code;
}

static enum code find_target(struct table *t, const char *name, struct error *err)
{
    static const char *const usual[] = {"label", "target", "class", "y"};

    t->target = -1;
    for (int c = 0; c < t->ncolumns && name && t->target < 0; c++) {
        if (strcmp(t->columns[c].name, name) == 0)
            t->target = c;
    }
    if (name && t->target < 0)
        return fail(err, E_UNKNOWN, "/target", "%s has no column \"%.64s\"", t->files[0].name,
                    name);
    for (int i = 0; i < 4 && t->target < 0; i++) {
        for (int c = 0; c < t->ncolumns && t->target < 0; c++) {
            if (strcasecmp(t->columns[c].name, usual[i]) == 0)
                t->target = c;
        }
    }
    if (t->target < 0)
        t->target = t->ncolumns - 1;
    if (t->ncolumns < 2)
        return fail(err, E_INVALID, "",
                    "%s:1: one column only; there must be a target and features", t->files[0].name);
    return OK;
}

static enum code check_header(struct visit *v, struct error *err)
{
    struct csv_scanner *s = &v->scanner;
    bool more = csv_record(s);

    for (int c = 0; c < v->table->ncolumns; c++) {
        enum code code = more && !(c > 0 && s->ended) ? csv_field(s, err) : OK;
        if (code)
            return code;
        if (!more || strcmp(s->field, v->table->columns[c].name) != 0 ||
            s->ended != (c == v->table->ncolumns - 1))
            return fail(err, E_INVALID, "",
                        "%s:%lld: the columns are not those of %s, from \"%.64s\" on",
                        s->source->name, (long long)s->record, v->table->files[0].name,
                        v->table->columns[c].name);
    }
    return OK;
}

static enum code visit_record(struct visit *v, visitor_fn visitor, struct error *err)
{
    for (int c = 0; c < v->table->ncolumns; c++) {
        if (c > 0 && v->scanner.ended)
            return fail(err, E_INVALID, "", "%s:%lld: %d fields; the header has %d",
                        v->scanner.source->name, (long long)v->scanner.record, c,
                        v->table->ncolumns);
        enum code code = csv_field(&v->scanner, err);
        if (!code)
            code = visitor(v, c, err);
        if (code)
            return code;
    }
    if (!v->scanner.ended)
        return fail(err, E_INVALID, "", "%s:%lld: more fields than the header's %d",
                    v->scanner.source->name, (long long)v->scanner.record, v->table->ncolumns);
    return OK;
}

// Calls the visitor for every field of the part below the header; counts its rows.
static enum code visit_part(struct table *t, bool test, visitor_fn visitor, struct error *err)
{
    struct visit v = {.table = t, .test = test};

    if (!t->files[test].text)
        return OK;
    csv_begin(&v.scanner, &t->files[test]);
    enum code code = check_header(&v, err);
    while (!code && csv_record(&v.scanner)) {
        code = visit_record(&v, visitor, err);
        v.row++;
    }
    csv_end(&v.scanner);
    t->rows[test] = v.row;
    if (!code && v.row == 0)
        code = fail(err, E_INVALID, "", "%s has no rows below its header", t->files[test].name);
    return code;
}

static enum code see_type(struct visit *v, int column, struct error *err)
{
    struct table *t = v->table;
    double value = 0;

    (void)err;
    if (!csv_number(&v->scanner, &value)) {
        t->columns[column].text |= !csv_missing(&v->scanner);
        return OK;
    }
    if (column == t->target && !v->test) {
        bool coded = value >= 0 && value < CODED_CLASSES_MAX && value == floor(value);
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

static enum code see_category(struct visit *v, int column, struct error *err)
{
    struct column *c = &v->table->columns[column];
    bool found = false;

    if (!c->text)
        return OK;
    if (v->scanner.length == 0)
        return fault_at(v, column, err, "has no value; fill it in or leave the line out");
    int at = find_category(c, v->scanner.field, &found);
    if (found)
        return OK;
    if (c->ncategories == CATEGORIES_MAX)
        return fault_at(v, column, err,
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
    while (t->whole && t->classes < CODED_CLASSES_MAX && t->seen[t->classes])
        t->classes++;
    for (int64_t k = t->classes; k < CODED_CLASSES_MAX; k++)
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
static enum code value_of(struct visit *v, int column, double *out, struct error *err)
{
    const struct column *c = &v->table->columns[column];
    bool found = false;

    if (!c->text) {
        if (csv_number(&v->scanner, out))
            return OK;
        return fault_at(v, column, err, "has no value; fill it in or leave the line out");
    }
    *out = find_category(c, v->scanner.field, &found);
    if (!found)
        return fault_at(v, column, err,
                        v->scanner.length ? "has a value that the training part never has"
                                          : "has no value; fill it in or leave the line out");
    return OK;
}

static enum code put_value(struct visit *v, int column, struct error *err)
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
        return fault_at(v, column, err, "has a label that the training part never has");
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
        code = read_columns(&t, err);
    if (!code)
        code = find_target(&t, source->target, err);
    for (int test = 0; test < 2 && !code; test++)
        code = visit_part(&t, test, see_type, err);
    if (!code)
        code = visit_part(&t, false, see_category, err);
    if (!code) {
        count_classes(&t);
        code = lay_out(&t, err);
    }
    for (int test = 0; test < 2 && !code; test++)
        code = visit_part(&t, test, put_value, err);
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
