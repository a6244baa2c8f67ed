// NPZ (numpy.savez): a zip archive of NPY files.

#include <stdio.h>
#include <string.h>

#include "common/data/reader.h"
#include "common/data/zip.h"

// Which of the four arrays a member is; -1: another one. `target` names the labels, which with
// "_test" behind it are those of the test part.
static int slot_of(const char *member, const char *target)
{
    char stem[ZIP_NAME_MAX];

    snprintf(stem, sizeof stem, "%s", member);
    char *dot = strrchr(stem, '.');
    if (!dot || strcmp(dot, ".npy") != 0)
        return -1;
    *dot = '\0';
    struct role role = reader_role(stem);
    if (target) {
        size_t length = strlen(target);
        role.labels = strncmp(stem, target, length) == 0 &&
                      (stem[length] == '\0' || strcmp(stem + length, "_test") == 0 ||
                       strcmp(stem + length, "_train") == 0);
    }
    return 2 * role.test + role.labels;
}

static enum code read_members(struct zip *zip, const char *target, struct array arrays[4],
                              struct error *err)
{
    enum code code = OK;

    for (int i = 0; i < zip->count && !code; i++) {
        struct input input;
        int slot = slot_of(zip->members[i].name, target);
        if (slot < 0)
            continue;
        if (arrays[slot].file)
            return fail(err, E_INVALID, "",
                        "%s: %s and %s both look like the %s of the %s part; name them "
                        "x_train, y_train, x_test, y_test",
                        zip->name, arrays[slot].file, zip->members[i].name,
                        slot % 2 ? "labels" : "features", slot / 2 ? "test" : "training");
        arrays[slot].file = zip->members[i].name;
        code = zip_open_member(zip, i, &input, err);
        if (code)
            return code;
        code = npy_read_array(&input, &arrays[slot], err);
        input_close(&input);
    }
    if (!code && (!arrays[0].data || !arrays[1].data || !arrays[2].data != !arrays[3].data))
        return fail(err, E_MISSING, "",
                    "%s lacks an array; it needs x_train and y_train (or x and y), and "
                    "x_test with y_test or neither",
                    zip->name);
    return code;
}

static enum code npz_read(const struct dataset_source *source, struct dataset *out,
                          struct error *err)
{
    struct zip zip;
    struct array arrays[4] = {0};

    if (source->nfiles != 1)
        return fail(err, E_INVALID, "", "an NPZ data set is one file; there are %d",
                    source->nfiles);
    enum code code = zip_open(&zip, source->paths[0], source->names[0], err);
    if (code)
        return code;
    code = read_members(&zip, source->target, arrays, err);
    if (!code)
        code = dataset_assemble(out, &arrays[0], &arrays[1], &arrays[2], &arrays[3], err);
    for (int i = 0; i < 4; i++)
        array_fini(&arrays[i]);
    zip_close(&zip);
    return code;
}

static bool npz_accepts(const char *file_name)
{
    return reader_has_extension(file_name, ".npz");
}

const struct reader reader_npz = {"npz", npz_accepts, npz_read};
