// What clients and workers are given next, and when they wait for it.

#include "tests/study_rig.h"

// ---- clients

static int ask(struct rig *rig, const char *client, int count, bool late, int *numbers)
{
    int n = 0;
    enum study_offer offer =
        study_ask(rig->study, client, count, late, rig->now, &rig->fx, numbers, &n);
    carry_out(rig);
    return offer == OFFER_WAIT ? -1 : n;
}

// The same, with answers of the search in between.
static int ask_on(struct rig *rig, const char *client, int count, int *numbers)
{
    int n = ask(rig, client, count, false, numbers);
    for (; n < 0 && rig->asked; n = ask(rig, client, count, false, numbers))
        advise(rig);
    return n;
}

static enum code tell(struct rig *rig, int trial, double loss)
{
    struct error err;
    cJSON *metrics = cJSON_CreateObject();
    cJSON_AddNumberToObject(metrics, "loss", loss);
    enum code code = study_complete(rig->study, trial, metrics, NULL, rig->now, &rig->fx, &err);
    carry_out(rig);
    cJSON_Delete(metrics);
    advise(rig);
    return code;
}

#define LOSS                                                                                       \
    "\"type\": \"RandomSearch\", \"objective\": {\"name\": \"loss\", \"direction\": \"min\"}"

static void a_client_gets_its_open_trials_back(void **state)
{
    (void)state;
    int numbers[8];
    struct rig *rig = parameters(LOSS ", \"max_trials\": 3");
    assert_int_equal(ask(rig, "a", 2, false, numbers), 2);
    assert_int_equal(ask(rig, "a", 2, false, numbers), 2);
    assert_int_equal(numbers[1], 1);
    assert_int_equal(ask(rig, "b", 2, false, numbers), 1);
    assert_int_equal(ask(rig, "c", 2, false, numbers), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tell(rig, i, 0.3 - 0.1 * i), OK);
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    assert_int_equal(rig->study->best, 2);
    assert_int_equal(tell(rig, 1, 0.1), E_STATE);
    assert_int_equal(tell(rig, 9, 0.1), E_NOT_FOUND);
    finish(rig);
}

static void a_silent_clients_trial_goes_to_the_next_unless_it_speaks_first(void **state)
{
    (void)state;
    int numbers[8];
    struct rig *rig = parameters(LOSS ", \"max_trials\": 2");
    assert_int_equal(ask(rig, "a", 2, false, numbers), 2);
    lose(rig, (struct run){0, 0, 1});
    lose(rig, (struct run){1, 0, 1});
    assert_int_equal(rig->study->counts[TRIAL_QUEUED], 2);
    assert_int_equal(tell(rig, 1, 0.5), OK); // nobody took it up
    assert_int_equal(ask(rig, "b", 5, false, numbers), 1);
    assert_int_equal(numbers[0], 0);
    assert_int_equal(rig->study->trials[0]->executions[0].attempt, 2);
    assert_int_equal(tell(rig, 0, 0.4), OK);
    assert_int_equal(rig->study->state, STUDY_COMPLETED);
    finish(rig);
}

static bool measure(struct rig *rig, int trial, int epoch, double loss)
{
    struct error err;
    bool should_stop = false;
    cJSON *metrics = cJSON_CreateObject();
    cJSON_AddNumberToObject(metrics, "loss", loss);
    assert_int_equal(
        study_measure(rig->study, trial, epoch, metrics, rig->now, &rig->fx, &should_stop, &err),
        OK);
    carry_out(rig);
    cJSON_Delete(metrics);
    return should_stop;
}

static void suggestions_are_slow(struct rig *rig)
{
    rig->study->suggestions_at = rig->study->nsuggestions;
}

