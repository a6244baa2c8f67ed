// worker/outbox.h: kept until acknowledged, sent in order, a window of messages in flight.
#include "worker/outbox.h"

#include "tests/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static unsigned char payload[WIRE_CHUNK];

static struct outbox with_epochs(int count)
{
    struct outbox outbox;
    struct error err;
    outbox_init(&outbox, "1.2.3", 4);
    for (int epoch = 1; epoch <= count; epoch++) {
        cJSON *message = wire_message("epoch");
        cJSON_AddNumberToObject(message, "epoch", epoch);
        cJSON_AddObjectToObject(message, "metrics");
        assert_int_equal(outbox_add(&outbox, message, &err), OK);
    }
    return outbox;
}

// Sends the next message and gives its number, 0 when there is none.
static int send_one(struct outbox *outbox)
{
    struct outbox_message message;
    struct error err;
    if (!outbox_next(outbox, &message, payload))
        return 0;
    cJSON *header = wire_decode(message.header, message.header_len, &err);
    assert_non_null(header);
    assert_string_equal(json_string_or(header, "lease", ""), "1.2.3");
    assert_int_equal(json_integer_or(header, "attempt", 0), 4);
    int seq = (int)json_integer_or(header, "seq", 0);
    cJSON_Delete(header);
    free(message.header);
    outbox_sent(outbox);
    return seq;
}

static void messages_are_numbered_from_one_and_sent_in_order(void **state)
{
    (void)state;
    struct outbox outbox = with_epochs(3);
    for (int seq = 1; seq <= 3; seq++)
        assert_int_equal(send_one(&outbox), seq);
    assert_int_equal(send_one(&outbox), 0);
    assert_false(outbox_empty(&outbox));
    outbox_ack(&outbox, 3);
    assert_true(outbox_empty(&outbox));
    outbox_fini(&outbox);
}

static void after_a_rewind_all_unacknowledged_ones_come_again(void **state)
{
    (void)state;
    struct outbox outbox = with_epochs(4);
    for (int i = 0; i < 3; i++)
        send_one(&outbox);
    outbox_ack(&outbox, 2);
    outbox_rewind(&outbox);
    assert_int_equal(send_one(&outbox), 3);
    assert_int_equal(send_one(&outbox), 4);
    outbox_fini(&outbox);
}

static void a_window_bounds_what_is_in_flight(void **state)
{
    (void)state;
    struct outbox outbox = with_epochs(OUTBOX_WINDOW + 2);
    for (int seq = 1; seq <= OUTBOX_WINDOW; seq++)
        assert_int_equal(send_one(&outbox), seq);
    assert_int_equal(send_one(&outbox), 0);
    outbox_ack(&outbox, 1);
    assert_int_equal(send_one(&outbox), OUTBOX_WINDOW + 1);
    assert_int_equal(send_one(&outbox), 0);
    outbox_fini(&outbox);
}

static void repeated_old_and_wild_acks_do_no_harm(void **state)
{
    (void)state;
    struct outbox outbox = with_epochs(3);
    send_one(&outbox);
    outbox_ack(&outbox, 1);
    outbox_ack(&outbox, 1);
    outbox_ack(&outbox, 0);
    outbox_ack(&outbox, -5);
    assert_int_equal(send_one(&outbox), 2);
    outbox_rewind(&outbox);
    // From before the rewind: 3 is durable although it counts as unsent.
    outbox_ack(&outbox, INT32_MAX);
    assert_true(outbox_empty(&outbox));
    assert_int_equal(send_one(&outbox), 0);
    outbox_fini(&outbox);
}

static void a_message_that_does_not_hold_is_not_taken(void **state)
{
    (void)state;
    struct outbox outbox = with_epochs(1);
    struct error err;
    cJSON *message = wire_message("epoch");
    cJSON_AddStringToObject(message, "epoch", "two");
    assert_int_equal(outbox_add(&outbox, message, &err), E_PROTOCOL);
    assert_int_equal(outbox.last, 1);
    assert_int_equal(outbox_add(&outbox, NULL, &err), E_MEMORY);
    outbox_fini(&outbox);
}

