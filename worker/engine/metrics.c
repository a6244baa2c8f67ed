// The list of a study's metrics: names, arguments, and the table of kinds.

#include "worker/engine/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/engine/metrics/kind.h"

static const struct metric_kind *const kinds[] = {
    &metric_accuracy,  &metric_top_k_accuracy,
    &metric_precision, &metric_recall,
    &metric_f1,        &metric_auc,
    &metric_mae,       &metric_mse,
    &metric_rmse,      NULL,
};
enum { NAME_SIZE = 48, CUSTOM_NAME_MAX = 30 }; // with "val_", "_999" and "_1" it fits an epoch_log

struct metrics {
    int count;            // metrics
    struct metric *items; // [count]
    int nvalues;          // entries of the log
    struct entry {
        char name[NAME_SIZE];
        int metric, index;
    } * entries; // [nvalues]
};

static bool is_absent(const cJSON *item)
{
    return !item || cJSON_IsNull(item);
}

enum code metric_integer(const cJSON *args, const char *name, int fallback, int min, int max,
                         const char *pointer, int *out, struct error *err)
{
    const cJSON *item = json_member(args, name);
    int64_t value = fallback;

    if (!is_absent(item) && (!json_is_integer(item, &value) || value < min || value > max))
        return fail(err, E_RANGE, json_pointer_of(pointer, name).text,
                    "%s must be a whole number from %d to %d", name, min, max);
    *out = (int)value;
    return OK;
}

enum code metric_number(const cJSON *args, const char *name, double fallback, const char *pointer,
                        double *out, struct error *err)
{
    const cJSON *item = json_member(args, name);

    if (!is_absent(item) && !cJSON_IsNumber(item))
        return fail(err, E_TYPE, json_pointer_of(pointer, name).text, "%s must be a number", name);
    *out = is_absent(item) ? fallback : item->valuedouble;
    return OK;
}

enum code metric_name_of(const cJSON *args, const char *name, int fallback,
                         const char *const *names, const char *pointer, int *out, struct error *err)
{
    const cJSON *item = json_member(args, name);

    *out = fallback;
    if (is_absent(item))
        return OK;
    for (int i = 0; names[i] && cJSON_IsString(item); i++) {
        if (strcmp(names[i], item->valuestring) == 0) {
            *out = i;
            return OK;
        }
    }
    return fail(err, E_UNKNOWN, json_pointer_of(pointer, name).text,
                "unknown %s; \"%s\" is one of them", name, names[0]);
}

static const struct metric_kind *find_kind(const char *name)
{
    for (int i = 0; kinds[i]; i++) {
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    }
    return NULL;
}

static enum code make_metric(struct metric *m, const cJSON *item, int outputs, const char *pointer,
                             struct error *err)
{
    const char *type = cJSON_IsString(item) ? item->valuestring : json_string_or(item, "type", "");
    const struct metric_kind *kind = find_kind(type);

    if (strlen(json_string_or(item, "name", "")) > CUSTOM_NAME_MAX)
        return fail(err, E_RANGE, json_pointer_of(pointer, "name").text,
                    "a metric's name has at most %d bytes", CUSTOM_NAME_MAX);
    if (!kind)
        return fail(err, E_UNKNOWN, pointer,
                    "unknown metric \"%s\"; there are accuracy, top_k_accuracy, "
                    "precision, recall, f1, auc, mae, mse, rmse",
                    type);
    *m = (struct metric){.kind = kind, .outputs = outputs, .nvalues = 1};
    enum code code = kind->init(m, item, pointer, err);
    if (code)
        return code;
    m->sums = calloc((size_t)m->nsums, sizeof *m->sums);
    return m->sums ? OK : fail(err, E_MEMORY, pointer, "out of memory");
}

static bool is_taken(const struct metrics *metrics, const char *name)
{
    for (int i = 0; i < metrics->nvalues; i++) {
        if (strcmp(metrics->entries[i].name, name) == 0)
            return true;
    }
    return false;
}

// Adds the log entries of metric i under names nobody has yet.
static enum code add_entries(struct metrics *metrics, int i, const cJSON *item, struct error *err)
{
    const struct metric *m = &metrics->items[i];
    const char *base = json_string_or(item, "name", m->kind->name);
    size_t total = (size_t)metrics->nvalues + (size_t)m->nvalues;
    struct entry *entries = realloc(metrics->entries, total * sizeof *entries);

    if (!entries)
        return fail(err, E_MEMORY, "", "out of memory");
    metrics->entries = entries;
    for (int k = 0; k < m->nvalues; k++) {
        struct entry entry = {.metric = i, .index = k};
        if (m->numbered)
            snprintf(entry.name, sizeof entry.name, "%s_%d", base, k);
        else
            snprintf(entry.name, sizeof entry.name, "%s", base);
        size_t length = strlen(entry.name);
        for (int n = 1; is_taken(metrics, entry.name) && n < 1000; n++)
            snprintf(entry.name + length, sizeof entry.name - length, "_%d", n);
        metrics->entries[metrics->nvalues++] = entry;
    }
    return OK;
}

enum code metrics_new(struct metrics **out, const cJSON *list, int outputs, struct error *err)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    int count = cJSON_GetArraySize(list);
    const cJSON *item = NULL;
    enum code code = OK;

    if (metrics)
        metrics->items = calloc((size_t)count + 1, sizeof *metrics->items);
    if (!metrics || !metrics->items)
        code = fail(err, E_MEMORY, "/compile/metrics", "out of memory");
    cJSON_ArrayForEach(item, list)
    {
        if (code)
            break;
        struct json_pointer pointer = json_pointer_at("/compile/metrics", metrics->count);
        code = make_metric(&metrics->items[metrics->count], item, outputs, pointer.text, err);
        if (!code)
            code = add_entries(metrics, metrics->count++, item, err);
    }
    if (code) {
        metrics_free(metrics);
        return code;
    }
    *out = metrics;
    return OK;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (int i = 0; metrics->items && i < metrics->count; i++)
        free(metrics->items[i].sums);
    free(metrics->items);
    free(metrics->entries);
    free(metrics);
}

void metrics_reset(struct metrics *metrics)
{
    for (int i = 0; i < metrics->count; i++) {
        struct metric *m = &metrics->items[i];
        memset(m->sums, 0, (size_t)m->nsums * sizeof *m->sums);
    }
}

void metrics_update(struct metrics *metrics, const struct metric_batch *batch)
{
    for (int i = 0; i < metrics->count; i++)
        metrics->items[i].kind->update(&metrics->items[i], batch);
}

int metrics_count(const struct metrics *metrics)
{
    return metrics->nvalues;
}

const char *metrics_name(const struct metrics *metrics, int index)
{
    return metrics->entries[index].name;
}

double metrics_value(const struct metrics *metrics, int index)
{
    const struct entry *entry = &metrics->entries[index];
    const struct metric *m = &metrics->items[entry->metric];
    return m->kind->value(m, entry->index);
}

bool metrics_larger_is_better(const struct metrics *metrics, const char *log_name)
{
    const char *name = strncmp(log_name, "val_", 4) == 0 ? log_name + 4 : log_name;

    for (int i = 0; i < metrics->nvalues; i++) {
        const struct entry *entry = &metrics->entries[i];
        if (strcmp(entry->name, name) == 0)
            return metrics->items[entry->metric].kind->larger_is_better;
    }
    return false;
}