static void an_ask_that_waited_long_enough_gets_a_quasi_random_point_that_says_so(void **state)
{
    (void)state;
    int numbers[16], hit = 0;
    struct rig *rig = parameters("\"type\": \"BayesianOptimization\", \"max_trials\": 9,"
                                 "\"objective\": {\"name\": \"loss\", \"direction\": \"min\"}");
    assert_int_equal(ask(rig, "a", 1, false, numbers), 1);
    assert_int_equal(tell(rig, 0, 0.5), OK);
    suggestions_are_slow(rig);
    assert_int_equal(ask(rig, "a", 1, false, numbers), -1);
    assert_int_equal(ask(rig, "a", 1, true, numbers), 1);
    assert_non_null(strstr(rig->study->trials[1]->origin, "250 ms"));
    advise(rig); // what was ordered before holds
    assert_int_equal(ask(rig, "b", 1, false, numbers), 1);
    assert_null(strstr(rig->study->trials[2]->origin, "250 ms"));
    finish(rig);
    // Of such points each eight in a row lie one in each eighth, as by chance one in 400 would.
    rig = parameters("\"type\": \"BayesianOptimization\", \"max_trials\": 20,"
                     "\"objective\": {\"name\": \"loss\", \"direction\": \"min\"}");
    suggestions_are_slow(rig);
    assert_int_equal(ask(rig, "b", 8, true, numbers), 8);
    for (int i = 0; i < 8; i++) {
        const struct trial *trial = rig->study->trials[numbers[i]];
        assert_non_null(strstr(trial->origin, "\"quasi_random\""));
        assert_non_null(strstr(trial->origin, "250 ms"));
        hit |= 1 << (int)(8 * trial->values[0].f);
    }
    assert_int_equal(hit, 255);
    finish(rig);
}

// An order was out when max_trials changed: its answer, that all is done, is not the answer any more.
// A study of parameters does not say how many epochs a training has; those that completed do.
static void a_clients_training_is_stopped_once_its_curve_rules_it_out(void **state)
{
    (void)state;
    int numbers[8];
    struct rig *rig = parameters(LOSS ", \"max_trials\": 7, \"early_stopping\": \"curve\"");
    assert_int_equal(ask_on(rig, "a", 7, numbers), 7);
    for (int i = 0; i < 5; i++) {
        for (int e = 1; e <= 30; e++)
            assert_false(measure(rig, i, e, 0.2 + 0.5 / e));
        assert_int_equal(tell(rig, i, 0.2 + 0.5 / 30), OK);
    }
    bool stopped[2] = {false, false};
    for (int e = 1; e <= 8; e++) {
        stopped[0] |= measure(rig, 5, e, 0.5 + 0.4 / e);
        stopped[1] |= measure(rig, 6, e, 0.1 + 0.9 / e);
    }
    assert_true(stopped[0] && !stopped[1]);
    finish(rig);
}

// Trials that go on from rung to rung: whoever only tells how each round ended has trained all its epochs,
// and a last word after the last of them is none of the next round's.
static void a_clients_last_word_is_about_the_epochs_it_was_asked_for(void **state)
{
    (void)state;
    for (int measured = 0; measured < 2; measured++) {
        int numbers[8], rounds = 0;
        struct rig *rig = parameters("\"type\": \"ASHA\", \"max_epochs\": 4, \"factor\": 2,"
                                     "\"max_trials\": 8, \"objective\": {\"name\": \"loss\","
                                     "\"direction\": \"min\"}");
        while (ask_on(rig, "a", 1, numbers) == 1) {
            int number = numbers[0], asked = rig->study->trials[number]->epochs;
            for (int e = 1; measured && e <= asked; e++)
                measure(rig, number, e, 0.1 * number + 1.0 / e);
            assert_int_equal(tell(rig, number, 0.1 * number + 1.0 / asked), OK);
            assert_int_equal(rig->advisor.trials[number].epochs, asked);
            assert_int_equal(rig->advisor.trials[number].ncurve, asked);
            rounds++;
        }
        assert_true(rounds > 8 + 2);
        finish(rig);
    }
}

