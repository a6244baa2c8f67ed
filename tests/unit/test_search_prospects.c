// Where trainings that stand at different epochs are heading, and what it is worth to go on.

#include "tests/test.h"

#include <math.h>

#include "coordinator/search/prospects.h"
#include "coordinator/search/worth.h"

enum { TRIALS = 6 };
struct study {
    double curves[TRIALS][9];
    struct search_trial trials[TRIALS];
    struct told_entry entries[2 * TRIALS];
    struct history history;
    struct told told;
};
static const struct levels levels = {.n = 3, .epochs = {1, 3, 9}};

// A trial that completed `round` with these losses after each epoch.
static void add(struct study *s, int round, int epochs, double first, double last)
{
    int i = s->history.n++;
    for (int e = 0; e < epochs; e++)
        s->curves[i][e] = epochs > 1 ? first + (last - first) * e / (epochs - 1) : first;
    s->trials[i] = (struct search_trial){.number = i,
                                         .state = SEARCH_COMPLETED,
                                         .loss = fmin(first, last),
                                         .epochs = epochs,
                                         .ncurve = epochs,
                                         .curve = s->curves[i],
                                         .round = round,
                                         .parent = -1,
                                         .own = true,
                                         .source = -1};
    s->entries[s->told.n++] = (struct told_entry){
        .index = i, .epochs = epochs, .round = round, .ok = true, .loss = s->trials[i].loss};
    s->history.trials = s->trials;
    s->told.entries = s->entries;
}

static void assert_near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-12);
}

static struct prospects foresee_on(const struct study *s, const struct levels *on)
{
    struct prospects p;
    assert_int_equal(prospects_of(&p, on, &s->history, &s->told, s->told.n), OK);
    return p;
}

static struct prospects foresee(const struct study *s)
{
    return foresee_on(s, &levels);
}

static void a_trial_gains_what_those_before_it_gained(void **state)
{
    (void)state;
    struct study s = {0};
    add(&s, 1, 3, 1.0, 0.6);
    add(&s, 1, 3, 1.0, 0.6);
    add(&s, 0, 1, 1.0, 1.0);
    struct prospects p = foresee(&s);
    assert_int_equal(p.steps[0].pairs, 2);
    assert_near(p.steps[0].gain, 0.4);
    assert_int_equal(p.items[2].level, 0);
    // Nobody took the second step: half the gain of the first is supposed.
    assert_near(p.items[2].end, 0.4);
    assert_near(p.items[0].end, 0.4);
    assert_near(p.best, 0.6);
    assert_near(prospects_reach(&p, &levels, &p.items[2], 0), 0.4);
    prospects_fini(&p);
}

static void losses_that_meet_again_foretell_little(void **state)
{
    (void)state;
    struct study s = {0};
    for (int i = 0; i < 5; i++)
        add(&s, 2, 9, 1.0 + 0.1 * i, 0.5);
    add(&s, 0, 1, 1.5, 1.5);
    struct prospects p = foresee(&s);
    double straight = 1.5 - (1.2 - 0.5);
    assert_true(p.items[5].end > 0.5 && p.items[5].end < 0.5 + 0.5 * (straight - 0.5));
    assert_near(p.items[5].stage, 2);
    double reach = prospects_reach(&p, &levels, &p.items[5], 0);
    assert_true(reach > 0.5 && reach < 0.5 + 0.5 * (straight - 0.5));
    assert_true(prospects_reach(&p, &levels, &p.items[5], 1) < reach - 1e-3);
    assert_near(prospects_reach(&p, &levels, &p.items[0], 1), 0.5);
    assert_true(p.deviation[2] < 0.5 * p.deviation[0]);
    for (int i = 0; i < 5; i++) {
        assert_near(p.items[i].end, 0.5);
        assert_near(p.items[i].stage, 0);
    }
    prospects_fini(&p);
}

// The three that went on gained 0.2 each; one of the others is so bad that it must not count.
static void a_trial_keeps_its_place_among_all(void **state)
{
    (void)state;
    struct study s = {0};
    add(&s, 1, 3, 1.0, 0.8);
    add(&s, 1, 3, 1.1, 0.9);
    add(&s, 1, 3, 1.2, 1.0);
    add(&s, 1, 3, 100, 50);
    add(&s, 0, 1, 1.15, 1.15);
    struct prospects p = foresee(&s);
    assert_near(p.mean[0], 1.15);
    assert_true(p.steps[0].gain > 0.19 && p.steps[0].gain < 0.3);
    assert_near(p.items[4].end, p.mean[2]);
    assert_near((p.items[0].end - p.mean[2]) / p.deviation[2],
                (p.items[0].loss - p.mean[1]) / p.deviation[1]);
    prospects_fini(&p);
}

