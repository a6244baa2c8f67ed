#include "tests/bench/search/problems.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/space_build.h"

static double num(struct value v)
{
    return v.kind == V_INT ? (double)v.i : v.kind == V_BOOL ? (double)v.b : v.f;
}

static char letter(struct value v)
{
    return v.s[0];
}

#define FLOAT(name, lo, hi)                                                                        \
    "{\"hp\":\"Float\",\"name\":\"" name "\",\"min_value\":" #lo ",\"max_value\":" #hi "}"
#define FLOAT_LOG(name, lo, hi)                                                                    \
    "{\"hp\":\"Float\",\"name\":\"" name "\",\"min_value\":" #lo ",\"max_value\":" #hi             \
    ",\"sampling\":\"log\"}"
#define FLOAT_STEP(name, lo, hi, step)                                                             \
    "{\"hp\":\"Float\",\"name\":\"" name "\",\"min_value\":" #lo ",\"max_value\":" #hi             \
    ",\"step\":" #step "}"
#define INT(name, lo, hi)                                                                          \
    "{\"hp\":\"Int\",\"name\":\"" name "\",\"min_value\":" #lo ",\"max_value\":" #hi "}"
#define INT_LOG(name, lo, hi)                                                                      \
    "{\"hp\":\"Int\",\"name\":\"" name "\",\"min_value\":" #lo ",\"max_value\":" #hi               \
    ",\"sampling\":\"log\"}"
#define INT_STEP(name, lo, hi, step)                                                               \
    "{\"hp\":\"Int\",\"name\":\"" name "\",\"min_value\":" #lo ",\"max_value\":" #hi               \
    ",\"step\":" #step "}"
#define CHOICE(name, values) "{\"hp\":\"Choice\",\"name\":\"" name "\",\"values\":[" values "]}"
#define BOOLEAN(name) "{\"hp\":\"Boolean\",\"name\":\"" name "\"}"
// A declaration that holds only for some values of its parent.
#define WHEN(parent, values, open)                                                                 \
    open ",\"parent_name\":\"" parent "\",\"parent_values\":[" values "]}"
#define OPEN_FLOAT(name, lo, hi)                                                                   \
    "{\"hp\":\"Float\",\"name\":\"" name "\",\"min_value\":" #lo ",\"max_value\":" #hi
#define OPEN_FLOAT_LOG(name, lo, hi) OPEN_FLOAT(name, lo, hi) ",\"sampling\":\"log\""
#define OPEN_INT(name, lo, hi)                                                                     \
    "{\"hp\":\"Int\",\"name\":\"" name "\",\"min_value\":" #lo ",\"max_value\":" #hi
#define OPEN_INT_LOG(name, lo, hi) OPEN_INT(name, lo, hi) ",\"sampling\":\"log\""

static double branin(const struct value *v)
{
    double x = num(v[0]), y = num(v[1]), a = y - 5.1 / (4 * M_PI * M_PI) * x * x + 5 / M_PI * x - 6;
    return a * a + 10 * (1 - 1 / (8 * M_PI)) * cos(x) + 10;
}

static double hartmann3(const struct value *v)
{
    static const double a[4][3] = {{3, 10, 30}, {.1, 10, 35}, {3, 10, 30}, {.1, 10, 35}},
                        p[4][3] = {{.3689, .1170, .2673},
                                   {.4699, .4387, .7470},
                                   {.1091, .8732, .5547},
                                   {.0381, .5743, .8828}},
                        c[4] = {1, 1.2, 3, 3.2};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double e = 0;
        for (int j = 0; j < 3; j++)
            e += a[i][j] * (num(v[j]) - p[i][j]) * (num(v[j]) - p[i][j]);
        sum -= c[i] * exp(-e);
    }
    return sum;
}

static double rosenbrock(const struct value *v)
{
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        double x = num(v[i]), next = num(v[i + 1]);
        sum += 100 * (next - x * x) * (next - x * x) + (1 - x) * (1 - x);
    }
    return log1p(sum);
}

