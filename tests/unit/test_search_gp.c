// The model's arithmetic against its own definitions: gradients against differences, factors against
// products, leave-one-out against leaving one out.

#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "common/space_build.h"
#include "coordinator/search/curve.h"
#include "coordinator/search/gp/acquisition.h"
#include "coordinator/search/gp/kernel.h"
#include "coordinator/search/gp/lbfgs.h"
#include "coordinator/search/gp/linalg.h"
#include "coordinator/search/gp/outcome.h"
#include "coordinator/search/sobol.h"

static const char SPACE[] =
    "[{\"hp\":\"Choice\",\"name\":\"kind\",\"values\":[\"a\",\"b\",\"c\"]},"
    "{\"hp\":\"Float\",\"name\":\"rate\",\"min_value\":1e-4,\"max_value\":1,\"sampling\":\"log\"},"
    "{\"hp\":\"Int\",\"name\":\"units\",\"min_value\":16,\"max_value\":256,\"step\":16},"
    "{\"hp\":\"Float\",\"name\":\"drop\",\"min_value\":0,\"max_value\":0.5,"
    "\"parent_name\":\"kind\",\"parent_values\":[\"b\",\"c\"]},"
    "{\"hp\":\"Choice\",\"name\":\"act\",\"values\":[\"x\",\"y\"],"
    "\"parent_name\":\"kind\",\"parent_values\":[\"c\"]}]";
enum { N = 24, LD = 24, D = 5 };

struct fixture {
    struct space space;
    struct domain domain;
    double x[N][D], xt[D * LD], z[N], known[N], stage[N];
    struct gp_data data, staged; // the same with stages
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct faults faults;
    struct rng rng;
    cJSON *list = json_read(SPACE, strlen(SPACE), NULL, NULL);
    faults_init(&faults);
    assert_int_equal(space_from_parameters(list, "", &f->space, &faults), OK);
    faults_fini(&faults);
    cJSON_Delete(list);
    assert_int_equal(f->space.n, D);
    assert_int_equal(domain_init(&f->domain, &f->space), OK);
    assert_int_equal(f->domain.nmodel, D);
    rng_init(&rng, 5, 1);
    for (int i = 0; i < N; i++) {
        struct value values[D];
        space_sample(&f->space, &rng, values);
        space_to_unit(&f->space, values, f->x[i]);
        kernel_store(&f->domain, f->x[i], i, f->xt, LD);
        f->z[i] = rng_normal(&rng);
        f->known[i] = i % 3 ? 0 : 0.05;
        f->stage[i] = i % 4;
    }
    f->data = (struct gp_data){
        .domain = &f->domain, .n = N, .ldx = LD, .xt = f->xt, .z = f->z, .known = f->known};
    f->staged = f->data;
    f->staged.stage = f->stage;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    domain_fini(&f->domain);
    space_fini(&f->space);
    free(f);
    return 0;
}

static void some_params(struct gp_params *params)
{
    static const double theta[D + 3] = {0.3, 1.1, -0.7, 0.5, -1.2, 0.2, -3, -0.8};
    params->d = D;
    memcpy(params->theta, theta, sizeof theta);
}

static void assert_close(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance * (1 + fabs(b))))
        fail_msg("%.17g is not %.17g", a, b);
}

static void check_gradient(const struct gp_data *data, const struct gp_prior *prior, int n)
{
    struct gp_fit *fit = gp_fit_new(data);
    struct gp_params params;
    double gradient[D + 3], unused[D + 3];
    assert_non_null(fit);
    some_params(&params);
    gp_fit_value(fit, prior, params.theta, gradient);
    for (int j = 0; j < n; j++) {
        const double h = 1e-5;
        double at = params.theta[j];
        params.theta[j] = at + h;
        double up = gp_fit_value(fit, prior, params.theta, unused);
        params.theta[j] = at - h;
        double down = gp_fit_value(fit, prior, params.theta, unused);
        params.theta[j] = at;
        assert_close(gradient[j], (up - down) / (2 * h), 1e-6);
    }
    gp_fit_free(fit);
}

