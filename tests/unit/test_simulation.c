// What must hold whatever crashes: over many seeds, on a simulated clock, with every fault at once.

#include "coordinator/replay.h"
#include "tests/fleet_sim.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

enum { SEEDS = 20 };

static const struct faults_wanted peace = {0};
static const struct faults_wanted storm = {
    .lose_message = 0.03,
    .double_message = 0.05,
    .late_message = 0.02,
    .worker_dies = 0.03,
    .worker_freezes = 0.03,
    .coordinator_dies = 0.1,
    .commit_fails = 0.03,
    .trial_fails = 0.05,
    .pause = 0.01,
};

// `tuner` completes {"objective": …, "max_trials": …}.
static const char *study_of(const char *name, int epochs, const char *tuner)
{
    static char text[2048];
    snprintf(
        text, sizeof text,
        "{\"name\": \"%s\", \"seed\": 5, \"dataset\": {\"name\": \"blobs\"},"
        " \"model\": {\"layers\": [{\"type\": \"Dense\", \"units\": {\"hp\": \"Int\","
        "   \"name\": \"units\", \"min_value\": 1, \"max_value\": 100000}},"
        "  {\"type\": \"Dense\", \"units\": 3, \"activation\": \"softmax\"}]},"
        " \"compile\": {\"optimizer\": \"Adam\", \"loss\": \"sparse_categorical_crossentropy\","
        "  \"metrics\": [\"accuracy\"]},"
        " \"fit\": {\"epochs\": %d}, \"tuner\": {%s}}",
        name, epochs, tuner);
    return text;
}

static const char *study(const char *name, const char *tuner)
{
    return study_of(name, 4, tuner);
}

static void assert_query(struct fleet_sim *sim, uint64_t seed, const char *sql, int64_t expected)
{
    int64_t found = fleet_sim_query(sim, sql);
    if (found != expected)
        fail_msg("seed %llu: %s gives %lld, not %lld", (unsigned long long)seed, sql,
                 (long long)found, (long long)expected);
}

// The rules that hold for every study that completed.
static void assert_rules(struct fleet_sim *sim, uint64_t seed)
{
    // trials are numbered without a gap, none stands twice, all have ended
    assert_query(sim, seed,
                 "SELECT count(*) FROM (SELECT study_id FROM trials GROUP BY study_id "
                 "HAVING max(number) + 1 != count(*))",
                 0);
    assert_query(sim, seed, "SELECT count(*) FROM trials WHERE state IN ('queued', 'running')", 0);
    assert_query(sim, seed, "SELECT count(*) FROM executions WHERE state = 'running'", 0);
    // an execution completes once in each of its rounds, and a completed trial has all of them
    assert_query(sim, seed,
                 "SELECT count(*) FROM trials t JOIN studies s ON s.id = t.study_id "
                 "WHERE t.state = 'completed' AND s.document NOT LIKE '%ASHA%' AND "
                 "s.document NOT LIKE '%Auto%' AND "
                 "(SELECT count(*) FROM executions e WHERE e.study_id = t.study_id AND "
                 " e.trial = t.number AND e.state = 'completed') != "
                 "coalesce(json_extract(s.document, '$.tuner.executions_per_trial'), 1)",
                 0);
    // a completed execution has every epoch, and no attempt has one twice or a gap
    assert_query(sim, seed,
                 "SELECT count(*) FROM executions e JOIN studies s ON s.id = e.study_id "
                 "WHERE e.state = 'completed' AND s.document NOT LIKE '%max_epochs%' AND "
                 "s.document NOT LIKE '%Auto%' AND 4 != "
                 "(SELECT count(*) FROM epochs p WHERE p.study_id = e.study_id AND "
                 " p.trial = e.trial AND p.execution = e.execution AND p.attempt = e.attempt)",
                 0);
    assert_query(sim, seed,
                 "SELECT count(*) FROM (SELECT max(epoch) - min(epoch) + 1 AS span, "
                 "count(*) AS n FROM epochs GROUP BY study_id, trial, execution, attempt) "
                 "WHERE span != n",
                 0);
    // a round is more epochs or more executions: none is given twice, and nothing is trained twice
    assert_query(sim, seed,
                 "SELECT count(*) FROM (SELECT 1 FROM decisions WHERE kind = 'given' "
                 "GROUP BY study_id, trial, epochs, executions HAVING count(*) > 1)",
                 0);
    assert_query(sim, seed,
                 "SELECT count(*) FROM (SELECT 1 FROM epochs p JOIN executions e USING "
                 "(study_id, trial, execution, attempt) WHERE e.state = 'completed' "
                 "GROUP BY p.study_id, p.trial, p.execution, p.epoch HAVING count(*) > 1)",
                 0);
    // an execution completes at most once in each round that it takes part in
    assert_query(sim, seed,
                 "SELECT count(*) FROM (SELECT study_id, trial, execution, count(*) AS n FROM "
                 "executions WHERE state = 'completed' GROUP BY study_id, trial, execution) c "
                 "WHERE n > (SELECT count(*) FROM decisions d WHERE d.kind = 'given' AND "
                 "d.study_id = c.study_id AND d.trial = c.trial AND d.executions > c.execution)",
                 0);
    // a completed trial has the executions that its newest round asked for, and is scored over them
    assert_query(sim, seed,
                 "SELECT count(*) FROM trials t WHERE t.state = 'completed' AND (t.executions != "
                 "(SELECT executions FROM decisions d WHERE d.kind = 'given' AND d.study_id = "
                 "t.study_id AND d.trial = t.number ORDER BY seq DESC LIMIT 1) OR t.executions != "
                 "(SELECT count(DISTINCT execution) FROM executions e WHERE e.study_id = "
                 "t.study_id AND e.trial = t.number AND e.state = 'completed'))",
                 0);
    // decisions are numbered without a gap
    assert_query(sim, seed,
                 "SELECT count(*) FROM studies s WHERE s.sequence != (SELECT count(*) FROM "
                 "decisions d WHERE d.study_id = s.id) OR s.sequence != (SELECT max(seq) FROM "
                 "decisions d WHERE d.study_id = s.id)",
                 0);
    // a lost worker costs no retry: failures stay within what the study allows
    assert_query(sim, seed,
                 "SELECT count(*) FROM trials t WHERE t.state = 'completed' AND (SELECT count(*) "
                 "FROM executions e WHERE e.study_id = t.study_id AND e.trial = t.number AND "
                 "e.state = 'failed') > 2",
                 0);
    struct fleet_sim_ledger ledger = fleet_sim_ledger(sim);
    if (ledger.missing)
        fail_msg("seed %llu: %d of %d acknowledged epochs are lost", (unsigned long long)seed,
                 ledger.missing, ledger.acknowledged);
    if (fleet_sim_busy(sim) != 0)
        fail_msg("seed %llu: %d slots are still taken", (unsigned long long)seed,
                 fleet_sim_busy(sim));
}