static double styblinski(const struct value *v)
{
    double sum = 0;
    for (int i = 0; i < 5; i++) {
        double x = num(v[i]);
        sum += 0.5 * (x * x * x * x - 16 * x * x + 5 * x);
    }
    return sum;
}

static double rastrigin(const struct value *v)
{
    static const double shift[] = {0.8, -1.3, 2.1, 0.4};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double z = num(v[i]) - shift[i];
        sum += z * z - 4 * cos(M_PI * z) + 4;
    }
    return sum;
}

static double square(double x)
{
    return x * x;
}

static double tree(const struct value *v)
{
    if (letter(v[0]) == 'r')
        return 0.30 + 0.01 * square(log10(num(v[1])) + 1.5);
    if (letter(v[0]) == 'f')
        return 0.20 + 0.3 / sqrt(num(v[2])) + 0.002 * square(num(v[3]) - 13);
    return 0.12 + 0.05 * square(log10(num(v[4])) + 2.9) + 0.02 * square(log2(num(v[5])) - 7.3) +
           0.4 * square(num(v[6]) - 0.22);
}

static double steps_and_choices(const struct value *v)
{
    static const double bests[] = {-1.2, -2.0, -3.1, -2.6, -4.2, -0.7},
                        bases[] = {.3, .12, 0, .05, .2, .4};
    int c = letter(v[0]) - 'p';
    double l = square(log10(num(v[5])) - bests[c]);
    return bases[c] + (num(v[1]) != 0 ? 0 : .08) + .03 * square(num(v[2]) - 5) / 4 +
           1.5 * square(num(v[3]) - .15) + .04 * square(log2(num(v[4]) / 256)) +
           .15 * l / (1 + .5 * l);
}

// ---- our own ----

static double hartmann6(const struct value *v)
{
    static const double a[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                                   {.05, 10, 17, .1, 8, 14},
                                   {3, 3.5, 1.7, 10, 17, 8},
                                   {17, 8, .05, 10, .1, 14}},
                        p[4][6] = {{.1312, .1696, .5569, .0124, .8283, .5886},
                                   {.2329, .4135, .8307, .3736, .1004, .9991},
                                   {.2348, .1451, .3522, .2883, .3047, .6650},
                                   {.4047, .8828, .8732, .5743, .1091, .0381}},
                        c[4] = {1, 1.2, 3, 3.2};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double e = 0;
        for (int j = 0; j < 6; j++)
            e += a[i][j] * square(num(v[j]) - p[i][j]);
        sum -= c[i] * exp(-e);
    }
    return sum;
}

static double levy_mixed(const struct value *v)
{
    double w[6], sum = 0;
    for (int i = 0; i < 6; i++)
        w[i] = 1 + (num(v[i]) - 1) / 4;
    for (int i = 0; i < 5; i++)
        sum += square(w[i] - 1) * (1 + 10 * square(sin(M_PI * w[i] + 1)));
    return square(sin(M_PI * w[0])) + sum + square(w[5] - 1) * (1 + square(sin(2 * M_PI * w[5])));
}

// 1 to 4 layers, each with its own width and dropout; deeper pays only with the right widths.
static double layers(const struct value *v)
{
    int n = (int)num(v[0]);
    double loss = 0.10 + 0.04 * square(n - 3) + 0.06 * square(log10(num(v[1])) + 3.2);
    for (int i = 0; i < n; i++) {
        double width = log2(num(v[2 + 2 * i])), dropout = num(v[3 + 2 * i]);
        loss += 0.012 * square(width - (8.2 - 0.7 * i)) + 0.5 * square(dropout - 0.1 * (i + 1));
    }
    return loss;
}

