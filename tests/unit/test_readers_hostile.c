// Good files spoilt in a thousand ways from fixed seeds: every reader answers with a data set that maps
// or with an error in words, under the sanitizers, in bounded memory and time.
#include <string.h>
#include <sys/resource.h>
#include <zlib.h>

#include "common/data/dataset.h"
#include "common/rng.h"
#include "tests/files.h"

enum { ROUNDS = 400, NAMES = 2, MEMORY_MAX = 400 << 10 }; // KiB over what there was before

static void put_random(unsigned char *bytes, size_t size, struct rng *rng)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)rng_next(rng);
}

// One to eight changes: bits, extreme bytes, copied pieces, removed and added ones, the end cut off.
static size_t spoil(unsigned char *bytes, size_t size, size_t capacity, struct rng *rng)
{
    static const unsigned char extremes[] = {0x00, 0xff, 0x7f, 0x80, '"', ',', '\n', '('};

    for (uint64_t n = 1 + rng_below(rng, 8); n > 0 && size > 0; n--) {
        size_t at = (size_t)rng_below(rng, size), length = 1 + (size_t)rng_below(rng, 16);
        // headers matter most
        if (rng_below(rng, 2))
            at = at % 64 < size ? at % 64 : at;
        length = length < size - at ? length : size - at;
        switch (rng_below(rng, 6)) {
        case 0:
            bytes[at] ^= (unsigned char)(1u << rng_below(rng, 8));
            break;
        case 1:
            memset(bytes + at, extremes[rng_below(rng, sizeof extremes)], length);
            break;
        case 2:
            put_random(bytes + at, length, rng);
            break;
        case 3:
            memmove(bytes + at, bytes + at + length, size - at - length);
            size -= length;
            break;
        case 4:
            if (size + length <= capacity) {
                memmove(bytes + at + length, bytes + at, size - at);
                size += length;
            }
            break;
        case 5:
            if (rng_below(rng, 4) == 0)
                size = at;
            break;
        }
    }
    return size;
}

struct subject {
    int count;
    const char *names[NAMES];
    unsigned char *bytes[NAMES];
    size_t sizes[NAMES];
};

static void read_round(const struct files *files, const struct subject *subject, int *good)
{
    struct files_path paths[NAMES];
    const char *list[NAMES];
    struct dataset d;
    struct error err = {0};
    struct dataset_source source = {
        .nfiles = subject->count, .names = subject->names, .paths = list};

    for (int i = 0; i < subject->count; i++) {
        paths[i] = files_path(files, subject->names[i]);
        list[i] = paths[i].text;
    }
    enum code code = dataset_prepare(&source, files_path(files, "prepared").text, &err);
    if (code) {
        assert_true(err.message[0] != '\0' && err.code == code);
        return;
    }
    if (dataset_map(files_path(files, "prepared").text, &d, &err))
        fail_msg("a prepared set does not map: %s", err.message);
    cJSON *json = dataset_info_to_json(&d);
    assert_non_null(json);
    cJSON_Delete(json);
    dataset_fini(&d);
    ++*good;
}

static void attack(const struct subject *subject, uint64_t seed)
{
    struct files files = files_make();
    struct rusage before, after;
    struct rng rng;
    int good = 0;

    getrusage(RUSAGE_SELF, &before);
    for (int i = 0; i < subject->count; i++)
        files_write(&files, subject->names[i], subject->bytes[i], subject->sizes[i]);
    read_round(&files, subject, &good);
    assert_int_equal(good, 1);
    for (int round = 0; round < ROUNDS; round++) {
        rng_init(&rng, seed, (uint64_t)round);
        int victim = (int)rng_below(&rng, (uint64_t)subject->count);
        size_t size = subject->sizes[victim], capacity = size + 256;
        unsigned char *copy = malloc(capacity);
        assert_non_null(copy);
        memcpy(copy, subject->bytes[victim], size);
        size = spoil(copy, size, capacity, &rng);
        files_write(&files, subject->names[victim], copy, size);
        free(copy);
        read_round(&files, subject, &good);
        files_write(&files, subject->names[victim], subject->bytes[victim], subject->sizes[victim]);
    }
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < MEMORY_MAX);
    files_remove(&files);
    for (int i = 0; i < subject->count; i++)
        free(subject->bytes[i]);
}

static void load(struct subject *subject, const char *path, const char *name)
{
    subject->bytes[subject->count] = files_read(path, &subject->sizes[subject->count]);
    subject->names[subject->count++] = name;
}