static void likelihood_gradient_is_that_of_the_values(void **state)
{
    struct fixture *f = *state;
    const struct gp_prior *priors[] = {&gp_prior_optuna, &gp_prior_dimension};
    for (int p = 0; p < 2; p++) {
        check_gradient(&f->data, priors[p], D + 2);
        check_gradient(&f->staged, priors[p], D + 3);
    }
}

static void fitting_never_makes_it_worse(void **state)
{
    struct fixture *f = *state;
    struct gp_fit *fit = gp_fit_new(&f->data);
    struct gp_params params;
    double gradient[D + 2];
    some_params(&params);
    double before = gp_fit_value(fit, &gp_prior_optuna, params.theta, gradient);
    double after = gp_fit_minimise(fit, &gp_prior_optuna, 200, &params);
    assert_true(after < before);
    assert_close(gp_fit_value(fit, &gp_prior_optuna, params.theta, gradient), after, 1e-12);
    for (int j = 0; j < D + 2; j++)
        assert_true(fabs(gradient[j]) < 0.5);
    gp_fit_free(fit);
}

// A process over all but one of the points; its storage is the caller's.
static void build_without(const struct fixture *f, int left, double *xt, struct gp *gp)
{
    double z[N], known[N], stage[N];
    struct gp_params params;
    int n = 0;
    for (int i = 0; i < N; i++) {
        if (i == left)
            continue;
        kernel_store(&f->domain, f->x[i], n, xt, LD);
        z[n] = f->z[i];
        stage[n] = f->staged.stage ? f->stage[i] : 0;
        known[n++] = f->known[i];
    }
    struct gp_data data = {.domain = &f->domain,
                           .n = n,
                           .ldx = LD,
                           .xt = xt,
                           .z = z,
                           .known = known,
                           .stage = f->staged.stage ? stage : NULL};
    some_params(&params);
    assert_int_equal(gp_init(gp, &data, &params, 0), OK);
}

static void leaving_one_out_is_leaving_one_out(void **state)
{
    struct fixture f = *(struct fixture *)*state;
    struct gp_fit *fit = gp_fit_new(&f.data);
    struct gp_params params;
    double density[N];
    some_params(&params);
    assert_int_equal(gp_fit_leave_one_out(fit, params.theta, density), OK);
    gp_fit_free(fit);
    f.staged.stage = NULL;
    for (int left = 0; left < N; left++) {
        double xt[D * LD], scratch[LD], mean, var;
        struct gp gp;
        build_without(&f, left, xt, &gp);
        gp_predict(&gp, 1, f.x[left], scratch, &mean, &var);
        var += gp.v + f.known[left];
        double miss = f.z[left] - mean;
        assert_close(density[left], -0.5 * log(2 * M_PI * var) - 0.5 * miss * miss / var, 1e-9);
        gp_fini(&gp);
    }
}

// Of a trial that ended its own outcome is known; one that only began tells nothing of its end, which is
// then what the others say there.
static void an_outlook_lies_between_the_trial_and_the_others(void **state)
{
    struct fixture f = *(struct fixture *)*state;
    double xt[D * LD], scratch[LD], mean, var, expected, others;
    struct gp_params params;
    struct gp gp, rest;
    some_params(&params);
    f.staged.known = NULL;
    f.staged.stage = f.stage;
    for (int i = 0; i < N; i++)
        f.known[i] = 0;
    f.stage[5] = 1000; // index 5 has begun
    assert_int_equal(gp_init(&gp, &f.staged, &params, 0), OK);
    gp_outlook(&gp, 4, f.x[4], &mean, &var); // stage 0
    assert_close(mean, f.z[4], 1e-9);
    assert_true(var < 1e-9);
    build_without(&f, 5, xt, &rest);
    gp_predict(&rest, 1, f.x[5], scratch, &expected, &others);
    gp_outlook(&gp, 5, f.x[5], &mean, &var);
    assert_close(mean, expected, 1e-9);
    assert_close(var, others + rest.v, 1e-9);
    gp_outlook(&gp, 6, f.x[6], &mean, &var); // two steps short
    assert_true(var > 1e-3 && var < gp.s + gp.v);
    gp_fini(&rest);
    gp_fini(&gp);
}

