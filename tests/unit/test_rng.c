#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "tests/test.h"

static void the_generator_is_xoshiro256plusplus(void **state)
{
    // rand_xoshiro 0.6, xoshiro256plusplus.rs, test "reference" (figures of Vigna's own C code)
    static const uint64_t expected[] = {41943041u,
                                        58720359u,
                                        3588806011781223u,
                                        3591011842654386u,
                                        9228616714210784205u,
                                        9973669472204895162u,
                                        14011001112246962877u,
                                        12406186145184390807u,
                                        15849039046786891736u,
                                        10450023813501588000u};
    struct rng rng = {{1, 2, 3, 4}};
    (void)state;

    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(rng_next(&rng) == expected[i]);
}

static void streams_are_repeatable_and_differ(void **state)
{
    struct rng a, b, c;
    (void)state;

    rng_init(&a, 7, 1);
    rng_init(&b, 7, 1);
    rng_init(&c, 7, 2);
    for (int i = 0; i < 100; i++) {
        uint64_t x = rng_next(&a);
        assert_true(x == rng_next(&b));
        assert_true(x != rng_next(&c));
    }
    rng_init(&a, 1, 0);
    rng_init(&b, 0, 1);
    assert_true(rng_next(&a) != rng_next(&b));
    assert_true(rng_mix(1, 2) != rng_mix(2, 1));
}

static void uniform_and_normal_have_their_moments(void **state)
{
    enum { N = 200000 };
    double sum = 0, squares = 0, nsum = 0, nsquares = 0, nfourth = 0;
    struct rng rng;
    (void)state;

    rng_init(&rng, 3, 0);
    for (int i = 0; i < N; i++) {
        double u = rng_uniform(&rng), z = rng_normal(&rng);
        assert_true(u >= 0 && u < 1);
        sum += u;
        squares += u * u;
        nsum += z;
        nsquares += z * z;
        nfourth += z * z * z * z;
    }
    // five standard errors each
    assert_true(fabs(sum / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
    assert_true(fabs(squares / N - 1.0 / 3) < 5 * sqrt(4.0 / 45 / N));
    assert_true(fabs(nsum / N) < 5 * sqrt(1.0 / N));
    assert_true(fabs(nsquares / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(nfourth / N - 3) < 5 * sqrt(96.0 / N));
}

static void below_is_without_bias(void **state)
{
    enum { N = 60000 };
    int counts[6] = {0};
    struct rng rng;
    double chi = 0;
    (void)state;

    rng_init(&rng, 5, 0);
    for (int i = 0; i < N; i++)
        counts[rng_below(&rng, 6)]++;
    for (int i = 0; i < 6; i++)
        chi += (counts[i] - N / 6.0) * (counts[i] - N / 6.0) / (N / 6.0);
    assert_true(chi < 20.5); // chi-square, 5 degrees of freedom, 0.1 %
    // A bound of 3/4 of the range: taking the remainder would give the lower half 2/3 of all.
    int low = 0;
    for (int i = 0; i < N; i++)
        low += rng_below(&rng, UINT64_MAX / 4 * 3) < UINT64_MAX / 8 * 3;
    assert_true(abs(low - N / 2) < 5 * sqrt(N / 4.0));
    for (int i = 0; i < 10; i++)
        assert_true(rng_below(&rng, 1) == 0);
}

static void a_permutation_has_every_number_once_and_every_place_alike(void **state)
{
    enum { N = 24000 };
    int counts[24] = {0};
    struct rng rng;
    uint32_t p[4];
    double chi = 0;
    (void)state;

    rng_init(&rng, 9, 0);
    for (int i = 0; i < N; i++) {
        unsigned seen = 0;
        rng_permutation(&rng, p, 4);
        for (int k = 0; k < 4; k++)
            seen |= 1u << p[k];
        assert_int_equal(seen, 15);
        int rank = 0; // Lehmer code
        for (int k = 0; k < 4; k++) {
            int smaller = 0;
            for (int j = k + 1; j < 4; j++)
                smaller += p[j] < p[k];
            rank = rank * (4 - k) + smaller;
        }
        counts[rank]++;
    }
    for (int i = 0; i < 24; i++)
        chi += (counts[i] - N / 24.0) * (counts[i] - N / 24.0) / (N / 24.0);
    assert_true(chi < 49.7); // chi-square, 23 degrees of freedom, 0.1 %
    rng_permutation(&rng, p, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_xoshiro256plusplus),
        cmocka_unit_test(streams_are_repeatable_and_differ),
        cmocka_unit_test(uniform_and_normal_have_their_moments),
        cmocka_unit_test(below_is_without_bias),
        cmocka_unit_test(a_permutation_has_every_number_once_and_every_place_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
