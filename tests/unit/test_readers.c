#include <string.h>
#include <zlib.h>

#include "common/data/dataset.h"
#include "tests/files.h"

// Prepares and maps the named files of a folder; on a fault gives its code.
static enum code read_set(const struct files *files, const struct dataset_source *form,
                          const char *const *names, int count, struct dataset *out,
                          struct error *err)
{
    struct files_path paths[4];
    const char *list[4];
    struct dataset_source source = *form;

    for (int i = 0; i < count; i++) {
        paths[i] = files_path(files, names[i]);
        list[i] = paths[i].text;
    }
    source.nfiles = count;
    source.names = names;
    source.paths = list;
    enum code code = dataset_prepare(&source, files_path(files, "prepared").text, err);
    if (code)
        return code;
    return dataset_map(files_path(files, "prepared").text, out, err);
}

static enum code read_csv(const char *text, const struct dataset_source *form, struct dataset *out,
                          struct error *err)
{
    static const char *const names[] = {"iris.csv"};
    struct files files = files_make();

    files_write(&files, names[0], text, strlen(text));
    enum code code = read_set(&files, form, names, 1, out, err);
    files_remove(&files);
    return code;
}

static struct dataset csv(const char *text, const struct dataset_source *form)
{
    struct dataset d;
    struct error err;

    if (read_csv(text, form, &d, &err))
        fail_msg("%s", err.message);
    return d;
}

static const struct dataset_source plain = {0};

static void text_columns_become_categories(void **state)
{
    struct dataset d = csv("colour,size,kind\nred,1.5,cat\n\"blue\",-2e1,dog\nred,0,ant\n", &plain);
    const float expected[] = {0, 1, 1.5f, 1, 0, -20, 0, 1, 0};
    const int32_t labels[] = {1, 2, 0};
    (void)state;

    assert_int_equal(d.info.train_samples, 3);
    assert_int_equal(d.info.classes, 3);
    assert_int_equal(d.info.rank, 1);
    assert_int_equal(d.info.shape[0], 3);
    assert_memory_equal(d.train_x, expected, sizeof expected);
    assert_memory_equal(d.train_y, labels, sizeof labels);
    assert_string_equal(d.feature_names[0], "colour=blue");
    assert_string_equal(d.feature_names[2], "size");
    assert_string_equal(d.class_names[0], "ant");
    dataset_fini(&d);
}

static void categories_may_be_codes(void **state)
{
    struct dataset_source form = {.categories = "codes", .target = "b"};
    struct dataset d = csv("a,b,c\nx,0,1\ny,1,2\nx,0,3\n", &form);
    const float expected[] = {0, 1, 1, 2, 0, 3};
    (void)state;

    assert_memory_equal(d.train_x, expected, sizeof expected);
    assert_string_equal(d.feature_names[0], "a");
    assert_int_equal(d.info.classes, 2);
    dataset_fini(&d);
}

static void numbers_are_classes_only_when_all_from_0_are_there(void **state)
{
    static const struct {
        const char *text;
        int64_t classes;
    } cases[] = {
        {"a,y\n1,0\n1,1\n1,2\n", 3}, {"a,y\n1,0\n1,2\n", 0},      {"a,y\n1,1\n1,2\n", 0},
        {"a,y\n1,0\n1,0.5\n", 0},    {"a,y\n1,0\n1,1.0\n", 2},    {"a,y\n1,-1\n1,0\n1,1\n", 0},
        {"a,y\n1,0\n1,0\n", 0},      {"a,y\n1,0\n1,1\n1,3\n", 0}, {"a,y\n1,yes\n2,yes\n", 1},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset d = csv(cases[i].text, &plain);
        if (d.info.classes != cases[i].classes)
            fail_msg("%s gives %d classes", cases[i].text, (int)d.info.classes);
        dataset_fini(&d);
    }
}

