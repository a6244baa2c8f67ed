// From files to a prepared data set, and its description.

#include "common/data/dataset.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/data/prepared.h"
#include "common/data/reader.h"

enum { CLASS_NAME_MAX = 128 };

static const struct reader *const readers[] = {&reader_idx, &reader_csv, &reader_npy, &reader_npz,
                                               NULL};

static enum code find_reader(const struct dataset_source *source, const struct reader **out,
                             struct error *err)
{
    for (int i = 0; readers[i]; i++) {
        bool fits = source->format ? strcmp(source->format, readers[i]->name) == 0
                                   : readers[i]->accepts(source->names[0]);
        if (fits) {
            *out = readers[i];
            return OK;
        }
    }
    if (source->format)
        return fail(err, E_UNKNOWN, "/format",
                    "unknown format \"%s\"; use idx, csv, npy, npz or "
                    "generated",
                    source->format);
    return fail(err, E_MISSING, "/format",
                "the format of %s cannot be told from its name; give "
                "\"format\": idx, csv, npy or npz",
                source->names[0]);
}

static enum code read_source(const struct dataset_source *source, struct dataset *out,
                             struct error *err)
{
    const struct reader *reader = NULL;

    if (source->generator)
        return dataset_generate(source->generator, source->generate, 0, out, err);
    if (source->nfiles < 1)
        return fail(err, E_MISSING, "", "the data set has no files");
    enum code code = find_reader(source, &reader, err);
    return code ? code : reader->read(source, out, err);
}

static enum code check_class_names(const cJSON *names, const struct dataset *dataset,
                                   struct error *err)
{
    const cJSON *item = NULL;

    if (dataset->class_names)
        return fail(err, E_INVALID, "/class_names",
                    "the labels are text already, which names the classes; leave class_names out");
    if (dataset->info.classes == 0)
        return fail(err, E_INVALID, "/class_names", "the labels are numbers, not classes");
    if (!cJSON_IsArray(names) || cJSON_GetArraySize(names) != dataset->info.classes)
        return fail(err, E_INVALID, "/class_names",
                    "the labels have %lld classes; give a list of as many names",
                    (long long)dataset->info.classes);
    cJSON_ArrayForEach(item, names)
    {
        if (!cJSON_IsString(item) || !*item->valuestring ||
            strlen(item->valuestring) > CLASS_NAME_MAX)
            return fail(err, E_INVALID, "/class_names", "a name is 1 to %d bytes of text",
                        CLASS_NAME_MAX);
    }
    return OK;
}

static enum code name_classes(const cJSON *names, struct dataset *dataset, struct error *err)
{
    const enum code code = check_class_names(names, dataset, err);
    const cJSON *item = NULL;
    int64_t i = 0;

    if (code)
        return code;
    dataset->class_names = calloc((size_t)dataset->info.classes + 1, sizeof(char *));
    if (!dataset->class_names)
        return fail(err, E_MEMORY, "", "out of memory");
    cJSON_ArrayForEach(item, names)
    {
        dataset->class_names[i] = strdup(item->valuestring);
        if (!dataset->class_names[i++])
            return fail(err, E_MEMORY, "", "out of memory");
    }
    return OK;
}

enum code dataset_prepare(const struct dataset_source *source, const char *path, struct error *err)
{
    struct dataset dataset = {0};
    enum code code = read_source(source, &dataset, err);

    if (!code && source->class_names)
        code = name_classes(source->class_names, &dataset, err);
    if (!code)
        code = prepared_write(&dataset, path, err);
    dataset_fini(&dataset);
    return code;
}

static void free_names(char **names, int64_t count, bool strings_too)
{
    for (int64_t i = 0; names && strings_too && i < count; i++)
        free(names[i]);
    free(names);
}

void dataset_fini(struct dataset *dataset)
{
    bool owned = dataset->map == NULL;

    free_names(dataset->class_names, dataset->info.classes, owned);
    free_names(dataset->feature_names, array_count(dataset->info.rank, dataset->info.shape), owned);
    if (owned) {
        free((void *)dataset->train_x);
        free((void *)dataset->train_y);
        free((void *)dataset->test_x);
        free((void *)dataset->test_y);
    } else {
        munmap(dataset->map, dataset->map_size);
    }
    *dataset = (struct dataset){0};
}

static cJSON *names_to_json(char *const *names, int64_t count)
{
    return names ? cJSON_CreateStringArray((const char *const *)names, (int)count) : NULL;
}

cJSON *dataset_info_to_json(const struct dataset *dataset)
{
    const struct dataset_info *info = &dataset->info;
    int64_t features = array_count(info->rank, info->shape);
    cJSON *json = cJSON_CreateObject();
    cJSON *shape = cJSON_AddArrayToObject(json, "shape");
    bool good =
        shape && cJSON_AddNumberToObject(json, "train_samples", (double)info->train_samples) &&
        cJSON_AddNumberToObject(json, "test_samples", (double)info->test_samples) &&
        cJSON_AddNumberToObject(json, "classes", (double)info->classes) &&
        cJSON_AddNumberToObject(json, "targets", (double)dataset->target_width) &&
        cJSON_AddStringToObject(json, "features", info->features_bytes ? "bytes" : "floats");

    for (int i = 0; good && i < info->rank; i++)
        good = cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)info->shape[i]));
    if (good && dataset->class_names)
        good = cJSON_AddItemToObject(json, "class_names",
                                     names_to_json(dataset->class_names, info->classes));
    if (good && dataset->feature_names)
        good = cJSON_AddItemToObject(json, "feature_names",
                                     names_to_json(dataset->feature_names, features));
    if (!good) {
        cJSON_Delete(json);
        return NULL;
    }
    return json;
}
