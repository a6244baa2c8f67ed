// Area under the ROC or precision-recall curve by thresholds (keras/src/metrics/confusion_metrics.py and
// metrics_utils.py). The thresholds lie evenly in [0, 1], so a prediction falls into bucket
// ceil(p (T - 1)) - 1 and the curve is the buckets' sums from the end.
// sums: for each label (one for all unless multi_label) T buckets of positives, T of negatives.

#include "worker/engine/metrics/kind.h"

static enum code auc_init(struct metric *m, const cJSON *args, const char *pointer,
                          struct error *err)
{
    static const char *const curves[] = {"ROC", "PR", NULL};
    static const char *const summations[] = {"interpolation", "minoring", "majoring", NULL};
    int thresholds = 200, curve = 0, summation = SUM_INTERPOLATION;
    enum code code =
        metric_integer(args, "num_thresholds", 200, 2, 10000, pointer, &thresholds, err);

    if (!code)
        code = metric_name_of(args, "curve", 0, curves, pointer, &curve, err);
    if (!code)
        code = metric_name_of(args, "summation_method", SUM_INTERPOLATION, summations, pointer,
                              &summation, err);
    m->args.auc.thresholds = thresholds;
    m->args.auc.precision_recall = curve == 1;
    m->args.auc.summation = (enum metric_summation)summation;
    m->args.auc.multi_label = json_bool_or(args, "multi_label", false);
    m->nsums = 2 * thresholds * (m->args.auc.multi_label ? m->outputs : 1);
    return code;
}

static void auc_update(struct metric *m, const struct metric_batch *b)
{
    int buckets = m->args.auc.thresholds, labels = m->args.auc.multi_label;

    for (int i = 0; i < b->samples; i++) {
        const real *p = metric_row(b, i);
        double w = metric_weight(b, i);
        for (int j = 0; j < b->outputs; j++) {
            double place = (double)(p[j] * (real)(buckets - 1));
            int bucket = !(place > 0)           ? 0
                         : place >= buckets - 1 ? buckets - 2
                                                : (int)ceil(place) - 1;
            double *sums = m->sums + (size_t)(labels * j) * 2 * (size_t)buckets;
            bool truth = metric_truth(b, i, j) != 0;
            sums[truth ? bucket : buckets + bucket] += w;
        }
    }
}

// A point of the curve: true and false positives at one threshold, of so many positives and negatives.
struct point {
    double tp, fp, positives, negatives;
};

static double recall(const struct point *a)
{
    return metric_ratio(a->tp, a->positives);
}

static double precision(const struct point *a)
{
    return metric_ratio(a->tp, a->tp + a->fp);
}

// Davis & Goadrich 2006: between two points true positives grow in proportion to what is predicted.
static double interpolated_slice(const struct point *a, const struct point *b)
{
    double dtp = a->tp - b->tp, pa = a->tp + a->fp, pb = b->tp + b->fp;
    double slope = metric_ratio(dtp, fmax(pa - pb, 0));
    double intercept = b->tp - slope * pb;
    double ratio = pa > 0 && pb > 0 ? pa / pb : 1;

    return metric_ratio(slope * (dtp + intercept * log(ratio)), b->positives);
}

// Area between the points of two thresholds, a the lower one.
static double slice(const struct metric *m, const struct point *a, const struct point *b)
{
    bool pr = m->args.auc.precision_recall;

    if (pr && m->args.auc.summation == SUM_INTERPOLATION)
        return interpolated_slice(a, b);
    double ya = pr ? precision(a) : recall(a), yb = pr ? precision(b) : recall(b);
    double xa = pr ? recall(a) : metric_ratio(a->fp, a->negatives);
    double xb = pr ? recall(b) : metric_ratio(b->fp, b->negatives);
    double heights[] = {(ya + yb) / 2, fmin(ya, yb), fmax(ya, yb)};
    return (xa - xb) * heights[m->args.auc.summation];
}

static double area(const struct metric *m, const double *sums)
{
    int buckets = m->args.auc.thresholds;
    struct point above = {0}, at;
    double total = 0;

    for (int t = 0; t < buckets; t++) {
        above.positives += sums[t];
        above.negatives += sums[buckets + t];
    }
    // The highest threshold lies above 1: nothing is predicted there.
    for (int t = buckets - 2; t >= 0; t--) {
        at = above;
        at.tp += sums[t];
        at.fp += sums[buckets + t];
        total += slice(m, &at, &above);
        above = at;
    }
    return total;
}

static double auc_value(const struct metric *m, int index)
{
    int labels = m->args.auc.multi_label ? m->outputs : 1;
    double total = 0;

    (void)index;
    for (int j = 0; j < labels; j++)
        total += area(m, m->sums + (size_t)j * 2 * (size_t)m->args.auc.thresholds);
    return total / labels;
}

const struct metric_kind metric_auc = {"auc", true, auc_init, auc_update, auc_value};