// A surface as of a kernel machine: a bent valley in two logarithms, a plateau elsewhere, a heavy tail.
static double machine(const struct value *v)
{
    double c = log10(num(v[0])), g = log10(num(v[1])), base = letter(v[2]) == 'r' ? 0 : 0.06;
    double valley = c + 0.8 * g - 0.15 * square(c - 1), along = c - 1.4;
    double loss = 0.03 + base + 0.5 * (1 - exp(-0.35 * square(valley) - 0.03 * square(along)));
    return g > 0 && c > 2 ? loss + exp(g) : loss;
}

// Ten numbers of which a few matter, in logarithms and on the plain scale.
static double sparse(const struct value *v)
{
    double a = log10(num(v[0])), b = num(v[1]), c = num(v[2]), d = num(v[3]);
    double loss = 0.1 * square(a + 3) + square(b - 0.7) + 0.8 * square(c - 0.2 - 0.3 * b) +
                  0.2 * fabs(d - 0.4);
    for (int i = 4; i < 10; i++)
        loss += 0.01 * square(num(v[i]) - 0.5);
    return loss;
}

static double categories(const struct value *v)
{
    static const double a[] = {.5, .1, .3, 0, .7}, b[] = {.2, .0, .4, .3};
    int i = letter(v[0]) - 'a', j = letter(v[1]) - 'a';
    double pair = (i == 3) == (j == 1) ? 0 : .15; // they only pay together
    double x = num(v[2]), y = num(v[3]), k = num(v[4]);
    return a[i] + b[j] + pair + (num(v[5]) != 0 ? 0 : .1) + 2 * square(x - .1 * i - .2) +
           square(y - .6) + .02 * square(k - 4 - j);
}

static double ackley(const struct value *v)
{
    double squares = 0, waves = 0;
    for (int i = 0; i < 6; i++) {
        double z = num(v[i]) - 0.37 * (i - 2);
        squares += z * z / 6;
        waves += cos(2 * M_PI * z) / 6;
    }
    return 20 + M_E - 20 * exp(-0.2 * sqrt(squares)) - exp(waves);
}

// A narrow ravine over several orders of magnitude, as rates and decays that trade off.
static double ravine(const struct value *v)
{
    double lr = log10(num(v[0])), wd = log10(num(v[1])), m = log10(1 - num(v[2]));
    double step = lr - m + 2; // the step that counts is lr / (1 - momentum)
    return square(step) * 0.3 + 0.05 * square(lr + wd + 7) + 0.02 * square(m + 1) +
           (step > 1 ? 5 * square(step - 1) : 0);
}

// The nearer to the edge the better, and beyond it trials fail: the best trials are hard by the failures.
static double fence(const struct value *v)
{
    double x = num(v[0]), y = num(v[1]), z = num(v[2]);
    if (x + 0.6 * y > (letter(v[3]) == 'l' ? 0.9 : 0.7))
        return NAN;
    return square(x - 1) + square(y - 0.8) + 0.5 * square(z - 0.3) +
           (letter(v[3]) == 'l' ? 0.05 : 0);
}

// A rate too high, and the loss is higher by orders of magnitude.
static double explodes(const struct value *v)
{
    double lr = log10(num(v[0])), decay = log10(num(v[1])), drop = num(v[2]);
    double over = lr + 1.5 - 0.2 * decay - 0.5 * drop;
    return 0.02 * square(lr + 2.4 + 0.3 * (decay + 4)) + 0.01 * square(decay + 5) +
           0.3 * square(drop - 0.35) + (over > 0 ? expm1(5 * over) : 0);
}

// A narrow dip in the middle of a part's own number, the same for all five parts; without a part, none.
static double parts(const struct value *v)
{
    double x = num(v[2]), y = num(v[3]);
    double rest = square(x - 0.7) + square(y - 0.4 - 0.3 * (x - 0.5));
    return letter(v[0]) == 'n' ? 1 + rest : 1 - exp(-square((num(v[1]) - 0.5) / 0.12)) + rest;
}

#define OPS "\"none\",\"skip_connect\",\"nor_conv_1x1\",\"nor_conv_3x3\",\"avg_pool_3x3\""

