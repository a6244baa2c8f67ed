// Precision and recall (keras/src/metrics/confusion_metrics.py): every output counts as a yes or no by
// itself, over all classes together unless class_id picks one. With top_k the k largest of a row are the
// predicted ones, whatever their value, unless a threshold is given too.
// sums: true positives, false positives, false negatives.

#include "worker/engine/metrics/kind.h"

enum { TP, FP, FN, NSUMS };

static enum code confusion_init(struct metric *m, const cJSON *args, const char *pointer,
                                struct error *err)
{
    int class_id = -1, top_k = 0;
    double threshold = 0.5;
    enum code code =
        metric_integer(args, "class_id", -1, 0, m->outputs - 1, pointer, &class_id, err);

    if (!code)
        code = metric_integer(args, "top_k", 0, 1, m->outputs, pointer, &top_k, err);
    if (!code)
        code = metric_number(args, "thresholds", top_k > 0 ? (double)-INFINITY : 0.5, pointer,
                             &threshold, err);
    m->args.confusion.class_id = class_id;
    m->args.confusion.top_k = top_k;
    m->args.confusion.threshold = threshold;
    m->nsums = NSUMS;
    return code;
}

// True when p[j] is among the k largest of the row; of equal ones the first come first.
static bool in_top_k(const real *p, int outputs, int j, int k)
{
    int before = 0;
    for (int i = 0; i < outputs; i++)
        before += p[i] > p[j] || (i < j && p[i] == p[j]);
    return before < k;
}

static void confusion_update(struct metric *m, const struct metric_batch *b)
{
    int only = m->args.confusion.class_id, k = m->args.confusion.top_k;
    int from = only < 0 ? 0 : only, to = only < 0 ? b->outputs : only + 1;
    real threshold = (real)m->args.confusion.threshold;
    double sums[NSUMS] = {0};

    for (int i = 0; i < b->samples; i++) {
        const real *p = metric_row(b, i);
        double w = metric_weight(b, i);
        for (int j = from; j < to; j++) {
            bool truth = metric_truth(b, i, j) != 0;
            bool yes = p[j] > threshold;
            if (k > 0 && yes)
                yes = in_top_k(p, b->outputs, j, k);
            sums[TP] += yes && truth ? w : 0;
            sums[FP] += yes && !truth ? w : 0;
            sums[FN] += !yes && truth ? w : 0;
        }
    }
    for (int s = 0; s < NSUMS; s++)
        m->sums[s] += sums[s];
}

static double precision_value(const struct metric *m, int index)
{
    (void)index;
    return metric_ratio(m->sums[TP], m->sums[TP] + m->sums[FP]);
}

static double recall_value(const struct metric *m, int index)
{
    (void)index;
    return metric_ratio(m->sums[TP], m->sums[TP] + m->sums[FN]);
}

const struct metric_kind metric_precision = {"precision", true, confusion_init, confusion_update,
                                             precision_value};
const struct metric_kind metric_recall = {"recall", true, confusion_init, confusion_update,
                                          recall_value};