static void a_training_that_ended_by_itself_is_at_its_end(void **state)
{
    (void)state;
    struct study s = {0};
    add(&s, 2, 5, 1.0, 0.7); // was to train 9 epochs
    add(&s, 1, 3, 1.0, 0.8);
    struct prospects p = foresee(&s);
    assert_int_equal(p.items[0].level, 2);
    assert_near(p.items[0].end, 0.7);
    assert_int_equal(p.items[1].level, 1);
    prospects_fini(&p);
}

static void what_came_later_changes_nothing_before_it(void **state)
{
    (void)state;
    struct study s = {0};
    struct prospects early, again;
    add(&s, 0, 1, 1.0, 1.0);
    add(&s, 1, 3, 1.1, 0.8);
    early = foresee(&s);
    add(&s, 2, 9, 1.2, 0.3);
    assert_int_equal(prospects_of(&again, &levels, &s.history, &s.told, 2), OK);
    assert_int_equal(again.n, 2);
    for (int i = 0; i < 2; i++)
        assert_true(again.items[i].end == early.items[i].end &&
                    again.items[i].variance == early.items[i].variance);
    prospects_fini(&early);
    prospects_fini(&again);
}

// One step left, deviation s, nobody ahead: worth a price up to s phi(0) / epochs (Weitzman's index).
// Three executions at the last level, one before: what luck does not last is the gain of the last step.
static void what_is_trained_again_falls_back_to_its_mean(void **state)
{
    (void)state;
    static const struct levels thrice = {.n = 4, .epochs = {1, 3, 9, 9}, .executions = 3};
    struct study s = {0};
    for (int i = 0; i < 2; i++) {
        add(&s, 2, 9, 1.0, i == 0 ? 0.5 : 0.7);
        s.entries[i].executions = 1;
    }
    // nothing is in hand yet: to beat is what a trial comes to in the mean, not the luck of one
    struct prospects first = foresee_on(&s, &thrice);
    assert_near(first.mean[2], 0.6);
    assert_near(first.best, 0.6);
    prospects_fini(&first);
    for (int i = 2; i < 4; i++) {
        add(&s, 3, 9, 1.0, 0.5);
        s.entries[i].executions = 3;
        s.entries[i].loss = 0.6; // the mean; 0.5 is the first execution's
        s.trials[i].executions = 3;
        s.trials[i].variance = 0.01 * (i - 1);
    }
    struct prospects p = foresee_on(&s, &thrice);
    assert_int_equal(p.items[0].level, 2);
    assert_int_equal(p.items[2].level, 3);
    assert_near(p.length, 9);
    assert_near(p.items[2].loss, 0.6);
    assert_near(p.best, 0.6); // of those with all executions
    assert_near(p.luck, 0.015);
    assert_near(p.steps[2].gain, -0.1);
    assert_near(p.items[0].end, 0.6);
    prospects_fini(&p);
    // it ended before its level: nothing is left to do but to train it again
    s.entries[0].epochs = 2;
    p = foresee_on(&s, &thrice);
    assert_int_equal(p.items[0].level, 2);
    assert_near(p.length, (2 + 9 + 9 + 9) / 4.0);
    prospects_fini(&p);
    assert_near(level_cost(&thrice, 3, 7), 21);
    assert_near(level_cost(&thrice, 1, 7), 3);
    assert_near(level_cost(&thrice, 2, INFINITY), 9);
    assert_near(level_cost(&thrice, 3, INFINITY), 27);
    assert_near(level_stage(&thrice, 2), 1);
    assert_int_equal(level_executions(&thrice, 2), 1);
    assert_int_equal(level_executions(&thrice, 3), 0);
}

static void of_equal_chances_the_cheaper_is_worth_more(void **state)
{
    (void)state;
    struct outset o = {.levels = &levels, .length = 9, .known = {0, 0, 1}, .variance = 0.01};
    struct arm arms[] = {{.level = 0, .ahead = 0}, {.level = 1, .ahead = 0}};
    assert_int_equal(worth_choose(&o, 2, arms), 1);
    arms[1].ahead = 0.05;
    // E max(0, -d - s e) is s (phi(u) - u (1 - Phi(u))), u = d / s = 0.5: 0.01978 in 6 epochs against
    // 0.03989 in 8.
    assert_int_equal(worth_choose(&o, 2, arms), 0);
    arms[1].ahead = 0.012; // 0.0342 in 6 epochs is 0.0057, 0.03989 in 8 is 0.0050
    assert_int_equal(worth_choose(&o, 2, arms), 1);
}