static void quoting_follows_rfc_4180(void **state)
{
    struct dataset d = csv("\xef\xbb\xbf\"a,1\",\"l\"\"abel\",label\r\n"
                           "1,\"two\nlines\",no\r\n\r\n2,\"say \"\"hi\"\"\",yes",
                           &plain);
    (void)state;

    assert_int_equal(d.info.train_samples, 2);
    assert_string_equal(d.feature_names[0], "a,1");
    assert_string_equal(d.feature_names[1], "l\"abel=say \"hi\"");
    assert_string_equal(d.feature_names[2], "l\"abel=two\nlines");
    dataset_fini(&d);
}

static void lines_may_end_with_cr_lf(void **state)
{
    struct dataset d = csv("a,kind\r\n1,cat\r\n2,dog\r\n", &plain);
    (void)state;

    assert_int_equal(d.info.train_samples, 2);
    assert_string_equal(d.feature_names[0], "a");
    assert_string_equal(d.class_names[0], "cat");
    assert_string_equal(d.class_names[1], "dog");
    dataset_fini(&d);
}

static void semicolons_and_tabs_delimit_too(void **state)
{
    struct dataset a = csv("x;y\n1;2.5\n", &plain), b = csv("x\ty\n1\t2.5\n", &plain);
    (void)state;

    assert_true(((const float *)a.train_y)[0] == 2.5f);
    assert_true(((const float *)b.train_y)[0] == 2.5f);
    dataset_fini(&a);
    dataset_fini(&b);
}

static void faults_of_a_csv_name_file_and_line(void **state)
{
    static const struct {
        const char *text, *said;
        enum code code;
    } cases[] = {
        {"a,y\n1,2\n,3\n", "iris.csv:3: column \"a\" has no value", E_INVALID},
        {"a,y\n1,2\nNA,3\n", "iris.csv:3: column \"a\" has no value", E_INVALID},
        // numbers all the same, not categories
        {"a,y\n1,2\ninf,3\n", "iris.csv:3: column \"a\" has a number that is infinite", E_INVALID},
        {"a,y\n1,2\n2,3\n-1e39,3\n", "iris.csv:4: column \"a\" has a number that is", E_INVALID},
        {"a,y\n-Infinity,2\n", "iris.csv:2: column \"a\" has a number that is", E_INVALID},
        {"a,y\n1,2\n1\n", "iris.csv:3: 1 fields; the header has 2", E_INVALID},
        {"a,y\n1,2,3\n", "iris.csv:2: more fields", E_INVALID},
        {"a,y\n\"1,2\n", "iris.csv:2: a quoted field that never ends", E_INVALID},
        {"a,y\n\"1\"2,2\n", "iris.csv:2: text behind a closing quote", E_INVALID},
        {"a,y\n\n\nx,1\n,2\n", "iris.csv:5: column \"a\" has no value", E_INVALID},
        {"a,y\n1,\xff\n", "iris.csv:2: a byte that is not UTF-8", E_INVALID},
        {"a,y\n1,\xed\xa0\x80\n", "iris.csv:2: a byte that is not UTF-8", E_INVALID},
        {"a,y\n", "no rows", E_INVALID},
        {"", "is empty", E_INVALID},
        {"a\n1\n", "one column only", E_INVALID},
        {"label,a,label\n1,2,1\n", "iris.csv:1: two columns are named \"label\"", E_INVALID},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset d;
        struct error err;
        assert_int_equal(read_csv(cases[i].text, &plain, &d, &err), cases[i].code);
        if (!strstr(err.message, cases[i].said))
            fail_msg("\"%s\" does not say \"%s\"", err.message, cases[i].said);
    }
}

static void texts_of_a_page_are_no_categories(void **state)
{
    static const char head[] = "a,y\n1,2\n", tail[] = ",3\n";
    enum { LONG = 100000 };
    char *text = malloc(sizeof head + LONG + sizeof tail);
    struct dataset d;
    struct error err;
    (void)state;

    assert_non_null(text);
    for (int digits = 0; digits < 2; digits++) {
        memcpy(text, head, sizeof head - 1);
        memset(text + sizeof head - 1, digits ? '7' : 'x', LONG);
        memcpy(text + sizeof head - 1 + LONG, tail, sizeof tail);
        assert_int_equal(read_csv(text, &plain, &d, &err), E_INVALID);
        assert_non_null(strstr(err.message, digits
                                                ? "iris.csv:3: column \"a\" has a number that is"
                                                : "iris.csv:3: column \"a\" has a text of more"));
    }
    free(text);
}

