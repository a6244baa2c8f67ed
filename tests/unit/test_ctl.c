// tunerctl's parts that need no coordinator: the event reader, the progress line, tables.
#include <string.h>

#include "coordinator/ctl/ctl.h"
#include "coordinator/ctl/sse.h"
#include "tests/test.h"

struct heard {
    int n;
    char text[1024];
};

static void hear(void *context, const char *event, const char *data)
{
    struct heard *heard = context;
    size_t len = strlen(heard->text);
    heard->n++;
    snprintf(heard->text + len, sizeof heard->text - len, "%s=%s;", event, data ? data : "(none)");
}

static void feed(struct sse *sse, const char *text, size_t step)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i += step)
        sse_feed(sse, text + i, len - i < step ? len - i : step);
}

// The stream's examples of WHATWG HTML 9.2.6, in pieces of every size and with every line end.
static void events_are_read_in_any_pieces(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "id: 1\n\n: c\nid: 7\nevent: trial\ndata: {\"a\":1}\n\ndata:x\ndata: y\n\ndata: lost",
        "id: 1\r\n\r\n: c\r\nid: 7\r\nevent: trial\r\ndata: {\"a\":1}\r\n\r\ndata:x\r\ndata: "
        "y\r\n\r\n",
        "id: 1\r\r: c\rid: 7\revent: trial\rdata: {\"a\":1}\r\rdata:x\rdata: y\r\r",
    };
    for (int i = 0; i < 3; i++) {
        for (size_t step = 1; step < 20; step++) {
            struct heard heard = {0};
            struct sse sse;
            sse_init(&sse, hear, &heard);
            feed(&sse, texts[i], step);
            assert_string_equal(heard.text, "message=(none);trial={\"a\":1};message=x\ny;");
            assert_int_equal(sse.id, 7);
            assert_false(sse.failed);
            sse_fini(&sse);
        }
    }
}

static void a_new_connection_forgets_half_an_event(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct sse sse;
    sse_init(&sse, hear, &heard);
    feed(&sse, "id: 3\ndata: a\n\nid: 4\nevent: x\ndata: ha", 5);
    sse_reset(&sse);
    assert_int_equal(sse.id, 3);
    feed(&sse, "data: b\n\n", 3);
    assert_string_equal(heard.text, "message=a;message=b;");
    assert_int_equal(sse.id, 3);
    sse_fini(&sse);
}

static void an_endless_event_is_given_up(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct sse sse;
    char block[4096];
    memset(block, 'a', sizeof block);
    sse_init(&sse, hear, &heard);
    for (int i = 0; i < 2 * SSE_MAX / 4096 && !sse.failed; i++)
        sse_feed(&sse, block, sizeof block);
    assert_true(sse.failed);
    assert_int_equal(heard.n, 0);
    sse_fini(&sse);
}

static void expect_line(const char *study, const char *epoch, int width, const char *expected)
{
    struct error err;
    cJSON *s = json_read(study, strlen(study), NULL, &err);
    cJSON *e = epoch ? json_read(epoch, strlen(epoch), NULL, &err) : NULL;
    char *line = progress_line(s, e, width);
    assert_string_equal(line, expected);
    free(line);
    cJSON_Delete(s);
    cJSON_Delete(e);
}

static void the_progress_line_says_what_is_known(void **state)
{
    (void)state;
    static const char study[] =
        "{\"name\":\"s\",\"state\":\"running\",\"objective\":{\"name\":\"val_loss\"},\"max_"
        "trials\":10,"
        "\"counts\":{\"running\":2,\"completed\":4,\"failed\":1},\"progress\":0.5,\"eta_s\":84.2,"
        "\"best_trial\":{\"number\":2,\"score\":0.25}}";
    static const char epoch[] =
        "{\"study\":\"s\",\"trial\":5,\"epoch\":3,\"metrics\":{\"val_loss\":0.5}}";
    expect_line(study, epoch, 200,
                "[############------------] 5/10 trials, 1 failed | best val_loss 0.25 (trial 2) | "
                "trial 5 epoch 3: 0.5 | 1 min 24 s left");
    expect_line(study, NULL, 30, "[############------------] 5/1");
    expect_line(
        "{\"state\":\"paused\",\"objective\":\"f\xc3\xa9\",\"max_trials\":null,\"progress\":null,"
        "\"eta_s\":null,\"best_trial\":{\"number\":0,\"score\":1}}",
        NULL, 58, "[------------------------] 0 trials, paused | best f\xc3\xa9 1 (t");
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    static const char *const headings[] = {"A", "LONGER"};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct show_table table;
    show_begin(&table, 2, headings);
    show_cell(&table, "\xc3\xa9\xc3\xa9\xc3\xa9");
    show_cell(&table, "x");
    show_end(&table, out);
    fclose(out);
    assert_string_equal(text, "A    LONGER\n\xc3\xa9\xc3\xa9\xc3\xa9  x\n");
    free(text);
}

static void values_are_shown_as_people_write_them(void **state)
{
    (void)state;
    static const char json[] = "{\"a\":\"relu\",\"b\":0.001,\"c\":true,\"d\":null,\"e\":3}";
    struct error err;
    cJSON *object = json_read(json, sizeof json - 1, NULL, &err);
    char *pairs = show_pairs(object);
    assert_string_equal(pairs, "a=relu b=0.001 c=true d=- e=3");
    free(pairs);
    cJSON_Delete(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_read_in_any_pieces),
        cmocka_unit_test(a_new_connection_forgets_half_an_event),
        cmocka_unit_test(an_endless_event_is_given_up),
        cmocka_unit_test(the_progress_line_says_what_is_known),
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(values_are_shown_as_people_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
