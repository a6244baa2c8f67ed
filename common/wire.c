// What protocol.md says of each message, as tables: each field with the check of its type, its bounds,
// what is inside it. One walk checks a message, so whoever reads a decoded header may take its required
// fields as they are.
#include "common/wire.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct field {
    const char *name;
    enum code (*check)(const struct field *field, const cJSON *value, const char *pointer,
                       struct error *err); // NULL ends a table
    enum { REQUIRED, OPTIONAL = 1, NULLABLE = 2 } flags;
    double min, max;             // a number's bounds; longest text, most items
    const struct field *members; // an object's fields (NULL: any); an item of a list
    const char *const *words;
};

static enum code check_fields(const struct field *fields, const cJSON *object, const char *pointer,
                              struct error *err)
{
    for (const struct field *field = fields; field->check != NULL; field++) {
        const struct json_pointer inside = json_pointer_of(pointer, field->name);
        const cJSON *value = json_member(object, field->name);
        if (value == NULL && (field->flags & OPTIONAL))
            continue;
        if (value == NULL)
            return fail(err, E_PROTOCOL, inside.text, "%s is missing", inside.text);
        if (cJSON_IsNull(value) && (field->flags & NULLABLE))
            continue;
        enum code code = field->check(field, value, inside.text, err);
        if (code != OK)
            return code;
    }
    return OK;
}

static enum code check_object(const struct field *field, const cJSON *value, const char *pointer,
                              struct error *err)
{
    if (!cJSON_IsObject(value))
        return fail(err, E_PROTOCOL, pointer, "%s is not an object", pointer);
    return field->members ? check_fields(field->members, value, pointer, err) : OK;
}

static enum code check_list(const struct field *field, const cJSON *value, const char *pointer,
                            struct error *err)
{
    if (!cJSON_IsArray(value))
        return fail(err, E_PROTOCOL, pointer, "%s is not a list", pointer);
    int index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, value)
    {
        const struct json_pointer inside = json_pointer_at(pointer, index);
        if (index++ >= field->max)
            return fail(err, E_PROTOCOL, pointer, "%s has more than %.0f items", pointer,
                        field->max);
        enum code code = field->members->check(field->members, item, inside.text, err);
        if (code != OK)
            return code;
    }
    return OK;
}

static enum code check_metrics(const struct field *field, const cJSON *value, const char *pointer,
                               struct error *err)
{
    if (!cJSON_IsObject(value))
        return fail(err, E_PROTOCOL, pointer, "%s is not an object", pointer);
    int count = 0;
    const cJSON *metric;
    cJSON_ArrayForEach(metric, value)
    {
        size_t len = strlen(metric->string);
        if (!cJSON_IsNull(metric) && !(cJSON_IsNumber(metric) && isfinite(metric->valuedouble)))
            return fail(err, E_PROTOCOL, pointer, "%s has a value that is no number", pointer);
        if (len == 0 || len > 64 || ++count > field->max)
            return fail(err, E_PROTOCOL, pointer, "%s has too many names or too long ones",
                        pointer);
    }
    return OK;
}

static enum code check_bool(const struct field *field, const cJSON *value, const char *pointer,
                            struct error *err)
{
    (void)field;
    if (!cJSON_IsBool(value))
        return fail(err, E_PROTOCOL, pointer, "%s is neither true nor false", pointer);
    return OK;
}

static enum code check_number(const struct field *field, const cJSON *value, const char *pointer,
                              struct error *err)
{
    if (!cJSON_IsNumber(value))
        return fail(err, E_PROTOCOL, pointer, "%s is not a number", pointer);
    if (!(value->valuedouble >= field->min && value->valuedouble <= field->max))
        return fail(err, E_PROTOCOL, pointer, "%s is %g, not within %g to %g", pointer,
                    value->valuedouble, field->min, field->max);
    return OK;
}

static enum code check_integer(const struct field *field, const cJSON *value, const char *pointer,
                               struct error *err)
{
    int64_t integer;
    if (cJSON_IsNumber(value) && !json_is_integer(value, &integer))
        return fail(err, E_PROTOCOL, pointer, "%s is not an integer", pointer);
    return check_number(field, value, pointer, err);
}

static enum code check_text(const struct field *field, const cJSON *value, const char *pointer,
                            struct error *err)
{
    if (!cJSON_IsString(value))
        return fail(err, E_PROTOCOL, pointer, "%s is not a string", pointer);
    if (strlen(value->valuestring) > (size_t)field->max)
        return fail(err, E_PROTOCOL, pointer, "%s is longer than %.0f bytes", pointer, field->max);
    return OK;
}

