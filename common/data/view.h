// Which samples of a data set are for training, validation and test, and how features become numbers:
// the `dataset` member of a configuration, worked out. No copies: parts point into the data set, and
// whoever gathers a batch computes (x - shift) / divisor itself.
#ifndef TUNERD_COMMON_DATA_VIEW_H
#define TUNERD_COMMON_DATA_VIEW_H

#include "common/data/dataset.h"

// Sample i of a part is sample index[i] of x and y (index NULL: sample i). x and y already point at the
// part's first sample.
struct data_part {
    int64_t samples;
    const void *x;         // uint8_t or float [· × features], as info.features_bytes says
    const void *y;         // int32_t [·] when info.classes > 0, else float [· × target_width]
    const uint32_t *index; // [samples] or NULL
};

struct data_view {
    const struct dataset *data;               // borrowed
    struct data_part train, validation, test; // samples 0 where there is none
    bool has_validation, has_test;
    int64_t features; // of one sample: the product of its shape
    // A feature's value is (x - shift[j]) / divisor[j]; with `uniform` all j are as j = 0 (one pair
    // for all features: "none" is 0 and 1, bytes under "0-1" are 0 and 255).
    bool uniform;
    double *shift, *divisor; // [uniform ? 1 : features]
    uint32_t *permutation;   // what the parts' index arrays lie in, or NULL
};

// config: the normalised `dataset` object of a configuration. In this order:
//   limit             the first n samples of the training part (the test part is untouched)
//   split             {"test_size", "random_state", "stratify"}: scikit-learn's train_test_split of the
//                     training part, for data without a test part; the same samples in the same order as
//                     scikit-learn gives (numpy's Mersenne twister). random_state null: `seed`
//   validation_data   "test": the test part is the validation part too
//   validation_split  Keras': training keeps the first floor(n (1 - split)), the rest validates; before
//                     any shuffle, after `split`
//   scale             "none"; "0-1": bytes by 255, other features by the range of the training part;
//                     "standard": mean and deviation (divided by n) of the training part, a constant
//                     feature divides by 1 (scikit-learn's StandardScaler)
// Training part for the statistics: what is left after validation was taken away.
// Errors with the pointer below /dataset: E_INVALID where a part would be empty or the data has no test
// part or already has one, E_RANGE, E_MEMORY.
enum code data_view_init(struct data_view *view, const struct dataset *data, const cJSON *config,
                         uint64_t seed, struct error *err);
void data_view_fini(struct data_view *view);

#endif
