// Data sets as files: IDX (.gz), CSV with a header, NPY/NPZ, and the generated ones. Files are hostile:
// every size is checked before anything is allocated. A data set is prepared once into one flat file
// that any number of processes map read-only; features stay bytes where they came as bytes.
#ifndef TUNERD_COMMON_DATA_DATASET_H
#define TUNERD_COMMON_DATA_DATASET_H

#include <stdint.h>

#include "common/error.h"
#include "common/json.h"
#include "common/study_spec.h"

// How the files are read, from POST /datasets/{name}: {"format": "idx"|"csv"|"npy"|"npz"|"generated",
// "target": column or array name, "categories": "one_hot"|"codes", "class_names": [names of the labels 0, 1,
// …], "generate": {…}}. Paths are the files
// in the same order as `names`. Which file is what is guessed from the names: "t10k" or "test" is the
// test part, everything else the training part; "label", "target" or a stem ending in "y" the labels.
//
//   idx   images and labels in a file each, .gz or not; bytes stay bytes, labels become classes
//   csv   RFC 4180 with a header. A column of numbers is one float feature; a column of text becomes
//         one feature a category ("one_hot", named column=value, in the order of the values' bytes) or
//         one feature with the category's number ("codes"). A target of text, or of whole numbers
//         0..n-1 that are all there (2 to 256 of them) is classes; else regression.
//         A missing or infinite value is an error that names file and line.
//   npy   a file each for features and labels; u1 i4 i8 f4 f8, little endian, C or Fortran order.
//         Integers as labels are classes, floats regression (n columns: n targets). u1 stays bytes.
//   npz   the same arrays in one file: x_train, y_train, x_test, y_test (or x, y; `target` names y)
struct dataset_source {
    const char *format;     // NULL: guessed from the names
    const char *target;     // NULL: "label", "target", "class", "y" or the last column
    const char *categories; // NULL: "one_hot"
    const cJSON
        *class_names; // as many as there are classes; NULL: numbers, or a text column's values
    int nfiles;
    const char *const *names;
    const char *const *paths;
    const cJSON *generate; // of the generated sets, else NULL
    const char *generator; // "blobs", "spirals", "linear", else NULL
};

// A prepared data set, mapped. All arrays are row-major, one sample after the other.
struct dataset {
    struct dataset_info info;
    const void *train_x, *test_x; // uint8_t or float (info.features_bytes)
    const void *train_y, *test_y; // int32_t classes, or float targets when info.classes == 0
    int64_t target_width;         // 1 but for many-column regression
    char **class_names;           // [classes] or NULL
    char **feature_names;         // [features] or NULL
    void *map;                    // NULL: malloc'ed instead
    size_t map_size;
};

// Reads and checks the files and writes the prepared file to `path` (temporary, fsync, rename).
// Errors: E_INVALID with file and line or offset, or at /class_names; E_NOT_FOUND; E_LIMIT; E_IO
// in reading, E_DISK in writing.
enum code dataset_prepare(const struct dataset_source *source, const char *path, struct error *err);
// Maps a prepared file after checking its header against its size.
enum code dataset_map(const char *path, struct dataset *out, struct error *err);
void dataset_fini(struct dataset *dataset);
// A generated set, without any file: "blobs" (clouds around `classes` centres, noise is their deviation),
// "spirals" (arms in the plane) or "linear" (regression with standard normal features; the best mse is
// noise²). generate (may be NULL): {"samples": 1000, "test_samples": a quarter of samples, "features",
// "classes", "noise"}. The same seed gives the same set. Errors: E_UNKNOWN, E_RANGE at
// /dataset/generate/…, E_LIMIT, E_MEMORY.
enum code dataset_generate(const char *generator, const cJSON *generate, uint64_t seed,
                           struct dataset *out, struct error *err);
// What dataset_generate() would give, without generating it.
enum code dataset_generate_info(const char *generator, const cJSON *generate,
                                struct dataset_info *out, struct error *err);

// {"train_samples", "test_samples", "shape", "classes" (0: regression), "targets", "features": "bytes" or
// "floats", "class_names", "feature_names" (where there are some)}. NULL when out of memory.
cJSON *dataset_info_to_json(const struct dataset *dataset);

#endif