static void a_look_that_tells_much_is_worth_more_than_the_way_to_the_end(void **state)
{
    (void)state;
    struct outset o = {.levels = &levels, .length = 9, .known = {0, 0.99, 1}, .variance = 0.0101};
    struct arm arms[] = {{.level = 1, .ahead = 0}, {.level = 0, .ahead = 0}};
    assert_int_equal(worth_choose(&o, 2, arms), 1);
    o.known[1] = 0;
    o.variance = 0.0001;
    assert_int_equal(worth_choose(&o, 2, arms), 0);
}

// A new trial costs its first level and its share of the budget.
static void a_new_trial_has_its_price(void **state)
{
    (void)state;
    struct outset o = {.levels = &levels, .length = 9, .known = {0.5, 0.5, 1}, .variance = 0.01};
    struct arm arms[] = {{.level = 0, .ahead = 0}, {.level = -1, .ahead = 0, .variance = 0.01}};
    assert_int_equal(worth_choose(&o, 2, arms), 1);
    o.trial = 4;
    assert_int_equal(worth_choose(&o, 2, arms), 0);
}

// Where a level tells all, no step from it can surprise; where the first tells nothing, nor can it.
// How far a mean over all executions lies from the first one is known once trials have been trained again.
static void training_again_is_worth_what_luck_may_bring(void **state)
{
    (void)state;
    static const struct levels thrice = {.n = 3, .epochs = {1, 9, 9}, .executions = 3};
    struct outset o = {.levels = &thrice, .length = 9, .known = {0, 0.5, 1}, .variance = 0.01};
    struct arm arms[] = {{.level = 1, .ahead = 0.05}, {.level = 0, .ahead = 0.1}};
    assert_int_equal(worth_choose(&o, 2, arms), 0);
    o.luck = 1e-6;
    assert_int_equal(worth_choose(&o, 1, arms), -1);
    assert_int_equal(worth_choose(&o, 2, arms), 1);
}

// Where trainings end by themselves the way to the last level is no longer than they.
static void a_step_costs_what_trainings_last(void **state)
{
    (void)state;
    struct outset o = {.levels = &levels, .length = 9, .known = {0, 0, 1}, .variance = 0.01};
    struct arm arms[] = {{.level = 0, .ahead = 0}, {.level = 1, .ahead = 0.04}};
    // 0.03989 in 8 epochs, 0.0230 in 6
    assert_int_equal(worth_choose(&o, 2, arms), 0);
    o.length = 4; // 0.03989 in 3 epochs, 0.0230 in 1
    assert_int_equal(worth_choose(&o, 2, arms), 1);
}

static void a_step_that_tells_nothing_is_worth_nothing(void **state)
{
    (void)state;
    struct outset o = {.levels = &levels, .length = 9, .known = {1, 1, 1}, .variance = 0.01};
    struct arm behind = {.level = 0, .ahead = 0.1};
    assert_int_equal(worth_choose(&o, 1, &behind), -1);
    o.known[0] = 0.5;
    assert_int_equal(worth_choose(&o, 1, &behind), 0);
    struct outset blind = {.levels = &levels, .length = 9, .known = {0, 0, 1}};
    struct arm fresh = {.level = -1, .ahead = 0.05, .variance = 0.01};
    assert_int_equal(worth_choose(&blind, 1, &fresh), -1);
    blind.known[0] = 1;
    assert_int_equal(worth_choose(&blind, 1, &fresh), 0);
}

static void what_cannot_win_is_worth_nothing(void **state)
{
    (void)state;
    struct outset o = {.levels = &levels, .length = 9, .known = {0, 0, 1}};
    struct arm arms[] = {{.level = 0, .ahead = 0.1}, {.level = 1, .ahead = 0.2}};
    assert_int_equal(worth_choose(&o, 2, arms), -1);
    arms[0].ahead = -0.1;
    assert_int_equal(worth_choose(&o, 2, arms), 0);
    assert_int_equal(worth_choose(&o, 0, arms), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_gains_what_those_before_it_gained),
        cmocka_unit_test(losses_that_meet_again_foretell_little),
        cmocka_unit_test(a_trial_keeps_its_place_among_all),
        cmocka_unit_test(a_training_that_ended_by_itself_is_at_its_end),
        cmocka_unit_test(what_came_later_changes_nothing_before_it),
        cmocka_unit_test(what_is_trained_again_falls_back_to_its_mean),
        cmocka_unit_test(of_equal_chances_the_cheaper_is_worth_more),
        cmocka_unit_test(a_look_that_tells_much_is_worth_more_than_the_way_to_the_end),
        cmocka_unit_test(training_again_is_worth_what_luck_may_bring),
        cmocka_unit_test(a_step_costs_what_trainings_last),
        cmocka_unit_test(a_step_that_tells_nothing_is_worth_nothing),
        cmocka_unit_test(a_new_trial_has_its_price),
        cmocka_unit_test(what_cannot_win_is_worth_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