static const char *const branin_space[] = {
    FLOAT("x", -5, 10),
    FLOAT("y", 0, 15),
    NULL,
};
static const char *const hartmann3_space[] = {
    FLOAT("a", 0, 1),
    FLOAT("b", 0, 1),
    FLOAT("c", 0, 1),
    NULL,
};
static const char *const rosenbrock_int_space[] = {
    FLOAT("x0", -2, 2), FLOAT("x1", -2, 2), INT("n2", -5, 5), INT("n3", -20, 20), NULL,
};
static const char *const styblinski5_space[] = {
    FLOAT("x0", -5, 5), FLOAT("x1", -5, 5), FLOAT("x2", -5, 5),
    FLOAT("x3", -5, 5), FLOAT("x4", -5, 5), NULL,
};
static const char *const rastrigin_shift4_space[] = {
    FLOAT("x0", -3, 5), FLOAT("x1", -3, 5), FLOAT("x2", -3, 5), FLOAT("x3", -3, 5), NULL,
};
static const char *const tree_space[] = {
    CHOICE("algo", "\"ridge\",\"forest\",\"net\""),
    WHEN("algo", "\"ridge\"", OPEN_FLOAT_LOG("alpha", 1e-6, 1e2)),
    WHEN("algo", "\"forest\"", OPEN_INT_LOG("trees", 10, 1000)),
    WHEN("algo", "\"forest\"", OPEN_INT("depth", 1, 20)),
    WHEN("algo", "\"net\"", OPEN_FLOAT_LOG("lr", 1e-5, 1e-1)),
    WHEN("algo", "\"net\"", OPEN_INT_LOG("width", 8, 512)),
    WHEN("algo", "\"net\"", OPEN_FLOAT("drop", 0, 0.6)),
    NULL,
};
static const char *const steps_and_choices_space[] = {
    CHOICE("c", "\"p\",\"q\",\"r\",\"s\",\"t\",\"u\""),
    CHOICE("b", "true,false"),
    INT_STEP("k", 1, 9, 2),
    FLOAT_STEP("rate", 0, 0.5, 0.05),
    INT_STEP("units", 16, 1024, 16),
    FLOAT_LOG("lr", 1e-5, 1),
    NULL,
};
static const char *const hpobench_space[] = {
    INT("alpha", 0, 9),         INT("batch_size", 0, 9), INT("depth", 0, 2),
    INT("learning_rate", 0, 9), INT("width", 0, 9),      NULL,
};
static const char *const hpolib_naval_propulsion_space[] = {
    CHOICE("activation_1", "\"relu\",\"tanh\""),
    CHOICE("activation_2", "\"relu\",\"tanh\""),
    INT("batch_size", 0, 3),
    INT("dropout_1", 0, 2),
    INT("dropout_2", 0, 2),
    INT("learning_rate", 0, 5),
    CHOICE("lr_schedule", "\"cosine\",\"const\""),
    INT("units_1", 0, 5),
    INT("units_2", 0, 5),
    NULL,
};
static const char *const nasbench201_cifar10_space[] = {
    CHOICE("op_0", OPS),
    CHOICE("op_1", OPS),
    CHOICE("op_2", OPS),
    CHOICE("op_3", OPS),
    CHOICE("op_4", OPS),
    CHOICE("op_5", OPS),
    NULL,
};
static const char *const hartmann6_space[] = {
    FLOAT("a", 0, 1),
    FLOAT("b", 0, 1),
    FLOAT("c", 0, 1),
    FLOAT("d", 0, 1),
    FLOAT("e", 0, 1),
    FLOAT("f", 0, 1),
    NULL,
};
static const char *const levy_mixed6_space[] = {
    FLOAT("a", -10, 10),
    FLOAT("b", -10, 10),
    FLOAT("c", -10, 10),
    INT("d", -10, 10),
    INT("e", -10, 10),
    FLOAT("f", -10, 10),
    NULL,
};
static const char *const layers_space[] = {
    INT("layers", 1, 4),
    FLOAT_LOG("lr", 1e-5, 1e-1),
    INT_LOG("units_0", 16, 1024),
    FLOAT("drop_0", 0, 0.6),
    WHEN("layers", "2,3,4", OPEN_INT_LOG("units_1", 16, 1024)),
    WHEN("layers", "2,3,4", OPEN_FLOAT("drop_1", 0, 0.6)),
    WHEN("layers", "3,4", OPEN_INT_LOG("units_2", 16, 1024)),
    WHEN("layers", "3,4", OPEN_FLOAT("drop_2", 0, 0.6)),
    WHEN("layers", "4", OPEN_INT_LOG("units_3", 16, 1024)),
    WHEN("layers", "4", OPEN_FLOAT("drop_3", 0, 0.6)),
    NULL,
};
static const char *const machine_space[] = {
    FLOAT_LOG("C", 1e-2, 1e4),
    FLOAT_LOG("gamma", 1e-6, 1e1),
    CHOICE("kernel", "\"rbf\",\"sigmoid\",\"poly\""),
    NULL,
};
static const char *const sparse10_space[] = {
    FLOAT_LOG("lr", 1e-6, 1),
    FLOAT("b", 0, 1),
    FLOAT("c", 0, 1),
    FLOAT("d", 0, 1),
    FLOAT("e", 0, 1),
    FLOAT("f", 0, 1),
    FLOAT("g", 0, 1),
    FLOAT("h", 0, 1),
    FLOAT("i", 0, 1),
    FLOAT("j", 0, 1),
    NULL,
};
static const char *const categories_space[] = {
    CHOICE("a", "\"a\",\"b\",\"c\",\"d\",\"e\""),
    CHOICE("b", "\"a\",\"b\",\"c\",\"d\""),
    FLOAT("x", 0, 1),
    FLOAT("y", 0, 1),
    INT("k", 1, 10),
    BOOLEAN("flag"),
    NULL,
};
static const char *const ackley6_space[] = {
    FLOAT("a", -4, 6),
    FLOAT("b", -4, 6),
    FLOAT("c", -4, 6),
    FLOAT("d", -4, 6),
    FLOAT("e", -4, 6),
    FLOAT("f", -4, 6),
    NULL,
};
static const char *const ravine_space[] = {
    FLOAT_LOG("lr", 1e-6, 1),
    FLOAT_LOG("wd", 1e-8, 1e-1),
    FLOAT("momentum", 0, 0.99),
    NULL,
};
static const char *const fence_space[] = {
    FLOAT("x", 0, 1),
    FLOAT("y", 0, 1),
    FLOAT("z", 0, 1),
    CHOICE("side", "\"left\",\"right\""),
    NULL,
};
static const char *const explodes_space[] = {
    FLOAT_LOG("lr", 1e-6, 1),
    FLOAT_LOG("decay", 1e-8, 1e-1),
    FLOAT("drop", 0, 0.9),
    NULL,
};
static const char *const parts_space[] = {
    CHOICE("part", "\"none\",\"a\",\"b\",\"c\",\"d\",\"e\""),
    WHEN("part", "\"a\",\"b\",\"c\",\"d\",\"e\"", OPEN_FLOAT("size", 0, 1)),
    FLOAT("x", 0, 1),
    FLOAT("y", 0, 1),
    NULL,
};