static void an_answer_from_before_the_budget_changed_is_out_of_date(void **state)
{
    (void)state;
    int numbers[8];
    struct rig *rig = parameters(LOSS ", \"max_trials\": 5");
    assert_int_equal(ask(rig, "a", 4, false, numbers), 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(tell(rig, i, 0.5), OK);
    struct terms before = {rig->study->sequence, 1, 5};
    patch_max_trials(rig, 9, OK);
    study_propose(rig->study, &before, ASK_DONE, NULL, 0, rig->now, &rig->fx);
    carry_out(rig);
    assert_int_equal(rig->study->state, STUDY_RUNNING);
    advise(rig);
    assert_int_equal(ask_on(rig, "a", 8, numbers), 5);
    finish(rig);
}

// The search waits for results as all of the budget is given; with a larger one it need not.
static void a_larger_budget_ends_the_wait_for_results(void **state)
{
    (void)state;
    int numbers[8];
    struct rig *rig = parameters("\"type\": \"ASHA\", \"max_epochs\": 9, \"max_trials\": 2,"
                                 "\"objective\": {\"name\": \"loss\", \"direction\": \"min\"}");
    assert_int_equal(ask_on(rig, "a", 2, numbers), 2);
    advise(rig);
    assert_true(rig->study->search_waits);
    patch_max_trials(rig, 4, OK);
    assert_int_equal(ask_on(rig, "b", 2, numbers), 2);
    finish(rig);
}

static void as_many_are_given_as_were_asked_for_while_the_limits_allow(void **state)
{
    (void)state;
    static const struct {
        const char *limits;
        int count, given, orders; // orders: at most so many answers of the search are waited for
    } cases[] = {
        {"\"max_trials\": 60", 2, 2, 1},
        {"\"max_trials\": 60", 40, 40, 2}, // the search is asked for 32 at most
        {"\"max_trials\": 5", 9, 5, 1},
        {"\"max_trials\": 60, \"max_parallel_trials\": 3", 9, 3, 1},
    };
    for (size_t c = 0; c < 2 * sizeof cases / sizeof *cases; c++) {
        int numbers[64], orders = 0, n;
        char tuner[256];
        snprintf(
            tuner, sizeof tuner,
            "\"type\": \"%s\", %s, \"objective\": {\"name\": \"loss\", \"direction\": \"min\"}",
            c % 2 ? "RandomSearch" : "BayesianOptimization", cases[c / 2].limits);
        struct rig *rig = parameters(tuner);
        while ((n = ask(rig, "a", cases[c / 2].count, false, numbers)) < 0) {
            assert_true(rig->asked && ++orders <= cases[c / 2].orders);
            advise(rig);
        }
        assert_int_equal(n, cases[c / 2].given);
        for (int i = 0; i < n; i++)
            assert_int_equal(numbers[i], i);
        finish(rig);
    }
}

static void a_users_point_is_given_once_and_within_the_budget(void **state)
{
    (void)state;
    int numbers[8], number;
    struct error err;
    struct value point = {.kind = V_FLOAT, .f = 0.25};
    struct rig *rig = parameters(LOSS ", \"max_trials\": 1");
    assert_int_equal(study_add_point(rig->study, &point, rig->now, &rig->fx, &number, &err), OK);
    carry_out(rig);
    assert_int_equal(study_add_point(rig->study, &point, rig->now, &rig->fx, &number, &err),
                     E_STATE); // the budget is spent
    patch_max_trials(rig, 5, OK);
    assert_int_equal(study_add_point(rig->study, &point, rig->now, &rig->fx, &number, &err),
                     E_CONFLICT);
    assert_int_equal(ask(rig, "a", 1, false, numbers), 1);
    assert_int_equal(numbers[0], 0);
    assert_false(rig->advisor.trials[0].own);
    finish(rig);
}

// ---- suggestions

static bool is_in_place(const struct rig *rig, struct run run)
{
    const char *origin = rig->study->trials[run.trial]->origin;
    return strstr(origin, "\"quasi_random\"") && strstr(origin, "250 ms");
}

// Of four slots one has a result that the search is at; on `beside` of the others trials run.
static struct rig *search_is_at_a_result(int beside)
{
    struct rig *rig = model(100000, 1,
                            "\"type\": \"BayesianOptimization\", \"max_trials\": 9,"
                            "\"objective\": \"accuracy\"");
    struct run run = must_take(rig);
    for (int i = 0; i < beside; i++)
        must_take(rig);
    advise(rig);
    epoch(rig, run, 1, 0.5);
    study_result(rig->study, run.trial, 0, 1, EXECUTION_COMPLETED, 1, NULL, rig->now, &rig->fx);
    carry_out(rig);
    assert_true(rig->asked && rig->study->nsuggestions > rig->study->suggestions_at);
    assert_int_equal(take(rig, &run), OFFER_WAIT);
    return rig;
}

static void on_one_slot_each_result_is_waited_for_by_the_next_trial(void **state)
{
    (void)state;
    struct run run;
    struct rig *rig = search_is_at_a_result(0);
    for (int listed = 1; listed >= 0; listed--) {
        assert_int_equal(take_when(rig, true, &run), OFFER_WAIT); // however long the search takes
        suggestions_are_slow(rig);
    }
    advise(rig);
    assert_int_equal(take(rig, &run), OFFER_WORK);
    assert_false(is_in_place(rig, run));
    finish(rig);
}

static void beside_others_a_late_slot_gets_the_list_there_is(void **state)
{
    (void)state;
    struct run run;
    struct rig *rig = search_is_at_a_result(1);
    assert_int_equal(take_when(rig, true, &run), OFFER_WORK);
    assert_false(is_in_place(rig, run));
    finish(rig);
}

static void without_a_list_late_slots_get_quasi_random_points_and_the_order_holds(void **state)
{
    (void)state;
    struct run run;
    struct rig *rig = search_is_at_a_result(1);
    int64_t ordered = rig->basis_seq;
    suggestions_are_slow(rig);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(take(rig, &run), OFFER_WAIT);
        assert_int_equal(take_when(rig, true, &run), OFFER_WORK);
        assert_true(is_in_place(rig, run));
    }
    assert_true(rig->asked && rig->basis_seq == ordered);
    advise(rig);
    assert_int_equal(take(rig, &run), OFFER_WORK);
    assert_false(is_in_place(rig, run));
    finish(rig);
}

