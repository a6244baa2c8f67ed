// Arrays out of files (IDX, NPY, NPZ): elements converted and checked.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/reader.h"

void array_fini(struct array *array)
{
    free(array->data);
    *array = (struct array){0};
}

int64_t array_count(int rank, const int64_t *dim)
{
    int64_t count = 1;

    for (int i = 0; i < rank; i++) {
        if (dim[i] < 0 || __builtin_mul_overflow(count, dim[i], &count) || count > INPUT_BYTES_MAX)
            return -1;
    }
    return count;
}

static uint64_t load_bits(const unsigned char *bytes, struct element e)
{
    uint64_t bits = 0;

    for (int i = 0; i < e.size; i++)
        bits = bits << 8 | bytes[e.big_endian ? i : e.size - 1 - i];
    return bits;
}

static int64_t load_integer(const unsigned char *bytes, struct element e)
{
    uint64_t bits = load_bits(bytes, e);
    int unused = 64 - 8 * e.size;

    if (e.kind == 'i')
        return (int64_t)(bits << unused) >> unused;
    return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
}

static double load_real(const unsigned char *bytes, struct element e)
{
    uint64_t bits = load_bits(bytes, e);

    if (e.size == 4) {
        uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int64_t array_width(const struct array *array)
{
    int64_t count = array_count(array->rank, array->dim);
    return array->rank > 0 && array->dim[0] > 0 ? count / array->dim[0] : count;
}

static enum code not_finite(const struct array *array, int64_t at, double value, struct error *err)
{
    int64_t width = array_width(array);
    return fail(err, E_INVALID, "",
                "%s: value %lld of sample %lld is %s; every value must be a finite "
                "number (missing ones have to be filled in or left out)",
                array->file, (long long)(at % width), (long long)(at / width),
                isnan(value) ? "NaN" : "infinite or too large for a float");
}

static enum code convert_reals(struct element e, const unsigned char *raw, int64_t count,
                               struct array *out, struct error *err)
{
    float *values = malloc((size_t)count * sizeof *values + 1);

    if (!values)
        return fail(err, E_MEMORY, "", "out of memory reading %s", out->file);
    for (int64_t i = 0; i < count; i++) {
        double value = load_real(raw + i * e.size, e);
        values[i] = (float)value;
        if (!isfinite(values[i])) {
            free(values);
            return not_finite(out, i, value, err);
        }
    }
    out->type = ARRAY_FLOATS;
    out->data = values;
    return OK;
}

static enum code convert_integers(struct element e, const unsigned char *raw, int64_t count,
                                  struct array *out, struct error *err)
{
    int64_t *values = malloc((size_t)count * sizeof *values + 1);

    if (!values)
        return fail(err, E_MEMORY, "", "out of memory reading %s", out->file);
    for (int64_t i = 0; i < count; i++)
        values[i] = load_integer(raw + i * e.size, e);
    out->type = ARRAY_INTEGERS;
    out->data = values;
    return OK;
}

enum code array_convert(struct element element, void *raw, struct array *out, struct error *err)
{
    int64_t count = array_count(out->rank, out->dim);
    enum code code = OK;

    if (element.size == 1 && element.kind != 'i') {
        out->type = ARRAY_BYTES;
        out->data = raw;
        return OK;
    }
    if (element.kind == 'f')
        code = convert_reals(element, raw, count, out, err);
    else
        code = convert_integers(element, raw, count, out, err);
    free(raw);
    return code;
}
