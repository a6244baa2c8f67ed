// IDX, the format of MNIST (yann.lecun.com/exdb/mnist): 0 0 type rank, then rank big-endian sizes, then
// the elements, big-endian.

#include <stdlib.h>
#include <string.h>

#include "common/data/reader.h"

static const struct {
    unsigned char code;
    struct element element;
} types[] = {
    {0x08, {'u', 1, true}}, {0x09, {'i', 1, true}}, {0x0B, {'i', 2, true}},
    {0x0C, {'i', 4, true}}, {0x0D, {'f', 4, true}}, {0x0E, {'f', 8, true}},
};

static const struct element *find_type(unsigned char code)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].code == code)
            return &types[i].element;
    }
    return NULL;
}

static enum code read_header(struct input *input, struct array *out, struct element *element,
                             struct error *err)
{
    unsigned char magic[4], size[4];
    enum code code = input_take(input, magic, sizeof magic, "IDX header", err);

    if (code)
        return code;
    const struct element *type = find_type(magic[2]);
    if (magic[0] || magic[1] || !type)
        return fail(err, E_INVALID, "",
                    "%s is not an IDX file: it begins with %02x %02x %02x %02x at "
                    "byte 0",
                    input->name, magic[0], magic[1], magic[2], magic[3]);
    if (magic[3] < 1 || magic[3] > ARRAY_RANK_MAX)
        return fail(err, E_INVALID, "", "%s: byte 3 says %d dimensions; there must be 1 to %d",
                    input->name, magic[3], ARRAY_RANK_MAX);
    out->rank = magic[3];
    for (int i = 0; i < out->rank; i++) {
        code = input_take(input, size, sizeof size, "IDX header", err);
        if (code)
            return code;
        out->dim[i] = (int64_t)size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3];
    }
    *element = *type;
    return OK;
}

static enum code read_elements(struct input *input, struct array *out, struct element element,
                               struct error *err)
{
    int64_t count = array_count(out->rank, out->dim);
    void *raw = NULL;

    if (count < 0 || count > INPUT_BYTES_MAX / element.size)
        return fail(err, E_LIMIT, "",
                    "%s: its header (bytes 4 to %d) claims %lld samples of more than "
                    "%lld bytes in all",
                    input->name, 3 + 4 * out->rank, (long long)out->dim[0],
                    (long long)INPUT_BYTES_MAX);
    enum code code = input_take_block(input, count * element.size, "elements", &raw, err);
    if (!code)
        code = input_expect_end(input, err);
    if (code) {
        free(raw);
        return code;
    }
    return array_convert(element, raw, out, err);
}

static enum code read_file(const char *path, const char *name, struct array *out, struct error *err)
{
    struct input input;
    struct element element = {0};
    enum code code = input_open(&input, path, name, err);

    if (code)
        return code;
    out->file = name;
    code = read_header(&input, out, &element, err);
    if (!code)
        code = read_elements(&input, out, element, err);
    input_close(&input);
    return code;
}

static enum code idx_read(const struct dataset_source *source, struct dataset *out,
                          struct error *err)
{
    return reader_read_files(source, read_file, out, err);
}

static bool idx_accepts(const char *file_name)
{
    return strstr(file_name, "idx") && strstr(file_name, "ubyte");
}

const struct reader reader_idx = {"idx", idx_accepts, idx_read};
