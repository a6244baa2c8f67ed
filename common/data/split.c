// See split.h.

#include "common/data/split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/mt19937.h"
#include "common/json.h"

static enum code count_test(const struct split *split, uint32_t n, uint32_t *ntest,
                            const char *pointer, struct error *err)
{
    double size = split->test_size;
    double test = size < 1 ? ceil(size * n) : size;

    if (!(size > 0) || (size >= 1 && size != floor(size)) || test >= n)
        return fail(
            err, E_RANGE, json_pointer_of(pointer, "test_size").text,
            "test_size %g leaves no samples for one part of %u; give a fraction between 0 and 1 "
            "or a count below %u",
            size, n, n);
    *ntest = (uint32_t)test;
    return OK;
}

static void shuffled(struct mt19937 *mt, uint32_t *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        items[i] = i;
    mt19937_shuffle(mt, items, n);
}

static enum code split_shuffled(const struct split *split, uint32_t n, uint32_t ntest,
                                uint32_t *out, struct error *err)
{
    struct mt19937 mt;
    uint32_t *order = malloc(n * sizeof *order);

    if (!order)
        return fail(err, E_MEMORY, "", "out of memory splitting %u samples", n);
    mt19937_init(&mt, split->random_state);
    shuffled(&mt, order, n);
    memcpy(out, order + ntest, (n - ntest) * sizeof *order);
    memcpy(out + n - ntest, order, ntest * sizeof *order);
    free(order);
    return OK;
}

// What stratifying needs, one entry a class that has samples.
struct strata {
    int count;
    uint32_t *counts;       // the block that the next seven lie in
    uint32_t *size;         // samples of the class
    uint32_t *start;        // where the class's samples begin in `members`
    uint32_t *members;      // [n], samples by class, in order
    uint32_t *train, *test; // how many of the class go where
    uint32_t *left;         // what training leaves of the class
    uint32_t *scratch;      // [max(n, count)]
    double *remainder, *sorted;
};

static int largest_first(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

// scikit-learn's _approximate_mode: draws split over the classes in proportion; what the floors leave
// goes to the largest remainders, ties by lot.
static void apportion(struct mt19937 *mt, const struct strata *s, const uint32_t *left,
                      uint32_t draws, uint32_t *out)
{
    double *sorted = s->sorted, total = 0;
    int64_t need = draws;

    for (int k = 0; k < s->count; k++)
        total += left[k];
    for (int k = 0; k < s->count; k++) {
        double share = left[k] / total * draws;
        out[k] = (uint32_t)floor(share);
        need -= out[k];
        sorted[k] = s->remainder[k] = share - floor(share);
    }
    qsort(sorted, (size_t)s->count, sizeof *sorted, largest_first);
    for (int i = 0; i < s->count && need > 0; i++) {
        uint32_t ties = 0;
        if (i > 0 && sorted[i] == sorted[i - 1])
            continue;
        for (int k = 0; k < s->count; k++)
            ties += s->remainder[k] == sorted[i];
        shuffled(mt, s->scratch, ties);
        for (uint32_t t = 0; t < ties && need > 0; t++, need--) {
            uint32_t wanted = s->scratch[t], seen = 0;
            for (int k = 0; k < s->count; k++) {
                if (s->remainder[k] == sorted[i] && seen++ == wanted)
                    out[k]++;
            }
        }
    }
}

static void strata_fini(struct strata *s)
{
    free(s->counts);
    free(s->remainder);
}

static enum code strata_init(struct strata *s, const struct split *split, uint32_t n,
                             struct error *err)
{
    size_t classes = (size_t)split->classes, scratch = n > classes ? n : classes;
    uint32_t at = 0;

    *s = (struct strata){
        .counts = calloc(6 * classes + n + scratch, sizeof *s->counts),
        .remainder = calloc(2 * classes, sizeof *s->remainder),
    };
    if (!s->counts || !s->remainder)
        return fail(err, E_MEMORY, "", "out of memory splitting %u samples", n);
    uint32_t *slot = s->counts;
    s->size = slot + classes;
    s->start = s->size + classes;
    s->train = s->start + classes;
    s->test = s->train + classes;
    s->left = s->test + classes;
    s->members = s->left + classes;
    s->scratch = s->members + n;
    s->sorted = s->remainder + classes;
    for (uint32_t i = 0; i < n; i++)
        slot[split->stratify[i]]++;
    for (size_t c = 0; c < classes; c++) {
        uint32_t size = slot[c];
        if (size == 0)
            continue;
        s->size[s->count] = size;
        s->start[s->count++] = at;
        slot[c] = at;
        at += size;
    }
    for (uint32_t i = 0; i < n; i++)
        s->members[slot[split->stratify[i]]++] = i;
    return OK;
}

static enum code check_strata(const struct strata *s, uint32_t ntrain, uint32_t ntest,
                              const char *pointer, struct error *err)
{
    for (int k = 0; k < s->count; k++) {
        if (s->size[k] < 2)
            return fail(err, E_INVALID, json_pointer_of(pointer, "stratify").text,
                        "a class has only 1 sample; stratifying needs 2 of each");
    }
    if (ntrain < (uint32_t)s->count || ntest < (uint32_t)s->count)
        return fail(err, E_INVALID, json_pointer_of(pointer, "test_size").text,
                    "parts of %u and %u samples are too small to hold each of %d classes", ntrain,
                    ntest, s->count);
    return OK;
}

// Draws every class's samples for either part, then mixes the parts.
static void draw_strata(const struct strata *s, uint32_t random_state, uint32_t ntrain,
                        uint32_t ntest, uint32_t *out)
{
    struct mt19937 mt;
    uint32_t *train = out, *test = out + ntrain;

    mt19937_init(&mt, random_state);
    apportion(&mt, s, s->size, ntrain, s->train);
    for (int k = 0; k < s->count; k++)
        s->left[k] = s->size[k] - s->train[k];
    apportion(&mt, s, s->left, ntest, s->test);
    for (int k = 0; k < s->count; k++) {
        const uint32_t *members = s->members + s->start[k];
        shuffled(&mt, s->scratch, s->size[k]);
        for (uint32_t i = 0; i < s->train[k]; i++)
            *train++ = members[s->scratch[i]];
        for (uint32_t i = 0; i < s->test[k]; i++)
            *test++ = members[s->scratch[s->train[k] + i]];
    }
    mt19937_shuffle(&mt, out, ntrain);
    mt19937_shuffle(&mt, out + ntrain, ntest);
}

static enum code split_stratified(const struct split *split, uint32_t n, uint32_t ntest,
                                  uint32_t *out, const char *pointer, struct error *err)
{
    struct strata s;
    uint32_t ntrain = n - ntest;
    enum code code = strata_init(&s, split, n, err);

    if (!code)
        code = check_strata(&s, ntrain, ntest, pointer, err);
    if (!code)
        draw_strata(&s, split->random_state, ntrain, ntest, out);
    strata_fini(&s);
    return code;
}

enum code split_samples(const struct split *split, uint32_t n, uint32_t *out, uint32_t *ntrain,
                        const char *pointer, struct error *err)
{
    uint32_t ntest = 0;
    enum code code = count_test(split, n, &ntest, pointer, err);

    if (code)
        return code;
    *ntrain = n - ntest;
    return split->stratify ? split_stratified(split, n, ntest, out, pointer, err)
                           : split_shuffled(split, n, ntest, out, err);
}
