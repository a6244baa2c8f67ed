// The table that Keras prints (through rich) at line_length 80: three columns of 35, 26 and 15
// characters with the frame between; what does not fit goes to the cell's next line.

#include "worker/engine/summary.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NCOLUMNS = 3, CELL_SIZE = 160 };
static const int widths[NCOLUMNS] = {33, 24, 13}; // of the text; a space stands on either side

void summary_snake_case(const char *type, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; type[i] && used + 2 < size; i++) {
        bool after_small = i > 0 && islower((unsigned char)type[i - 1]);
        bool before_small = i > 0 && islower((unsigned char)type[i + 1]);
        if (isupper((unsigned char)type[i]) && (after_small || before_small))
            out[used++] = '_';
        out[used++] = (char)tolower((unsigned char)type[i]);
    }
    if (size > 0)
        out[used] = '\0';
}

// Keras' names count the layers of a class that have no name of their own: dense, dense_1, …
static void name_of(const struct summary_layer *layers, int index, char *out, size_t size)
{
    int earlier = 0;

    if (layers[index].name) {
        snprintf(out, size, "%s", layers[index].name);
        return;
    }
    summary_snake_case(layers[index].type, out, size);
    for (int i = 0; i < index; i++)
        earlier += !layers[i].name && strcmp(layers[i].type, layers[index].type) == 0;
    size_t length = strlen(out);
    if (earlier > 0)
        snprintf(out + length, size - length, "_%d", earlier);
}

static void output_text(const struct shape *shape, char out[CELL_SIZE])
{
    size_t used = (size_t)snprintf(out, CELL_SIZE, "(None");

    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(out + used, CELL_SIZE - used, ", %lld", (long long)shape->dim[i]);
    snprintf(out + used, CELL_SIZE - used, ")");
}

// Digits in groups of three.
static void number_text(int64_t number, char out[CELL_SIZE])
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number);
    size_t used = 0;

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
}

static void size_text(int64_t bytes, char *out, size_t size)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    double amount = (double)bytes;
    size_t unit = 0;

    while (amount / 1024 >= 1 && unit < 5) {
        amount /= 1024;
        unit++;
    }
    snprintf(out, size, "%.2f %s", amount, units[unit]);
}

static void repeat(FILE *out, const char *text, int times)
{
    while (times-- > 0)
        fputs(text, out);
}

static void print_rule(FILE *out, const char *left, const char *line, const char *cross,
                       const char *right)
{
    for (int c = 0; c < NCOLUMNS; c++) {
        fputs(c ? cross : left, out);
        repeat(out, line, widths[c] + 2);
    }
    fprintf(out, "%s\n", right);
}

// How much of the text goes on a line of `width`: up to its last space that fits, or cut hard.
static int line_length(const char *text, int width)
{
    int length = (int)strlen(text), cut = width;

    if (length <= width)
        return length;
    while (cut > 0 && text[cut] != ' ')
        cut--;
    return cut > 0 ? cut : width;
}

static void print_row(FILE *out, const char *bar, const char *const cells[NCOLUMNS])
{
    const char *rest[NCOLUMNS] = {cells[0], cells[1], cells[2]};
    bool more = true;

    while (more) {
        more = false;
        for (int c = 0; c < NCOLUMNS; c++) {
            int length = line_length(rest[c], widths[c]), padding = widths[c] - length;
            bool right = c == NCOLUMNS - 1;
            fprintf(out, "%s %*s%.*s%*s ", bar, right ? padding : 0, "", length, rest[c],
                    right ? 0 : padding, "");
            rest[c] += length;
            rest[c] += strspn(rest[c], " ");
            more |= *rest[c] != '\0';
        }
        fprintf(out, "%s\n", bar);
    }
}

static void print_layer(FILE *out, const struct summary_layer *layers, int index)
{
    char name[CELL_SIZE / 2], title[CELL_SIZE], shape[CELL_SIZE], parameters[CELL_SIZE];
    const struct summary_layer *layer = &layers[index];

    name_of(layers, index, name, sizeof name);
    snprintf(title, sizeof title, "%s (%s)", name, layer->type);
    output_text(&layer->output, shape);
    number_text(layer->trainable + layer->frozen, parameters);
    print_row(out, "│", (const char *const[]){title, shape, parameters});
}

struct totals {
    int64_t trainable, frozen;
};

static void print_total(FILE *out, const char *what, int64_t count, int value_size)
{
    char number[CELL_SIZE], size[32];

    number_text(count, number);
    size_text(count * value_size, size, sizeof size);
    fprintf(out, " %s: %s (%s)\n", what, number, size);
}

static void print_summary(FILE *out, const char *model_name, const struct summary_layer *layers,
                          int count, struct totals totals, int value_size)
{
    fprintf(out, "Model: \"%s\"\n", model_name);
    print_rule(out, "┏", "━", "┳", "┓");
    print_row(out, "┃", (const char *const[]){"Layer (type)", "Output Shape", "Param #"});
    print_rule(out, "┡", "━", "╇", "┩");
    for (int i = 0; i < count; i++) {
        if (i > 0)
            print_rule(out, "├", "─", "┼", "┤");
        print_layer(out, layers, i);
    }
    print_rule(out, "└", "─", "┴", "┘");
    print_total(out, "Total params", totals.trainable + totals.frozen, value_size);
    print_total(out, "Trainable params", totals.trainable, value_size);
    print_total(out, "Non-trainable params", totals.frozen, value_size);
}

static bool add_layer(cJSON *list, const struct summary_layer *layers, int index)
{
    char name[CELL_SIZE / 2];
    const struct summary_layer *layer = &layers[index];
    cJSON *json = cJSON_CreateObject(), *shape;

    name_of(layers, index, name, sizeof name);
    bool good = cJSON_AddItemToArray(list, json) && cJSON_AddStringToObject(json, "name", name) &&
                cJSON_AddStringToObject(json, "type", layer->type) &&
                (shape = cJSON_AddArrayToObject(json, "output_shape")) &&
                cJSON_AddItemToArray(shape, cJSON_CreateNull());
    for (int i = 0; i < layer->output.rank && good; i++)
        good = cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)layer->output.dim[i]));
    return good &&
           cJSON_AddNumberToObject(json, "parameters", (double)(layer->trainable + layer->frozen));
}

cJSON *summary_of(const char *model_name, const struct summary_layer *layers, int count,
                  int value_size)
{
    struct totals totals = {0};
    cJSON *json = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(json, "layers");
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool good = list && out;

    for (int i = 0; i < count && good; i++) {
        totals.trainable += layers[i].trainable;
        totals.frozen += layers[i].frozen;
        good = add_layer(list, layers, i);
    }
    if (out)
        print_summary(out, model_name ? model_name : "sequential", layers, count, totals,
                      value_size);
    good = out && fclose(out) == 0 && good &&
           cJSON_AddNumberToObject(json, "total_parameters",
                                   (double)(totals.trainable + totals.frozen)) &&
           cJSON_AddNumberToObject(json, "trainable_parameters", (double)totals.trainable) &&
           cJSON_AddNumberToObject(json, "non_trainable_parameters", (double)totals.frozen) &&
           cJSON_AddStringToObject(json, "text", text);
    free(text);
    if (!good) {
        cJSON_Delete(json);
        return NULL;
    }
    return json;
}
