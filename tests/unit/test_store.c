// The store on a real file: migrations, groups that hold wholly or not at all, a kill in a commit.

#include "tests/test.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "coordinator/alloc.h"
#include "coordinator/store/migrate.h"
#include "coordinator/store/store.h"

static char dir[64];

static int fresh_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/test_store.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static struct store *opened(void)
{
    struct store *store = NULL;
    struct error err = {0};
    if (store_open(dir, &store, &err))
        fail_msg("%s", err.message);
    return store;
}

static sqlite3 *reader(void)
{
    sqlite3 *db = NULL;
    struct error err = {0};
    if (store_reader_open(dir, &db, &err))
        fail_msg("%s", err.message);
    return db;
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static struct study_row study_row(int64_t id, const char *name)
{
    return (struct study_row){.id = id,
                              .name = name,
                              .document = "{}",
                              .state = "running",
                              .direction = "max",
                              .max_trials = 10,
                              .planned_trials = 10,
                              .space = "[]",
                              .created_at = 1,
                              .started_at = ROW_NULL,
                              .ended_at = ROW_NULL};
}

static struct trial_row trial_row(int64_t study, int64_t trial_number)
{
    return (struct trial_row){.study_id = study,
                              .number = trial_number,
                              .state = "queued",
                              .hyperparameters = "{}",
                              .score = NAN,
                              .best_epoch = ROW_NULL,
                              .parent = -1,
                              .origin = "{}",
                              .started_at = ROW_NULL,
                              .ended_at = ROW_NULL};
}

static enum code commit(struct store *store, struct batch *batch)
{
    struct error err = {0};
    enum code code = store_commit(store, batch, &err);
    batch_free(batch);
    return code;
}

static void rows_come_back_as_they_went_in(void **state)
{
    (void)state;
    struct store *store = opened();
    struct batch *batch = batch_new();
    struct study_row study = study_row(3, "a \"study\"");
    struct trial_row trial = trial_row(3, 0);
    batch_add(batch, ROW_INSERT, ROW_STUDY, &study);
    batch_add(batch, ROW_INSERT, ROW_TRIAL, &trial);
    trial.state = "completed";
    trial.score = 0.1;
    trial.epochs = 2;
    batch_add(batch, ROW_UPDATE, ROW_TRIAL, &trial);
    assert_int_equal(commit(store, batch), OK);

    sqlite3 *db = reader();
    assert_int_equal(number(db, "SELECT count(*) FROM trials WHERE state = 'completed' AND "
                                "score = 0.1 AND epochs = 2 AND best_epoch IS NULL"),
                     1);
    int64_t last = 0;
    assert_int_equal(store_last_id(db, "studies", &last, NULL), OK);
    assert_int_equal(last, 3);
    store_reader_close(db);
    store_close(store);
}

static void a_group_that_fails_leaves_nothing(void **state)
{
    (void)state;
    struct store *store = opened();
    struct batch *batch = batch_new();
    struct study_row study = study_row(1, "one");
    struct trial_row orphan = trial_row(99, 0); // of no study: the foreign key refuses it
    batch_add(batch, ROW_INSERT, ROW_STUDY, &study);
    batch_add(batch, ROW_INSERT, ROW_TRIAL, &orphan);
    assert_int_equal(commit(store, batch), E_STORE);

    batch = batch_new();
    study = study_row(2, "two");
    batch_add(batch, ROW_INSERT, ROW_STUDY, &study);
    assert_int_equal(commit(store, batch), OK);
    sqlite3 *db = reader();
    assert_int_equal(number(db, "SELECT id FROM studies"), 2);
    store_reader_close(db);
    store_close(store);
}

static void a_study_goes_with_all_its_rows(void **state)
{
    (void)state;
    struct store *store = opened();
    struct batch *batch = batch_new();
    struct study_row study = study_row(1, "one");
    struct trial_row trial = trial_row(1, 0);
    struct execution_row execution = {.study_id = 1,
                                      .attempt = 1,
                                      .state = "running",
                                      .score = NAN,
                                      .best_epoch = ROW_NULL,
                                      .ended_at = ROW_NULL};
    struct epoch_row epoch = {.study_id = 1, .attempt = 1, .epoch = 1, .metrics = "{}"};
    batch_add(batch, ROW_INSERT, ROW_STUDY, &study);
    batch_add(batch, ROW_INSERT, ROW_TRIAL, &trial);
    batch_add(batch, ROW_INSERT, ROW_EXECUTION, &execution);
    batch_add(batch, ROW_INSERT, ROW_EPOCH, &epoch);
    assert_int_equal(commit(store, batch), OK);
    batch = batch_new();
    batch_add(batch, ROW_DELETE, ROW_STUDY, &study);
    assert_int_equal(commit(store, batch), OK);
    sqlite3 *db = reader();
    assert_int_equal(number(db, "SELECT (SELECT count(*) FROM trials) + (SELECT count(*) FROM "
                                "executions) + (SELECT count(*) FROM epochs)"),
                     0);
    store_reader_close(db);
    store_close(store);
}

static void only_the_newest_events_are_kept(void **state)
{
    (void)state;
    struct store *store = opened();
    for (int64_t seq = 1; seq <= STORE_EVENTS_KEPT + 2000;) {
        struct batch *batch = batch_new();
        for (int i = 0; i < 1000; i++, seq++) {
            struct event_row event = {.seq = seq, .kind = "trial", .study_id = 1, .body = "{}"};
            batch_add(batch, ROW_INSERT, ROW_EVENT, &event);
        }
        assert_int_equal(commit(store, batch), OK);
    }
    sqlite3 *db = reader();
    assert_int_equal(number(db, "SELECT count(*) FROM events"), STORE_EVENTS_KEPT);
    assert_int_equal(number(db, "SELECT max(seq) FROM events"), STORE_EVENTS_KEPT + 2000);
    store_reader_close(db);
    store_close(store);
}

static void a_second_daemon_is_refused(void **state)
{
    (void)state;
    struct store *store = opened(), *other = NULL;
    struct error err = {0};
    assert_int_equal(store_open(dir, &other, &err), E_BUSY);
    assert_non_null(strstr(err.message, "--state-dir"));
    store_close(store);
    store = opened();
    store_close(store);
}

static void a_reader_cannot_write(void **state)
{
    (void)state;
    struct store *store = opened();
    sqlite3 *db = reader();
    assert_int_equal(sqlite3_exec(db, "DELETE FROM studies", NULL, NULL, NULL), SQLITE_READONLY);
    store_reader_close(db);
    store_close(store);
}

// Writes pairs of rows for ever, telling each commit through the pipe.
static void write_until_killed(int out)
{
    struct store *store = opened();
    for (int64_t id = 1;; id += 2) {
        struct batch *batch = batch_new();
        char name[32];
        for (int64_t i = id; i < id + 2; i++) {
            snprintf(name, sizeof name, "s%lld", (long long)i);
            struct study_row study = study_row(i, name);
            batch_add(batch, ROW_INSERT, ROW_STUDY, &study);
        }
        if (commit(store, batch) || write(out, &id, sizeof id) != sizeof id)
            _exit(1);
    }
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) {
            close(pipes[0]);
            write_until_killed(pipes[1]);
        }
        close(pipes[1]);
        int64_t acknowledged = 0, id;
        for (int n = 0; n < 20 + 7 * round && read(pipes[0], &id, sizeof id) == sizeof id; n++)
            acknowledged = id;
        kill(child, SIGKILL);
        while (read(pipes[0], &id, sizeof id) == sizeof id)
            acknowledged = id;
        close(pipes[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);

        struct store *store = opened();
        sqlite3 *db = reader();
        assert_true(number(db, "SELECT max(id) FROM studies") >= acknowledged + 1);
        assert_int_equal(number(db, "SELECT count(*) % 2 FROM studies"), 0);
        store_reader_close(db);
        store_close(store);
        remove_dir(NULL);
        fresh_dir(NULL);
    }
}