static int file_of(size_t size)
{
    char path[] = "/tmp/test_outbox.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)(i * 7 + i / WIRE_CHUNK);
        if (i % WIRE_CHUNK == 0 || i == size - 1)
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)i), 1);
    }
    return fd;
}

static void a_checkpoint_takes_a_number_a_chunk(void **state)
{
    (void)state;
    static const char sha256[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const size_t size = 2 * WIRE_CHUNK + 5;
    struct outbox outbox = with_epochs(1);
    struct error err;
    assert_int_equal(outbox_add_file(&outbox,
                                     &(struct outbox_file){"checkpoint", file_of(size), 0,
                                                           (int64_t)size, sha256, 9},
                                     &err),
                     OK);
    assert_int_equal(outbox.last, 4);
    assert_int_equal(send_one(&outbox), 1);
    for (int chunk = 0; chunk < 3; chunk++) {
        struct outbox_message message;
        assert_true(outbox_next(&outbox, &message, payload));
        cJSON *header = wire_decode(message.header, message.header_len, &err);
        assert_non_null(header);
        size_t offset = (size_t)chunk * WIRE_CHUNK;
        assert_int_equal(json_integer_or(header, "offset", -1), offset);
        assert_int_equal(json_integer_or(header, "size", -1), size);
        assert_int_equal(message.payload_len, chunk < 2 ? WIRE_CHUNK : 5);
        assert_int_equal(payload[0], (unsigned char)(offset * 7 + (size_t)chunk));
        cJSON_Delete(header);
        free(message.header);
        outbox_sent(&outbox);
    }
    outbox_ack(&outbox, 3);
    assert_false(outbox_empty(&outbox));
    outbox_rewind(&outbox);
    assert_int_equal(send_one(&outbox), 4);
    outbox_ack(&outbox, 4);
    assert_true(outbox_empty(&outbox));
    assert_int_equal(
        outbox_add_file(&outbox, &(struct outbox_file){"checkpoint", file_of(1), 0, 0, sha256, 9},
                        &err),
        E_LIMIT);
    outbox_fini(&outbox);
}

// A model lies somewhere in its training's file.
static void a_file_is_read_from_its_offset_on(void **state)
{
    (void)state;
    static const char sha256[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const struct outbox_file file = {
        "model", file_of(2 * WIRE_CHUNK + 5), WIRE_CHUNK, WIRE_CHUNK + 5, sha256, 3};
    struct outbox outbox;
    struct outbox_message message;
    struct error err;
    outbox_init(&outbox, "1.2.3", 4);
    assert_int_equal(outbox_add_file(&outbox, &file, &err), OK);
    assert_int_equal(outbox.last, 2);
    assert_true(outbox_next(&outbox, &message, payload));
    cJSON *header = wire_decode(message.header, message.header_len, &err);
    assert_string_equal(json_string_or(header, "type", ""), "model");
    assert_int_equal(json_integer_or(header, "offset", -1), 0);
    assert_int_equal(json_integer_or(header, "epoch", -1), 3);
    assert_int_equal(message.payload_len, WIRE_CHUNK);
    assert_int_equal(payload[0], (unsigned char)(WIRE_CHUNK * 7 + 1));
    cJSON_Delete(header);
    free(message.header);
    outbox_fini(&outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_numbered_from_one_and_sent_in_order),
        cmocka_unit_test(after_a_rewind_all_unacknowledged_ones_come_again),
        cmocka_unit_test(a_window_bounds_what_is_in_flight),
        cmocka_unit_test(repeated_old_and_wild_acks_do_no_harm),
        cmocka_unit_test(a_message_that_does_not_hold_is_not_taken),
        cmocka_unit_test(a_checkpoint_takes_a_number_a_chunk),
        cmocka_unit_test(a_file_is_read_from_its_offset_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