const struct problem problems[] = {
    {"branin", branin_space, 0.39788735772973816, 0, true, branin, NULL},
    {"hartmann3", hartmann3_space, -3.86278, 0, true, hartmann3, NULL},
    {"hartmann3_noisy", hartmann3_space, -3.86278, 0.15, true, hartmann3, NULL},
    {"rosenbrock_int", rosenbrock_int_space, 0, 0, true, rosenbrock, NULL},
    {"styblinski5", styblinski5_space, -195.83083, 0, true, styblinski, NULL},
    {"rastrigin_shift4", rastrigin_shift4_space, 0, 0, true, rastrigin, NULL},
    {"tree", tree_space, 0.12, 0, true, tree, NULL},
    {"steps_and_choices", steps_and_choices_space, 0, 0, true, steps_and_choices, NULL},
    {"hpobench_car", hpobench_space, NAN, 0, true, NULL, "hpobench_car.tab.gz"},
    {"hpobench_phoneme", hpobench_space, NAN, 0, true, NULL, "hpobench_phoneme.tab.gz"},
    {"hpolib_naval_propulsion", hpolib_naval_propulsion_space, NAN, 0, true, NULL,
     "hpolib_naval_propulsion.tab.gz"},
    {"nasbench201_cifar10", nasbench201_cifar10_space, NAN, 0, true, NULL,
     "nasbench201_cifar10.tab.gz"},
    {"hartmann6", hartmann6_space, -3.32237, 0, false, hartmann6, NULL},
    {"levy_mixed6", levy_mixed6_space, 0, 0, false, levy_mixed, NULL},
    {"layers", layers_space, 0.1, 0, false, layers, NULL},
    {"layers_noisy", layers_space, 0.1, 0.01, false, layers, NULL},
    {"machine", machine_space, 0.03, 0, false, machine, NULL},
    {"machine_noisy", machine_space, 0.03, 0.01, false, machine, NULL},
    {"sparse10", sparse10_space, 0, 0, false, sparse, NULL},
    {"categories", categories_space, 0, 0, false, categories, NULL},
    {"ackley6", ackley6_space, 0, 0, false, ackley, NULL},
    {"ravine", ravine_space, 0, 0, false, ravine, NULL},
    {"fence", fence_space, NAN, 0, false, fence, NULL},
    {"explodes", explodes_space, 0, 0, false, explodes, NULL},
    {"parts", parts_space, 0, 0, false, parts, NULL},
    {0},
};