static void kernel_slope_is_that_of_the_values(void **state)
{
    (void)state;
    for (double r2 = 0.01; r2 < 60; r2 *= 1.7) {
        double at = r2, up = r2 + 1e-6, down = r2 - 1e-6, slope;
        kernel_value_slope(1, &at, &slope);
        kernel_value(1, &up);
        kernel_value(1, &down);
        assert_close(slope, (up - down) / 2e-6, 1e-8);
    }
    double zero = 0, slope;
    kernel_value_slope(1, &zero, &slope);
    assert_close(zero, 1, 0);
    assert_close(slope, -5.0 / 6, 1e-15);
}

// Points of a conditional space lie in a Euclidean space, so K + a little is positive definite for any
// length scales.
static void kernel_of_a_conditional_space_is_positive_definite(void **state)
{
    struct fixture *f = *state;
    enum { M = 120 };
    static double xt[D * M], k[M * M], x[M][D];
    struct rng rng;
    rng_init(&rng, 8, 2);
    for (int trial = 0; trial < 20; trial++) {
        double w[D];
        for (int j = 0; j < D; j++)
            w[j] = exp(3 * rng_normal(&rng));
        for (int i = 0; i < M; i++) {
            struct value values[D];
            space_sample(&f->space, &rng, values);
            space_to_unit(&f->space, values, x[i]);
            kernel_store(&f->domain, x[i], i, xt, M);
        }
        for (int i = 0; i < M; i++) {
            kernel_row(&f->domain, w, 1, x[i], M, xt, M, k + i * M, NULL);
            k[i * M + i] += 1e-8;
        }
        assert_true(linalg_cholesky(M, 0, k, M));
    }
}

static void build(struct fixture *f, struct gp *gp, double shift)
{
    struct gp_params params;
    some_params(&params);
    params.theta[1] += shift;
    assert_int_equal(gp_init(gp, shift > 0 ? &f->staged : &f->data, &params, 4), OK);
}

static void check_prediction_slopes(struct fixture *f, double shift)
{
    struct gp gp;
    struct rng rng;
    double scratch[LD + 4], mean, var, up, down, up_var, down_var, dmean[D], dvar[D];
    build(f, &gp, shift);
    assert_true(gp_believe(&gp, f->x[3]) || true);
    rng_init(&rng, 6, 2);
    for (int t = 0; t < 20; t++) {
        struct value values[D];
        double x[D];
        space_sample(&f->space, &rng, values);
        space_to_unit(&f->space, values, x);
        gp_predict_slope(&gp, x, &mean, &var, dmean, dvar);
        for (int j = 0; j < D; j++) {
            if (isnan(x[j]) || f->domain.dims[j].kind == DIM_CATEGORY) {
                assert_true(dmean[j] == 0 && dvar[j] == 0);
                continue;
            }
            const double h = 1e-5;
            double at = x[j];
            x[j] = at + h;
            gp_predict(&gp, 1, x, scratch, &up, &up_var);
            x[j] = at - h;
            gp_predict(&gp, 1, x, scratch, &down, &down_var);
            x[j] = at;
            assert_close(dmean[j], (up - down) / (2 * h), 1e-6);
            assert_close(dvar[j], (up_var - down_var) / (2 * h), 1e-6);
        }
    }
    gp_fini(&gp);
}

static void prediction_slopes_are_those_of_the_values(void **state)
{
    check_prediction_slopes(*state, 0);
    check_prediction_slopes(*state, 1); // with stages
}

