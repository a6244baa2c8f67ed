// A token is base64url of {"s": scope, "k": [keys]}: opaque to clients, checked like any other input.
#include "coordinator/http/page.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/http/reply.h"

bool page_integer(struct request *request, const char *name, int64_t fallback, int64_t min,
                  int64_t max, int64_t *out)
{
    const char *value = uri_parameter(&request->uri, name);
    *out = fallback;
    if (!value)
        return true;
    int64_t number = 0;
    size_t len = strlen(value);
    bool good = len > 0 && len <= 15 && strspn(value, "0123456789") == len;
    for (size_t i = 0; good && i < len; i++)
        number = number * 10 + (value[i] - '0');
    if (good && number >= min && number <= max) {
        *out = number;
        return true;
    }
    char where[64];
    snprintf(where, sizeof where, "?%s", name);
    reply_fail(request, 400, E_RANGE, where, "%s is '%.40s'; give a whole number from %lld to %lld",
               name, value, (long long)min, (long long)max);
    return false;
}

static void refuse_state(struct request *request, const char *name, size_t len,
                         const char *const *states)
{
    char known[200] = "";
    for (size_t used = 0; *states && used < sizeof known; states++)
        used +=
            (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", *states);
    reply_fail(request, 400, E_UNKNOWN, "?state", "there is no state '%.*s'; known: %s",
               (int)(len < 40 ? len : 40), name, known);
}

bool page_states(struct request *request, const char *const *states, struct buf *sql)
{
    const char *value = uri_parameter(&request->uri, "state");
    if (!value || !*value)
        return true;
    buf_put(sql, " AND state IN (");
    for (const char *from = value; from;) {
        size_t len = strcspn(from, ",");
        const char *const *known = states;
        while (*known && (strlen(*known) != len || memcmp(*known, from, len) != 0))
            known++;
        if (!*known) {
            refuse_state(request, from, len, states);
            return false;
        }
        buf_printf(sql, "%s'%s'", from == value ? "" : ",", *known);
        from = from[len] ? from + len + 1 : NULL;
    }
    buf_put(sql, ")");
    return true;
}

void page_token_put(struct buf *text, const char *scope, cJSON *keys)
{
    cJSON *token = cJSON_CreateObject();
    char *plain = NULL, *coded = NULL;
    if (keys && token && cJSON_AddStringToObject(token, "s", scope) &&
        cJSON_AddItemToObject(token, "k", keys)) {
        keys = NULL;
        plain = json_write(token);
    }
    if (plain) {
        size_t size =
            sodium_base64_encoded_len(strlen(plain), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        coded = malloc(size);
        if (coded)
            sodium_bin2base64(coded, size, (unsigned char *)plain, strlen(plain),
                              sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    }
    if (coded)
        buf_json_string(text, coded);
    else
        text->failed = true;
    free(coded);
    free(plain);
    cJSON_Delete(keys);
    cJSON_Delete(token);
}

static cJSON *decode(const char *token)
{
    unsigned char plain[4096];
    size_t len = 0;
    struct error err;
    if (sodium_base642bin(plain, sizeof plain, token, strlen(token), NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return NULL;
    return json_read((char *)plain, len, NULL, &err);
}

static bool are_keys(const cJSON *keys, int nkeys)
{
    const cJSON *key;
    if (!cJSON_IsArray(keys) || cJSON_GetArraySize(keys) != nkeys)
        return false;
    cJSON_ArrayForEach(key, keys) if (!cJSON_IsNumber(key) && !cJSON_IsString(key) &&
                                      !cJSON_IsNull(key)) return false;
    return true;
}

bool page_token_keys(struct request *request, const char *scope, int nkeys, cJSON **keys)
{
    const char *token = uri_parameter(&request->uri, "page_token");
    *keys = NULL;
    if (!token || !*token)
        return true;
    cJSON *tree = decode(token);
    bool known = tree && are_keys(json_member(tree, "k"), nkeys);
    bool same = known && strcmp(json_string_or(tree, "s", ""), scope) == 0;
    if (same)
        *keys = cJSON_DetachItemFromObjectCaseSensitive(tree, "k");
    else
        reply_fail(
            request, 400, E_INVALID, "?page_token",
            tree && json_member(tree, "s")
                ? "this page_token belongs to another list, filter or order; begin without one"
                : "this is no page_token of this list; begin without one");
    cJSON_Delete(tree);
    return same;
}
