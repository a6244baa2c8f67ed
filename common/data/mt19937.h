// numpy's legacy random generator (numpy.random.RandomState: Matsumoto & Nishimura's MT19937), as far as
// scikit-learn's train_test_split draws from it, so that its samples can be had in its order.
#ifndef TUNERD_COMMON_DATA_MT19937_H
#define TUNERD_COMMON_DATA_MT19937_H

#include <stdint.h>

struct mt19937 {
    uint32_t key[624];
    int position;
};

void mt19937_init(struct mt19937 *mt, uint32_t seed); // RandomState(seed)
uint32_t mt19937_next(struct mt19937 *mt);
// RandomState.permutation(n) of items[0..n): Fisher-Yates from the end, masked rejection.
void mt19937_shuffle(struct mt19937 *mt, uint32_t *items, uint32_t n);

#endif