// Where trainings end when they should, each attempt that completes has epochs of its own. (A simulated
// worker has no checkpoints: one that goes on tells its epochs again, and may end before it tells a new one.)
static void assert_no_attempt_is_idle(struct fleet_sim *sim, uint64_t seed)
{
    assert_query(sim, seed,
                 "SELECT count(*) FROM executions e WHERE e.state = 'completed' AND NOT EXISTS "
                 "(SELECT 1 FROM epochs p WHERE p.study_id = e.study_id AND p.trial = e.trial AND "
                 " p.execution = e.execution AND p.attempt = e.attempt)",
                 0);
}

static void assert_replay(struct fleet_sim *sim, uint64_t seed, const char *name)
{
    struct replay replay;
    struct error err;
    if (replay_study(fleet_sim_dir(sim), name, &replay, &err))
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.message);
    if (replay.agree != replay.given || replay.given == 0)
        fail_msg("seed %llu, study %s: %d of %d decisions agree; %s", (unsigned long long)seed,
                 name, replay.agree, replay.given, replay.differs);
}

static void in_peace_every_study_gets_exactly_its_budget(void **state)
{
    (void)state;
    struct fleet_sim *sim = fleet_sim_new(1, 3, 2, &peace);
    fleet_sim_submit(sim, study("a", "\"type\": \"RandomSearch\", \"objective\": \"accuracy\","
                                     "\"max_trials\": 20, \"executions_per_trial\": 3"));
    assert_true(fleet_sim_run(sim, 600));
    assert_rules(sim, 1);
    assert_query(sim, 1, "SELECT count(*) FROM trials WHERE state = 'completed'", 20);
    assert_query(sim, 1, "SELECT max(attempt) FROM executions", 1);
    assert_query(sim, 1, "SELECT count(*) FROM epochs", 20 * 3 * 4);
    assert_query(sim, 1, "SELECT count(DISTINCT hyperparameters) FROM trials", 20);
    fleet_sim_free(sim);
}

