// common/keys.h: key files are made once, kept secret, and read strictly.
#include "common/keys.h"

#include "tests/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_keys.XXXXXX";

static const char *path_of(const char *name)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *text)
{
    const char *path = path_of("file");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(path, 0600);
    return path;
}

static void a_made_key_is_read_back_and_never_overwritten(void **state)
{
    (void)state;
    struct key_pair pair, public;
    struct error err;
    struct stat status;
    assert_int_equal(keys_create(path_of("key"), &err), OK);
    assert_int_equal(stat(path_of("key"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(keys_read(path_of("key"), true, &pair, &err), OK);
    assert_int_equal(keys_read(path_of("key.pub"), false, &public, &err), OK);
    assert_string_equal(pair.public, public.public);
    assert_int_equal(strlen(pair.secret), 40);
    assert_string_equal(public.secret, "");
    assert_int_equal(keys_create(path_of("key"), &err), E_CONFLICT);
    assert_int_equal(keys_read(path_of("key.pub"), true, &pair, &err), E_DENIED);
    assert_int_equal(chmod(path_of("key.pub"), 0600), 0);
    assert_int_equal(keys_read(path_of("key.pub"), true, &pair, &err), E_MISSING);
}

static void a_secret_that_others_may_read_is_refused(void **state)
{
    (void)state;
    struct key_pair pair;
    struct error err;
    assert_int_equal(keys_create(path_of("open"), &err), OK);
    assert_int_equal(chmod(path_of("open"), 0440), 0);
    assert_int_equal(keys_read(path_of("open"), true, &pair, &err), OK);
    assert_int_equal(chmod(path_of("open"), 0644), 0);
    assert_int_equal(keys_read(path_of("open"), true, &pair, &err), E_DENIED);
    assert_non_null(strstr(err.message, "chmod 600"));
}

// From zmq_curve(7): the test keys of the manual.
#define SERVER "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define CLIENT "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

// With '=' before it a key: Z85 has that sign too.
#define ODD "q:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static void what_is_no_key_file_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum code code;
    } cases[] = {
        {"", E_MISSING},
        {"# nothing\n\n", E_MISSING},
        {"public = short\n", E_SYNTAX},
        {"public\n", E_SYNTAX},
        {"private = " SERVER "\n", E_SYNTAX},
        {"public = " SERVER "x\n", E_SYNTAX},
        {"secret = " SERVER "\n", E_MISSING},
        {"  public=" SERVER "  \n# end", OK},
        {"public = =" ODD "\n", OK},
        {"public==" ODD "\n", OK},
        {"public =" ODD "\n", E_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct key_pair pair;
        struct error err;
        assert_int_equal(keys_read(write_file(cases[i].text), false, &pair, &err), cases[i].code);
    }
    struct error err;
    struct key_pair pair;
    assert_int_equal(keys_read(path_of("absent"), false, &pair, &err), E_NOT_FOUND);
}

static void the_list_of_workers_has_each_name_and_key_once(void **state)
{
    (void)state;
    struct allowed_key *list;
    int count;
    struct error err;
    assert_int_equal(keys_read_allowed(write_file("# fleet\nw1 " SERVER "\n\tw2\t" CLIENT "\n"),
                                       &list, &count, &err),
                     OK);
    assert_int_equal(count, 2);
    assert_string_equal(list[1].name, "w2");
    assert_string_equal(list[1].public, CLIENT);
    free(list);
    assert_int_equal(keys_read_allowed(write_file(""), &list, &count, &err), OK);
    assert_int_equal(count, 0);
    assert_int_equal(
        keys_read_allowed(write_file("w1 " SERVER "\nw1 " CLIENT "\n"), &list, &count, &err),
        E_CONFLICT);
    assert_int_equal(
        keys_read_allowed(write_file("w1 " SERVER "\nw2 " SERVER "\n"), &list, &count, &err),
        E_CONFLICT);
    assert_int_equal(keys_read_allowed(write_file("w1\n"), &list, &count, &err), E_SYNTAX);
    // A key file given by mistake lets nobody in.
    assert_int_equal(keys_read_allowed(write_file("public = " SERVER "\n"), &list, &count, &err),
                     E_SYNTAX);
}

static void loopback_is_what_no_other_machine_reaches(void **state)
{
    (void)state;
    static const char *const near[] = {"tcp://127.0.0.1:5670", "tcp://127.1.2.3:1",
                                       "tcp://[::1]:5",        "tcp://localhost:5670",
                                       "ipc:///run/x",         "tcp://127.0.0.1:*"};
    static const char *const far[] = {"tcp://10.0.0.1:5670",
                                      "tcp://*:5670",
                                      "tcp://0.0.0.0:5670",
                                      "tcp://127.evil.example:5670",
                                      "tcp://localhost.evil.com:56",
                                      "tcp://[::]:5670",
                                      ""};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        assert_true(keys_is_loopback(near[i]));
    for (size_t i = 0; i < sizeof far / sizeof *far; i++)
        assert_false(keys_is_loopback(far[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_made_key_is_read_back_and_never_overwritten),
        cmocka_unit_test(a_secret_that_others_may_read_is_refused),
        cmocka_unit_test(what_is_no_key_file_is_refused_with_its_line),
        cmocka_unit_test(the_list_of_workers_has_each_name_and_key_once),
        cmocka_unit_test(loopback_is_what_no_other_machine_reaches),
    };
    if (mkdtemp(folder) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const names[] = {"file", "key", "key.pub", "open", "open.pub"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path_of(names[i]));
    rmdir(folder);
    return failed;
}
