// F1 (keras/src/metrics/f_score_metrics.py, FBetaScore with beta 1), Keras' epsilons included.
// sums: for each output true positives, false positives, false negatives, weight of the positives.
// Apart from Keras: with one output and no threshold a prediction is a yes above 0.5, for there the row's
// maximum would say yes to everything.

#include "worker/engine/metrics/kind.h"

enum { TP, FP, FN, POSITIVE, PER_OUTPUT };
static const double epsilon = 1e-7;

static enum code f1_init(struct metric *m, const cJSON *args, const char *pointer,
                         struct error *err)
{
    static const char *const averages[] = {"none", "micro", "macro", "weighted", NULL};
    double threshold = m->outputs == 1 ? 0.5 : (double)NAN;
    int average = AVERAGE_MACRO;
    const cJSON *given = json_member(args, "average");
    enum code code =
        metric_name_of(args, "average", AVERAGE_MACRO, averages, pointer, &average, err);

    if (!code)
        code = metric_number(args, "threshold", threshold, pointer, &threshold, err);
    m->args.f1.average = cJSON_IsNull(given) ? AVERAGE_NONE : (enum metric_average)average;
    m->args.f1.threshold = threshold;
    m->nsums = PER_OUTPUT * m->outputs;
    m->numbered = m->args.f1.average == AVERAGE_NONE;
    m->nvalues = m->numbered ? m->outputs : 1;
    return code;
}

static void f1_update(struct metric *m, const struct metric_batch *b)
{
    bool by_maximum = isnan(m->args.f1.threshold);
    real threshold = (real)m->args.f1.threshold;

    for (int i = 0; i < b->samples; i++) {
        const real *p = metric_row(b, i);
        double w = metric_weight(b, i);
        real maximum = p[metric_argmax(p, b->outputs)];
        double *sums = m->sums;
        for (int j = 0; j < b->outputs; j++, sums += PER_OUTPUT) {
            bool yes = by_maximum ? p[j] >= maximum && fabs((double)p[j]) > 1e-9 : p[j] > threshold;
            double t = metric_truth(b, i, j);
            sums[TP] += yes ? w * t : 0;
            sums[FP] += yes ? w * (1 - t) : 0;
            sums[FN] += yes ? 0 : w * t;
            sums[POSITIVE] += w * t;
        }
    }
}

static double f1_of(const double *sums)
{
    double precision = sums[TP] / (sums[TP] + sums[FP] + epsilon);
    double recall = sums[TP] / (sums[TP] + sums[FN] + epsilon);
    return 2 * precision * recall / (precision + recall + epsilon);
}

static double micro(const struct metric *m)
{
    double all[PER_OUTPUT] = {0};

    for (int s = 0; s < m->nsums; s++)
        all[s % PER_OUTPUT] += m->sums[s];
    return f1_of(all);
}

static double f1_value(const struct metric *m, int index)
{
    double sum = 0, positives = 0;

    if (m->args.f1.average == AVERAGE_NONE)
        return f1_of(m->sums + (size_t)index * PER_OUTPUT);
    if (m->args.f1.average == AVERAGE_MICRO)
        return micro(m);
    for (int j = 0; j < m->outputs; j++)
        positives += m->sums[j * PER_OUTPUT + POSITIVE];
    for (int j = 0; j < m->outputs; j++) {
        const double *sums = m->sums + (size_t)j * PER_OUTPUT;
        double share = m->args.f1.average == AVERAGE_MACRO ? 1.0 / m->outputs
                                                           : sums[POSITIVE] / (positives + epsilon);
        sum += share * f1_of(sums);
    }
    return sum;
}

const struct metric_kind metric_f1 = {"f1", true, f1_init, f1_update, f1_value};
