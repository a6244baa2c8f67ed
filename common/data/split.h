// scikit-learn's train_test_split (model_selection/_split.py: ShuffleSplit, StratifiedShuffleSplit), the
// same samples in the same order for the same random_state.
#ifndef TUNERD_COMMON_DATA_SPLIT_H
#define TUNERD_COMMON_DATA_SPLIT_H

#include <stdint.h>

#include "common/error.h"

struct split {
    double test_size; // a fraction below 1 (ceil(n test_size) samples) or a whole count
    uint32_t random_state;
    const int32_t *stratify; // [n] classes to keep in proportion, or NULL
    int64_t classes;
};
// out: [n], the training samples first (*ntrain of them), then the test samples. Errors, pointer below
// `pointer`: E_RANGE at /test_size when a part would be empty; E_INVALID at /stratify when a class has
// fewer than 2 samples or a part fewer samples than there are classes; E_MEMORY.
enum code split_samples(const struct split *split, uint32_t n, uint32_t *out, uint32_t *ntrain,
                        const char *pointer, struct error *err);

#endif
