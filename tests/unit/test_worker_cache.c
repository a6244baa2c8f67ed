// worker/cache.h: who owns a name, what is kept, what is deleted first.
#include "worker/cache.h"

#include "tests/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "worker/blob.h"
#include "worker/disk.h"

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static int make_folder(void **state)
{
    char *path = strdup("/tmp/test_cache.XXXXXX");
    *state = path;
    return mkdtemp(path) == NULL;
}

static int remove_folder(void **state)
{
    nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return 0;
}

static struct cache open_cache(void **state, const char *name, int64_t limit)
{
    struct cache cache;
    struct error err = {.message = ""};
    enum code code = cache_open(&cache, *state, name, limit, &err);
    if (code != OK)
        print_error("%s\n", err.message);
    assert_int_equal(code, OK);
    return cache;
}

// An entry of blobs/ of so many bytes, last used so many seconds ago.
static void add_blob(const struct cache *cache, const char *key, size_t size, int ago_s)
{
    char *path = cache_path(cache, CACHE_BLOBS, key);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    struct timespec times[2] = {{.tv_sec = time(NULL) - ago_s}, {.tv_sec = time(NULL) - ago_s}};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    free(path);
}

static void the_id_is_made_once_and_kept(void **state)
{
    struct cache cache = open_cache(state, "w", 1000);
    char id[65];
    memcpy(id, cache.worker_id, sizeof id);
    assert_true(strlen(id) >= 16);
    cache_close(&cache);
    cache = open_cache(state, "w", 1000);
    assert_string_equal(cache.worker_id, id);
    struct cache other = open_cache(state, "w2", 1000);
    assert_string_not_equal(other.worker_id, id);
    cache_close(&other);
    cache_close(&cache);
}

static void one_name_is_for_one_daemon(void **state)
{
    struct cache cache = open_cache(state, "w", 1000), second;
    struct error err;
    assert_int_equal(cache_open(&second, *state, "w", 1000, &err), E_CONFLICT);
    assert_non_null(strstr(err.message, "--name or --cache-dir"));
    cache_close(&cache);
    cache = open_cache(state, "w", 1000);
    cache_close(&cache);
}

static void names_that_are_no_file_or_no_text_are_refused(void **state)
{
    static const char *const names[] = {"", ".", "..", "../x", "a/b", ".hidden", "a\nb", "\xff"};
    struct cache cache;
    struct error err;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(cache_open(&cache, *state, names[i], 1000, &err), E_INVALID);
}

static void a_finished_file_moves_into_its_room_and_leftovers_go(void **state)
{
    struct cache cache = open_cache(state, "w", 1000);
    struct error err;
    for (int i = 0; i < 2; i++) {
        char *path = cache_path(&cache, CACHE_TMP, i ? "left" : "kept");
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, "12345", 5), 5);
        close(fd);
        free(path);
    }
    assert_int_equal(cache_keep(&cache, "kept", CACHE_BLOBS, &err), OK);
    assert_true(cache_has(&cache, CACHE_BLOBS, "kept", 5));
    assert_true(cache_has(&cache, CACHE_BLOBS, "kept", -1));
    assert_false(cache_has(&cache, CACHE_BLOBS, "kept", 4));
    assert_false(cache_has(&cache, CACHE_TMP, "kept", -1));
    cache_close(&cache);
    cache = open_cache(state, "w", 1000);
    assert_false(cache_has(&cache, CACHE_TMP, "left", -1));
    assert_int_equal(cache_keep(&cache, "absent", CACHE_BLOBS, &err), E_DISK);
    cache_close(&cache);
}

static void what_was_used_longest_ago_goes_first_and_what_is_in_use_stays(void **state)
{
    struct cache cache = open_cache(state, "w", 1000);
    add_blob(&cache, "oldest", 400, 5000);
    add_blob(&cache, "old", 400, 4000);
    add_blob(&cache, "used", 400, 6000);
    add_blob(&cache, "new", 400, 10);
    assert_true(cache_has(&cache, CACHE_BLOBS, "used", 400)); // which is a use
    cache_evict(&cache);
    assert_false(cache_has(&cache, CACHE_BLOBS, "oldest", -1));
    assert_false(cache_has(&cache, CACHE_BLOBS, "old", -1));
    assert_true(cache_has(&cache, CACHE_BLOBS, "used", -1));
    assert_true(cache_has(&cache, CACHE_BLOBS, "new", -1));
    cache_close(&cache);
}

