// The prepared file: one header, the names, then the four arrays, each at a multiple of 64 bytes. Where
// they lie follows from the counts in the header, so there is no offset in the file to trust.
#ifndef TUNERD_COMMON_DATA_PREPARED_H
#define TUNERD_COMMON_DATA_PREPARED_H

#include "common/data/dataset.h"

// Writes a complete data set to `path`: temporary file beside it, fsync, rename, fsync of the folder.
enum code prepared_write(const struct dataset *dataset, const char *path, struct error *err);

#endif
