// common/options.h: one table, three sources, words that tell the mend.
#include "common/options.h"

#include "tests/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct settings {
    char *dir;
    int64_t slots;
    bool verbose;
};

struct run {
    struct settings settings;
    struct option_spec specs[3];
    struct error err;
    int rest;
    bool exit_now;
};

static void setup(struct run *run)
{
    memset(run, 0, sizeof *run);
    run->specs[0] = (struct option_spec){
        "state-dir", OPTION_STRING, &run->settings.dir, "./var", 0, 0, "DIR", "where"};
    run->specs[1] = (struct option_spec){"slots", OPTION_INTEGER, &run->settings.slots, "2", 1, 64,
                                         "N",     "how many"};
    run->specs[2] = (struct option_spec){
        "verbose", OPTION_BOOL, &run->settings.verbose, "false", 0, 0, NULL, "more"};
}

#define PARSE(run, config, ...)                                                                    \
    parse(run, config, (const char *const[]){"program", __VA_ARGS__, NULL})

static enum code parse(struct run *run, const char *config, const char *const *argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    return options_parse(run->specs, 3, "usage: program", config, argc, (char **)argv, &run->rest,
                         &run->exit_now, &run->err);
}

static char *write_config(const char *text)
{
    char *path = strdup("/tmp/test_options.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void flags_win_over_the_file_and_the_file_over_defaults(void **state)
{
    (void)state;
    struct run run;
    setup(&run);
    char *path = write_config("# comment\n\n  slots = 8 \nstate-dir=/srv/a b\nverbose = yes\n");

    assert_int_equal(PARSE(&run, path, "--slots=4", "study.json", "--slots"), OK);
    assert_int_equal(run.settings.slots, 4);
    assert_string_equal(run.settings.dir, "/srv/a b");
    assert_true(run.settings.verbose);
    assert_int_equal(run.rest, 2);
    options_free(run.specs, 3);
    unlink(path);
    free(path);
}

static void the_default_file_may_be_absent_and_a_named_one_may_not(void **state)
{
    (void)state;
    struct run run;
    setup(&run);
    assert_int_equal(PARSE(&run, "/nonexistent/x.conf", "--verbose"), OK);
    assert_string_equal(run.settings.dir, "./var");
    assert_int_equal(run.settings.slots, 2);
    assert_int_equal(PARSE(&run, NULL, "--config", "/nonexistent/x.conf"), E_NOT_FOUND);
    options_free(run.specs, 3);
}

static void faults_name_the_place_and_the_mend(void **state)
{
    (void)state;
    struct run run;
    setup(&run);
    assert_int_equal(PARSE(&run, NULL, "--slotz", "3"), E_UNKNOWN);
    assert_string_equal(run.err.message, "unknown option --slotz; did you mean --slots?");
    assert_int_equal(PARSE(&run, NULL, "--slots", "0"), E_RANGE);
    assert_string_equal(run.err.message, "--slots is 0; use 1 to 64");
    assert_int_equal(PARSE(&run, NULL, "--slots", "99999999999999999999"), E_RANGE);
    assert_int_equal(PARSE(&run, NULL, "--slots", "3x"), E_TYPE);
    assert_int_equal(PARSE(&run, NULL, "--slots"), E_MISSING);
    assert_int_equal(PARSE(&run, NULL, "--verbose=maybe"), E_TYPE);
    assert_int_equal(PARSE(&run, NULL, "-slots"), E_UNKNOWN);

    char *path = write_config("slots = 3\n\nstate_dir = x\n");
    char expected[128];
    snprintf(expected, sizeof expected, "%s:3: unknown option state_dir; did you mean state-dir?",
             path);
    assert_int_equal(PARSE(&run, path, "--verbose"), E_UNKNOWN);
    assert_string_equal(run.err.message, expected);
    options_free(run.specs, 3);
    unlink(path);
    free(path);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    struct run run;
    setup(&run);
    assert_int_equal(PARSE(&run, NULL, "--verbose", "--", "--slots"), OK);
    assert_int_equal(run.rest, 3);
    options_free(run.specs, 3);
}

static void every_length_of_line_is_read_or_refused(void **state)
{
    (void)state;
    struct run run;
    setup(&run);
    char text[6000];
    memset(text, 'x', sizeof text);
    memcpy(text, "state-dir = ", 12);
    text[sizeof text - 1] = '\0';
    char *path = write_config(text);
    assert_int_equal(PARSE(&run, path, "--verbose"), E_LIMIT);
    options_free(run.specs, 3);
    unlink(path);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_win_over_the_file_and_the_file_over_defaults),
        cmocka_unit_test(the_default_file_may_be_absent_and_a_named_one_may_not),
        cmocka_unit_test(faults_name_the_place_and_the_mend),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(every_length_of_line_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
