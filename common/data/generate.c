// The data sets that need no download, for first steps and tests. Everything comes from the seed.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/dataset.h"
#include "common/data/reader.h"
#include "common/rng.h"

struct plan {
    int64_t samples, test_samples, features, classes;
    double noise;
};

struct generator {
    const char *name;
    struct plan defaults;
    int64_t features_fixed; // 0: as asked
    int64_t classes_min, classes_max;
    // What both parts share (centres, weights): how many numbers, and their law.
    int64_t (*model_size)(const struct plan *plan);
    double (*draw)(struct rng *rng);
    // Fills x [n × features] and the label (int32) or target (float) of each sample.
    void (*fill)(const struct plan *plan, const double *model, struct rng *rng, int64_t n, float *x,
                 void *y);
};

static double draw_centre(struct rng *rng)
{
    return 20 * rng_uniform(rng) - 10;
}

static int64_t centres(const struct plan *plan)
{
    return plan->classes * plan->features;
}

static int64_t weights_and_bias(const struct plan *plan)
{
    return plan->features + 1;
}

static int64_t nothing(const struct plan *plan)
{
    (void)plan;
    return 0;
}

// Isotropic clouds around centres drawn in [-10, 10] (scikit-learn's make_blobs).
static void fill_blobs(const struct plan *plan, const double *model, struct rng *rng, int64_t n,
                       float *x, void *y)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t class = (int32_t)rng_below(rng, (uint64_t)plan->classes);
        const double *centre = model + class * plan->features;
        ((int32_t *)y)[i] = class;
        for (int64_t j = 0; j < plan->features; j++)
            *x++ = (float)(centre[j] + plan->noise * rng_normal(rng));
    }
}

// Interleaved arms in the plane, one a class: angle 4 t, radius t.
static void fill_spirals(const struct plan *plan, const double *model, struct rng *rng, int64_t n,
                         float *x, void *y)
{
    (void)model;
    for (int64_t i = 0; i < n; i++) {
        int32_t class = (int32_t)rng_below(rng, (uint64_t)plan->classes);
        double t = rng_uniform(rng);
        double angle =
            4 * t + 2 * M_PI * class / (double)plan->classes + plan->noise * rng_normal(rng);
        ((int32_t *)y)[i] = class;
        x[2 * i] = (float)(t * sin(angle));
        x[2 * i + 1] = (float)(t * cos(angle));
    }
}

// y = w x + b + noise with x, w and b standard normal: the best possible mse is noise².
static void fill_linear(const struct plan *plan, const double *model, struct rng *rng, int64_t n,
                        float *x, void *y)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = model[plan->features];
        for (int64_t j = 0; j < plan->features; j++) {
            *x = (float)rng_normal(rng);
            sum += model[j] * (double)*x++;
        }
        ((float *)y)[i] = (float)(sum + plan->noise * rng_normal(rng));
    }
}

static const struct generator generators[] = {
    {"blobs", {1000, 0, 2, 3, 1.0}, 0, 2, 1000, centres, draw_centre, fill_blobs},
    {"spirals", {1000, 0, 2, 3, 0.1}, 2, 2, 1000, nothing, rng_uniform, fill_spirals},
    {"linear", {1000, 0, 8, 0, 0.1}, 0, 0, 0, weights_and_bias, rng_normal, fill_linear},
};

static const struct generator *find_generator(const char *name, struct error *err)
{
    for (size_t i = 0; i < sizeof generators / sizeof *generators; i++) {
        if (strcmp(generators[i].name, name) == 0)
            return &generators[i];
    }
    fail(err, E_UNKNOWN, "/dataset/name",
         "there is no generated data set \"%s\"; there are blobs, "
         "spirals and linear",
         name);
    return NULL;
}

static enum code read_count(const cJSON *json, const char *name, int64_t min, int64_t max,
                            int64_t *out, struct error *err)
{
    const cJSON *item = json_member(json, name);
    int64_t value = 0;

    if (!item || cJSON_IsNull(item))
        return OK;
    if (!json_is_integer(item, &value) || value < min || value > max)
        return fail(err, E_RANGE, json_pointer_of("/dataset/generate", name).text,
                    min == max ? "%s can only be %lld here"
                               : "%s must be a whole number from %lld to %lld",
                    name, (long long)min, (long long)max);
    *out = value;
    return OK;
}

