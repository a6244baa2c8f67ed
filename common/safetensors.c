#include "common/safetensors.h"

#include <stdlib.h>
#include <string.h>

static const char metadata_key[] = "__metadata__", dtype[] = "F32";
enum { LENGTH = 8, NUMBER = 4 };
#define NUMBERS_MAX (INT64_C(1) << 40)

// ---- writing

static bool add_integers(cJSON *object, const char *name, const int64_t *values, int count)
{
    cJSON *list = cJSON_AddArrayToObject(object, name);
    bool good = list != NULL;
    for (int i = 0; good && i < count; i++)
        good = cJSON_AddItemToArray(list, cJSON_CreateNumber((double)values[i]));
    return good;
}

// False: out of memory. *offset goes on to the tensor's end.
static bool add_tensor(cJSON *header, const struct safetensor *tensor, int64_t *offset)
{
    int64_t bytes = NUMBER;
    for (int i = 0; i < tensor->rank; i++)
        bytes *= tensor->dim[i];
    const int64_t ends[2] = {*offset, *offset + bytes};
    cJSON *item = cJSON_AddObjectToObject(header, tensor->name);
    *offset += bytes;
    return item && cJSON_AddStringToObject(item, "dtype", dtype) &&
           add_integers(item, "shape", tensor->dim, tensor->rank) &&
           add_integers(item, "data_offsets", ends, 2);
}

static enum code lay_out(const char *text, unsigned char **out, size_t *len, struct error *err)
{
    const size_t text_len = strlen(text), padded = (text_len + 7) / 8 * 8;
    if (LENGTH + padded > SAFETENSORS_HEADER_MAX)
        return fail(err, E_LIMIT, "", "the description of the weights is above %d bytes",
                    SAFETENSORS_HEADER_MAX);
    unsigned char *bytes = malloc(LENGTH + padded);
    if (!bytes)
        return fail(err, E_MEMORY, "", "out of memory");
    for (int i = 0; i < LENGTH; i++)
        bytes[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    memset(bytes + LENGTH, ' ', padded);
    memcpy(bytes + LENGTH, text, text_len); // NOLINT: no string, its length stands before it
    *out = bytes;
    *len = LENGTH + padded;
    return OK;
}

enum code safetensors_header(const cJSON *metadata, const struct safetensor *tensors, int count,
                             unsigned char **out, size_t *len, struct error *err)
{
    cJSON *header = cJSON_CreateObject(), *copy = cJSON_Duplicate(metadata, true);
    int64_t offset = 0;
    enum code code = OK;
    if (!header || !copy || !cJSON_AddItemToObject(header, metadata_key, copy)) {
        cJSON_Delete(copy);
        cJSON_Delete(header);
        return fail(err, E_MEMORY, "", "out of memory");
    }
    for (int i = 0; i < count && code == OK; i++) {
        if (json_member(header, tensors[i].name))
            code = fail(err, E_CONFLICT, "", "two arrays of weights are named \"%.200s\"",
                        tensors[i].name);
        else if (!add_tensor(header, &tensors[i], &offset))
            code = fail(err, E_MEMORY, "", "out of memory");
    }
    char *text = code == OK ? json_write(header) : NULL;
    if (code == OK)
        code = text ? lay_out(text, out, len, err) : fail(err, E_MEMORY, "", "out of memory");
    free(text);
    cJSON_Delete(header);
    return code;
}

// ---- checking

size_t safetensors_header_length(const unsigned char bytes[8])
{
    uint64_t len = 0;
    for (int i = LENGTH - 1; i >= 0; i--)
        len = len << 8 | bytes[i];
    return len > SAFETENSORS_HEADER_MAX - LENGTH ? 0 : LENGTH + (size_t)len;
}

static enum code check_metadata(const cJSON *metadata, struct error *err)
{
    const cJSON *item;
    if (!cJSON_IsObject(metadata))
        return fail(err, E_INVALID, "", "%s is not an object", metadata_key);
    cJSON_ArrayForEach(item, metadata)
    {
        if (!cJSON_IsString(item))
            return fail(err, E_INVALID, "", "%s has a value that is no string", metadata_key);
    }
    return OK;
}

// The product of a shape; -1: not a shape, or too large.
static int64_t numbers_of(const cJSON *shape)
{
    int64_t numbers = 1, side;
    const cJSON *item;
    if (!cJSON_IsArray(shape) || cJSON_GetArraySize(shape) > SAFETENSORS_RANK_MAX)
        return -1;
    cJSON_ArrayForEach(item, shape)
    {
        if (!json_is_integer(item, &side) || side < 1 || side > NUMBERS_MAX / numbers)
            return -1;
        numbers *= side;
    }
    return numbers;
}

static enum code check_tensor(const cJSON *tensor, int64_t *offset, struct error *err)
{
    const cJSON *ends = json_member(tensor, "data_offsets");
    const int64_t numbers = numbers_of(json_member(tensor, "shape"));
    int64_t from, to;
    if (strcmp(json_string_or(tensor, "dtype", ""), dtype) != 0)
        return fail(err, E_INVALID, "", "\"%.100s\" is not of type %s", tensor->string, dtype);
    if (numbers < 0)
        return fail(err, E_INVALID, "", "\"%.100s\" has no shape", tensor->string);
    if (cJSON_GetArraySize(ends) != 2 || !json_is_integer(ends->child, &from) ||
        !json_is_integer(ends->child->next, &to) || from != *offset ||
        to - from != numbers * NUMBER || to > NUMBERS_MAX)
        return fail(err, E_INVALID, "", "\"%.100s\" does not lie where its shape and order say",
                    tensor->string);
    *offset = to;
    return OK;
}

static enum code check_header(const cJSON *header, int64_t *offset, struct error *err)
{
    const cJSON *item;
    enum code code = OK;
    if (!cJSON_IsObject(header))
        return fail(err, E_INVALID, "", "the header is not an object");
    cJSON_ArrayForEach(item, header)
    {
        code = strcmp(item->string, metadata_key) == 0 ? check_metadata(item, err)
                                                       : check_tensor(item, offset, err);
        if (code != OK)
            break;
    }
    return code;
}

enum code safetensors_check(const unsigned char *bytes, size_t len, int64_t size, int64_t *numbers,
                            struct error *err)
{
    static const struct json_limits limits = {SAFETENSORS_HEADER_MAX, 8, 100000};
    if (len < LENGTH || len > (uint64_t)size || safetensors_header_length(bytes) != len)
        return fail(err, E_INVALID, "", "a file of %lld bytes has no header of %zu",
                    (long long)size, len);
    cJSON *header = json_read((const char *)bytes + LENGTH, len - LENGTH, &limits, err);
    if (!header)
        return E_SYNTAX;
    int64_t offset = 0;
    enum code code = check_header(header, &offset, err);
    cJSON_Delete(header);
    if (code == OK && offset != size - (int64_t)len)
        code = fail(err, E_INVALID, "", "its tensors have %lld bytes and %lld are there",
                    (long long)offset, (long long)(size - (int64_t)len));
    if (code == OK)
        *numbers = offset / NUMBER;
    return code;
}
