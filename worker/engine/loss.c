// One function a loss, a sample at a time: returns the sample's loss and writes the gradient of it.
// Probabilities are clipped to [1e-7, 1 - 1e-7] before a logarithm; the gradient of what was clipped
// is 0, but a fused one goes back to the activation's input as p - y all the same (TensorFlow's way).
#include "worker/engine/loss.h"

#include <math.h>
#include <string.h>

#define EPSILON 1e-7

struct sample {
    size_t width;
    const real *p;
    int32_t class; // when values is NULL
    const real *values;
};

struct loss_ops {
    const char *name;
    enum act fuses; // ACT_COUNT: with none
    double (*one)(const struct loss *loss, const struct sample *s, double scale, real *g);
};

static double target(const struct sample *s, size_t c)
{
    if (s->values)
        return (double)s->values[c];
    return s->width == 1 ? (double)s->class : (double)(s->class == (int32_t)c);
}

static double clip(double p)
{
    return p < EPSILON ? EPSILON : p > 1 - EPSILON ? 1 - EPSILON : p;
}

static bool inside(double p)
{
    return p >= EPSILON && p <= 1 - EPSILON;
}

// y smoothed: y (1 - s) + s / classes
static double smooth(const struct loss *loss, double y, double classes)
{
    return y * (1 - loss->label_smoothing) + loss->label_smoothing / classes;
}

static double crossentropy_logits(const struct loss *loss, const struct sample *s, double scale,
                                  real *g)
{
    const double classes = (double)s->width;
    double top = (double)s->p[0], sum = 0, total = 0, value = 0;

    for (size_t c = 1; c < s->width; c++) // fmax() here breaks GCC 12 for arm64
        top = (double)s->p[c] > top ? (double)s->p[c] : top;
    for (size_t c = 0; c < s->width; c++)
        sum += exp((double)s->p[c] - top);
    for (size_t c = 0; c < s->width; c++) {
        const double y = smooth(loss, target(s, c), classes);

        total += y;
        value -= y * ((double)s->p[c] - top - log(sum));
    }
    for (size_t c = 0; g && c < s->width; c++)
        g[c] = (real)(scale * (total * exp((double)s->p[c] - top) / sum -
                               smooth(loss, target(s, c), classes)));
    return value;
}

// Probabilities: divided by their sum, clipped; -Σ y log q.
static double crossentropy_probabilities(const struct loss *loss, const struct sample *s,
                                         double scale, real *g)
{
    const double classes = (double)s->width;
    double sum = 0, value = 0, dot = 0;

    for (size_t c = 0; c < s->width; c++)
        sum += (double)s->p[c];
    for (size_t c = 0; c < s->width; c++) {
        const double y = smooth(loss, target(s, c), classes), q = (double)s->p[c] / sum;

        if (y != 0) {
            value -= y * log(clip(q));
            dot -= inside(q) ? y : 0;
        }
    }
    for (size_t c = 0; g && c < s->width; c++) {
        const double y = smooth(loss, target(s, c), classes), q = (double)s->p[c] / sum;

        g[c] = (real)(scale * ((inside(q) ? -y / q : 0) - dot) / sum);
    }
    return value;
}

// After a softmax: p - y at its input.
static double crossentropy_fused(const struct loss *loss, const struct sample *s, double scale,
                                 real *g)
{
    const double classes = (double)s->width;
    double value = 0;

    for (size_t c = 0; c < s->width; c++) {
        const double y = smooth(loss, target(s, c), classes);

        if (y != 0)
            value -= y * log(clip((double)s->p[c]));
        if (g)
            g[c] = (real)(scale * ((double)s->p[c] - y));
    }
    return value;
}

static double categorical(const struct loss *loss, const struct sample *s, double scale, real *g)
{
    if (loss->fused)
        return crossentropy_fused(loss, s, scale, g);
    return (loss->from_logits ? crossentropy_logits : crossentropy_probabilities)(loss, s, scale,
                                                                                  g);
}

// Mean over the outputs of -(t log p + (1 - t) log(1 - p)), t smoothed: t (1 - s) + s / 2.
static double binary(const struct loss *loss, const struct sample *s, double scale, real *g)
{
    const double each = 1 / (double)s->width;
    double value = 0;

    for (size_t c = 0; c < s->width; c++) {
        const double t = smooth(loss, target(s, c), 2), p = (double)s->p[c], q = clip(p);
        double slope;

        if (loss->from_logits) {
            const double tail = exp(-fabs(p));

            value += fmax(p, 0) - p * t + log1p(tail);
            slope = (p >= 0 ? 1 / (1 + tail) : tail / (1 + tail)) - t;
        } else {
            value -= t * log(q) + (1 - t) * log1p(-q);
            slope = loss->fused ? p - t : inside(p) ? (1 - t) / (1 - q) - t / q : 0;
        }
        if (g)
            g[c] = (real)(scale * each * slope);
    }
    return value * each;
}