static void a_failing_migration_is_undone_and_a_newer_store_refused(void **state)
{
    (void)state;
    static const struct migration steps[] = {
        {1, "001_one", "CREATE TABLE a (x INTEGER) STRICT;"},
        {2, "002_two", "CREATE TABLE b (x INTEGER) STRICT; CREATE TABLE a (y TEXT) STRICT;"},
    };
    sqlite3 *db;
    struct error err = {0};
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(migrate_run(db, steps, 2, &err), E_STORE);
    assert_int_equal(number(db, "PRAGMA user_version"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
    sqlite3_exec(db, "PRAGMA user_version = 7", NULL, NULL, NULL);
    assert_int_equal(migrate_run(db, steps, 1, &err), E_STORE);
    assert_non_null(strstr(err.message, "newer tunerd"));
    sqlite3_close(db);
}

static void blob(const char *name, const char *text, time_t age)
{
    char *path = store_blob_path(dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    struct utimbuf times = {time(NULL) - age, time(NULL) - age};
    assert_int_equal(utime(path, &times), 0);
    free(path);
}

static void blobs_without_a_name_go_once_they_are_old(void **state)
{
    (void)state;
    static const char named[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static const char weights[] =
        "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";
    struct store *store = opened();
    struct batch *batch = batch_new();
    struct dataset_row dataset = {"d", "{}", "{}", "ready", 1};
    struct dataset_file_row file = {"d", "x", named, 1};
    batch_add(batch, ROW_PUT, ROW_DATASET, &dataset);
    batch_add(batch, ROW_PUT, ROW_DATASET_FILE, &file);
    struct study_row study = study_row(1, "one");
    struct trial_row trial = trial_row(1, 0);
    struct model_row model = {1, 0, 0, 1, 3, 0.5, weights, 1};
    batch_add(batch, ROW_INSERT, ROW_STUDY, &study);
    batch_add(batch, ROW_INSERT, ROW_TRIAL, &trial);
    batch_add(batch, ROW_PUT, ROW_MODEL, &model);
    assert_int_equal(commit(store, batch), OK);
    blob(named, "kept", 3600);
    blob(weights, "kept", 3600);
    blob("bbbb", "old", 3600);
    blob("cccc", "just uploaded", 1);
    assert_int_equal(store_collect_blobs(store), 1);
    char *path = store_blob_path(dir, "bbbb");
    assert_int_equal(access(path, F_OK), -1);
    free(path);
    path = store_blob_path(dir, weights);
    assert_int_equal(access(path, F_OK), 0);
    free(path);
    store_close(store);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(rows_come_back_as_they_went_in),
        TEST(a_group_that_fails_leaves_nothing),
        TEST(a_study_goes_with_all_its_rows),
        TEST(only_the_newest_events_are_kept),
        TEST(a_second_daemon_is_refused),
        TEST(a_reader_cannot_write),
        TEST(what_was_acknowledged_survives_a_kill),
        TEST(a_failing_migration_is_undone_and_a_newer_store_refused),
        TEST(blobs_without_a_name_go_once_they_are_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
