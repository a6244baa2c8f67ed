// scikit-learn's classification_report (sklearn/metrics/_classification.py), from the confusion matrix.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/engine/report.h"

int report_class(const real *row, int outputs)
{
    int best = 0;

    if (outputs == 1)
        return row[0] > (real)0.5;
    for (int j = 1; j < outputs; j++)
        best = row[j] > row[best] ? j : best;
    return best;
}

void report_count(int64_t *matrix, int classes, const int32_t *truth, const real *predicted,
                  int samples, int outputs)
{
    for (int i = 0; i < samples; i++) {
        int class = report_class(predicted + (size_t)i * (size_t)outputs, outputs);
        if (truth[i] >= 0 && truth[i] < classes && class < classes)
            matrix[(size_t)truth[i] * (size_t)classes + (size_t) class]++;
    }
}

enum { PRECISION, RECALL, F1, NSCORES };
static const char *const score_names[NSCORES] = {"precision", "recall", "f1-score"};

struct score {
    double value[NSCORES];
    int64_t support;
};

// How often a class (or all of them together) was true, predicted, and both.
struct tally {
    int64_t both, predicted, true_ones;
};

struct report {
    const struct report_options *options;
    int count;           // classes listed
    int *classes;        // [count] which
    struct tally *tally; // [count]
    struct score *score; // [count]
    struct score micro, macro, weighted;
    bool all_present; // every listed class is true or predicted somewhere
};

static double ratio(int64_t x, int64_t y, double zero_division)
{
    return y == 0 ? zero_division : (double)x / (double)y;
}

static struct score score_of(struct tally t, double zero_division)
{
    double precision = ratio(t.both, t.predicted, zero_division);
    double recall = ratio(t.both, t.true_ones, zero_division), sum = precision + recall;

    return (struct score){{precision, recall, 2 * precision * recall / (sum == 0 ? 1 : sum)},
                          t.true_ones};
}

static struct tally tally_of(const int64_t *matrix, int classes, int k)
{
    struct tally t = {.both = matrix[(size_t)k * (size_t)classes + (size_t)k]};

    for (int j = 0; j < classes; j++) {
        t.true_ones += matrix[(size_t)k * (size_t)classes + (size_t)j];
        t.predicted += matrix[(size_t)j * (size_t)classes + (size_t)k];
    }
    return t;
}

// numpy's order of summing (numpy/core/src/umath/loops_utils.h.src, pairwise_sum): the last bit decides
// how 0.925 is rounded.
static double sum_of(const double *a, int n)
{
    double r[8], sum = 0;
    int i = 0;

    if (n > 128) {
        int half = n / 2 - n / 2 % 8;
        return sum_of(a, half) + sum_of(a + half, n - half);
    }
    if (n >= 8) {
        memcpy(r, a, sizeof r);
        for (i = 8; i + 8 <= n; i += 8) {
            for (int k = 0; k < 8; k++)
                r[k] += a[i + k];
        }
        sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    }
    for (; i < n; i++)
        sum += a[i];
    return sum;
}

// The scores averaged over the listed classes: weighted by their support with its total, plain with 0.
static struct score average_of(const struct report *r, int64_t total, double *scratch)
{
    struct score out = {.support = 0};

    for (int v = 0; v < NSCORES; v++) {
        for (int i = 0; i < r->count; i++) {
            double value = r->score[i].value[v];
            scratch[i] = total > 0 ? value * (double)r->score[i].support : value;
        }
        out.value[v] = sum_of(scratch, r->count) / (total > 0 ? (double)total : r->count);
    }
    return out;
}

static void average(struct report *r, double *scratch)
{
    struct tally all = {0};

    for (int i = 0; i < r->count; i++) {
        all.both += r->tally[i].both;
        all.predicted += r->tally[i].predicted;
        all.true_ones += r->tally[i].true_ones;
    }
    r->micro = score_of(all, r->options->zero_division);
    r->macro = average_of(r, 0, scratch);
    if (all.true_ones > 0)
        r->weighted = average_of(r, all.true_ones, scratch);
    r->macro.support = r->weighted.support = all.true_ones;
}

static void report_fini(struct report *r)
{
    free(r->classes);
    free(r->tally);
    free(r->score);
}

static bool report_init(struct report *r, const int64_t *matrix, int classes,
                        const struct report_options *options)
{
    size_t n = (size_t)classes + 1;
    double *scratch = calloc(n, sizeof *scratch);

    *r = (struct report){.options = options,
                         .all_present = true,
                         .classes = calloc(n, sizeof *r->classes),
                         .tally = calloc(n, sizeof *r->tally),
                         .score = calloc(n, sizeof *r->score)};
    if (!scratch || !r->classes || !r->tally || !r->score) {
        free(scratch);
        report_fini(r);
        return false;
    }
    for (int k = 0; k < classes; k++) {
        struct tally t = tally_of(matrix, classes, k);
        bool present = t.true_ones > 0 || t.predicted > 0;
        if (!present && options->only_present)
            continue;
        r->all_present &= present;
        r->classes[r->count] = k;
        r->tally[r->count] = t;
        r->score[r->count++] = score_of(t, options->zero_division);
    }
    average(r, scratch);
    free(scratch);
    return true;
}

