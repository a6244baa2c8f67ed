// Sample predictions with pictures: PNG (W3C PNG, second edition) of the plainest kind, one IDAT, no
// row filters.

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "worker/engine/report.h"

enum { SIDE_MAX = 256 };

static char *to_base64(const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = malloc((size + 2) / 3 * 4 + 1), *to = out;

    for (size_t i = 0; out && i < size; i += 3) {
        size_t left = size - i;
        uint32_t word = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? bytes[i + 2] : 0);
        *to++ = digits[word >> 18];
        *to++ = digits[word >> 12 & 63];
        *to++ = left > 1 ? digits[word >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[word & 63] : '=';
    }
    if (out)
        *to = '\0';
    return out;
}

static void put32(unsigned char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(value >> (24 - 8 * i));
}

// Writes a chunk of `size` bytes that lie at out + 8 already; gives its end.
static unsigned char *close_chunk(unsigned char *out, const char type[4], uint32_t size)
{
    put32(out, size);
    memcpy(out + 4, type, 4);
    put32(out + 8 + size, (uint32_t)crc32(0, out + 4, size + 4));
    return out + 12 + size;
}

// Rows with the filter byte 0 before each.
static unsigned char *filter_rows(const uint8_t *pixels, size_t height, size_t stride)
{
    unsigned char *rows = malloc(height * (stride + 1));

    for (size_t y = 0; rows && y < height; y++) {
        rows[y * (stride + 1)] = 0;
        memcpy(rows + y * (stride + 1) + 1, pixels + y * stride, stride);
    }
    return rows;
}

static char *picture(const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t channels)
{
    size_t stride = (size_t)width * channels, raw_size = height * (stride + 1);
    uLongf packed = compressBound(raw_size);
    unsigned char *raw = filter_rows(pixels, height, stride);
    unsigned char *png = malloc(packed + 128);
    char *out = NULL;

    if (raw && png) {
        static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
        unsigned char *end = png + sizeof signature;
        memcpy(png, signature, sizeof signature);
        put32(end + 8, width);
        put32(end + 12, height);
        memcpy(end + 16, (unsigned char[]){8, channels == 3 ? 2 : 0, 0, 0, 0}, 5);
        end = close_chunk(end, "IHDR", 13);
        if (compress2(end + 8, &packed, raw, raw_size, Z_BEST_COMPRESSION) == Z_OK) {
            end = close_chunk(end, "IDAT", (uint32_t)packed);
            end = close_chunk(end, "IEND", 0);
            out = to_base64(png, (size_t)(end - png));
        }
    }
    free(raw);
    free(png);
    return out;
}

static bool is_picture(int64_t height, int64_t width, int64_t channels)
{
    return height >= 1 && height <= SIDE_MAX && width >= 1 && width <= SIDE_MAX &&
           (channels == 1 || channels == 3);
}

enum code report_picture(const uint8_t *pixels, int64_t height, int64_t width, int64_t channels,
                         char **out, struct error *err)
{
    if (!is_picture(height, width, channels))
        return fail(err, E_RANGE, "",
                    "%lld × %lld × %lld is no picture of 1 or 3 channels and sides up "
                    "to %d",
                    (long long)height, (long long)width, (long long)channels, SIDE_MAX);
    *out = picture(pixels, (uint32_t)height, (uint32_t)width, (uint32_t)channels);
    return *out ? OK : fail(err, E_MEMORY, "", "out of memory drawing a picture");
}

static bool add_class(cJSON *json, const char *key, const struct report_sample *s, int class)
{
    if (s->names && class < s->nnames)
        return cJSON_AddStringToObject(json, key, s->names[class]) != NULL;
    return cJSON_AddNumberToObject(json, key, class) != NULL;
}

static bool add_picture(cJSON *json, const struct report_sample *s)
{
    int64_t channels = s->rank == 3 ? s->shape[2] : 1;

    if (!s->pixels || (s->rank != 2 && s->rank != 3) ||
        !is_picture(s->shape[0], s->shape[1], channels))
        return cJSON_AddNullToObject(json, "picture") != NULL;
    char *text =
        picture(s->pixels, (uint32_t)s->shape[0], (uint32_t)s->shape[1], (uint32_t)channels);
    bool good = text && cJSON_AddStringToObject(json, "picture", text);
    free(text);
    return good;
}

static enum code add_item(cJSON *samples, cJSON *json, bool good, struct error *err)
{
    if (good && cJSON_AddItemToArray(samples, json))
        return OK;
    cJSON_Delete(json);
    return fail(err, E_MEMORY, "", "out of memory reporting samples");
}

enum code report_add_sample(cJSON *samples, const struct report_sample *sample, struct error *err)
{
    cJSON *json = cJSON_CreateObject();
    bool good = json && cJSON_AddNumberToObject(json, "index", (double)sample->index) &&
                add_class(json, "label", sample, sample->label) &&
                add_class(json, "prediction", sample, sample->prediction) &&
                cJSON_AddNumberToObject(json, "probability", sample->probability) &&
                add_picture(json, sample);

    return add_item(samples, json, good, err);
}

enum code report_add_value(cJSON *samples, int64_t index, double target, double prediction,
                           struct error *err)
{
    cJSON *json = cJSON_CreateObject();
    bool good = json && cJSON_AddNumberToObject(json, "index", (double)index) &&
                cJSON_AddNumberToObject(json, "label", target) &&
                cJSON_AddNumberToObject(json, "prediction", prediction) &&
                cJSON_AddNullToObject(json, "probability") &&
                cJSON_AddNullToObject(json, "picture");

    return add_item(samples, json, good, err);
}
