// Writing and mapping of prepared data sets: see prepared.h.

#include "common/data/prepared.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/data/reader.h"

enum { ALIGNMENT = 64, HEADER_SIZE = 256, NARRAYS = 4, BYTE_ORDER_MARK = 0x01020304 };
static const char magic[8] = "TUNERDS1";

// As it lies in the file, in the byte order of the machine that wrote it.
struct header {
    char magic[8];
    uint32_t byte_order;
    uint32_t checksum; // crc32 of what follows, to the end of the header
    int64_t train_samples, test_samples;
    int64_t shape[4];
    int64_t classes, target_width;
    int64_t names_size;
    int32_t rank, features_bytes;
    int32_t has_class_names, has_feature_names;
};

struct layout {
    int64_t features;
    int64_t offset[NARRAYS], size[NARRAYS]; // train_x, train_y, test_x, test_y
    int64_t total;
};

static uint32_t checksum(const struct header *header)
{
    size_t from = offsetof(struct header, train_samples);
    return (uint32_t)crc32(0, (const unsigned char *)header + from, sizeof *header - from);
}

static int64_t aligned(int64_t offset)
{
    return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

// False when the counts are out of their bounds. All products stay far below 2^63: samples < 2^31,
// features <= 2^24, 4 bytes each.
static bool layout_of(const struct header *header, struct layout *out)
{
    int64_t samples[2] = {header->train_samples, header->test_samples};

    if (header->rank < 1 || header->rank > 4 || header->classes < 0 ||
        header->classes > DATASET_CLASSES_MAX || header->target_width < 1 ||
        header->target_width > DATASET_FEATURES_MAX || header->names_size < 0 ||
        header->names_size > INPUT_BYTES_MAX || samples[0] < 1)
        return false;
    out->features = array_count(header->rank, header->shape);
    if (out->features < 1 || out->features > DATASET_FEATURES_MAX)
        return false;
    int64_t end = HEADER_SIZE + header->names_size;
    for (int part = 0; part < 2; part++) {
        if (samples[part] < 0 || samples[part] > UINT32_MAX / 2)
            return false;
        int64_t *size = &out->size[2 * part], *offset = &out->offset[2 * part];
        size[0] =
            samples[part] * out->features * (header->features_bytes ? 1 : (int64_t)sizeof(float));
        size[1] = samples[part] * header->target_width * (int64_t)sizeof(float);
        offset[0] = aligned(end);
        offset[1] = aligned(offset[0] + size[0]);
        end = offset[1] + size[1];
    }
    out->total = end;
    return true;
}

static int64_t names_size(char *const *names, int64_t count)
{
    int64_t size = 0;
    for (int64_t i = 0; names && i < count; i++)
        size += (int64_t)strlen(names[i]) + 1;
    return size;
}

static bool write_names(FILE *file, char *const *names, int64_t count)
{
    for (int64_t i = 0; names && i < count; i++) {
        if (fwrite(names[i], strlen(names[i]) + 1, 1, file) != 1)
            return false;
    }
    return true;
}

static bool write_padding(FILE *file, int64_t *at, int64_t to)
{
    static const char zeros[HEADER_SIZE];

    while (*at < to) {
        size_t n = (size_t)(to - *at < HEADER_SIZE ? to - *at : HEADER_SIZE);
        if (fwrite(zeros, n, 1, file) != 1)
            return false;
        *at += (int64_t)n;
    }
    return true;
}

static bool write_all(FILE *file, const struct dataset *d, const struct header *header,
                      const struct layout *layout)
{
    const void *arrays[NARRAYS] = {d->train_x, d->train_y, d->test_x, d->test_y};
    int64_t at = sizeof *header;

    if (fwrite(header, sizeof *header, 1, file) != 1 || !write_padding(file, &at, HEADER_SIZE) ||
        !write_names(file, d->class_names, d->info.classes) ||
        !write_names(file, d->feature_names, layout->features))
        return false;
    at += header->names_size;
    for (int i = 0; i < NARRAYS; i++) {
        if (!write_padding(file, &at, layout->offset[i]))
            return false;
        if (layout->size[i] && fwrite(arrays[i], (size_t)layout->size[i], 1, file) != 1)
            return false;
        at += layout->size[i];
    }
    return fflush(file) == 0 && fsync(fileno(file)) == 0;
}

static bool sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path) + 1 : 1;

    snprintf(folder, sizeof folder, "%.*s", n, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

enum code prepared_write(const struct dataset *dataset, const char *path, struct error *err)
{
    struct header header = {
        .byte_order = BYTE_ORDER_MARK,
        .train_samples = dataset->info.train_samples,
        .test_samples = dataset->info.test_samples,
        .classes = dataset->info.classes,
        .target_width = dataset->target_width,
        .rank = dataset->info.rank,
        .features_bytes = dataset->info.features_bytes,
        .has_class_names = dataset->class_names != NULL,
        .has_feature_names = dataset->feature_names != NULL,
    };
    struct layout layout;
    char temporary[PATH_MAX];

    memcpy(header.magic, magic, sizeof magic);
    memcpy(header.shape, dataset->info.shape, sizeof header.shape);
    header.names_size = names_size(dataset->class_names, header.classes) +
                        names_size(dataset->feature_names, array_count(header.rank, header.shape));
    header.checksum = checksum(&header);
    if (!layout_of(&header, &layout) || layout.total > INPUT_BYTES_MAX)
        return fail(err, E_LIMIT, "", "the data set is larger than %lld bytes",
                    (long long)INPUT_BYTES_MAX);
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return fail(err, E_IO, "", "%s: the path is too long", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!file) {
        int reason = errno;
        if (fd >= 0) {
            close(fd);
            unlink(temporary);
        }
        return fail(err, E_DISK, "", "%s: %s", temporary, strerror(reason));
    }
    bool written = write_all(file, dataset, &header, &layout);
    int reason = errno;
    written = fclose(file) == 0 && written;
    if (!written || rename(temporary, path) < 0 || !sync_folder_of(path)) {
        reason = written ? errno : reason;
        unlink(temporary);
        return fail(err, E_DISK, "", "writing %s: %s", path, strerror(reason));
    }
    return OK;
}

// Points `count` names into text[*at..size); false when they do not all end there.
static bool point_names(char *text, int64_t size, int64_t *at, int64_t count, char **names)
{
    for (int64_t i = 0; i < count; i++) {
        char *end = memchr(text + *at, '\0', (size_t)(size - *at));
        if (!end)
            return false;
        names[i] = text + *at;
        *at = end - text + 1;
    }
    return true;
}

static enum code map_names(struct dataset *out, const struct header *header, int64_t features,
                           const char *path, struct error *err)
{
    char *text = (char *)out->map + HEADER_SIZE;
    int64_t at = 0;
    bool good = true;

    out->class_names =
        header->has_class_names ? calloc((size_t)header->classes + 1, sizeof(char *)) : NULL;
    out->feature_names =
        header->has_feature_names ? calloc((size_t)features + 1, sizeof(char *)) : NULL;
    if ((header->has_class_names && !out->class_names) ||
        (header->has_feature_names && !out->feature_names))
        return fail(err, E_MEMORY, "", "out of memory mapping %s", path);
    if (out->class_names)
        good = point_names(text, header->names_size, &at, header->classes, out->class_names);
    if (good && out->feature_names)
        good = point_names(text, header->names_size, &at, features, out->feature_names);
    if (!good || at != header->names_size)
        return fail(err, E_INVALID, "", "%s: the names are damaged", path);
    return OK;
}

static bool labels_in_range(const int32_t *labels, int64_t count, int64_t classes)
{
    for (int64_t i = 0; i < count; i++) {
        if (labels[i] < 0 || labels[i] >= classes)
            return false;
    }
    return true;
}

static enum code adopt(struct dataset *out, const char *path, struct error *err)
{
    const struct header *header = out->map;
    struct layout layout;

    if (memcmp(header->magic, magic, sizeof magic) != 0 || header->byte_order != BYTE_ORDER_MARK ||
        header->checksum != checksum(header))
        return fail(err, E_INVALID, "",
                    "%s is not a data set prepared by this version; register the "
                    "data set again",
                    path);
    if (!layout_of(header, &layout) || layout.total != (int64_t)out->map_size)
        return fail(err, E_INVALID, "", "%s is damaged: its size is %zu bytes", path,
                    out->map_size);
    out->info = (struct dataset_info){
        .train_samples = header->train_samples,
        .test_samples = header->test_samples,
        .rank = header->rank,
        .classes = header->classes,
        .features_bytes = header->features_bytes != 0,
    };
    memcpy(out->info.shape, header->shape, sizeof out->info.shape);
    out->target_width = header->target_width;
    const char *base = out->map;
    out->train_x = base + layout.offset[0];
    out->train_y = base + layout.offset[1];
    if (header->test_samples > 0) {
        out->test_x = base + layout.offset[2];
        out->test_y = base + layout.offset[3];
    }
    if (header->classes > 0 &&
        (header->target_width != 1 ||
         !labels_in_range(out->train_y, header->train_samples, header->classes) ||
         !labels_in_range(out->test_y, header->test_samples, header->classes)))
        return fail(err, E_INVALID, "", "%s is damaged: a label is out of range", path);
    return map_names(out, header, layout.features, path, err);
}

enum code dataset_map(const char *path, struct dataset *out, struct error *err)
{
    struct dataset mapped = {0};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return fail(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "", "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < HEADER_SIZE) {
        close(fd);
        return fail(err, E_INVALID, "", "%s is not a prepared data set", path);
    }
    mapped.map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped.map == MAP_FAILED)
        return fail(err, E_IO, "", "%s: mapping failed: %s", path, strerror(errno));
    mapped.map_size = (size_t)st.st_size;
    enum code code = adopt(&mapped, path, err);
    if (code) {
        dataset_fini(&mapped);
        return code;
    }
    *out = mapped;
    return OK;
}
