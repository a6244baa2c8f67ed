// Fashion-MNIST from the files of the Debian package dataset-fashion-mnist, for tests and benchmarks.
#ifndef TUNERD_TESTS_FASHION_H
#define TUNERD_TESTS_FASHION_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/data/dataset.h"

// Mapped from a temporary file that is gone already. Release with dataset_fini().
static inline enum code fashion_open(const char *dir, struct dataset *data, struct error *err)
{
    static const char *const names[] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
                                        "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"};
    char text[4][512], prepared[] = "/tmp/tunerd_fashion.XXXXXX";
    const char *paths[4];
    const int fd = mkstemp(prepared);
    enum code code;

    if (fd < 0)
        return fail(err, E_IO, "", "no temporary file");
    close(fd);
    for (int i = 0; i < 4; i++) {
        snprintf(text[i], sizeof(text[i]), "%s/%s", dir, names[i]);
        paths[i] = text[i];
    }
    const struct dataset_source source = {.nfiles = 4, .names = names, .paths = paths};

    code = dataset_prepare(&source, prepared, err);
    if (code == OK)
        code = dataset_map(prepared, data, err);
    unlink(prepared);
    return code;
}

#endif
