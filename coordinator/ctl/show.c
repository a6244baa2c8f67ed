// JSON answers as text for a terminal.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/ctl/ctl.h"

static char *copy(const char *text)
{
    char *result = strdup(text);
    if (!result) {
        fprintf(stderr, "tunerctl: out of memory\n");
        abort();
    }
    return result;
}

char *show_value(const cJSON *value)
{
    if (!value || cJSON_IsNull(value))
        return copy("-");
    if (cJSON_IsString(value))
        return copy(value->valuestring);
    char *text = json_write(value);
    return text ? text : copy("");
}

char *show_pairs(const cJSON *object)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    const cJSON *member;
    if (!out)
        return copy("");
    cJSON_ArrayForEach(member, object)
    {
        char *value = show_value(member);
        fprintf(out, "%s%s=%s", member == object->child ? "" : " ", member->string, value);
        free(value);
    }
    return fclose(out) == 0 ? text : copy("");
}

void show_begin(struct show_table *table, int ncolumns, const char *const *headings)
{
    *table = (struct show_table){.ncolumns = ncolumns};
    for (int i = 0; i < ncolumns; i++)
        show_cell(table, headings[i]);
}

void show_cell(struct show_table *table, const char *text)
{
    if (table->ncells == table->room) {
        size_t room = table->room ? 2 * table->room : 64;
        char **cells = realloc(table->cells, room * sizeof *cells);
        if (!cells)
            return;
        table->cells = cells;
        table->room = room;
    }
    table->cells[table->ncells++] = copy(text);
}

void show_json(struct show_table *table, const cJSON *value)
{
    char *text = show_value(value);
    show_cell(table, text);
    free(text);
}

// Characters, counting UTF-8 sequences as one.
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void show_end(struct show_table *table, FILE *out)
{
    int columns = table->ncolumns;
    int *widths = calloc((size_t)columns, sizeof *widths);
    for (size_t i = 0; widths && i < table->ncells; i++) {
        int width = width_of(table->cells[i]);
        if (width > widths[i % (size_t)columns])
            widths[i % (size_t)columns] = width;
    }
    for (size_t i = 0; i < table->ncells; i++) {
        int column = (int)(i % (size_t)columns);
        bool last = column == columns - 1;
        if (out)
            fprintf(out, "%s%*s", table->cells[i],
                    last || !widths ? 0 : widths[column] + 2 - width_of(table->cells[i]), "");
        if (out && last)
            fputc('\n', out);
        free(table->cells[i]);
    }
    free(widths);
    free(table->cells);
    *table = (struct show_table){0};
}

const char *show_objective(const cJSON *study)
{
    const cJSON *objective = json_member(study, "objective");
    if (cJSON_IsString(objective))
        return objective->valuestring;
    return json_string_or(objective, "name", json_string_or(objective, "expression", "score"));
}

void show_study(const cJSON *study, FILE *out)
{
    const cJSON *count, *counts = json_member(study, "counts"),
                        *best = json_member(study, "best_trial");
    const char *reason = json_string_or(study, "reason", NULL);
    fprintf(out, "%s: %s", json_string_or(study, "name", ""), json_string_or(study, "state", ""));
    cJSON_ArrayForEach(count, counts) if (count->valuedouble > 0)
        fprintf(out, ", %.0f %s", count->valuedouble, count->string);
    fprintf(out, "%s%s\n", reason ? "\n  " : "", reason ? reason : "");
    if (cJSON_IsObject(best)) {
        fprintf(out, "  best trial %lld: %s %.6g\n", (long long)json_integer_or(best, "number", -1),
                show_objective(study), json_number_or(best, "score", NAN));
    }
}

void show_best(const cJSON *study, const cJSON *report, FILE *out)
{
    const cJSON *member, *best = json_member(study, "best_trial");
    const cJSON *hyperparameters = json_member(best, "hyperparameters");
    const cJSON *test = json_member(report, "test");
    static const char *const headings[] = {"  hyperparameter", "value"};
    if (cJSON_IsObject(hyperparameters) && hyperparameters->child) {
        struct show_table table;
        fprintf(out, "Best hyperparameters:\n");
        show_begin(&table, 2, headings);
        cJSON_ArrayForEach(member, hyperparameters)
        {
            char name[256];
            snprintf(name, sizeof name, "  %s", member->string);
            show_cell(&table, name);
            show_json(&table, member);
        }
        show_end(&table, out);
    }
    if (!cJSON_IsObject(test))
        return;
    fprintf(out, "Best model on the %s data:", json_string_or(report, "evaluated_on", "test"));
    cJSON_ArrayForEach(member, test)
    {
        fprintf(out, "%s %s %.4g", member == test->child ? "" : ",", member->string,
                cJSON_IsNumber(member) ? member->valuedouble : NAN);
    }
    fputc('\n', out);
}