static void wrong_arguments_are_named(void **state)
{
    static const struct {
        struct dataset_source form;
        const char *pointer;
    } cases[] = {
        {{.target = "nothing"}, "/target"},
        {{.categories = "hash"}, "/categories"},
        {{.format = "parquet"}, "/format"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset d;
        struct error err;
        assert_int_equal(read_csv("a,y\n1,2\n", &cases[i].form, &d, &err), E_UNKNOWN);
        assert_string_equal(err.pointer, cases[i].pointer);
    }
}

static void a_test_file_has_the_training_files_columns_and_categories(void **state)
{
    static const char *const names[] = {"train.csv", "test.csv"};
    static const char train[] = "a,k,label\n1,x,no\n2,y,yes\n";
    static const struct {
        const char *test, *said;
    } cases[] = {
        {"a,k,label\n3,y,yes\n", NULL},
        {"a,label,k\n3,yes,y\n", "test.csv:1: the columns are not those of train.csv"},
        {"a,k\n3,y\n", "test.csv:1: the columns"},
        {"a,k,label,z\n3,y,no,1\n", "test.csv:1: the columns"},
        {"a,k,label\n3,z,yes\n",
         "test.csv:2: column \"k\" has a value that the training part never has"},
        {"a,k,label\n3,x,maybe\n", "test.csv:2: column \"label\" has a value that the training"},
    };
    struct files files = files_make();
    (void)state;

    files_write(&files, "train.csv", train, strlen(train));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset d;
        struct error err;
        files_write(&files, "test.csv", cases[i].test, strlen(cases[i].test));
        enum code code = read_set(&files, &plain, names, 2, &d, &err);
        if (!cases[i].said) {
            assert_int_equal(code, OK);
            assert_int_equal(d.info.test_samples, 1);
            assert_int_equal(((const int32_t *)d.test_y)[0], 1);
            dataset_fini(&d);
        } else if (code == OK || !strstr(err.message, cases[i].said)) {
            fail_msg("\"%s\" does not say \"%s\"", code ? err.message : "OK", cases[i].said);
        }
    }
    files_remove(&files);
}

// The fixtures are numpy's own files: tests/data/make_arrays.py.
static void copy_fixture(const struct files *files, const char *from, const char *to)
{
    char path[256];
    size_t size;

    snprintf(path, sizeof path, "tests/data/%s", from);
    unsigned char *bytes = files_read(path, &size);
    files_write(files, to, bytes, size);
    free(bytes);
}

static void npy_bytes_stay_bytes_and_integers_are_classes(void **state)
{
    static const char *const names[] = {"x_train.npy", "y_train.npy"};
    struct files files = files_make();
    struct dataset d;
    struct error err;
    (void)state;

    copy_fixture(&files, names[0], names[0]);
    copy_fixture(&files, names[1], names[1]);
    if (read_set(&files, &plain, names, 2, &d, &err))
        fail_msg("%s", err.message);
    assert_true(d.info.features_bytes);
    assert_int_equal(d.info.rank, 2);
    assert_int_equal(d.info.shape[0], 4);
    assert_int_equal(d.info.shape[1], 3);
    assert_int_equal(d.info.classes, 3);
    for (int i = 0; i < 72; i++)
        assert_int_equal(((const uint8_t *)d.train_x)[i], i);
    for (int i = 0; i < 6; i++)
        assert_int_equal(((const int32_t *)d.train_y)[i], i % 3);
    dataset_fini(&d);
    files_remove(&files);
}

