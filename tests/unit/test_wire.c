// common/wire.h: what passes the table is safe to use, everything else is refused with its place.
#include "common/wire.h"

#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "common/rng.h"

#define SHA "\"sha256\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
#define OF "\"lease\":\"L1\",\"attempt\":2,"
#define SEQ OF "\"seq\":3,"
#define FILES                                                                                      \
    "\"dataset\":{\"name\":\"d\",\"source\":{},\"files\":[{\"file\":\"x.gz\"," SHA ",\"size\":9}]" \
    "},"

// One valid message of every type of protocol.md, without its "v".
static const char *const valid[] = {
    "\"type\":\"hello\",\"worker\":\"w-1\",\"name\":\"n\",\"host\":\"h\",\"slots\":2,"
    "\"version\":\"0.1.0\",\"cpu\":\"c\",\"leases\":[{\"lease\":\"L1\",\"attempt\":1}],"
    "\"trouble\":\"t\"",
    "\"type\":\"ping\",\"number\":1,\"free\":1,\"leases\":[\"L1\"],\"trouble\":\"t\"",
    "\"type\":\"epoch\"," SEQ "\"epoch\":1,\"metrics\":{\"loss\":0.5,\"val_loss\":null}",
    "\"type\":\"result\"," SEQ "\"state\":\"completed\",\"epochs\":5,\"end_reason\":\"epochs\","
    "\"error\":null,\"report\":null",
    "\"type\":\"checkpoint\"," SEQ "\"epoch\":5," SHA ",\"size\":10,\"offset\":0",
    "\"type\":\"model\"," SEQ "\"epoch\":5," SHA ",\"size\":10,\"offset\":0",
    "\"type\":\"fetch\"," SHA ",\"offset\":0",
    "\"type\":\"bye\"",
    "\"type\":\"welcome\",\"heartbeat_s\":0.5,\"lease_s\":15,\"coordinator\":\"c\","
    "\"version\":\"0.1.0\"",
    "\"type\":\"refused\",\"reason\":\"r\"",
    "\"type\":\"pong\",\"number\":1,\"known\":[]",
    "\"type\":\"job\"," OF
    "\"study\":\"s\",\"trial\":1,\"execution\":0,\"seed\":7,\"config\":{}," FILES
    "\"initial_epoch\":0,\"epochs\":5,\"checkpoint\":null,\"save_checkpoint\":false,"
    "\"report\":true,\"model\":{\"objectives\":[{\"name\":\"val_loss\",\"direction\":\"min\"},"
    "{\"expression\":\"auc\",\"direction\":\"max\"}],\"hyperparameters\":{}}",
    "\"type\":\"ack\"," OF "\"seq\":3",
    "\"type\":\"stop\",\"lease\":\"L1\",\"how\":\"prune\"",
    "\"type\":\"expired\",\"lease\":\"L1\",\"attempt\":2",
    "\"type\":\"chunk\"," SHA ",\"offset\":0,\"size\":0,\"error\":\"gone\"",
    "\"type\":\"drain\"",
};
enum { NVALID = sizeof valid / sizeof *valid };

static cJSON *decode(const char *text, struct error *err)
{
    return wire_decode(text, strlen(text), err);
}

static void refuses(const char *text, const char *pointer)
{
    struct error err = {.code = OK};
    cJSON *message = decode(text, &err);
    if (message != NULL)
        print_error("accepted: %s\n", text);
    assert_null(message);
    assert_int_equal(err.code, E_PROTOCOL);
    assert_string_equal(err.pointer, pointer);
    assert_true(err.message[0] != '\0');
}

static void every_message_of_the_protocol_passes(void **state)
{
    (void)state;
    for (int i = 0; i < NVALID; i++) {
        char text[2048];
        struct error err = {.message = ""};
        snprintf(text, sizeof text, "{\"v\":\"1.7\",%s,\"later\":[1]}", valid[i]);
        cJSON *message = decode(text, &err);
        if (message == NULL)
            print_error("%s: %s\n", text, err.message);
        assert_non_null(message);
        cJSON_Delete(message);
    }
}

static void refuses_tree(const cJSON *message, const char *pointer)
{
    char *text = json_write(message);
    assert_non_null(text);
    refuses(text, pointer);
    free(text);
}

static bool is_optional(const char *place)
{
    static const char *const places[] = {"/error", "/trouble", "/model", "/model/objectives/0/name",
                                         "/model/objectives/1/expression"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(places[i], place) == 0)
            return true;
    return false;
}

// Hides and retypes each field of a message in place, nested ones included.
static void spoil(const cJSON *message, const cJSON *object, const char *pointer)
{
    int index = 0;
    cJSON *field;
    cJSON_ArrayForEach(field, object)
    {
        bool item = cJSON_IsArray(object), metric = strcmp(pointer, "/metrics") == 0;
        struct json_pointer place =
            item ? json_pointer_at(pointer, index++) : json_pointer_of(pointer, field->string);
        if (!item && !metric && !is_optional(place.text)) {
            char *name = field->string;
            field->string = (char *)"hidden";
            refuses_tree(message, place.text);
            field->string = name;
        }
        int type = field->type;
        field->type = cJSON_IsBool(field) ? cJSON_NULL : cJSON_True;
        refuses_tree(message, metric ? pointer : place.text);
        field->type = type;
        if (cJSON_IsObject(field) || cJSON_IsArray(field))
            spoil(message, field, place.text);
    }
}

