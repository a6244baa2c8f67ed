// What the readers share. A reader fills a struct dataset whose arrays are malloc'ed (map NULL); what it
// leaves out stays zero; dataset_prepare() releases it.
#ifndef TUNERD_COMMON_DATA_READER_H
#define TUNERD_COMMON_DATA_READER_H

#include "common/data/dataset.h"
#include "common/data/input.h"

enum { DATASET_CLASSES_MAX = 10000, DATASET_FEATURES_MAX = 1 << 24 };

struct reader {
    const char *name; // "idx", …
    bool (*accepts)(const char *file_name);
    // After an error `out` may be half filled: the caller releases it.
    enum code (*read)(const struct dataset_source *source, struct dataset *out, struct error *err);
};
extern const struct reader reader_idx, reader_csv, reader_npy, reader_npz;

// What a file is for, from its name.
struct role {
    bool test;   // else training
    bool labels; // else features
};
struct role reader_role(const char *file_name);
// True when the name ends with the extension (".csv"), .gz behind it or not; case does not matter.
bool reader_has_extension(const char *file_name, const char *extension);

// An array as it lies in a file, converted on the way: [dim[0] × …].
enum array_type { ARRAY_BYTES, ARRAY_INTEGERS, ARRAY_FLOATS };
enum { ARRAY_RANK_MAX = 5 };
struct array {
    enum array_type type;
    int rank;
    int64_t dim[ARRAY_RANK_MAX];
    void *data;       // uint8_t, int64_t or float, owned
    const char *file; // its name, for messages
};
void array_fini(struct array *array);
// Elements in all; -1 when the dimensions overflow or are above what a data set may have.
int64_t array_count(int rank, const int64_t *dim);
// Elements of one sample, which dim[0] counts.
int64_t array_width(const struct array *array);

// How an element lies in a file.
struct element {
    char kind; // 'u' unsigned, 'i' signed, 'f' IEEE, 'b' boolean
    int size;  // bytes: 1, 2, 4, 8
    bool big_endian;
};
// Raw elements [dim[0] × …] as out->type wants them: u1 and b1 are bytes, other integers int64, the rest
// float. Takes the block `raw` over, also on errors. E_INVALID: NaN, infinity, more than float holds.
enum code array_convert(struct element element, void *raw, struct array *out, struct error *err);

// Reads an NPY array from the input's start to its end; out->file is set already.
enum code npy_read_array(struct input *input, struct array *out, struct error *err);

// Reads a file each for features and labels of the training and (where there is one) the test part.
enum code reader_read_files(const struct dataset_source *source,
                            enum code (*read_file)(const char *path, const char *name,
                                                   struct array *out, struct error *err),
                            struct dataset *out, struct error *err);

// Puts the arrays of the two parts into the data set: x and y of training and test (x NULL: no test
// part). Bytes stay bytes when both parts have bytes; integer labels (or bytes) become classes. Takes
// the arrays' blocks over. Errors name the file and the sample.
enum code dataset_assemble(struct dataset *out, struct array *train_x, struct array *train_y,
                           struct array *test_x, struct array *test_y, struct error *err);

#endif