// The first 20 of the real test images, unpacked, and their labels.
static struct subject fashion(bool packed)
{
    struct subject s = {.count = 2,
                        .names = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"}};
    static const char *const paths[] = {
        "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz",
        "/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz"};
    static const size_t heads[] = {16, 8}, widths[] = {784, 1};

    for (int i = 0; i < 2; i++) {
        gzFile gz = gzopen(paths[i], "rb");
        s.sizes[i] = heads[i] + 20 * widths[i];
        s.bytes[i] = malloc(s.sizes[i]);
        assert_true(gz && s.bytes[i]);
        assert_int_equal(gzread(gz, s.bytes[i], (unsigned)s.sizes[i]), (int)s.sizes[i]);
        gzclose(gz);
        memcpy(s.bytes[i] + 4, "\0\0\0\x14", 4);
        if (!packed)
            continue;
        struct files files = files_make();
        struct files_path path = files_path(&files, "x.gz");
        gz = gzopen(path.text, "wb");
        assert_int_equal(gzwrite(gz, s.bytes[i], (unsigned)s.sizes[i]), (int)s.sizes[i]);
        gzclose(gz);
        free(s.bytes[i]);
        s.bytes[i] = files_read(path.text, &s.sizes[i]);
        files_remove(&files);
    }
    return s;
}

static void spoilt_idx_files_do_no_harm(void **state)
{
    struct subject s = fashion(false);
    (void)state;
    attack(&s, 1);
}

static void spoilt_gzip_files_do_no_harm(void **state)
{
    struct subject s = fashion(true);
    (void)state;
    attack(&s, 2);
}

static void spoilt_npy_files_do_no_harm(void **state)
{
    struct subject s = {0};
    (void)state;

    load(&s, "tests/data/x_train.npy", "x_train.npy");
    load(&s, "tests/data/y_train.npy", "y_train.npy");
    attack(&s, 3);
    s = (struct subject){0};
    load(&s, "tests/data/fortran.npy", "x.npy");
    load(&s, "tests/data/y_train.npy", "y.npy");
    memcpy(strstr((char *)s.bytes[1] + 10, "(6,)"), "(2,)", 4);
    s.sizes[1] -= 4 * 8;
    attack(&s, 4);
}

static void spoilt_npz_files_do_no_harm(void **state)
{
    struct subject s = {0};
    (void)state;

    load(&s, "tests/data/stored.npz", "stored.npz");
    attack(&s, 5);
    s = (struct subject){0};
    load(&s, "tests/data/deflated_xy.npz", "set.npz");
    attack(&s, 6);
}

static void spoilt_csv_files_do_no_harm(void **state)
{
    static const char text[] = "size,colour,\"na\"\"me\",label\n1.5,red,\"a, b\",0\r\n"
                               "-2e3,blue,\"two\nlines\",1\n7,red,x,2\n8,green,y,1\n.5,red,z,0\n";
    struct subject s = {.count = 1, .names = {"set.csv"}};
    (void)state;

    s.sizes[0] = sizeof text - 1;
    s.bytes[0] = malloc(sizeof text);
    assert_non_null(s.bytes[0]);
    memcpy(s.bytes[0], text, sizeof text);
    attack(&s, 7);
}

// Every byte of a prepared file's first KiB, and any length: refused or mapped whole.
static void spoilt_prepared_files_do_no_harm(void **state)
{
    struct files files = files_make();
    struct dataset_source source = {.generator = "blobs"};
    struct files_path path = files_path(&files, "prepared");
    struct dataset d;
    struct error err;
    struct rng rng;
    size_t size;
    (void)state;

    assert_int_equal(dataset_prepare(&source, path.text, &err), OK);
    unsigned char *bytes = files_read(path.text, &size), *copy = malloc(size + 256);
    assert_non_null(copy);
    for (int round = 0; round < ROUNDS; round++) {
        rng_init(&rng, 8, (uint64_t)round);
        memcpy(copy, bytes, size);
        files_write(&files, "prepared", copy, spoil(copy, size, size + 256, &rng));
        if (dataset_map(path.text, &d, &err) == OK)
            dataset_fini(&d);
    }
    free(copy);
    free(bytes);
    files_remove(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spoilt_idx_files_do_no_harm),
        cmocka_unit_test(spoilt_gzip_files_do_no_harm),
        cmocka_unit_test(spoilt_npy_files_do_no_harm),
        cmocka_unit_test(spoilt_npz_files_do_no_harm),
        cmocka_unit_test(spoilt_csv_files_do_no_harm),
        cmocka_unit_test(spoilt_prepared_files_do_no_harm),
    };
    return cmocka_run_group_tests_name("readers, hostile files", tests, NULL, NULL);
}