// What ends by itself rests when its trial goes on, and a crash in between does not start it again.
static void trainings_that_end_by_themselves_are_not_trained_again(void **state)
{
    (void)state;
    struct faults_wanted ends = storm;
    int64_t rested = 0;
    ends.ends_itself = 0.15;
    for (uint64_t seed = 600; seed < 606; seed++) {
        struct fleet_sim *sim = fleet_sim_new(seed, 2, 2, &ends);
        fleet_sim_submit(sim, study_of("auto", 9,
                                       "\"type\": \"Auto\", \"executions_per_trial\": 3,"
                                       "\"objective\": \"accuracy\", \"max_trials\": 12,"
                                       "\"max_consecutive_failed_trials\": 50"));
        fleet_sim_submit(sim, study("asha", "\"type\": \"ASHA\", \"objective\": \"accuracy\","
                                            "\"executions_per_trial\": 2,"
                                            "\"max_epochs\": 9, \"max_trials\": 12,"
                                            "\"max_consecutive_failed_trials\": 50"));
        if (!fleet_sim_run(sim, 4000))
            fail_msg("seed %llu: the studies do not end", (unsigned long long)seed);
        assert_rules(sim, seed);
        assert_replay(sim, seed, "auto");
        assert_replay(sim, seed, "asha");
        rested += fleet_sim_query(
            sim, "SELECT count(*) FROM trials t WHERE t.study_id = 1 AND t.executions = 3 AND "
                 "(SELECT count(*) FROM executions e WHERE e.study_id = 1 AND e.trial = t.number "
                 "AND e.execution = 0 AND e.state = 'completed') < (SELECT count(*) FROM "
                 "decisions d WHERE d.study_id = 1 AND d.trial = t.number AND d.kind = 'given')");
        fleet_sim_free(sim);
    }
    assert_true(rested > 0);
}

static void whatever_crashes_budgets_are_exact_and_nothing_acknowledged_is_lost(void **state)
{
    (void)state;
    int deaths = 0, worker_deaths = 0, failed = 0;
    for (uint64_t seed = 100; seed < 100 + SEEDS; seed++) {
        struct fleet_sim *sim = fleet_sim_new(seed, 3, 2, &storm);
        fleet_sim_submit(sim, study("random", "\"type\": \"RandomSearch\","
                                              "\"objective\": \"accuracy\", \"max_trials\": 20,"
                                              "\"executions_per_trial\": 2,"
                                              "\"max_retries_per_trial\": 2,"
                                              "\"max_consecutive_failed_trials\": 20"));
        fleet_sim_submit(sim, study("grid", "\"type\": \"GridSearch\", \"objective\": \"loss\","
                                            "\"max_trials\": 12, \"max_parallel_trials\": 2,"
                                            "\"max_consecutive_failed_trials\": 20"));
        fleet_sim_submit(sim, study("asha", "\"type\": \"ASHA\", \"objective\": \"accuracy\","
                                            "\"executions_per_trial\": 2,"
                                            "\"max_epochs\": 9, \"max_trials\": 12,"
                                            "\"max_consecutive_failed_trials\": 20"));
        if (!fleet_sim_run(sim, 4000))
            fail_msg("seed %llu: the studies do not end", (unsigned long long)seed);
        assert_rules(sim, seed);
        assert_no_attempt_is_idle(sim, seed);
        assert_query(sim, seed, "SELECT count(*) FROM studies WHERE state = 'completed'", 3);
        assert_query(sim, seed, "SELECT count(*) FROM trials WHERE study_id = 1", 20);
        assert_query(sim, seed, "SELECT count(*) FROM trials WHERE study_id = 2", 12);
        assert_query(sim, seed, "SELECT count(*) FROM trials WHERE study_id = 3", 12);
        assert_replay(sim, seed, "random");
        assert_replay(sim, seed, "grid");
        assert_replay(sim, seed, "asha");
        struct fleet_sim_ledger ledger = fleet_sim_ledger(sim);
        deaths += ledger.coordinator_deaths;
        worker_deaths += ledger.worker_deaths;
        failed += ledger.failed_commits;
        fleet_sim_free(sim);
    }
    // the storm was one
    assert_true(deaths > SEEDS && worker_deaths > SEEDS && failed > SEEDS);
}

