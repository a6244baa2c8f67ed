// common/log.h: one line an event, whatever the text.
#include "common/log.h"

#include "tests/test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"

// What the call wrote to stderr.
static const char *written(enum log_format format, enum log_level level, const char *text)
{
    static char buffer[8192];
    char path[] = "/tmp/test_log.XXXXXX";
    int file = mkstemp(path), saved = dup(STDERR_FILENO);
    assert_true(file >= 0 && saved >= 0);
    unlink(path);
    dup2(file, STDERR_FILENO);
    log_setup("test", LOG_LEVEL_INFO, format);
    log_event(level, "something", "%s", text);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t len = pread(file, buffer, sizeof buffer - 1, 0);
    close(file);
    assert_true(len >= 0);
    buffer[len] = '\0';
    return buffer;
}

static void text_is_level_event_and_message(void **state)
{
    (void)state;
    assert_string_equal(written(LOG_FORMAT_TEXT, LOG_LEVEL_WARNING, "name=w1 \"x\" \xc3\xa9"),
                        "warning something name=w1 \"x\" \xc3\xa9\n");
}

static void below_the_least_level_nothing_is_written(void **state)
{
    (void)state;
    assert_string_equal(written(LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG, "x"), "");
}

static void no_message_can_forge_a_second_line(void **state)
{
    (void)state;
    assert_string_equal(written(LOG_FORMAT_TEXT, LOG_LEVEL_INFO, "a\nerror forged \x1b[0m\xff"),
                        "info something a\\u000aerror forged \\u001b[0m\\ufffd\n");
}

static void the_journal_gets_priorities(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "1:2", 1);
    assert_string_equal(written(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR, "x"), "<3>error something x\n");
    unsetenv("JOURNAL_STREAM");
}

static void json_lines_are_json_whatever_the_text(void **state)
{
    (void)state;
    char longest[3][2048];
    for (int i = 0; i < 3; i++)
        for (size_t k = 0; k < sizeof *longest; k++)
            longest[i][k] = k == sizeof *longest - 1 ? '\0' : "\"\1\xff"[i];
    const char *const texts[] = {"plain", "q\" b\\ n\n \xff \xed\xa0\x80 \xc3\xa9", longest[0],
                                 longest[1], longest[2]};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *line = written(LOG_FORMAT_JSON, LOG_LEVEL_INFO, texts[i]);
        size_t len = strlen(line);
        assert_true(len > 1 && line[len - 1] == '\n');
        cJSON *tree = json_read(line, len - 1, NULL, NULL);
        assert_non_null(tree);
        assert_string_equal(json_string_or(tree, "event", ""), "something");
        assert_string_equal(json_string_or(tree, "program", ""), "test");
        if (i == 0)
            assert_string_equal(json_string_or(tree, "message", ""), "plain");
        cJSON_Delete(tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_level_event_and_message),
        cmocka_unit_test(below_the_least_level_nothing_is_written),
        cmocka_unit_test(no_message_can_forge_a_second_line),
        cmocka_unit_test(the_journal_gets_priorities),
        cmocka_unit_test(json_lines_are_json_whatever_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