static void npy_in_fortran_order_and_version_2_is_read(void **state)
{
    static const char *const names[] = {"X.npy", "y.npy"};
    struct files files = files_make();
    struct dataset d;
    struct error err;
    (void)state;

    copy_fixture(&files, "version2.npy", "X.npy");
    copy_fixture(&files, "version2.npy", "y.npy");
    if (read_set(&files, &plain, names, 2, &d, &err))
        fail_msg("%s", err.message);
    assert_int_equal(d.info.classes, 0);
    assert_int_equal(d.target_width, 2);
    for (int i = 0; i < 12; i++)
        assert_true(((const float *)d.train_x)[i] == (float)i / 8);
    dataset_fini(&d);
    files_write(&files, "y.npy",
                "\x93NUMPY\1\0\x46\0{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
                "             \n\0\0\0\0\0\0\x80\x3f",
                88);
    copy_fixture(&files, "fortran.npy", "X.npy");
    if (read_set(&files, &plain, names, 2, &d, &err))
        fail_msg("%s", err.message);
    assert_int_equal(d.info.rank, 2);
    assert_int_equal(d.info.shape[0], 3);
    for (int i = 0; i < 12; i++)
        assert_true(((const float *)d.train_x)[i] == (float)i / 8);
    dataset_fini(&d);
    files_remove(&files);
}

static void npz_is_read_stored_and_deflated(void **state)
{
    static const char *const stored[] = {"stored.npz"}, *const deflated[] = {"deflated.npz"};
    struct files files = files_make();
    struct dataset_source form = {.target = "rating"};
    struct dataset d;
    struct error err;
    (void)state;

    copy_fixture(&files, stored[0], stored[0]);
    copy_fixture(&files, deflated[0], deflated[0]);
    if (read_set(&files, &plain, stored, 1, &d, &err))
        fail_msg("%s", err.message);
    assert_int_equal(d.info.train_samples, 6);
    assert_int_equal(d.info.test_samples, 2);
    assert_true(d.info.features_bytes);
    assert_int_equal(((const int32_t *)d.test_y)[1], 1);
    dataset_fini(&d);
    if (read_set(&files, &form, deflated, 1, &d, &err))
        fail_msg("%s", err.message);
    assert_int_equal(d.info.shape[0], 2);
    assert_int_equal(d.target_width, 1);
    for (int i = 0; i < 6; i++)
        assert_true(((const float *)d.train_y)[i] == (float)i / 2);
    dataset_fini(&d);
    assert_int_equal(read_set(&files, &plain, deflated, 1, &d, &err), E_INVALID);
    files_remove(&files);
}

static void a_wrong_crc_in_a_zip_is_seen(void **state)
{
    static const char *const names[] = {"stored.npz"};
    struct files files = files_make();
    struct dataset d;
    struct error err;
    size_t size;
    (void)state;

    unsigned char *bytes = files_read("tests/data/stored.npz", &size);
    unsigned char *pixels = memmem(bytes, size, "\0\1\2\3\4\5\6\7", 8);
    assert_non_null(pixels);
    pixels[0] ^= 1;
    files_write(&files, names[0], bytes, size);
    assert_int_equal(read_set(&files, &plain, names, 1, &d, &err), E_INVALID);
    assert_non_null(strstr(err.message, "is damaged or cut off"));
    free(bytes);
    files_remove(&files);
}

static void what_npy_cannot_hold_here_is_refused(void **state)
{
    static const char *const names[] = {"x_train.npy", "y_train.npy"};
    static const char *const files_and_words[][2] = {{"objects.npy", "\"|O\""},
                                                     {"big_endian.npy", "\">f8\""},
                                                     {"stored.npz", "not an NPY file"}};
    struct files files = files_make();
    struct dataset d;
    struct error err;
    (void)state;

    copy_fixture(&files, names[1], names[1]);
    for (int i = 0; i < 3; i++) {
        copy_fixture(&files, files_and_words[i][0], names[0]);
        assert_int_equal(read_set(&files, &plain, names, 2, &d, &err), E_INVALID);
        assert_non_null(strstr(err.message, files_and_words[i][1]));
    }
    files_remove(&files);
}

struct idx_case {
    const char *bytes;
    size_t size;
    const char *said;
    enum code code;
};