static void acquisition_slope_is_that_of_the_values(void **state)
{
    struct fixture *f = *state;
    struct gp gps[3];
    struct rng rng;
    for (int m = 0; m < 3; m++)
        build(f, &gps[m], m);
    struct acquisition a = {.domain = &f->domain, .nmembers = 2, .feasible = &gps[2]};
    a.members[0] = (struct acquisition_member){.gp = &gps[0], .best = -1.5, .log_weight = log(0.3)};
    a.members[1] = (struct acquisition_member){.gp = &gps[1], // far out in the tail
                                               .base = &gps[2],
                                               .base_factor = 0.7,
                                               .best = -6,
                                               .log_weight = log(0.7)};
    a.threshold = 0.4;
    assert_int_equal(acquisition_init(&a), OK);
    rng_init(&rng, 7, 2);
    for (int t = 0; t < 20; t++) {
        struct value values[D];
        double x[D], slope[D], value, up, down;
        space_sample(&f->space, &rng, values);
        space_to_unit(&f->space, values, x);
        double at_once = acquisition_slope(&a, x, slope);
        acquisition_values(&a, 1, x, &value);
        assert_close(at_once, value, 1e-9);
        for (int j = 0; j < D; j++) {
            if (isnan(x[j]) || f->domain.dims[j].kind == DIM_CATEGORY)
                continue;
            const double h = 1e-6;
            double at = x[j];
            x[j] = at + h;
            acquisition_values(&a, 1, x, &up);
            x[j] = at - h;
            acquisition_values(&a, 1, x, &down);
            x[j] = at;
            assert_close(slope[j], (up - down) / (2 * h), 1e-5);
        }
    }
    acquisition_fini(&a);
    for (int m = 0; m < 3; m++)
        gp_fini(&gps[m]);
}

static void believing_keeps_the_mean_and_shrinks_the_variance(void **state)
{
    struct fixture *f = *state;
    struct gp gp;
    struct rng rng;
    struct value values[D];
    double x[D], scratch[2 * (LD + 4)], mean[2], var[2], mean2[2], var2[2], both[2 * D];
    build(f, &gp, 0);
    rng_init(&rng, 11, 2);
    space_sample(&f->space, &rng, values);
    space_to_unit(&f->space, values, x);
    memcpy(both, x, sizeof x);
    memcpy(both + D, f->x[0], sizeof x);
    gp_predict(&gp, 2, both, scratch, mean, var);
    assert_true(gp_believe(&gp, x));
    gp_predict(&gp, 2, both, scratch, mean2, var2);
    assert_close(mean2[0], mean[0], 1e-12);
    assert_close(mean2[1], mean[1], 1e-12);
    assert_close(1 / var2[0], 1 / var[0] + 1 / gp.v, 1e-9); // one more observation with noise v
    assert_true(var2[1] <= var[1] + 1e-12);
    gp_fini(&gp);
}

static void factors_inverses_and_solutions_agree(void **state)
{
    (void)state;
    enum { MAX = 67, L = 68 };
    static double a[MAX * L], l[MAX * L], u[MAX * L], k[MAX * L], b[5 * L], c[L];
    struct rng rng;
    rng_init(&rng, 3, 3);
    for (int n = 1; n <= MAX; n += n < 10 ? 1 : 19) {
        int ld = linalg_ld(n);
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++)
                a[i * ld + j] = a[j * ld + i] = exp(-0.05 * (i - j) * (i - j)) + (i == j ? 0.3 : 0);
        memcpy(l, a, sizeof(double) * (size_t)(n * ld));
        assert_true(linalg_cholesky(n, 0, l, ld));
        linalg_invert_lower(n, l, ld, u);
        linalg_inverse(n, u, ld, k);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int m = 0; m < n; m++)
                    sum += a[i * ld + m] * k[m * ld + j];
                assert_true(fabs(sum - (i == j)) < 1e-12);
            }
        for (int i = 0; i < 5 * ld; i++)
            b[i] = rng_normal(&rng);
        memcpy(c, b + 4 * ld, sizeof(double) * (size_t)n);
        linalg_solve_lower(n, l, ld, 5, b, ld);
        linalg_solve_upper(n, l, ld, b + 4 * ld);
        for (int i = 0; i < n; i++)
            assert_true(fabs(linalg_dot(n, k + i * ld, c) - b[4 * ld + i]) < 1e-11);
    }
}

static void a_factor_grows_row_by_row(void **state)
{
    (void)state;
    double a[3 * 4] = {4, 0, 0, 0, 2, 5, 0, 0, 2, 3, 6, 0}, b[3 * 4];
    memcpy(b, a, sizeof a);
    assert_true(linalg_cholesky(3, 0, a, 4));
    assert_true(linalg_cholesky(2, 0, b, 4));
    assert_true(linalg_cholesky(3, 2, b, 4));
    assert_memory_equal(a, b, sizeof a);
    double indefinite[2 * 4] = {1, 0, 0, 0, 2, 1, 0, 0};
    assert_false(linalg_cholesky(2, 0, indefinite, 4));
}

