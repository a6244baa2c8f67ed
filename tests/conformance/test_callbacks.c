#include "tests/conformance/reference.h"
#include "tests/json.h"
#include "worker/engine/callbacks.h"

static double tolerance;

static struct callbacks *make(cJSON *config, double rate)
{
    struct callbacks *callbacks = NULL;
    struct error err;
    cJSON *list = cJSON_CreateArray();

    cJSON_AddItemToArray(list, config);
    if (callbacks_new(&callbacks, list, 20, rate, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_Delete(list);
    return callbacks;
}

// Stops after every epoch, saves the state, makes the callbacks anew and goes on.
static struct callbacks *remake(struct callbacks *callbacks, const cJSON *c, const char *name,
                                double rate)
{
    unsigned char bytes[4096];
    size_t size = callbacks_state_size(callbacks);
    cJSON *config = cJSON_Duplicate(json_member(c, "args"), true);
    struct error err;

    assert_true(size <= sizeof bytes);
    callbacks_save(callbacks, bytes);
    callbacks_free(callbacks);
    cJSON_AddStringToObject(config, "type", name);
    callbacks = make(config, rate);
    assert_int_equal(callbacks_restore(callbacks, bytes, size, &err), OK);
    return callbacks;
}

static struct callbacks *make_case(const cJSON *c, const char *name, double rate)
{
    cJSON *config = cJSON_Duplicate(json_member(c, "args"), true);
    cJSON_AddStringToObject(config, "type", name);
    return make(config, rate);
}

static void early_stopping(const cJSON *c, bool interrupted)
{
    const cJSON *values = reference_at(c, "inputs", "values"), *value = NULL;
    const cJSON *expected = json_member(c, "expected");
    const char *monitor = json_string_or(json_member(c, "args"), "monitor", "");
    struct callbacks *callbacks = make_case(c, "EarlyStopping", 0.1);
    struct callback_actions actions = {0};
    int epoch = 0, saved = -1;
    double rate = 0.1;

    cJSON_ArrayForEach(value, values)
    {
        struct log_value log = {monitor, reference_number(value)};
        callbacks_epoch_begin(callbacks, epoch, &rate);
        callbacks_epoch_end(callbacks, epoch, &log, 1, &rate, &actions);
        saved = actions.save ? epoch : saved;
        epoch++;
        if (actions.stop)
            break;
        if (interrupted)
            callbacks = remake(callbacks, c, "EarlyStopping", rate);
    }
    int slot = callbacks_train_end(callbacks);
    assert_int_equal(epoch, json_integer_or(expected, "epochs_run", -1));
    assert_int_equal(actions.stop, json_bool_or(expected, "stopped", false));
    assert_int_equal(slot >= 0 ? saved : epoch - 1,
                     json_integer_or(expected, "weights_are_of_epoch", -1));
    if (actions.stop) {
        assert_int_equal(epoch - 1, json_integer_or(expected, "stopped_epoch", -1));
        assert_string_equal(callbacks_stopped_by(callbacks), "EarlyStopping");
    } else {
        assert_null(callbacks_stopped_by(callbacks));
    }
    callbacks_free(callbacks);
}

static void reduce_lr(const cJSON *c, bool interrupted)
{
    const cJSON *values = reference_at(c, "inputs", "values"), *value = NULL;
    const cJSON *expected = json_member(c, "expected");
    const char *monitor = json_string_or(json_member(c, "args"), "monitor", "");
    double rate = json_number_or(json_member(c, "args"), "start_learning_rate", 0);
    struct callbacks *callbacks = make_case(c, "ReduceLROnPlateau", rate);
    struct callback_actions actions;
    int epoch = 0;

    cJSON_ArrayForEach(value, values)
    {
        struct log_value log = {monitor, reference_number(value)};
        callbacks_epoch_begin(callbacks, epoch, &rate);
        assert_near(rate,
                    reference_number(
                        cJSON_GetArrayItem(json_member(expected, "learning_rate_in_logs"), epoch)),
                    tolerance);
        callbacks_epoch_end(callbacks, epoch, &log, 1, &rate, &actions);
        assert_near(rate,
                    reference_number(cJSON_GetArrayItem(
                        json_member(expected, "learning_rate_after_each_epoch"), epoch)),
                    tolerance);
        epoch++;
        if (interrupted)
            callbacks = remake(callbacks, c, "ReduceLROnPlateau", rate);
    }
    callbacks_free(callbacks);
}

// The file's schedules are Python functions; these give the same rates.
static const struct {
    const char *keras, *ours;
} schedules[] = {
    {"lr * 0.5 from epoch 2 on",
     "{\"type\": \"LearningRateScheduler\", \"schedule\": {\"type\": \"PiecewiseConstantDecay\", "
     "\"boundaries\": [1, 2, 3, 4], \"values\": [0.1, 0.05, 0.025, 0.0125, 0.00625]}}"},
    {"0.1 * 0.9 ** epoch", "{\"type\": \"LearningRateScheduler\", \"schedule\": \"exponential\"}"},
};

static struct callbacks *make_scheduler(const char *keras)
{
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        if (strcmp(schedules[i].keras, keras) == 0)
            return make(parse(schedules[i].ours), 0.1);
    }
    fail_msg("a schedule that this test does not know: %s", keras);
    return NULL;
}

static void lr_scheduler(const cJSON *c, bool interrupted)
{
    const cJSON *expected = json_member(c, "expected"), *item = NULL;
    const char *keras = json_string_or(json_member(c, "args"), "schedule", "");
    double rate = json_number_or(json_member(c, "args"), "start_learning_rate", 0);
    struct callbacks *callbacks = make_scheduler(keras);
    struct callback_actions actions;
    int epoch = 0;

    assert_true(callbacks_set_rate(callbacks));
    cJSON_ArrayForEach(item, json_member(expected, "learning_rate_in_logs"))
    {
        struct log_value log = {"loss", 1};
        callbacks_epoch_begin(callbacks, epoch, &rate);
        assert_near(rate, reference_number(item), tolerance);
        callbacks_epoch_end(callbacks, epoch, &log, 1, &rate, &actions);
        assert_near(rate,
                    reference_number(cJSON_GetArrayItem(
                        json_member(expected, "learning_rate_after_each_epoch"), epoch)),
                    tolerance);
        epoch++;
        if (interrupted) {
            callbacks_free(callbacks);
            callbacks = make_scheduler(keras);
        }
    }
    assert_int_equal(epoch, json_integer_or(json_member(c, "inputs"), "epochs", 0));
    callbacks_free(callbacks);
}

static void terminate_on_nan(const cJSON *c, bool interrupted)
{
    double loss = reference_number(reference_at(c, "inputs", "loss"));
    bool expected = json_bool_or(json_member(c, "expected"), "stop_training", false);
    struct callbacks *callbacks = make_case(c, "TerminateOnNaN", 0.1);
    (void)interrupted;

    assert_int_equal(callbacks_batch_end(callbacks, loss), expected);
    if (expected)
        assert_string_equal(callbacks_stopped_by(callbacks), "TerminateOnNaN");
    callbacks_free(callbacks);
}

static void run_all(bool interrupted)
{
    static const struct {
        const char *name;
        void (*run)(const cJSON *c, bool interrupted);
    } kinds[] = {
        {"EarlyStopping", early_stopping},
        {"ReduceLROnPlateau", reduce_lr},
        {"LearningRateScheduler", lr_scheduler},
        {"TerminateOnNaN", terminate_on_nan},
    };
    cJSON *tree = reference_load(REFERENCE);
    const cJSON *section = json_member(tree, "callback"), *c = NULL;
    int count = 0;

    tolerance = reference_tolerance("callback", "double");
    cJSON_ArrayForEach(c, section)
    {
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            if (strcmp(json_string_or(c, "name", ""), kinds[i].name) == 0) {
                kinds[i].run(c, interrupted);
                count++;
            }
        }
    }
    reference_account("callback", "callbacks", count);
    cJSON_Delete(tree);
}

