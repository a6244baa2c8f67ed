// A folder of its own for a test's files, gone when the test is.
#ifndef TUNERD_TESTS_FILES_H
#define TUNERD_TESTS_FILES_H

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/test.h"

struct files {
    char folder[256];
};

static inline struct files files_make(void)
{
    struct files files;
    const char *base = getenv("TMPDIR");

    snprintf(files.folder, sizeof files.folder, "%s/tunerd-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(files.folder));
    return files;
}

struct files_path {
    char text[512];
};

static inline struct files_path files_path(const struct files *files, const char *name)
{
    struct files_path path;
    snprintf(path.text, sizeof path.text, "%s/%s", files->folder, name);
    return path;
}

static inline void files_write(const struct files *files, const char *name, const void *bytes,
                               size_t size)
{
    FILE *file = fopen(files_path(files, name).text, "wb");

    assert_non_null(file);
    assert_true(size == 0 || fwrite(bytes, size, 1, file) == 1);
    assert_int_equal(fclose(file), 0);
}

// A whole file, malloc'ed.
static inline unsigned char *files_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");

    if (!file)
        fail_msg("%s is not there", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_true(*size == 0 || fread(bytes, *size, 1, file) == 1);
    fclose(file);
    return bytes;
}

static inline int files_count(const struct files *files)
{
    DIR *folder = opendir(files->folder);
    int count = 0;

    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static inline void files_remove(const struct files *files)
{
    DIR *folder = opendir(files->folder);

    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] != '.')
            unlink(files_path(files, entry->d_name).text);
    }
    closedir(folder);
    rmdir(files->folder);
}

#endif