static double squared(const struct loss *loss, const struct sample *s, double scale, real *g)
{
    const double each = 1 / (double)s->width;
    double value = 0;

    (void)loss;
    for (size_t c = 0; c < s->width; c++) {
        const double e = (double)s->p[c] - target(s, c);

        value += e * e;
        if (g)
            g[c] = (real)(scale * each * 2 * e);
    }
    return value * each;
}

static double absolute(const struct loss *loss, const struct sample *s, double scale, real *g)
{
    const double each = 1 / (double)s->width;
    double value = 0;

    (void)loss;
    for (size_t c = 0; c < s->width; c++) {
        const double e = (double)s->p[c] - target(s, c);

        value += fabs(e);
        if (g)
            g[c] = (real)(scale * each * (e > 0 ? 1 : e < 0 ? -1 : 0));
    }
    return value * each;
}

static double huber(const struct loss *loss, const struct sample *s, double scale, real *g)
{
    const double each = 1 / (double)s->width, delta = loss->delta;
    double value = 0;

    for (size_t c = 0; c < s->width; c++) {
        const double e = (double)s->p[c] - target(s, c), a = fabs(e);

        value += a <= delta ? 0.5 * e * e : delta * a - 0.5 * delta * delta;
        if (g)
            g[c] = (real)(scale * each * (a <= delta ? e : e > 0 ? delta : -delta));
    }
    return value * each;
}

static const struct loss_ops losses[] = {
    {"sparse_categorical_crossentropy", ACT_SOFTMAX, categorical},
    {"categorical_crossentropy", ACT_SOFTMAX, categorical},
    {"binary_crossentropy", ACT_SIGMOID, binary},
    {"mean_squared_error", ACT_COUNT, squared},
    {"mse", ACT_COUNT, squared},
    {"mean_absolute_error", ACT_COUNT, absolute},
    {"mae", ACT_COUNT, absolute},
    {"huber", ACT_COUNT, huber},
};

enum code loss_init(struct loss *loss, const cJSON *compile, size_t width,
                    const struct activation *last, struct error *err)
{
    const cJSON *item = json_member(compile, "loss");
    const char *name = cJSON_IsString(item) ? item->valuestring : json_string_or(item, "type", "");

    *loss = (struct loss){0};
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
        if (strcmp(losses[i].name, name) == 0)
            loss->ops = &losses[i];
    if (!loss->ops)
        return fail(err, E_UNKNOWN, "/compile/loss", "there is no loss \"%s\"", name);
    loss->label_smoothing = json_number_or(item, "label_smoothing", 0);
    if (cJSON_IsString(item))
        loss->label_smoothing = json_number_or(compile, "label_smoothing", 0);
    loss->delta = json_number_or(item, "delta", 1);
    loss->from_logits = json_bool_or(item, "from_logits", false);
    if (!(loss->label_smoothing >= 0 && loss->label_smoothing <= 1))
        return fail(err, E_RANGE, "/compile/loss/label_smoothing",
                    "label_smoothing is %g; it must be 0 to 1", loss->label_smoothing);
    if (loss->ops->one == categorical && width < 2)
        return fail(err, E_INVALID, "/compile/loss",
                    "%s needs one output for each class, and the last layer has 1", name);
    loss->fused = last && last->kind == loss->ops->fuses && !loss->from_logits;
    return OK;
}

const char *loss_name(const struct loss *loss)
{
    return loss->ops->name;
}

double loss_run(const struct loss *loss, const struct loss_batch *batch, real *gradient,
                double *each)
{
    const size_t width = batch->width;
    double sum = 0;

    for (size_t i = 0; i < batch->samples; i++) {
        const double weight = batch->weights ? (double)batch->weights[i] : 1;
        const struct sample s = {
            .width = width,
            .p = batch->predicted + i * width,
            .class = batch->classes ? batch->classes[i] : 0,
            .values = batch->classes ? NULL : batch->values + i * width,
        };
        const double one = weight * loss->ops->one(loss, &s, weight / (double)batch->samples,
                                                   gradient ? gradient + i * width : NULL);

        sum += one;
        if (each)
            each[i] = one;
    }
    return sum;
}
