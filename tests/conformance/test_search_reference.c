// The search's arithmetic against figures of mpmath, scikit-learn and scipy (search_reference.py).

#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/space_build.h"
#include "coordinator/search/gp/gp.h"
#include "coordinator/search/gp/kernel.h"
#include "coordinator/search/gp/normal.h"
#include "coordinator/search/sobol.h"

static int setup(void **state)
{
    enum { ROOM = 1 << 20 };
    struct error err;
    char *text = malloc(ROOM);
    FILE *file = fopen("tests/conformance/search_reference.json", "rb");
    assert_non_null(text);
    assert_non_null(file);
    size_t size = fread(text, 1, ROOM, file);
    fclose(file);
    *state = json_read(text, size, NULL, &err);
    free(text);
    if (!*state)
        print_error("%s\n", err.message);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    cJSON_Delete(*state);
    return 0;
}

static double get(const cJSON *object, const char *name)
{
    const cJSON *item = json_member(object, name);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void assert_near(double found, double expected, double relative)
{
    if (!(fabs(found - expected) <= relative * fmax(fabs(expected), 1e-12)))
        fail_msg("%.17g is not %.17g", found, expected);
}

static void log_improvement_keeps_its_digits_to_minus_forty(void **state)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json_member(*state, "normal"))
    {
        double cdf, pdf, z = get(item, "z");
        // log h passes zero near z = 0.9: compare h there.
        double log_h = normal_log_improvement(z, &cdf, &pdf);
        assert_near(exp(log_h - get(item, "log_improvement")), 1, 2e-13);
        assert_near(cdf, get(item, "cdf_over_h"), 1e-11);
        assert_near(pdf, get(item, "pdf_over_h"), 1e-11);
    }
}

static void log_cdf_keeps_its_digits_to_minus_forty(void **state)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json_member(*state, "normal"))
    {
        double slope, log_cdf = normal_log_cdf(get(item, "z"), &slope);
        assert_near(exp(log_cdf - get(item, "log_cdf")), 1, 2e-13);
        assert_near(slope, get(item, "pdf_over_cdf"), 1e-12);
    }
}

static void quantiles_of_the_normal(void **state)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json_member(*state, "quantile"))
        assert_near(normal_quantile(get(item, "p")), get(item, "x"), 1e-14);
}

static void make_space(struct space *space, int d)
{
    char text[2048] = "[";
    struct faults faults;
    for (int j = 0; j < d; j++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used,
                 "%s{\"hp\":\"Float\",\"name\":\"x%d\",\"min_value\":0,\"max_value\":1}",
                 j ? "," : "", j);
    }
    snprintf(text + strlen(text), sizeof text - strlen(text), "]");
    cJSON *list = json_read(text, strlen(text), NULL, NULL);
    faults_init(&faults);
    assert_int_equal(space_from_parameters(list, "", space, &faults), OK);
    faults_fini(&faults);
    cJSON_Delete(list);
}

static void read_row(const cJSON *row, double *out)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, row) *out++ = item->valuedouble;
}

static double nothing(int d, const double *theta, double *gradient)
{
    (void)d;
    (void)theta;
    (void)gradient;
    return 0;
}

static void compare_process(const cJSON *item)
{
    enum { N = 40, D = 10, LD = 40 };
    static const struct gp_prior flat = {.name = "flat", .penalty = nothing};
    double xt[D * LD] = {0}, x[D], z[N], mean[1], var[1], scratch[LD], length[D], slope[D + 2];
    int n = cJSON_GetArraySize(json_member(item, "z"));
    int d = cJSON_GetArraySize(json_member(item, "length")), t = 0;
    struct gp_params params = {.d = d};
    struct space space;
    struct domain domain;
    struct gp gp;
    const cJSON *row;

    make_space(&space, d);
    assert_int_equal(domain_init(&domain, &space), OK);
    assert_int_equal(domain.nmodel, d);
    read_row(json_member(item, "z"), z);
    read_row(json_member(item, "length"), length);
    for (int i = 0; i < n; i++) {
        read_row(cJSON_GetArrayItem(json_member(item, "x"), i), x);
        kernel_store(&domain, x, i, xt, LD);
    }
    for (int j = 0; j < d; j++)
        params.theta[j] = -2 * log(length[j]);
    params.theta[d] = log(get(item, "scale"));
    params.theta[d + 1] = log(get(item, "noise"));
    struct gp_data data = {.domain = &domain, .n = n, .ldx = LD, .xt = xt, .z = z};
    assert_int_equal(gp_init(&gp, &data, &params, 0), OK);
    cJSON_ArrayForEach(row, json_member(item, "test"))
    {
        read_row(row, x);
        gp_predict(&gp, 1, x, scratch, mean, var);
        double m = cJSON_GetArrayItem(json_member(item, "mean"), t)->valuedouble;
        double v = cJSON_GetArrayItem(json_member(item, "variance"), t++)->valuedouble;
        assert_true(fabs(mean[0] - m) < 1e-6);
        assert_true(fabs(var[0] - v) < 1e-6);
        assert_near(mean[0], m, 1e-8);
    }
    struct gp_fit *fit = gp_fit_new(&data);
    assert_non_null(fit);
    assert_near(-gp_fit_value(fit, &flat, params.theta, slope), get(item, "log_likelihood"), 1e-9);
    gp_fit_free(fit);
    gp_fini(&gp);
    domain_fini(&domain);
    space_fini(&space);
}

static void posteriors_and_likelihoods_are_scikit_learns(void **state)
{
    const cJSON *item;
    int n = 0;
    cJSON_ArrayForEach(item, json_member(*state, "processes"))
    {
        compare_process(item);
        n++;
    }
    assert_int_equal(n, 10);
}

// scipy walks the sequence in Gray code order: point i there is point i ^ (i >> 1) here.
static void sobol_points_are_joe_and_kuos(void **state)
{
    struct sobol *sobol = malloc(sizeof *sobol);
    double point[SOBOL_DIM_MAX];
    const cJSON *item;
    assert_non_null(sobol);
    sobol_init(sobol, SOBOL_DIM_MAX, 0);
    cJSON_ArrayForEach(item, json_member(*state, "sobol"))
    {
        int d = (int)get(item, "dimension");
        const cJSON *points = json_member(item, "points");
        for (int i = 0; i < cJSON_GetArraySize(points); i++) {
            sobol_point(sobol, (uint32_t)(i ^ (i >> 1)), point);
            assert_near(point[d], cJSON_GetArrayItem(points, i)->valuedouble, 0);
        }
    }
    free(sobol);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_improvement_keeps_its_digits_to_minus_forty),
        cmocka_unit_test(log_cdf_keeps_its_digits_to_minus_forty),
        cmocka_unit_test(quantiles_of_the_normal),
        cmocka_unit_test(posteriors_and_likelihoods_are_scikit_learns),
        cmocka_unit_test(sobol_points_are_joe_and_kuos),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