static void within_the_limit_nothing_is_deleted(void **state)
{
    struct cache cache = open_cache(state, "w", 1000);
    add_blob(&cache, "a", 500, 5000);
    add_blob(&cache, "b", 500, 5000);
    cache_evict(&cache);
    assert_true(cache_has(&cache, CACHE_BLOBS, "a", 500));
    assert_true(cache_has(&cache, CACHE_BLOBS, "b", 500));
    cache_close(&cache);
}

static void room_is_made_by_what_was_used_longest_ago(void **state)
{
    struct cache cache = open_cache(state, "w", 100000);
    add_blob(&cache, "oldest", 400, 9000);
    add_blob(&cache, "old", 400, 5000);
    add_blob(&cache, "new", 400, 10);
    cache_make_room(&cache, 300);
    assert_false(cache_has(&cache, CACHE_BLOBS, "oldest", -1));
    assert_true(cache_has(&cache, CACHE_BLOBS, "new", -1));
    assert_true(cache_has(&cache, CACHE_BLOBS, "old", -1)); // which is a use
    cache_make_room(&cache, 100000);                        // what was used just now is spared
    assert_true(cache_has(&cache, CACHE_BLOBS, "old", -1));
    cache_close(&cache);
}

static void a_look_at_the_disk_leaves_nothing(void **state)
{
    struct cache cache = open_cache(state, "w", 1000);
    char *path = cache_path(&cache, CACHE_TMP, "probe");
    assert_int_equal(cache_try(&cache, 1 << 20), OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(cache_try(&cache, INT64_MAX / 2), E_DISK);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
    cache_close(&cache);
}

// Each pause that follows a resumption asks for more room and waits longer; a training that came through
// begins anew.
static void a_disk_that_fails_again_must_show_more_room(void **state)
{
    struct cache cache = open_cache(state, "w", 1000);
    struct disk disk = {.wanted = 0};
    struct error err;
    fail(&err, E_DISK, "", "No space left on device");
    assert_true(disk_is_good(&disk));
    assert_false(disk_look(&disk, &cache, 100));
    assert_true(disk_failed(&disk, &err, 5 << 20, 100));
    assert_false(disk_failed(&disk, &err, 6 << 20, 100)); // known already
    assert_int_equal(disk.wanted, 6 << 20);
    assert_string_equal(disk.trouble, "cannot write to its cache: No space left on device");
    assert_false(disk_look(&disk, &cache, 100.5)); // not yet
    assert_true(disk_look(&disk, &cache, 101));
    assert_true(disk_is_good(&disk));
    assert_true(disk_failed(&disk, &err, 0, 102));
    assert_int_equal(disk.wanted, 12 << 20);
    assert_true(disk.look_at == 104);
    for (int i = 0; i < 100; i++) {
        disk.trouble[0] = '\0';
        assert_true(disk_failed(&disk, &err, 0, 0));
    }
    assert_true(disk.wait_s == 60 && disk.wanted > 12 << 20);
    disk.trouble[0] = '\0';
    disk_proved(&disk);
    assert_true(disk_failed(&disk, &err, 0, 200));
    assert_int_equal(disk.wanted, 1 << 20);
    cache_close(&cache);
}

static void a_blob_is_written_under_its_digest_and_read_back(void **state)
{
    struct error err;
    char sha256[65], path[200];
    // FIPS 180-2, appendix B.1: SHA-256 of "abc"
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_int_equal(blob_write(*state, (const unsigned char *)"abc", 3, sha256, &err), OK);
    assert_string_equal(sha256, abc);
    snprintf(path, sizeof path, "%s/%s", (char *)*state, abc);
    unsigned char *bytes;
    size_t len;
    assert_int_equal(blob_read(path, &bytes, &len, &err), OK);
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "abc", 3);
    free(bytes);
    assert_int_equal(blob_read("/nonexistent", &bytes, &len, &err), E_IO);
    assert_int_equal(blob_write("/nonexistent", (const unsigned char *)"", 0, sha256, &err),
                     E_DISK);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(the_id_is_made_once_and_kept),
        WITH_FOLDER(one_name_is_for_one_daemon),
        WITH_FOLDER(names_that_are_no_file_or_no_text_are_refused),
        WITH_FOLDER(a_finished_file_moves_into_its_room_and_leftovers_go),
        WITH_FOLDER(what_was_used_longest_ago_goes_first_and_what_is_in_use_stays),
        WITH_FOLDER(within_the_limit_nothing_is_deleted),
        WITH_FOLDER(room_is_made_by_what_was_used_longest_ago),
        WITH_FOLDER(a_look_at_the_disk_leaves_nothing),
        WITH_FOLDER(a_disk_that_fails_again_must_show_more_room),
        WITH_FOLDER(a_blob_is_written_under_its_digest_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