static void exponentials_are_exact_to_the_last_digits(void **state)
{
    (void)state;
    double x[5], expected[5];
    for (double at = 0; at < 690; at = at * 1.01 + 0.013) {
        for (int i = 0; i < 5; i++) {
            x[i] = -at * (1 + 0.001 * i);
            expected[i] = exp(x[i]);
        }
        linalg_exp_negative(5, x);
        for (int i = 0; i < 5; i++)
            assert_true(fabs(x[i] - expected[i]) <= 4e-16 * expected[i]);
    }
    x[0] = -800;
    linalg_exp_negative(1, x);
    assert_true(x[0] == 0);
}

static double valley(void *context, const double *x, double *g)
{
    (void)context;
    g[0] = -400 * x[0] * (x[1] - x[0] * x[0]) - 2 * (1 - x[0]);
    g[1] = 200 * (x[1] - x[0] * x[0]);
    return 100 * pow(x[1] - x[0] * x[0], 2) + pow(1 - x[0], 2);
}

static void lbfgs_finds_the_bottom_in_and_at_the_edge_of_a_box(void **state)
{
    (void)state;
    const struct lbfgs_options options = {
        .evaluations = 300, .gradient = 1e-8, .decrease = 0, .step = 1};
    double lo[] = {-2, -2}, hi[] = {2, 2}, x[] = {-1.2, 1}, edge[] = {0.5, 2};
    lbfgs_minimise(2, x, lo, hi, valley, NULL, &options);
    assert_close(x[0], 1, 1e-6);
    assert_close(x[1], 1, 1e-6);
    memcpy(x, (double[]){-1.2, 1}, sizeof x);
    lbfgs_minimise(2, x, lo, edge, valley, NULL, &options);
    assert_close(x[0], 0.5, 1e-9); // Rosenbrock with x <= 1/2: the edge, y = x^2
    assert_close(x[1], 0.25, 1e-6);
}

static void half_rank_keeps_the_better_half_and_the_order(void **state)
{
    (void)state;
    const double loss[] = {3, 1, 1e9, 2, 50, 4, 7, 1e6, 1.5}; // median 4
    const enum outcome_kind kinds[] = {OUTCOME_PLAIN, OUTCOME_HALF_RANK, OUTCOME_HALF_RANK_LOG};
    double z[9], slope[9];
    for (int k = 0; k < 3; k++) {
        double mean = 0, square = 0;
        assert_true(outcome_transform(kinds[k], 9, loss, z, slope));
        for (int i = 0; i < 9; i++) {
            mean += z[i] / 9;
            square += z[i] * z[i] / 9;
            for (int j = 0; j < 9; j++)
                assert_true((loss[i] < loss[j]) == (z[i] < z[j]));
            assert_int_equal(isnan(slope[i]), kinds[k] != OUTCOME_PLAIN && loss[i] > 4);
        }
        assert_true(fabs(mean) < 1e-12);
        assert_close(square, 1, 1e-9);
    }
    outcome_transform(OUTCOME_HALF_RANK, 9, loss, z, slope);
    assert_close((z[0] - z[1]) / (z[3] - z[1]), 2, 1e-12); // 3, 1 and 2 keep their distances
    assert_close(slope[0], (z[0] - z[1]) / 2, 1e-12);
    // Worst of four below the median 4, which is a value: u' = m + s Phi^-1(0.5 * 0.5 / 4.5), s over
    // the distinct values 4, 3, 2, 1.5, 1 as root mean square of 0, 1, 2, 2.5, 3.
    double s = sqrt((0 + 1 + 4 + 6.25 + 9) / 5), m = -4;
    double worst = -(m + s * -1.5932188180230502); // Phi^-1(0.0555…) by scipy.stats.norm.ppf
    assert_close((z[2] - z[1]) / (z[3] - z[1]), worst - 1, 1e-9);
}

static void transform_slopes_are_those_between_neighbours(void **state)
{
    (void)state;
    const double loss[] = {3, 1, 9, 2, 5, 4, 7, 2 + 1e-6, 1.5, 6};
    double z[10], slope[10];
    for (int k = 0; k < 3; k++) {
        outcome_transform((enum outcome_kind)k, 10, loss, z, slope);
        assert_close((z[7] - z[3]) / 1e-6, slope[3], 1e-5);
    }
}