static bool read_exactly(gzFile file, void *to, size_t size)
{
    return size <= 1u << 30 && gzread(file, to, (unsigned)size) == (int)size;
}

// "TAB1", int32 cells, int32 seeds, float low, float high, then uint16 codes [cells][seeds]: 65535 is
// missing, else the loss is low (high / low)^(code / 65534), or with low = 0 high code / 65534.
static bool read_table(struct table *table, const char *path)
{
    struct {
        char magic[4];
        int32_t cells, seeds;
        float low, high;
    } head;
    gzFile file = gzopen(path, "rb");
    bool good = file && read_exactly(file, &head, sizeof head) &&
                memcmp(head.magic, "TAB1", 4) == 0 && head.cells > 0 && head.seeds > 0 &&
                head.cells < 1 << 24 && head.seeds < 64;
    size_t n = good ? (size_t)head.cells * (size_t)head.seeds : 0;
    uint16_t *codes = malloc(n * sizeof *codes + 1);
    table->loss = malloc(n * sizeof *table->loss + 1);
    good = good && codes && table->loss && read_exactly(file, codes, n * sizeof *codes);
    for (size_t i = 0; good && i < n; i++)
        table->loss[i] = codes[i] == UINT16_MAX ? NAN
                         : head.low > 0
                             ? head.low * powf(head.high / head.low, (float)codes[i] / 65534)
                             : head.high * (float)codes[i] / 65534;
    table->cells = good ? (size_t)head.cells : 0;
    table->seeds = good ? head.seeds : 0;
    free(codes);
    if (file)
        gzclose(file);
    return good;
}

