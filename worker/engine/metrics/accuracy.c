// Accuracy and top-k accuracy (keras/src/metrics/accuracy_metrics.py). sums: hits, weight.

#include "worker/engine/metrics/kind.h"

static double mean(const struct metric *m, int index)
{
    (void)index;
    return metric_ratio(m->sums[0], m->sums[1]);
}

static enum code accuracy_init(struct metric *m, const cJSON *args, const char *pointer,
                               struct error *err)
{
    (void)args;
    (void)pointer;
    (void)err;
    m->nsums = 2;
    return OK;
}

// A value of exactly 0.5 counts as 0.
static void accuracy_update(struct metric *m, const struct metric_batch *b)
{
    double hits = 0, total = 0;

    for (int i = 0; i < b->samples; i++) {
        const real *p = metric_row(b, i);
        bool hit;
        if (b->outputs == 1) {
            hit = (p[0] > (real)0.5) == (metric_truth(b, i, 0) == 1) && !isnan(p[0]);
        } else {
            int best = metric_argmax(p, b->outputs);
            hit = best == metric_true_class(b, i) && !isnan(p[best]);
        }
        total += metric_weight(b, i);
        hits += hit ? metric_weight(b, i) : 0;
    }
    m->sums[0] += hits;
    m->sums[1] += total;
}

static enum code top_k_init(struct metric *m, const cJSON *args, const char *pointer,
                            struct error *err)
{
    m->nsums = 2;
    return metric_integer(args, "k", 5, 1, 1 << 20, pointer, &m->args.k, err);
}

// The true class is among the k largest when fewer than k outputs are above its own: ties are hits.
static void top_k_update(struct metric *m, const struct metric_batch *b)
{
    for (int i = 0; i < b->samples; i++) {
        const real *p = metric_row(b, i);
        real own = p[b->outputs == 1 ? 0 : metric_true_class(b, i)];
        int above = 0;
        for (int j = 0; j < b->outputs; j++)
            above += p[j] > own;
        m->sums[1] += metric_weight(b, i);
        m->sums[0] += above < m->args.k && !isnan(own) ? metric_weight(b, i) : 0;
    }
}

const struct metric_kind metric_accuracy = {"accuracy", true, accuracy_init, accuracy_update, mean};
const struct metric_kind metric_top_k_accuracy = {"top_k_accuracy", true, top_k_init, top_k_update,
                                                  mean};
