#include "tests/conformance/reference.h"
#include "worker/engine/schedules.h"

static void run_case(const cJSON *c, double tolerance)
{
    cJSON *config = cJSON_Duplicate(json_member(c, "args"), true);
    const cJSON *steps = reference_at(c, "inputs", "steps"), *step = NULL;
    struct schedule *schedule = NULL;
    struct error err;
    int i = 0;

    cJSON_AddStringToObject(config, "type", json_string_or(c, "name", ""));
    if (schedule_new(&schedule, config, (double)NAN, 0, "", &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_ArrayForEach(step, steps)
    {
        const cJSON *expected =
            cJSON_GetArrayItem(reference_at(c, "expected", "learning_rate"), i++);
        assert_near(schedule_rate(schedule, (int64_t)step->valuedouble), reference_number(expected),
                    tolerance);
    }
    schedule_free(schedule);
    cJSON_Delete(config);
}

static void schedules_are_those_of_keras_and_torch(void **state)
{
    cJSON *tree = reference_load(REFERENCE);
    const cJSON *section = json_member(tree, "schedule"), *c = NULL;
    int count = 0;
    (void)state;

    cJSON_ArrayForEach(c, section)
    {
        run_case(c, reference_tolerance("schedule", "double"));
        count++;
    }
    reference_account("schedule", "schedules", count);
    cJSON_Delete(tree);
}

static struct schedule *make(const char *text, double rate, int64_t steps)
{
    struct schedule *schedule = NULL;
    struct error err;
    cJSON *config = json_read(text, strlen(text), NULL, &err);

    assert_non_null(config);
    if (schedule_new(&schedule, config, rate, steps, "/x", &err))
        fail_msg("%s: %s", err.pointer, err.message);
    cJSON_Delete(config);
    return schedule;
}

// The short names against the formulas in schedules.h, worked out by hand.
static void short_names_take_the_optimizers_rate_and_all_epochs(void **state)
{
    static const struct {
        const char *config;
        int64_t step;
        double rate;
    } cases[] = {
        {"\"step\"", 9, 0.1},
        {"\"step\"", 10, 0.01},
        {"{\"type\": \"step\", \"step_size\": 2, \"gamma\": 0.5}", 5, 0.025},
        {"\"exponential\"", 2, 0.081},
        {"\"polynomial\"", 10, 0.05005}, // half way from 0.1 to 1e-4
        {"\"polynomial\"", 20, 1e-4},
        {"\"cosine\"", 10, 0.05},
        {"\"cosine\"", 20, 0},
        {"\"cosine_restarts\"", 10, 0.1},
        {"{\"type\": \"cyclical\", \"max_lr\": 0.5}", 4, 0.5},
        {"{\"type\": \"cyclical\", \"max_lr\": 0.5}", 8, 0.1},
        {"\"one_cycle\"", 0, 0.004},
        {"\"one_cycle\"", 5, 0.1},
        {"\"one_cycle\"", 19, 4e-7},
        {"\"one_cycle\"", 1000, 4e-7},
        {"{\"type\": \"step\", \"warmup_steps\": 3, \"step_size\": 2}", 0, 0.025},
        {"{\"type\": \"step\", \"warmup_steps\": 3, \"step_size\": 2}", 2, 0.075},
        {"{\"type\": \"step\", \"warmup_steps\": 3, \"step_size\": 2}", 3, 0.1},
        {"{\"type\": \"step\", \"warmup_steps\": 3, \"step_size\": 2}", 5, 0.01},
        {"{\"type\": \"exponential\", \"initial_learning_rate\": 1.0}", 1, 0.9},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schedule *schedule = make(cases[i].config, 0.1, 20);
        double rate = schedule_rate(schedule, cases[i].step);
        if (!reference_near(rate, cases[i].rate, 1e-12))
            fail_msg("%s at %d gives %.15g", cases[i].config, (int)cases[i].step, rate);
        schedule_free(schedule);
    }
}

static void wrong_arguments_are_named(void **state)
{
    static const struct {
        const char *config, *pointer;
        enum code code;
    } cases[] = {
        {"\"sawtooth\"", "/x", E_UNKNOWN},
        {"{\"type\": \"CosineDecay\", \"initial_learning_rate\": 0.1}", "/x/decay_steps",
         E_MISSING},
        {"{\"type\": \"CosineDecay\", \"decay_steps\": 3}", "/x/initial_learning_rate", E_MISSING},
        {"{\"type\": \"step\", \"initial_learning_rate\": 1, \"step_size\": 0}", "/x/step_size",
         E_RANGE},
        {"{\"type\": \"step\", \"initial_learning_rate\": \"a\"}", "/x/initial_learning_rate",
         E_TYPE},
        {"{\"type\": \"CyclicLR\", \"base_lr\": 1, \"max_lr\": 2, \"mode\": \"up\"}", "/x/mode",
         E_UNKNOWN},
        {"{\"type\": \"PiecewiseConstantDecay\", \"boundaries\": [1], \"values\": [1]}",
         "/x/values", E_RANGE},
        {"{\"type\": \"PiecewiseConstantDecay\", \"boundaries\": 1, \"values\": [1]}",
         "/x/boundaries", E_TYPE},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schedule *schedule = NULL;
        struct error err;
        cJSON *config = json_read(cases[i].config, strlen(cases[i].config), NULL, &err);
        enum code code = schedule_new(&schedule, config, (double)NAN, 20, "/x", &err);
        assert_int_equal(code, cases[i].code);
        assert_string_equal(err.pointer, cases[i].pointer);
        cJSON_Delete(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_are_those_of_keras_and_torch),
        cmocka_unit_test(short_names_take_the_optimizers_rate_and_all_epochs),
        cmocka_unit_test(wrong_arguments_are_named),
    };
    return cmocka_run_group_tests_name("schedules", tests, NULL, NULL);
}