static cJSON *declarations(const struct problem_instance *instance, struct error *err)
{
    const struct drawn *drawn = instance->drawn;
    if (drawn)
        return json_read(drawn->parameters, strlen(drawn->parameters), NULL, err);
    cJSON *list = cJSON_CreateArray();
    for (const char *const *text = instance->problem->space; *text; text++) {
        cJSON *item = json_read(*text, strlen(*text), NULL, err);
        if (!item || !cJSON_AddItemToArray(list, item)) {
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

static bool build_space(struct problem_instance *instance)
{
    struct error err;
    cJSON *list = declarations(instance, &err);
    struct faults faults;
    faults_init(&faults);
    bool good = list && space_from_parameters(list, "/parameters", &instance->space, &faults) == OK;
    if (!good)
        fprintf(stderr, "%s: %s\n", instance->problem->name,
                list ? faults.items[0].message : err.message);
    faults_fini(&faults);
    instance->order = good ? calloc((size_t)instance->space.n, sizeof *instance->order) : NULL;
    for (int i = 0; good && i < instance->space.n; i++) {
        const cJSON *item = cJSON_GetArrayItem(list, i);
        instance->order[i] = space_find(&instance->space, json_string_or(item, "name", ""));
    }
    cJSON_Delete(list);
    return good;
}

bool problem_open(struct problem_instance *instance, const struct problem *problem,
                  const char *data)
{
    *instance = (struct problem_instance){.problem = problem};
    if (!build_space(instance))
        return false;
    if (!problem->table)
        return true;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", data, problem->table);
    if (read_table(&instance->table, path))
        return true;
    fprintf(stderr, "%s cannot be read\n", path);
    problem_close(instance);
    return false;
}

bool problem_open_drawn(struct problem_instance *instance, const char *class, int number)
{
    *instance = (struct problem_instance){.drawn = malloc(sizeof *instance->drawn)};
    if (!instance->drawn || !drawn_make(instance->drawn, class, number)) {
        fprintf(stderr, "no class %s of drawn problems\n", class);
        problem_close(instance);
        return false;
    }
    snprintf(instance->name, sizeof instance->name, "drawn_%s_%d", class, number);
    instance->made = (struct problem){.name = instance->name, .optimum = NAN};
    instance->problem = &instance->made;
    if (build_space(instance))
        return true;
    problem_close(instance);
    return false;
}

void problem_close(struct problem_instance *instance)
{
    space_fini(&instance->space);
    free(instance->order);
    free(instance->table.loss);
    free(instance->drawn);
    *instance = (struct problem_instance){0};
}

// The mean over the seeds to *truth; one of them, drawn, is the answer.
static double look_up(const struct problem_instance *instance, const struct value *v,
                      struct rng *rng, double *truth)
{
    size_t cell = 0;
    for (int i = 0; i < instance->space.n; i++) {
        const struct hp *hp = &instance->space.hps[instance->order[i]];
        cell = cell * (size_t)hp->nvalues + (size_t)hp_grid_index(hp, v[i]);
    }
    const float *row = instance->table.loss + cell * (size_t)instance->table.seeds;
    double found[64], sum = 0;
    int n = 0;
    for (int s = 0; s < instance->table.seeds; s++)
        if (!isnan(row[s])) {
            found[n++] = row[s];
            sum += row[s];
        }
    *truth = sum / n;
    return found[rng_below(rng, (uint64_t)n)];
}

double problem_evaluate(struct problem_instance *instance, const struct value *values,
                        struct rng *rng, double *truth)
{
    struct value v[64];
    for (int i = 0; i < instance->space.n; i++)
        v[i] = values[instance->order[i]];
    if (instance->drawn) {
        double unit[64];
        for (int i = 0; i < instance->space.n; i++)
            unit[i] =
                v[i].kind == V_NONE ? NAN : hp_unit(&instance->space.hps[instance->order[i]], v[i]);
        *truth = drawn_loss(instance->drawn, unit);
        return drawn_told(instance->drawn, *truth, rng);
    }
    if (instance->problem->table)
        return look_up(instance, v, rng, truth);
    *truth = instance->problem->loss(v);
    return *truth + (instance->problem->noise > 0 ? instance->problem->noise * rng_normal(rng) : 0);
}
