// NPY (numpy.lib.format, versions 1 to 3): a magic, the length of a header, and the header, a
// Python dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }. Nothing of it is
// evaluated: three keys, known types, nothing pickled.

#include <stdlib.h>
#include <string.h>

#include "common/data/reader.h"

enum { HEADER_MAX = 1 << 16 };

static const struct {
    const char *descr;
    struct element element;
} types[] = {
    {"|u1", {'u', 1, false}}, {"|b1", {'b', 1, false}}, {"|i1", {'i', 1, false}},
    {"<i2", {'i', 2, false}}, {"<u2", {'u', 2, false}}, {"<i4", {'i', 4, false}},
    {"<u4", {'u', 4, false}}, {"<i8", {'i', 8, false}}, {"<u8", {'u', 8, false}},
    {"<f4", {'f', 4, false}}, {"<f8", {'f', 8, false}},
};

struct npy_header {
    struct element element;
    bool fortran;
    bool has_descr, has_order, has_shape;
};

static const char *skip_spaces(const char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\t')
        at++;
    return at;
}

// A quoted string without escapes; NULL when there is none or it does not fit.
static const char *parse_string(const char *at, char *out, size_t size)
{
    char quote = *at;
    if (quote != '\'' && quote != '"')
        return NULL;
    const char *end = strchr(at + 1, quote);
    if (!end || (size_t)(end - at - 1) >= size)
        return NULL;
    memcpy(out, at + 1, (size_t)(end - at - 1));
    out[end - at - 1] = '\0';
    return end + 1;
}

static const char *parse_descr(const char *at, struct npy_header *header, char descr[32])
{
    at = parse_string(at, descr, 32);
    for (size_t i = 0; at && i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].descr, descr) == 0) {
            header->element = types[i].element;
            header->has_descr = true;
        }
    }
    return at;
}

static const char *parse_order(const char *at, struct npy_header *header)
{
    header->has_order = true;
    header->fortran = strncmp(at, "True", 4) == 0;
    if (header->fortran)
        return at + 4;
    return strncmp(at, "False", 5) == 0 ? at + 5 : NULL;
}

static const char *parse_shape(const char *at, struct npy_header *header, struct array *out)
{
    if (*at++ != '(')
        return NULL;
    out->rank = 0;
    for (at = skip_spaces(at); *at != ')'; at = skip_spaces(at)) {
        int64_t size = 0;
        if (*at < '0' || *at > '9' || out->rank == ARRAY_RANK_MAX)
            return NULL;
        for (; *at >= '0' && *at <= '9'; at++) {
            if (size > INPUT_BYTES_MAX)
                return NULL;
            size = size * 10 + (*at - '0');
        }
        out->dim[out->rank++] = size;
        at = skip_spaces(at);
        if (*at == ',')
            at++;
        else if (*at != ')')
            return NULL;
    }
    header->has_shape = true;
    return at + 1;
}

// False when the dictionary is not of the form above.
static bool parse_header(const char *at, struct npy_header *header, struct array *out,
                         char descr[32])
{
    char key[32];

    at = skip_spaces(at);
    if (*at++ != '{')
        return false;
    for (at = skip_spaces(at); *at != '}'; at = skip_spaces(at)) {
        at = parse_string(at, key, sizeof key);
        at = at ? skip_spaces(at) : NULL;
        if (!at || *at != ':')
            return false;
        at = skip_spaces(at + 1);
        if (strcmp(key, "descr") == 0)
            at = parse_descr(at, header, descr);
        else if (strcmp(key, "fortran_order") == 0)
            at = parse_order(at, header);
        else
            at = strcmp(key, "shape") == 0 ? parse_shape(at, header, out) : NULL;
        if (!at)
            return false;
        at = skip_spaces(at);
        if (*at == ',')
            at++;
    }
    return header->has_order && header->has_shape;
}

static enum code read_header(struct input *input, struct npy_header *header, struct array *out,
                             struct error *err)
{
    unsigned char start[12];
    char descr[32] = "";
    void *text = NULL;
    enum code code = input_take(input, start, 10, "NPY header", err);