static void a_model_based_study_replays_after_any_crash(void **state)
{
    (void)state;
    for (uint64_t seed = 500; seed < 503; seed++) {
        struct faults_wanted faults = storm;
        faults.search_s = seed == 501 ? 0.4 : 0;
        struct fleet_sim *sim = fleet_sim_new(seed, 2, 2, &faults);
        fleet_sim_submit(sim, study("gp", "\"type\": \"BayesianOptimization\","
                                          "\"objective\": \"accuracy\", \"max_trials\": 16,"
                                          "\"num_initial_points\": 4,"
                                          "\"max_consecutive_failed_trials\": 20"));
        fleet_sim_submit(sim, study("hyperband", "\"type\": \"Hyperband\","
                                                 "\"objective\": \"accuracy\", \"max_epochs\": 9,"
                                                 "\"max_consecutive_failed_trials\": 50"));
        fleet_sim_submit(sim, study_of("auto", 9,
                                       "\"type\": \"Auto\", \"early_stopping\": \"curve\","
                                       "\"executions_per_trial\": 2, \"max_parallel_trials\": 2,"
                                       "\"objective\": \"accuracy\", \"max_trials\": 12,"
                                       "\"max_consecutive_failed_trials\": 50"));
        if (!fleet_sim_run(sim, 4000))
            fail_msg("seed %llu: the studies do not end", (unsigned long long)seed);
        assert_rules(sim, seed);
        assert_no_attempt_is_idle(sim, seed);
        assert_query(sim, seed, "SELECT count(*) FROM trials WHERE study_id = 1", 16);
        assert_query(sim, seed, "SELECT count(*) FROM trials WHERE study_id = 3", 12);
        assert_replay(sim, seed, "auto");
        assert_replay(sim, seed, "gp");
        assert_replay(sim, seed, "hyperband");
        fleet_sim_free(sim);
    }
}

static void a_study_starts_from_the_same_results_again_though_some_were_not_stored_yet(void **state)
{
    (void)state;
    for (uint64_t seed = 600; seed < 620; seed++) {
        struct fleet_sim *sim = fleet_sim_new(seed, 4, 3, &peace);
        // every other time one whose trials go on afterwards, so that their scores change
        fleet_sim_submit(sim, study("first", seed % 2 ? "\"type\": \"ASHA\", \"max_epochs\": 27,"
                                                        "\"executions_per_trial\": 2,"
                                                        "\"objective\": \"accuracy\","
                                                        "\"max_trials\": 60"
                                                      : "\"type\": \"RandomSearch\","
                                                        "\"objective\": \"accuracy\","
                                                        "\"max_trials\": 60"));
        fleet_sim_pass(sim, 4 + 0.11 * (double)(seed - 600));
        fleet_sim_submit(sim, study("next", "\"type\": \"BayesianOptimization\","
                                            "\"objective\": \"accuracy\", \"max_trials\": 8,"
                                            "\"warm_start_from\": [\"first\"]"));
        assert_true(fleet_sim_run(sim, 600));
        assert_query(sim, seed, "SELECT count(*) FROM trials WHERE study_id = 2", 8);
        assert_replay(sim, seed, "next");
        fleet_sim_free(sim);
    }
}

// The leader of a small budget goes on to the end; with a larger one it might not have.
static void a_budget_raised_amid_a_study_and_after_it_replays(void **state)
{
    (void)state;
    static const char *const tuners[] = {
        "\"type\": \"ASHA\", \"objective\": \"accuracy\", \"max_epochs\": 9, \"max_trials\": 2",
        "\"type\": \"Auto\", \"objective\": \"accuracy\", \"max_trials\": 14",
        "\"type\": \"BayesianOptimization\", \"objective\": \"accuracy\", \"max_trials\": 14"};
    static const int64_t first[] = {2, 14, 14};
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct fleet_sim *sim = fleet_sim_new(700 + seed, 2, 1 + (int)seed % 2, &peace);
        fleet_sim_submit(sim, study_of("s", 9, tuners[seed / 2]));
        fleet_sim_pass(sim, 3);
        fleet_sim_patch(sim, "s", first[seed / 2] + 4);
        assert_true(fleet_sim_run(sim, 2000));
        fleet_sim_patch(sim, "s", first[seed / 2] + 10);
        fleet_sim_pass(sim, 1);
        assert_true(fleet_sim_run(sim, 2000));
        assert_query(sim, seed, "SELECT count(*) FROM trials", first[seed / 2] + 10);
        assert_replay(sim, seed, "s");
        fleet_sim_free(sim);
    }
}

#define SLOW_TUNER                                                                                 \
    "\"type\": \"BayesianOptimization\", \"num_initial_points\": 4, \"objective\": \"accuracy\","  \
    "\"max_trials\": 24"