static void a_missing_field_or_one_of_another_type_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < NVALID; i++) {
        char text[2048];
        struct error err;
        snprintf(text, sizeof text, "{\"v\":\"1.0\",%s}", valid[i]);
        cJSON *message = decode(text, &err);
        assert_non_null(message);
        spoil(message, message, "");
        cJSON_Delete(message);
    }
}

static void values_out_of_bounds_are_refused_with_their_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"v\":\"1.0\",\"type\":\"ping\",\"number\":1,\"free\":-1,\"leases\":[]}", "/free"},
        {"{\"v\":\"1.0\",\"type\":\"ping\",\"number\":1,\"free\":1.5,\"leases\":[]}", "/free"},
        {"{\"v\":\"1.0\",\"type\":\"ping\",\"number\":1,\"free\":1e300,\"leases\":[]}", "/free"},
        {"{\"v\":\"1.0\",\"type\":\"ping\",\"number\":1,\"free\":1,\"leases\":[\"a\",\"b/../c\"]}",
         "/leases/1"},
        {"{\"v\":\"1.0\",\"type\":\"ping\",\"number\":1,\"free\":1,\"leases\":[\"\"]}",
         "/leases/0"},
        {"{\"v\":\"1.0\",\"type\":\"stop\",\"lease\":\"L\",\"how\":\"kill\"}", "/how"},
        {"{\"v\":\"1.0\",\"type\":\"fetch\",\"sha256\":\"ABC\",\"offset\":0}", "/sha256"},
        {"{\"v\":\"1.0\",\"type\":\"ack\",\"lease\":\"L\",\"attempt\":0,\"seq\":1}", "/attempt"},
        {"{\"v\":\"1.0\",\"type\":\"welcome\",\"heartbeat_s\":0,\"lease_s\":1,"
         "\"coordinator\":\"c\",\"version\":\"\"}",
         "/heartbeat_s"},
        {"{\"v\":\"1.0\",\"type\":\"nonsense\"}", "/type"},
        {"{\"v\":\"1.0\"}", "/type"},
        {"{\"v\":\"2.0\",\"type\":\"bye\"}", "/v"},
        {"{\"v\":\"1\",\"type\":\"bye\"}", "/v"},
        {"{\"v\":\"1.0.0\",\"type\":\"bye\"}", "/v"},
        {"{\"v\":1.0,\"type\":\"bye\"}", "/v"},
        {"{\"type\":\"bye\"}", "/v"},
        {"[]", ""},
        {"{\"v\":\"1.0\",\"type\":\"bye\"} x", ""},
        {"{\"v\":\"1.0\",\"type\":\"bye\",\"type\":\"bye\"}", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses(cases[i][0], cases[i][1]);
}

// Bytes changed and cut out at random: whatever still passes has its required fields.
static void mutated_messages_are_refused_or_hold(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 1, 1);
    for (int round = 0; round < 20000; round++) {
        char text[2048];
        size_t len = (size_t)snprintf(text, sizeof text, "{\"v\":\"1.0\",%s}",
                                      valid[rng_below(&rng, NVALID)]);
        for (uint64_t changes = 1 + rng_below(&rng, 4); changes > 0; changes--) {
            size_t at = rng_below(&rng, len);
            size_t more = rng_below(&rng, 2) ? rng_below(&rng, len - at) : 0;
            if (more > 0)
                memmove(text + at, text + at + more, len - at - more), len -= more;
            else
                text[at] = (char)rng_below(&rng, 256);
        }
        struct error err = {.code = OK};
        cJSON *message = wire_decode(text, len, &err);
        assert_true(message != NULL || (err.code == E_PROTOCOL && err.message[0] != '\0'));
        assert_true(message == NULL || json_member(message, "type") != NULL);
        cJSON_Delete(message);
    }
}

static void encoding_and_decoding_give_the_message_back(void **state)
{
    (void)state;
    struct error err;
    cJSON *message = wire_message("fetch");
    cJSON_AddStringToObject(message, "sha256",
                            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    cJSON_AddNumberToObject(message, "offset", 9007199254740992.0);
    size_t len = 0;
    char *text = wire_encode(message, &len);
    assert_non_null(text);
    assert_int_equal(len, strlen(text));
    cJSON *back = wire_decode(text, len, &err);
    assert_non_null(back);
    assert_int_equal(json_integer_or(back, "offset", 0), INT64_C(9007199254740992));
    assert_string_equal(json_string_or(back, "v", ""), "1.0");
    cJSON_Delete(back);
    free(text);
}

static void a_header_above_the_limit_is_neither_made_nor_read(void **state)
{
    (void)state;
    struct error err;
    size_t len = WIRE_HEADER_MAX + 1;
    char *text = malloc(len + 1);
    assert_non_null(text);
    memset(text, 'x', len);
    text[len] = '\0';
    cJSON *message = wire_message("refused");
    cJSON_AddStringToObject(message, "reason", text);
    assert_null(wire_encode(message, &len));
    memset(text, ' ', WIRE_HEADER_MAX + 1);
    assert_null(wire_decode(text, WIRE_HEADER_MAX + 1, &err));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_of_the_protocol_passes),
        cmocka_unit_test(a_missing_field_or_one_of_another_type_is_refused),
        cmocka_unit_test(values_out_of_bounds_are_refused_with_their_place),
        cmocka_unit_test(mutated_messages_are_refused_or_hold),
        cmocka_unit_test(encoding_and_decoding_give_the_message_back),
        cmocka_unit_test(a_header_above_the_limit_is_neither_made_nor_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