    if (code)
        return code;
    if (memcmp(start, "\x93NUMPY", 6) != 0 || start[6] < 1 || start[6] > 3)
        return fail(err, E_INVALID, "", "%s is not an NPY file of version 1, 2 or 3 (byte 0)",
                    input->name);
    int64_t length = start[8] | start[9] << 8;
    if (start[6] > 1) {
        code = input_take(input, start + 10, 2, "NPY header", err);
        if (code)
            return code;
        length |= (int64_t)start[10] << 16 | (int64_t)start[11] << 24;
    }
    if (length > HEADER_MAX)
        return fail(err, E_LIMIT, "", "%s: a header of %lld bytes (byte 8); the limit is %d",
                    input->name, (long long)length, HEADER_MAX);
    code = input_take_block(input, length, "NPY header", &text, err);
    if (code)
        return code;
    char *copy = strndup(text, (size_t)length);
    free(text);
    if (!copy)
        return fail(err, E_MEMORY, "", "out of memory reading %s", input->name);
    if (!parse_header(copy, header, out, descr))
        code = fail(err, E_INVALID, "",
                    "%s: the header at byte 10 is not one that numpy writes, or the "
                    "array has more than %d dimensions",
                    input->name, ARRAY_RANK_MAX);
    else if (!header->has_descr)
        code = fail(err, E_INVALID, "",
                    "%s: elements of type \"%s\" are not read; use u1, i4, i8, f4 or "
                    "f8, little endian",
                    input->name, descr);
    free(copy);
    return code;
}

// From column-major to row-major, in a new block; frees the old one.
static void *from_fortran(char *raw, const struct array *a, size_t size)
{
    int64_t count = array_count(a->rank, a->dim), stride[ARRAY_RANK_MAX] = {0},
            at[ARRAY_RANK_MAX] = {0};
    char *out = malloc((size_t)count * size + 1);

    for (int i = 0; i < a->rank; i++)
        stride[i] = i ? stride[i - 1] * a->dim[i - 1] : 1;
    for (int64_t k = 0; out && k < count; k++) {
        int64_t from = 0;
        for (int i = 0; i < a->rank; i++)
            from += at[i] * stride[i];
        memcpy(out + (size_t)k * size, raw + (size_t)from * size, size);
        for (int i = a->rank - 1; i >= 0 && ++at[i] == a->dim[i]; i--)
            at[i] = 0;
    }
    free(raw);
    return out;
}

enum code npy_read_array(struct input *input, struct array *out, struct error *err)
{
    struct npy_header header = {0};
    void *raw = NULL;
    enum code code = read_header(input, &header, out, err);

    if (code)
        return code;
    int64_t count = array_count(out->rank, out->dim);
    if (count < 0 || count > INPUT_BYTES_MAX / header.element.size)
        return fail(err, E_LIMIT, "", "%s: its header claims more than %lld bytes", input->name,
                    (long long)INPUT_BYTES_MAX);
    code = input_take_block(input, count * header.element.size, "elements", &raw, err);
    if (!code)
        code = input_expect_end(input, err);
    if (code) {
        free(raw);
        return code;
    }
    if (header.fortran && out->rank > 1)
        raw = from_fortran(raw, out, (size_t)header.element.size);
    if (!raw)
        return fail(err, E_MEMORY, "", "out of memory reading %s", input->name);
    return array_convert(header.element, raw, out, err);
}

static enum code read_file(const char *path, const char *name, struct array *out, struct error *err)
{
    struct input input;
    enum code code = input_open(&input, path, name, err);

    if (code)
        return code;
    out->file = name;
    code = npy_read_array(&input, out, err);
    input_close(&input);
    return code;
}

static enum code npy_read(const struct dataset_source *source, struct dataset *out,
                          struct error *err)
{
    return reader_read_files(source, read_file, out, err);
}

static bool npy_accepts(const char *file_name)
{
    return reader_has_extension(file_name, ".npy");
}

const struct reader reader_npy = {"npy", npy_accepts, npy_read};