static void faults_of_an_idx_name_file_and_place(void **state)
{
#define IDX(text) text, sizeof(text) - 1
    static const struct idx_case cases[] = {
        {IDX("PK\3\4 and so on"), "not an IDX file: it begins with 50 4b 03 04 at byte 0",
         E_INVALID},
        {IDX("\0\0\x08"), "ends at byte 3", E_INVALID},
        {IDX("\0\0\x08\0"), "byte 3 says 0 dimensions", E_INVALID},
        {IDX("\0\0\x08\x09"), "byte 3 says 9 dimensions", E_INVALID},
        {IDX("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\1a"),
         "ends at byte 17, in the middle of the elements", E_INVALID},
        {IDX("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\1abc"),
         "more data than its header says, from byte 18", E_INVALID},
        // 2^32 - 1 samples of 2^16 bytes, claimed in 16 bytes
        {IDX("\0\0\x08\3\xff\xff\xff\xff\0\0\1\0\0\0\1\0"), "claims 4294967295 samples", E_LIMIT},
        // a claim below the limit but far above what is there
        {IDX("\0\0\x08\3\0\0\xff\xff\0\0\1\0\0\0\1\0abc"), "ends at byte 19", E_INVALID},
        {IDX("\0\0\x08\3\0\0\0\0\0\0\0\1\0\0\0\1"), "has no samples", E_INVALID},
        {IDX("\0\0\x08\3\0\0\0\3\0\0\0\1\0\0\0\1abc"),
         "3 samples, but train-labels-idx1-ubyte has 2", E_INVALID},
        {IDX("\0\0\x0d\2\0\0\0\2\0\0\0\1\x7f\xc0\0\0\0\0\0\0"), "value 0 of sample 0 is NaN",
         E_INVALID},
    };
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"};
    struct files files = files_make();
    (void)state;

    files_write(&files, names[1], "\0\0\x08\1\0\0\0\2\0\1", 10);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset d;
        struct error err;
        files_write(&files, names[0], cases[i].bytes, cases[i].size);
        assert_int_equal(read_set(&files, &plain, names, 2, &d, &err), cases[i].code);
        if (!strstr(err.message, cases[i].said))
            fail_msg("\"%s\" does not say \"%s\"", err.message, cases[i].said);
    }
    files_remove(&files);
}

static void labels_that_are_numbers_may_have_names(void **state)
{
    static const struct {
        const char *names, *says;
    } wrong[] = {
        {"[\"cat\"]", "2 classes"},
        {"[\"cat\", 1]", "1 to 128 bytes"},
        {"[\"cat\", \"\"]", "1 to 128 bytes"},
        {"\"cat\"", "2 classes"},
    };
    cJSON *names = cJSON_Parse("[\"cat\", \"dog\"]");
    struct dataset_source form = {.class_names = names};
    struct dataset d = csv("a,label\n1,0\n2,1\n", &form);
    struct error err;
    (void)state;

    assert_string_equal(d.class_names[0], "cat");
    assert_string_equal(d.class_names[1], "dog");
    dataset_fini(&d);
    assert_int_equal(read_csv("a,label\n1,x\n2,y\n", &form, &d, &err), E_INVALID);
    assert_string_equal(err.pointer, "/class_names");
    assert_int_equal(read_csv("a,label\n1,0.5\n2,1.5\n", &form, &d, &err), E_INVALID);
    cJSON_Delete(names);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        form.class_names = names = cJSON_Parse(wrong[i].names);
        assert_int_equal(read_csv("a,label\n1,0\n2,1\n", &form, &d, &err), E_INVALID);
        assert_non_null(strstr(err.message, wrong[i].says));
        cJSON_Delete(names);
    }
}

static void labels_out_of_range_are_refused(void **state)
{
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
    struct files files = files_make();
    struct dataset d;
    struct error err;
    (void)state;

    files_write(&files, names[0], "\0\0\x08\2\0\0\0\2\0\0\0\1ab", 14);
    files_write(&files, names[1], "\0\0\x09\1\0\0\0\2\0\xff", 10);
    assert_int_equal(read_set(&files, &plain, names, 2, &d, &err), E_INVALID);
    assert_non_null(strstr(err.message, "label -1 of sample 1 is out of range"));
    files_write(&files, names[1], "\0\0\x0c\1\0\0\0\2\0\0\0\0\x7f\0\0\0", 16);
    assert_int_equal(read_set(&files, &plain, names, 2, &d, &err), E_INVALID);
    files_write(&files, names[1], "\0\0\x08\1\0\0\0\2\0\1", 10);
    files_write(&files, names[2], "\0\0\x08\2\0\0\0\1\0\0\0\1a", 13);
    files_write(&files, names[3], "\0\0\x08\1\0\0\0\1\2", 9);
    assert_int_equal(read_set(&files, &plain, names, 4, &d, &err), E_INVALID);
    assert_non_null(strstr(err.message, "label 2, but the training labels"));
    files_remove(&files);
}

