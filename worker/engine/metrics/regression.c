// Mean absolute and squared error (keras/src/metrics/regression_metrics.py): the mean over a sample's
// outputs, then over samples. sums: error, weight.

#include "worker/engine/metrics/kind.h"

static enum code regression_init(struct metric *m, const cJSON *args, const char *pointer,
                                 struct error *err)
{
    (void)args;
    (void)pointer;
    (void)err;
    m->nsums = 2;
    return OK;
}

static void mae_update(struct metric *m, const struct metric_batch *b)
{
    for (int i = 0; i < b->samples; i++) {
        const real *p = metric_row(b, i);
        double sum = 0;
        for (int j = 0; j < b->outputs; j++)
            sum += fabs((double)p[j] - metric_truth(b, i, j));
        m->sums[0] += metric_weight(b, i) * sum / b->outputs;
        m->sums[1] += metric_weight(b, i);
    }
}

static void mse_update(struct metric *m, const struct metric_batch *b)
{
    for (int i = 0; i < b->samples; i++) {
        const real *p = metric_row(b, i);
        double sum = 0;
        for (int j = 0; j < b->outputs; j++) {
            double error = (double)p[j] - metric_truth(b, i, j);
            sum += error * error;
        }
        m->sums[0] += metric_weight(b, i) * sum / b->outputs;
        m->sums[1] += metric_weight(b, i);
    }
}

static double mean(const struct metric *m, int index)
{
    (void)index;
    return metric_ratio(m->sums[0], m->sums[1]);
}

static double root(const struct metric *m, int index)
{
    return sqrt(mean(m, index));
}

const struct metric_kind metric_mae = {"mae", false, regression_init, mae_update, mean};
const struct metric_kind metric_mse = {"mse", false, regression_init, mse_update, mean};
const struct metric_kind metric_rmse = {"rmse", false, regression_init, mse_update, root};