static void name_of(const struct report *r, int class, char *out, size_t size)
{
    if (r->options->names && class < r->options->nnames)
        snprintf(out, size, "%s", r->options->names[class]);
    else
        snprintf(out, size, "%d", class);
}

// Width in characters: UTF-8 continuation bytes do not count.
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

enum { NAME_SIZE = 256 };

static void print_name(FILE *out, int width, const char *name)
{
    fprintf(out, "%*s%s ", width - width_of(name), "", name);
}

// scikit-learn's counts are floats when not a single prediction was right, and print so.
static void print_support(FILE *out, const struct report *r, int64_t support)
{
    char text[32];
    snprintf(text, sizeof text, "%lld%s", (long long)support, r->micro.value[F1] > 0 ? "" : ".0");
    fprintf(out, " %9s\n", text);
}

static void print_row(FILE *out, const struct report *r, int width, const char *name,
                      const struct score *s)
{
    print_name(out, width, name);
    for (int v = 0; v < NSCORES; v++)
        fprintf(out, " %9.*f", r->options->digits, s->value[v]);
    print_support(out, r, s->support);
}

static void print_report(FILE *out, const struct report *r)
{
    char name[NAME_SIZE];
    int width = width_of("weighted avg");

    for (int i = 0; i < r->count; i++) {
        name_of(r, r->classes[i], name, sizeof name);
        width = width_of(name) > width ? width_of(name) : width;
    }
    if (r->options->digits > width)
        width = r->options->digits;
    print_name(out, width, "");
    fprintf(out, " %9s %9s %9s %9s\n\n", "precision", "recall", "f1-score", "support");
    for (int i = 0; i < r->count; i++) {
        name_of(r, r->classes[i], name, sizeof name);
        print_row(out, r, width, name, &r->score[i]);
    }
    fputc('\n', out);
    if (r->all_present) {
        print_name(out, width, "accuracy");
        fprintf(out, " %9s %9s %9.*f", "", "", r->options->digits, r->micro.value[F1]);
        print_support(out, r, r->macro.support);
    } else {
        print_row(out, r, width, "micro avg", &r->micro);
    }
    print_row(out, r, width, "macro avg", &r->macro);
    print_row(out, r, width, "weighted avg", &r->weighted);
}

static bool add_text(cJSON *json, const struct report *r)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return false;
    print_report(out, r);
    bool good = fclose(out) == 0 && cJSON_AddStringToObject(json, "text", text);
    free(text);
    return good;
}

static bool add_score(cJSON *json, const char *key, const struct score *s)
{
    cJSON *row = cJSON_AddObjectToObject(json, key);
    bool good = row != NULL;

    for (int v = 0; v < NSCORES && good; v++)
        good = cJSON_AddNumberToObject(row, score_names[v], s->value[v]) != NULL;
    return good && cJSON_AddNumberToObject(row, "support", (double)s->support);
}

// The class's name, made different from every other key.
static void key_of(const cJSON *json, const struct report *r, int class, char *out, size_t size)
{
    static const char *const keys[] = {"accuracy", "micro avg", "macro avg", "weighted avg",
                                       "text"};
    bool taken;

    name_of(r, class, out, size);
    taken = json_member(json, out) != NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        taken |= strcmp(keys[i], out) == 0;
    if (taken) {
        size_t length = strlen(out);
        snprintf(out + length, size - length, " (class %d)", class);
    }
}

cJSON *report_classification(const int64_t *matrix, int classes,
                             const struct report_options *options)
{
    struct report r;
    char key[NAME_SIZE + 32];
    cJSON *json = cJSON_CreateObject();

    if (!json || !report_init(&r, matrix, classes, options)) {
        cJSON_Delete(json);
        return NULL;
    }
    bool good = true;
    for (int i = 0; i < r.count && good; i++) {
        key_of(json, &r, r.classes[i], key, sizeof key);
        good = add_score(json, key, &r.score[i]);
    }
    if (good && r.all_present)
        good = cJSON_AddNumberToObject(json, "accuracy", r.micro.value[PRECISION]);
    else if (good)
        good = add_score(json, "micro avg", &r.micro);
    good = good && add_score(json, "macro avg", &r.macro) &&
           add_score(json, "weighted avg", &r.weighted) && add_text(json, &r);
    report_fini(&r);
    if (!good) {
        cJSON_Delete(json);
        return NULL;
    }
    return json;
}

cJSON *report_confusion(const int64_t *matrix, int classes)
{
    cJSON *rows = cJSON_CreateArray();
    bool good = rows != NULL;

    for (int i = 0; i < classes && good; i++) {
        cJSON *row = cJSON_CreateArray();
        good = cJSON_AddItemToArray(rows, row);
        for (int j = 0; j < classes && good; j++) {
            int64_t count = matrix[(size_t)i * (size_t)classes + (size_t)j];
            good = cJSON_AddItemToArray(row, cJSON_CreateNumber((double)count));
        }
    }
    if (!good) {
        cJSON_Delete(rows);
        return NULL;
    }
    return rows;
}