static void roles_follow_from_names(void **state)
{
    static const char *const good[][2] = {
        {"train-images.idx3-ubyte", "train-labels.idx1-ubyte"},
        {"X_idx2-ubyte", "y_idx1-ubyte"},
        {"a-idx2-ubyte", "a-target-idx1-ubyte"},
    };
    static const char *const bad[][2] = {
        {"images-idx3-ubyte", "more-idx1-ubyte"},
        {"test-images-idx3-ubyte", "test-labels-idx1-ubyte"},
    };
    struct dataset d;
    struct error err;
    (void)state;

    for (int k = 0; k < 5; k++) {
        const char *const *names = k < 3 ? good[k] : bad[k - 3];
        struct files files = files_make();
        files_write(&files, names[0], "\0\0\x08\2\0\0\0\2\0\0\0\1ab", 14);
        files_write(&files, names[1], "\0\0\x08\1\0\0\0\2\0\1", 10);
        enum code code = read_set(&files, &plain, names, 2, &d, &err);
        assert_int_equal(code == OK, k < 3);
        if (code == OK)
            dataset_fini(&d);
        files_remove(&files);
    }
}

// 100 MiB of zeros pack to 100 KiB.
static void a_gzip_bomb_is_stopped(void **state)
{
    static const char *const names[] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"};
    struct files files = files_make();
    gzFile gz = gzopen(files_path(&files, names[0]).text, "wb9");
    char *zeros = calloc(1, 1 << 20);
    struct dataset d;
    struct error err;
    (void)state;

    assert_true(gz && zeros);
    assert_int_equal(gzwrite(gz, "\0\0\x08\3\0\1\0\0\0\0\0\x40\0\0\0\x40", 16), 16);
    for (int i = 0; i < 100; i++)
        assert_int_equal(gzwrite(gz, zeros, 1 << 20), 1 << 20);
    gzclose(gz);
    free(zeros);
    files_write(&files, names[1], "\0\0\x08\1\0\0\0\2\0\1", 10);
    assert_int_equal(read_set(&files, &plain, names, 2, &d, &err), E_LIMIT);
    assert_non_null(strstr(err.message, "more than 250 times its size"));
    files_remove(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_columns_become_categories),
        cmocka_unit_test(categories_may_be_codes),
        cmocka_unit_test(numbers_are_classes_only_when_all_from_0_are_there),
        cmocka_unit_test(quoting_follows_rfc_4180),
        cmocka_unit_test(lines_may_end_with_cr_lf),
        cmocka_unit_test(semicolons_and_tabs_delimit_too),
        cmocka_unit_test(faults_of_a_csv_name_file_and_line),
        cmocka_unit_test(texts_of_a_page_are_no_categories),
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(a_test_file_has_the_training_files_columns_and_categories),
        cmocka_unit_test(npy_bytes_stay_bytes_and_integers_are_classes),
        cmocka_unit_test(npy_in_fortran_order_and_version_2_is_read),
        cmocka_unit_test(npz_is_read_stored_and_deflated),
        cmocka_unit_test(a_wrong_crc_in_a_zip_is_seen),
        cmocka_unit_test(what_npy_cannot_hold_here_is_refused),
        cmocka_unit_test(faults_of_an_idx_name_file_and_place),
        cmocka_unit_test(labels_that_are_numbers_may_have_names),
        cmocka_unit_test(labels_out_of_range_are_refused),
        cmocka_unit_test(roles_follow_from_names),
        cmocka_unit_test(a_gzip_bomb_is_stopped),
    };
    return cmocka_run_group_tests_name("readers", tests, NULL, NULL);
}
