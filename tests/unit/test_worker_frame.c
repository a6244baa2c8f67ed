// worker/frame.h: whole trees or nothing, whatever the other end of the socket does.
#include "worker/frame.h"

#include "tests/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ends {
    int daemon, child;
    struct frame_reader reader;
};

static struct ends open_ends(void)
{
    struct ends ends;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    ends.daemon = fds[0];
    ends.child = fds[1];
    frame_reader_init(&ends.reader);
    return ends;
}

static void close_ends(struct ends *ends)
{
    close(ends->daemon);
    if (ends->child >= 0)
        close(ends->child);
    frame_reader_fini(&ends->reader);
}

static void put(const struct ends *ends, const void *bytes, size_t len)
{
    assert_int_equal(write(ends->child, bytes, len), (ssize_t)len);
}

static void a_tree_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct ends ends = open_ends();
    cJSON *tree = cJSON_CreateObject();
    cJSON_AddStringToObject(tree, "type", "epoch");
    cJSON_AddNumberToObject(tree, "loss", 0.1);
    assert_int_equal(frame_write(ends.child, tree, NULL), OK);
    cJSON *back = NULL;
    assert_int_equal(frame_read(&ends.reader, ends.daemon, &back), FRAME_READY);
    assert_string_equal(json_string_or(back, "type", ""), "epoch");
    assert_true(json_number_or(back, "loss", 0) == 0.1);
    cJSON_Delete(back);
    assert_int_equal(frame_read(&ends.reader, ends.daemon, &back), FRAME_WAIT);
    close_ends(&ends);
}

static void a_frame_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct ends ends = open_ends();
    const char text[] = "{\"a\":[1,2]}";
    uint32_t length = sizeof text - 1;
    char bytes[sizeof length + sizeof text];
    memcpy(bytes, &length, sizeof length);
    memcpy(bytes + sizeof length, text, sizeof text - 1);
    cJSON *back = NULL;
    for (size_t i = 0; i < sizeof length + length; i++) {
        assert_int_equal(frame_read(&ends.reader, ends.daemon, &back), FRAME_WAIT);
        put(&ends, bytes + i, 1);
    }
    assert_int_equal(frame_read(&ends.reader, ends.daemon, &back), FRAME_READY);
    cJSON_Delete(back);
    close_ends(&ends);
}

static void *write_big(void *context)
{
    const struct ends *ends = context;
    char *text = malloc(3000001);
    memset(text, 'x', 3000000);
    text[3000000] = '\0';
    frame_write(ends->child, cJSON_CreateString(text), NULL);
    free(text);
    return NULL;
}

static void a_frame_larger_than_the_socket_comes_in_parts(void **state)
{
    (void)state;
    struct ends ends = open_ends();
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_big, &ends), 0);
    cJSON *back = NULL;
    enum frame_status status;
    while ((status = frame_read(&ends.reader, ends.daemon, &back)) == FRAME_WAIT)
        ;
    assert_int_equal(status, FRAME_READY);
    assert_int_equal(strlen(back->valuestring), 3000000);
    cJSON_Delete(back);
    pthread_join(writer, NULL);
    close_ends(&ends);
}

static void what_is_no_frame_breaks_the_reader(void **state)
{
    (void)state;
    static const struct {
        uint32_t length;
        const char *text;
    } cases[] = {{0, ""}, {FRAME_MAX + 1, "{}"}, {UINT32_MAX, "{}"}, {3, "{]}"}, {4, "{\"a\""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ends ends = open_ends();
        cJSON *back = NULL;
        put(&ends, &cases[i].length, sizeof cases[i].length);
        if (cases[i].text[0] != '\0')
            put(&ends, cases[i].text, strlen(cases[i].text));
        assert_int_equal(frame_read(&ends.reader, ends.daemon, &back), FRAME_BROKEN);
        assert_null(back);
        close_ends(&ends);
    }
}

static void an_end_between_frames_is_one_and_within_a_frame_is_a_fault(void **state)
{
    (void)state;
    cJSON *back = NULL;
    struct ends ends = open_ends();
    close(ends.child);
    ends.child = -1;
    assert_int_equal(frame_read(&ends.reader, ends.daemon, &back), FRAME_END);
    close_ends(&ends);

    ends = open_ends();
    put(&ends, (uint32_t[]){100}, 4);
    close(ends.child);
    ends.child = -1;
    assert_int_equal(frame_read(&ends.reader, ends.daemon, &back), FRAME_BROKEN);
    close_ends(&ends);
}

static void writing_to_nobody_is_an_error_and_no_signal(void **state)
{
    (void)state;
    struct ends ends = open_ends();
    struct error err;
    close(ends.daemon);
    ends.daemon = open("/dev/null", O_RDONLY);
    assert_int_equal(frame_write(ends.child, cJSON_CreateObject(), &err), E_IO);
    assert_int_equal(frame_write(ends.child, NULL, &err), E_MEMORY);
    close_ends(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_arrives_as_it_was_sent),
        cmocka_unit_test(a_frame_may_come_byte_by_byte),
        cmocka_unit_test(a_frame_larger_than_the_socket_comes_in_parts),
        cmocka_unit_test(what_is_no_frame_breaks_the_reader),
        cmocka_unit_test(an_end_between_frames_is_one_and_within_a_frame_is_a_fault),
        cmocka_unit_test(writing_to_nobody_is_an_error_and_no_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
