// Leases, rule by rule (schema/protocol.md).

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/dispatch/lease.h"
#include "tests/test.h"

static const struct lease_key A = {1, 0, 0}, B = {1, 0, 1}, C = {2, 7, 0};

static struct leases *with_three(double period)
{
    struct leases *leases = leases_new(period);
    lease_grant(leases, A, 1, "w1", 100);
    lease_grant(leases, B, 1, "w2", 101);
    lease_grant(leases, C, 1, "w1", 102);
    return leases;
}

static void a_lease_lapses_a_period_after_it_was_granted(void **state)
{
    (void)state;
    struct leases *leases = with_three(15);
    assert_true(leases_deadline(leases) == 115);
    assert_null(leases_expire(leases, 114.9));
    struct lease *lapsed = leases_expire(leases, 115);
    assert_ptr_equal(lapsed, lease_find(leases, A));
    assert_int_equal(lapsed->state, LEASE_LAPSED);
    assert_null(leases_expire(leases, 115));
    assert_true(leases_deadline(leases) == 116);
    leases_free(leases);
}

static void renewing_starts_the_period_anew(void **state)
{
    (void)state;
    struct leases *leases = with_three(15);
    lease_renew(leases, lease_find(leases, A), 110);
    assert_ptr_equal(leases_expire(leases, 120), lease_find(leases, B));
    assert_ptr_equal(leases_expire(leases, 120), lease_find(leases, C));
    assert_null(leases_expire(leases, 120));
    assert_int_equal(lease_find(leases, A)->state, LEASE_HELD);
    assert_true(leases_deadline(leases) == 125);
    leases_free(leases);
}

static void a_lapsed_lease_is_not_renewed_but_can_live_again_with_its_messages(void **state)
{
    (void)state;
    struct leases *leases = with_three(15);
    struct lease *lease = lease_find(leases, A);
    lease->seq = 4;
    assert_ptr_equal(leases_expire(leases, 115), lease);
    lease_renew(leases, lease, 115);
    assert_int_equal(lease->state, LEASE_LAPSED);
    lease_revive(leases, lease, 115.5);
    assert_int_equal(lease->state, LEASE_HELD);
    assert_int_equal(lease->seq, 4);
    assert_true(lease->expires == 130.5);
    leases_free(leases);
}

static void the_next_attempt_takes_the_place_of_the_lapsed_one(void **state)
{
    (void)state;
    struct leases *leases = with_three(15);
    lease_find(leases, A)->seq = 9;
    leases_expire(leases, 115);
    lease_grant(leases, A, 2, "w3", 116);
    const struct lease *lease = lease_find(leases, A);
    assert_int_equal(lease->attempt, 2);
    assert_string_equal(lease->holder, "w3");
    assert_int_equal(lease->seq, 0);
    assert_int_equal(lease->state, LEASE_HELD);
    leases_free(leases);
}

static void a_called_off_lease_holds_its_slot_until_the_period_is_over(void **state)
{
    (void)state;
    struct leases *leases = with_three(15);
    struct lease *lease = lease_find(leases, A);
    lease_call_off(leases, lease);
    assert_int_equal(lease->state, LEASE_ENDING);
    struct lease *over = leases_expire(leases, 115);
    assert_ptr_equal(over, lease);
    assert_int_equal(over->state, LEASE_ENDING);
    lease_drop(leases, over);
    assert_null(lease_find(leases, A));
    leases_expire(leases, 116);
    lease_call_off(leases, lease_find(leases, B)); // lapsed: nobody holds a slot for it
    assert_null(lease_find(leases, B));
    leases_free(leases);
}

static void after_a_stall_of_our_own_all_get_a_whole_period(void **state)
{
    (void)state;
    struct leases *leases = with_three(15);
    leases_forgive(leases, 500);
    assert_null(leases_expire(leases, 514.9));
    assert_non_null(leases_expire(leases, 515));
    leases_free(leases);
}

struct counted {
    int n;
    struct leases *leases;
};

static void renew_one(void *context, struct lease *lease)
{
    struct counted *counted = context;
    counted->n++;
    lease_renew(counted->leases, lease, 200);
}

static void drop_one(void *context, struct lease *lease)
{
    struct counted *counted = context;
    counted->n++;
    lease_drop(counted->leases, lease);
}

// A walk that renewed the leases it met went on for ever once: the renewed one moves to the end.
static void a_walk_meets_each_lease_once_whatever_it_does(void **state)
{
    (void)state;
    struct leases *leases = with_three(15);
    struct counted counted = {0, leases};
    leases_each(leases, "w1", renew_one, &counted);
    assert_int_equal(counted.n, 2);
    counted.n = 0;
    leases_each(leases, NULL, drop_one, &counted);
    assert_int_equal(counted.n, 3);
    assert_true(isinf(leases_deadline(leases)));
    leases_free(leases);
}

static void all_leases_of_a_study_go_with_it(void **state)
{
    (void)state;
    struct leases *leases = with_three(15);
    leases_expire(leases, 115);
    leases_drop_study(leases, 1);
    assert_null(lease_find(leases, A));
    assert_null(lease_find(leases, B));
    assert_non_null(lease_find(leases, C));
    leases_free(leases);
}

static void a_lease_has_one_text_and_only_that(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",        "1",      "1.2",    "1.2.",           "1.2.3.",
        "1.2.3.4", "-1.2.3", "01.2.3", "1..3",           " 1.2.3",
        "1.2.3 ",  "1.+2.3", "a.2.3",  "1.2147483648.0", "9223372036854775808.0.0",
    };
    char text[64];
    struct lease_key key;
    lease_key_text((struct lease_key){INT64_MAX, INT32_MAX, 0}, text);
    assert_string_equal(text, "9223372036854775807.2147483647.0");
    assert_true(lease_key_parse(text, &key));
    assert_true(key.study == INT64_MAX && key.trial == INT32_MAX && key.execution == 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (lease_key_parse(wrong[i], &key))
            fail_msg("\"%s\" is taken for a lease", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_lapses_a_period_after_it_was_granted),
        cmocka_unit_test(renewing_starts_the_period_anew),
        cmocka_unit_test(a_lapsed_lease_is_not_renewed_but_can_live_again_with_its_messages),
        cmocka_unit_test(the_next_attempt_takes_the_place_of_the_lapsed_one),
        cmocka_unit_test(a_called_off_lease_holds_its_slot_until_the_period_is_over),
        cmocka_unit_test(after_a_stall_of_our_own_all_get_a_whole_period),
        cmocka_unit_test(a_walk_meets_each_lease_once_whatever_it_does),
        cmocka_unit_test(all_leases_of_a_study_go_with_it),
        cmocka_unit_test(a_lease_has_one_text_and_only_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
