// See table.h.

#include "common/data/table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void table_fini(struct table *t)
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

enum code table_fault(const struct table_visit *v, int column, struct error *err, const char *what)
{
    return fail(err, E_INVALID, "", "%s:%lld: column \"%.64s\" %s", v->scanner.source->name,
                (long long)v->scanner.record, v->table->columns[column].name, what);
}

static enum code add_column(struct table *t, int *capacity, const char *name, struct error *err)
{
    if (t->ncolumns == TABLE_COLUMNS_MAX)
        return fail(err, E_LIMIT, "", "%s:1: more than %d columns", t->files[0].name,
                    TABLE_COLUMNS_MAX);
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

static enum code read_names(struct table *t, struct error *err)
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
    for (int c = 0; c < t->ncolumns; c++) {
        if (c != t->target && strcmp(t->columns[c].name, t->columns[t->target].name) == 0)
            return fail(err, E_INVALID, "",
                        "%s:1: two columns are named \"%.64s\"; as the target it must be one",
                        t->files[0].name, t->columns[c].name);
    }
    return OK;
}

enum code table_columns(struct table *t, const char *target, struct error *err)
{
    enum code code = read_names(t, err);
    return code ? code : find_target(t, target, err);
}

static enum code check_header(struct table_visit *v, struct error *err)
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

static enum code visit_record(struct table_visit *v, table_visitor visitor, struct error *err)
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
enum code table_walk(struct table *t, bool test, table_visitor visitor, struct error *err)
{
    struct table_visit v = {.table = t, .test = test};

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