static void callbacks_decide_as_keras(void **state)
{
    (void)state;
    run_all(false);
}

static void restored_callbacks_decide_as_if_never_stopped(void **state)
{
    (void)state;
    run_all(true);
}

static struct metrics *metrics_of(const char *text)
{
    cJSON *list = parse(text);
    struct metrics *metrics = NULL;
    struct error err;

    if (metrics_new(&metrics, list, 3, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_Delete(list);
    return metrics;
}

static void mode_auto_follows_the_metric(void **state)
{
    static const struct {
        const char *monitor;
        bool larger;
    } cases[] = {{"val_loss", false}, {"val_accuracy", true},   {"loss", false}, {"f1_1", true},
                 {"auc", true},       {"val_rmse", false},      {"mine", true},  {"val_mine", true},
                 {"mae", false},      {"val_precision_1", true}};
    struct metrics *metrics = metrics_of(
        "[\"accuracy\", {\"type\": \"f1\", \"average\": null}, \"auc\", \"rmse\", \"mae\","
        " \"precision\", \"precision\", {\"type\": \"recall\", \"name\": \"mine\"}]");
    struct error err;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *config = parse("{\"type\": \"EarlyStopping\", \"patience\": 1}");
        struct callback_actions actions;
        double rate = 0.1;
        cJSON_AddStringToObject(config, "monitor", cases[i].monitor);
        struct callbacks *callbacks = make(config, rate);
        assert_int_equal(callbacks_check(callbacks, metrics, &cases[i].monitor, 1, &err), OK);
        for (int epoch = 0; epoch < 2; epoch++) {
            struct log_value log = {cases[i].monitor, 0.5 + 0.1 * epoch};
            callbacks_epoch_end(callbacks, epoch, &log, 1, &rate, &actions);
        }
        assert_int_equal(actions.stop, !cases[i].larger);
        callbacks_free(callbacks);
    }
    metrics_free(metrics);
}

static void an_unknown_monitor_is_named_with_what_there_is(void **state)
{
    const char *const names[] = {"loss", "val_loss"};
    struct metrics *metrics = metrics_of("[]");
    struct callbacks *callbacks =
        make(parse("{\"type\": \"EarlyStopping\", \"monitor\": \"val_acc\"}"), 0.1);
    struct error err;
    (void)state;

    assert_int_equal(callbacks_check(callbacks, metrics, names, 2, &err), E_UNKNOWN);
    metrics_free(metrics);
    assert_string_equal(err.pointer, "/fit/callbacks/0/monitor");
    assert_non_null(strstr(err.message, "loss, val_loss"));
    callbacks_free(callbacks);
}

static void wrong_configurations_are_refused(void **state)
{
    static const struct {
        const char *list, *pointer;
    } cases[] = {
        {"[{\"type\": \"ModelCheckpoint\"}]", "/fit/callbacks/0"},
        {"[{\"type\": \"TerminateOnNaN\"}, {\"type\": \"EarlyStopping\", \"patience\": -1}]",
         "/fit/callbacks/1/patience"},
        {"[{\"type\": \"EarlyStopping\", \"mode\": \"up\"}]", "/fit/callbacks/0/mode"},
        {"[{\"type\": \"ReduceLROnPlateau\", \"factor\": 1}]", "/fit/callbacks/0/factor"},
        {"[{\"type\": \"LearningRateScheduler\"}]", "/fit/callbacks/0/schedule"},
        {"[{\"type\": \"LearningRateScheduler\", \"schedule\": {\"type\": \"step\", \"gamma\": "
         "\"x\"}}]",
         "/fit/callbacks/0/schedule/gamma"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *list = parse(cases[i].list);
        struct callbacks *callbacks = NULL;
        struct error err;
        assert_int_not_equal(callbacks_new(&callbacks, list, 5, 0.1, &err), OK);
        assert_string_equal(err.pointer, cases[i].pointer);
        cJSON_Delete(list);
    }
}

static void a_checkpoint_of_other_callbacks_is_refused(void **state)
{
    struct callbacks *callbacks = make(parse("{\"type\": \"TerminateOnNaN\"}"), 0.1);
    unsigned char bytes[256] = {0};
    struct error err;
    size_t size = callbacks_state_size(callbacks);
    (void)state;

    assert_int_equal(callbacks_restore(callbacks, bytes, size - 1, &err), E_INVALID);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(callbacks_restore(callbacks, bytes, size, &err), E_INVALID);
    callbacks_free(callbacks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callbacks_decide_as_keras),
        cmocka_unit_test(restored_callbacks_decide_as_if_never_stopped),
        cmocka_unit_test(mode_auto_follows_the_metric),
        cmocka_unit_test(an_unknown_monitor_is_named_with_what_there_is),
        cmocka_unit_test(wrong_configurations_are_refused),
        cmocka_unit_test(a_checkpoint_of_other_callbacks_is_refused),
    };
    return cmocka_run_group_tests_name("callbacks", tests, NULL, NULL);
}