static void trains_step_by_step(struct study *study)
{
    study->fidelity = true;
}

static void waits_for_results(struct study *study)
{
    study->search_waits = true;
}

static void has_given_its_budget(struct study *study)
{
    study->max_trials = study->ntrials;
}

static void a_late_slot_gets_no_quasi_random_point_that_the_study_has_no_use_for(void **state)
{
    (void)state;
    void (*const studies[])(struct study *) = {trains_step_by_step, waits_for_results,
                                               has_given_its_budget};
    for (size_t i = 0; i < sizeof studies / sizeof *studies; i++) {
        struct run run;
        struct rig *rig = search_is_at_a_result(1);
        int given = rig->study->ntrials;
        suggestions_are_slow(rig);
        studies[i](rig->study);
        assert_int_not_equal(take_when(rig, true, &run), OFFER_WORK);
        assert_int_equal(rig->study->ntrials, given);
        finish(rig);
    }
}

// A worker left, and its trials wait: more of them run than there are slots.
static void an_order_is_for_one_at_least_however_many_run(void **state)
{
    (void)state;
    struct rig *rig = model(100000, 1,
                            "\"type\": \"BayesianOptimization\", \"max_trials\": 9,"
                            "\"objective\": \"accuracy\"");
    struct run run = must_take(rig);
    for (int i = 0; i < 3; i++)
        must_take(rig);
    study_set_capacity(rig->study, 2, rig->now, &rig->fx);
    rig->asked = false;
    complete(rig, run, 0.5);
    assert_true(rig->study->nsuggestions - rig->study->suggestions_at > 0);
    finish(rig);
}

static void the_same_seed_gives_the_same_trials_on_one_slot(void **state)
{
    (void)state;
    static const char *const tuners[] = {
        RANDOM ", \"max_trials\": 40",
        "\"type\": \"BayesianOptimization\", \"objective\": \"accuracy\", \"max_trials\": 15",
    };
    for (size_t t = 0; t < sizeof tuners / sizeof *tuners; t++) {
        struct rig *rigs[2] = {model(100000, 1, tuners[t]), model(100000, 1, tuners[t])};
        for (int i = 0; i < 15; i++)
            for (int r = 0; r < 2; r++)
                complete(rigs[r], must_take(rigs[r]), 1.0 / (1 + i));
        for (int i = 0; i < 15; i++)
            assert_string_equal(rigs[0]->study->trials[i]->hyperparameters,
                                rigs[1]->study->trials[i]->hyperparameters);
        finish(rigs[0]);
        finish(rigs[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_gets_its_open_trials_back),
        cmocka_unit_test(a_silent_clients_trial_goes_to_the_next_unless_it_speaks_first),
        cmocka_unit_test(an_ask_that_waited_long_enough_gets_a_quasi_random_point_that_says_so),
        cmocka_unit_test(a_clients_training_is_stopped_once_its_curve_rules_it_out),
        cmocka_unit_test(a_clients_last_word_is_about_the_epochs_it_was_asked_for),
        cmocka_unit_test(an_answer_from_before_the_budget_changed_is_out_of_date),
        cmocka_unit_test(a_larger_budget_ends_the_wait_for_results),
        cmocka_unit_test(as_many_are_given_as_were_asked_for_while_the_limits_allow),
        cmocka_unit_test(a_users_point_is_given_once_and_within_the_budget),
        cmocka_unit_test(on_one_slot_each_result_is_waited_for_by_the_next_trial),
        cmocka_unit_test(beside_others_a_late_slot_gets_the_list_there_is),
        cmocka_unit_test(without_a_list_late_slots_get_quasi_random_points_and_the_order_holds),
        cmocka_unit_test(a_late_slot_gets_no_quasi_random_point_that_the_study_has_no_use_for),
        cmocka_unit_test(an_order_is_for_one_at_least_however_many_run),
        cmocka_unit_test(the_same_seed_gives_the_same_trials_on_one_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