static enum code check_name(const struct field *field, const cJSON *value, const char *pointer,
                            struct error *err)
{
    (void)field;
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._:-";
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    const size_t len = strspn(text, allowed);
    if (len < 1 || len > 64 || text[len] != '\0')
        return fail(err, E_PROTOCOL, pointer, "%s is not 1 to 64 of [A-Za-z0-9._:-]", pointer);
    return OK;
}

static enum code check_digest(const struct field *field, const cJSON *value, const char *pointer,
                              struct error *err)
{
    (void)field;
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    if (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
        return fail(err, E_PROTOCOL, pointer, "%s is not a SHA-256 in hexadecimal", pointer);
    return OK;
}

static enum code check_word(const struct field *field, const cJSON *value, const char *pointer,
                            struct error *err)
{
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    for (const char *const *word = field->words; *word != NULL; word++)
        if (strcmp(*word, text) == 0)
            return OK;
    return fail(err, E_PROTOCOL, pointer, "%s has the unknown value \"%.32s\"", pointer, text);
}

#define MOST 9007199254740992.0 // 2^53: what a double counts exactly
#define TIMES 2147483647.0

// Rows of the tables: the type's name, then the field's, then what bounds it.
#define ROW(field, function, ...)                                                                  \
    {                                                                                              \
        .name = field, .check = function, __VA_ARGS__                                              \
    }
#define NAME(field) ROW(field, check_name, .max = 64) // ids: safe as a file's name, in a log line
#define DIGEST(field) ROW(field, check_digest, .max = 64)
#define TEXT(field, longest, ...) ROW(field, check_text, .max = longest, __VA_ARGS__)
#define INTEGER(field, least, greatest) ROW(field, check_integer, .min = least, .max = greatest)
#define SECONDS(field) ROW(field, check_number, .min = 0.01, .max = 31536000)
#define BOOLEAN(field) ROW(field, check_bool, .max = 1)
#define WORD(field, of) ROW(field, check_word, .words = of)
#define OBJECT(field, ...) ROW(field, check_object, __VA_ARGS__)
#define LIST(field, longest, item) ROW(field, check_list, .max = longest, .members = item)
#define METRICS(field, most) ROW(field, check_metrics, .max = most)
#define LEASE NAME("lease"), INTEGER("attempt", 1, TIMES)
#define NUMBERED LEASE, INTEGER("seq", 1, TIMES)
#define FILE_SIZE DIGEST("sha256"), INTEGER("size", 0, MOST)
#define TABLE(table, ...) static const struct field table[] = {__VA_ARGS__, {.name = ""}}

static const char *const directions[] = {"min", "max", NULL};

TABLE(lease_id, NAME(""));
TABLE(held_lease, LEASE);
TABLE(held, OBJECT("", .members = held_lease));
TABLE(data_file, TEXT("file", 255), FILE_SIZE);
TABLE(data_file_item, OBJECT("", .members = data_file));
TABLE(data_set, TEXT("name", 255), OBJECT("source"), LIST("files", 64, data_file_item));
TABLE(stored, FILE_SIZE);
TABLE(objective, TEXT("name", 255, .flags = OPTIONAL), TEXT("expression", 4096, .flags = OPTIONAL),
      WORD("direction", directions));
TABLE(objective_item, OBJECT("", .members = objective));
TABLE(wanted_model, LIST("objectives", 64, objective_item), OBJECT("hyperparameters"));
static const char *const states[] = {"completed", "failed",  "infeasible",
                                     "cancelled", "stopped", NULL};
static const char *const hows[] = {"prune", "cancel", NULL};

TABLE(hello, NAME("worker"), TEXT("name", 255), TEXT("host", 255), INTEGER("slots", 1, 4096),
      TEXT("version", 64), TEXT("cpu", 255), LIST("leases", 8192, held),
      TEXT("trouble", 1024, .flags = OPTIONAL));
TABLE(ping, INTEGER("number", 1, MOST), INTEGER("free", 0, 4096), LIST("leases", 8192, lease_id),
      TEXT("trouble", 1024, .flags = OPTIONAL));
TABLE(epoch, NUMBERED, INTEGER("epoch", 1, TIMES), METRICS("metrics", 256));
TABLE(result, NUMBERED, WORD("state", states), INTEGER("epochs", 0, TIMES),
      TEXT("end_reason", 255, .flags = NULLABLE), TEXT("error", 4096, .flags = OPTIONAL | NULLABLE),
      OBJECT("report", .flags = NULLABLE));
TABLE(checkpoint, NUMBERED, INTEGER("epoch", 0, TIMES), FILE_SIZE, INTEGER("offset", 0, MOST));
TABLE(model, NUMBERED, INTEGER("epoch", 1, TIMES), FILE_SIZE, INTEGER("offset", 0, MOST));
TABLE(fetch, DIGEST("sha256"), INTEGER("offset", 0, MOST));
TABLE(welcome, SECONDS("heartbeat_s"), SECONDS("lease_s"), NAME("coordinator"),
      TEXT("version", 64));
TABLE(refused, TEXT("reason", 4096));
TABLE(pong, INTEGER("number", 1, MOST), LIST("known", 8192, lease_id));
TABLE(job, LEASE, TEXT("study", 255), INTEGER("trial", 0, TIMES), INTEGER("execution", 0, TIMES),
      INTEGER("seed", 0, MOST), OBJECT("config"), OBJECT("dataset", .members = data_set),
      INTEGER("initial_epoch", 0, TIMES), INTEGER("epochs", 0, TIMES),
      OBJECT("checkpoint", .members = stored, .flags = NULLABLE), BOOLEAN("save_checkpoint"),
      BOOLEAN("report"), OBJECT("model", .members = wanted_model, .flags = OPTIONAL | NULLABLE));
TABLE(ack, NUMBERED);
TABLE(stop, NAME("lease"), WORD("how", hows));
TABLE(expired, LEASE);
TABLE(chunk, FILE_SIZE, INTEGER("offset", 0, MOST),
      TEXT("error", 4096, .flags = OPTIONAL | NULLABLE));

static const struct field nothing[] = {{.name = ""}};

static const struct message {
    const char *type;
    const struct field *fields;
} messages[] = {
    {"hello", hello}, {"ping", ping},       {"epoch", epoch},     {"result", result},
    {"fetch", fetch}, {"bye", nothing},     {"welcome", welcome}, {"refused", refused},
    {"pong", pong},   {"job", job},         {"ack", ack},         {"stop", stop},
    {"chunk", chunk}, {"expired", expired}, {"drain", nothing},   {"checkpoint", checkpoint},
    {"model", model},
};

cJSON *wire_message(const char *type)
{
    char version[24];
    snprintf(version, sizeof version, "%d.%d", WIRE_MAJOR, WIRE_MINOR);
    cJSON *message = cJSON_CreateObject();
    if (cJSON_AddStringToObject(message, "v", version) == NULL ||
        cJSON_AddStringToObject(message, "type", type) == NULL) {
        cJSON_Delete(message);
        return NULL;
    }
    return message;
}

char *wire_encode(cJSON *message, size_t *len)
{
    char *text = message ? json_write(message) : NULL;
    cJSON_Delete(message);
    if (text == NULL)
        return NULL;
    *len = strlen(text);
    if (*len > WIRE_HEADER_MAX) {
        free(text);
        return NULL;
    }
    return text;
}

// "major.minor", digits only.
static enum code check_version(const cJSON *message, struct error *err)
{
    const char *text = json_string_or(message, "v", "");
    size_t major = strspn(text, "0123456789");
    size_t minor = text[major] == '.' ? strspn(text + major + 1, "0123456789") : 0;
    if (major < 1 || major > 6 || minor < 1 || minor > 6 || text[major + 1 + minor] != '\0')
        return fail(err, E_PROTOCOL, "/v", "/v is not a protocol version like \"%d.%d\"",
                    WIRE_MAJOR, WIRE_MINOR);
    if (strtol(text, NULL, 10) != WIRE_MAJOR)
        return fail(err, E_PROTOCOL, "/v",
                    "protocol version %s does not match ours, %d.%d; install the same release on "
                    "both sides",
                    text, WIRE_MAJOR, WIRE_MINOR);
    return OK;
}

static enum code check(const cJSON *message, struct error *err)
{
    if (!cJSON_IsObject(message))
        return fail(err, E_PROTOCOL, "", "the header is not a JSON object");
    enum code code = check_version(message, err);
    if (code != OK)
        return code;
    const char *type = json_string_or(message, "type", "");
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (strcmp(type, messages[i].type) == 0)
            return check_fields(messages[i].fields, message, "", err);
    return fail(err, E_PROTOCOL, "/type", "unknown message type \"%.32s\"", type);
}

cJSON *wire_decode(const void *header, size_t len, struct error *err)
{
    static const struct json_limits limits = {WIRE_HEADER_MAX, 64, 200000};
    struct error cause;
    cJSON *message = json_read(header, len, &limits, &cause);
    if (message == NULL) {
        fail(err, E_PROTOCOL, "", "the header is not JSON: %.300s", cause.message);
        return NULL;
    }
    if (check(message, err) != OK) {
        cJSON_Delete(message);
        return NULL;
    }
    return message;
}