static enum code read_plan(const struct generator *g, const cJSON *json, struct plan *plan,
                           struct error *err)
{
    static const char *const known[] = {"samples", "test_samples", "features", "classes", "noise"};
    const cJSON *item = NULL;
    enum code code;

    *plan = g->defaults;
    cJSON_ArrayForEach(item, json)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found |= strcmp(known[i], item->string) == 0;
        if (!found)
            return fail(err, E_UNKNOWN, json_pointer_of("/dataset/generate", item->string).text,
                        "unknown field; use samples, test_samples, features, classes, noise");
    }
    code = read_count(json, "samples", 1, 10000000, &plan->samples, err);
    plan->test_samples = (plan->samples + 3) / 4;
    if (!code)
        code = read_count(json, "test_samples", 0, 10000000, &plan->test_samples, err);
    if (!code)
        code = read_count(json, "features", g->features_fixed ? g->features_fixed : 1,
                          g->features_fixed ? g->features_fixed : 10000, &plan->features, err);
    if (!code)
        code = read_count(json, "classes", g->classes_min, g->classes_max, &plan->classes, err);
    plan->noise = json_number_or(json, "noise", plan->noise);
    if (!code && !(plan->noise >= 0 && plan->noise <= 1e6))
        code = fail(err, E_RANGE, "/dataset/generate/noise", "noise must be from 0 to 1e6");
    if (!code && plan->samples > INPUT_BYTES_MAX / 16 / plan->features)
        code = fail(err, E_LIMIT, "/dataset/generate/samples",
                    "%lld samples of %lld features are too "
                    "many",
                    (long long)plan->samples, (long long)plan->features);
    return code;
}

static enum code fill_part(const struct generator *g, const struct plan *plan, const double *model,
                           uint64_t seed, uint64_t stream, int64_t n, const void **x_out,
                           const void **y_out, struct error *err)
{
    struct rng rng;
    float *x = malloc((size_t)(n * plan->features) * sizeof *x);
    void *y = malloc((size_t)n * sizeof(float));

    if (!x || !y) {
        free(x);
        free(y);
        return fail(err, E_MEMORY, "", "out of memory generating %lld samples", (long long)n);
    }
    rng_init(&rng, seed, stream);
    g->fill(plan, model, &rng, n, x, y);
    *x_out = x;
    *y_out = y;
    return OK;
}

static double *draw_model(const struct generator *g, const struct plan *plan, uint64_t seed)
{
    int64_t size = g->model_size(plan);
    double *model = malloc((size_t)(size + 1) * sizeof *model);
    struct rng rng;

    rng_init(&rng, seed, 0);
    for (int64_t i = 0; model && i < size; i++)
        model[i] = g->draw(&rng);
    return model;
}

static struct dataset_info info_of(const struct plan *plan)
{
    return (struct dataset_info){
        .train_samples = plan->samples,
        .test_samples = plan->test_samples,
        .rank = 1,
        .shape = {plan->features},
        .classes = plan->classes,
    };
}

enum code dataset_generate_info(const char *generator, const cJSON *generate,
                                struct dataset_info *out, struct error *err)
{
    struct plan plan;
    const struct generator *g = find_generator(generator, err);

    if (!g)
        return E_UNKNOWN;
    enum code code = read_plan(g, generate, &plan, err);
    if (!code)
        *out = info_of(&plan);
    return code;
}

enum code dataset_generate(const char *generator, const cJSON *generate, uint64_t seed,
                           struct dataset *out, struct error *err)
{
    struct plan plan;
    struct dataset made = {.target_width = 1};
    const struct generator *g = find_generator(generator, err);

    if (!g)
        return E_UNKNOWN;
    enum code code = read_plan(g, generate, &plan, err);
    if (code)
        return code;
    made.info = info_of(&plan);
    double *model = draw_model(g, &plan, seed);
    if (!model)
        return fail(err, E_MEMORY, "", "out of memory generating %s", generator);
    code = fill_part(g, &plan, model, seed, 1, plan.samples, &made.train_x, &made.train_y, err);
    if (!code && plan.test_samples > 0)
        code =
            fill_part(g, &plan, model, seed, 2, plan.test_samples, &made.test_x, &made.test_y, err);
    free(model);
    if (code) {
        dataset_fini(&made);
        return code;
    }
    *out = made;
    return OK;
}