#define IN_PLACE "origin LIKE '%250 ms%'" // given in a late search's place

// Workers of one slot whose search takes a second, when their study has ended.
static struct fleet_sim *slow_search(uint64_t seed, int workers, const char *tuner)
{
    static const struct faults_wanted slow = {.search_s = 1};
    struct fleet_sim *sim = fleet_sim_new(seed, workers, 1, &slow);
    fleet_sim_submit(sim, study_of("s", 9, tuner));
    assert_true(fleet_sim_run(sim, 2000));
    assert_query(sim, seed, "SELECT count(*) FROM trials WHERE state = 'completed'", 24);
    assert_query(sim, seed,
                 "SELECT count(*) FROM decisions JOIN trials ON number = trial WHERE "
                 "kind = 'given' AND (basis_count = 0) != (" IN_PLACE ")",
                 0);
    assert_replay(sim, seed, "s");
    return sim;
}

static void beside_others_a_slot_waits_a_quarter_second_for_a_slow_search(void **state)
{
    (void)state;
    int64_t in_place = 0;
    for (uint64_t seed = 800; seed < 805; seed++) {
        struct fleet_sim *sim = slow_search(seed, 4, SLOW_TUNER);
        // not longer, by two steps, while another execution ran all the time
        assert_query(sim, seed,
                     "SELECT count(*) FROM (SELECT started_at AS began, lag(ended_at) OVER"
                     " (PARTITION BY worker ORDER BY started_at) AS freed FROM executions)"
                     " WHERE began - freed > 290 AND EXISTS (SELECT 1 FROM executions"
                     "  WHERE started_at <= freed AND ended_at >= began)",
                     0);
        // not shorter: after a start that left no slot free, the first is free a quarter second before
        assert_query(sim, seed,
                     "SELECT count(*) FROM trials JOIN executions p ON p.trial = number"
                     " JOIN executions s ON s.started_at < p.started_at WHERE " IN_PLACE
                     " AND (SELECT count(*) = 4 AND min(ended_at) > p.started_at - 250"
                     "  FROM executions r"
                     "  WHERE r.started_at <= s.started_at AND r.ended_at > s.started_at)",
                     0);
        in_place += fleet_sim_query(sim, "SELECT count(*) FROM trials WHERE " IN_PLACE);
        fleet_sim_free(sim);
    }
    assert_in_range(in_place, 5, 72); // of 120: the search is heard all the same
}

static void on_one_slot_and_step_by_step_a_slow_search_is_waited_for(void **state)
{
    (void)state;
    static const struct {
        int workers;
        const char *tuner;
    } cases[] = {
        {1, SLOW_TUNER},
        {4, "\"type\": \"ASHA\", \"max_epochs\": 9, \"objective\": \"accuracy\","
            "\"max_trials\": 24"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fleet_sim *sim = slow_search(810 + i, cases[i].workers, cases[i].tuner);
        assert_query(sim, 810 + i, "SELECT count(*) FROM trials WHERE " IN_PLACE, 0);
        fleet_sim_free(sim);
    }
}

static void the_same_seed_runs_the_same(void **state)
{
    (void)state;
    int64_t sums[2];
    for (int i = 0; i < 2; i++) {
        struct fleet_sim *sim = fleet_sim_new(77, 2, 2, &storm);
        fleet_sim_submit(sim, study("a", "\"type\": \"RandomSearch\", \"objective\": \"loss\","
                                         "\"max_trials\": 15"));
        fleet_sim_run(sim, 4000);
        sums[i] = fleet_sim_query(sim, "SELECT sum(started_at + ended_at) FROM executions");
        fleet_sim_free(sim);
    }
    assert_int_equal(sums[0], sums[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_peace_every_study_gets_exactly_its_budget),
        cmocka_unit_test(a_budget_raised_amid_a_study_and_after_it_replays),
        cmocka_unit_test(
            a_study_starts_from_the_same_results_again_though_some_were_not_stored_yet),
        cmocka_unit_test(beside_others_a_slot_waits_a_quarter_second_for_a_slow_search),
        cmocka_unit_test(on_one_slot_and_step_by_step_a_slow_search_is_waited_for),
        cmocka_unit_test(the_same_seed_runs_the_same),
        cmocka_unit_test(a_model_based_study_replays_after_any_crash),
        cmocka_unit_test(trainings_that_end_by_themselves_are_not_trained_again),
        cmocka_unit_test(whatever_crashes_budgets_are_exact_and_nothing_acknowledged_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