static void equal_losses_and_huge_ones_are_survived(void **state)
{
    (void)state;
    const double equal[] = {2, 2, 2}, huge[] = {1e150, -1e150, 0, 1}, one[] = {5};
    double z[4], slope[4];
    for (int k = 0; k < 3; k++) {
        assert_true(outcome_transform((enum outcome_kind)k, 3, equal, z, slope));
        assert_true(z[0] == 0 && z[1] == 0 && z[2] == 0);
        assert_true(outcome_transform((enum outcome_kind)k, 4, huge, z, slope));
        for (int i = 0; i < 4; i++)
            assert_true(isfinite(z[i]));
        assert_true(outcome_transform((enum outcome_kind)k, 1, one, z, slope));
        assert_true(z[0] == 0);
    }
}

static void scrambled_sobol_points_stay_one_to_a_stratum(void **state)
{
    (void)state;
    struct sobol *sobol = malloc(sizeof *sobol);
    static double points[64][SOBOL_DIM_MAX + 2];
    sobol_init(sobol, SOBOL_DIM_MAX + 2, 1234567);
    for (uint32_t i = 0; i < 64; i++)
        sobol_point(sobol, i, points[i]);
    for (int d = 0; d < SOBOL_DIM_MAX; d++) {
        uint64_t hit = 0;
        for (int i = 0; i < 64; i++)
            hit |= (uint64_t)1 << (int)(points[i][d] * 64);
        assert_true(hit == UINT64_MAX);
    }
    // The first two coordinates are a (0, 6, 2)-net: one point in each of the 8 x 8 squares.
    uint64_t hit = 0;
    for (int i = 0; i < 64; i++)
        hit |= (uint64_t)1 << ((int)(points[i][0] * 8) * 8 + (int)(points[i][1] * 8));
    assert_true(hit == UINT64_MAX);
    sobol_init(sobol, 2, 7654321);
    double other[2];
    sobol_point(sobol, 0, other);
    assert_true(other[0] != points[0][0]);
    free(sobol);
}

static void a_curve_is_followed_to_its_end(void **state)
{
    (void)state;
    double curve[10], loss, variance;
    for (int e = 0; e < 10; e++)
        curve[e] = 0.3 + 0.6 * pow(e + 1, -0.8);
    curve[4] = NAN;
    assert_true(curve_extrapolate(10, curve, 50, &loss, &variance));
    assert_true(fabs(loss - (0.3 + 0.6 * pow(50, -0.8))) < 0.01);
    assert_true(variance > 0 && sqrt(variance) < 0.02);
    assert_false(curve_extrapolate(3, curve, 50, &loss, &variance));
    assert_false(curve_extrapolate(10, curve, 10, &loss, &variance));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(likelihood_gradient_is_that_of_the_values),
        cmocka_unit_test(fitting_never_makes_it_worse),
        cmocka_unit_test(leaving_one_out_is_leaving_one_out),
        cmocka_unit_test(an_outlook_lies_between_the_trial_and_the_others),
        cmocka_unit_test(kernel_slope_is_that_of_the_values),
        cmocka_unit_test(kernel_of_a_conditional_space_is_positive_definite),
        cmocka_unit_test(prediction_slopes_are_those_of_the_values),
        cmocka_unit_test(acquisition_slope_is_that_of_the_values),
        cmocka_unit_test(believing_keeps_the_mean_and_shrinks_the_variance),
        cmocka_unit_test(factors_inverses_and_solutions_agree),
        cmocka_unit_test(a_factor_grows_row_by_row),
        cmocka_unit_test(exponentials_are_exact_to_the_last_digits),
        cmocka_unit_test(lbfgs_finds_the_bottom_in_and_at_the_edge_of_a_box),
        cmocka_unit_test(half_rank_keeps_the_better_half_and_the_order),
        cmocka_unit_test(transform_slopes_are_those_between_neighbours),
        cmocka_unit_test(equal_losses_and_huge_ones_are_survived),
        cmocka_unit_test(scrambled_sobol_points_stay_one_to_a_stratum),
        cmocka_unit_test(a_curve_is_followed_to_its_end),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
