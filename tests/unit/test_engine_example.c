// The program in engine.h's head, taken out of the comment by the Makefile: it compiles with the same
// warnings as everything else, ends well, and prints what a reader expects.
int example_main(void);
#define main example_main
#include "engine_example.c"
#undef main

#include <unistd.h>

#include "tests/files.h"

static void the_manuals_program_runs(void **state)
{
    struct files files = files_make();
    struct files_path path = files_path(&files, "out");
    const int before = dup(STDOUT_FILENO);
    size_t size;
    (void)state;

    fflush(stdout);
    assert_non_null(freopen(path.text, "wb", stdout));
    const int status = example_main();
    fflush(stdout);
    assert_true(dup2(before, STDOUT_FILENO) >= 0);
    close(before);
    unsigned char *bytes = files_read(path.text, &size);
    char *out = strndup((const char *)bytes, size);
    assert_int_equal(status, 0);
    assert_int_equal(strncmp(out, "epoch 1: loss ", 14), 0);
    assert_non_null(strstr(out, " val_accuracy "));
    assert_non_null(strstr(out, "   macro avg"));
    assert_non_null(strstr(out, "that point is of class 1 with "));
    free(out);
    free(bytes);
    files_remove(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_manuals_program_runs)};

    return cmocka_run_group_tests_name("engine's manual", tests, NULL, NULL);
}
