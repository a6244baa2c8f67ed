// The corpus tests/documents (and schema/examples): good/*.json are studies, bad/*.json are {"pointer", "says", "schema",
// "document"}: the fault that the parser must tell, and "schema": "cannot say" where a JSON Schema cannot
// see it.
#ifndef TUNERD_TESTS_DOCUMENTS_H
#define TUNERD_TESTS_DOCUMENTS_H

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "tests/test.h"

struct documents {
    int n;
    struct {
        char name[128];
        cJSON *json;
    } items[400];
};

static inline cJSON *document_read(const char *path)
{
    static char text[1 << 16];
    struct error err;
    FILE *file = fopen(path, "rb");

    if (!file)
        fail_msg("%s is not there; run from the root of the tree", path);
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    cJSON *json = json_read(text, len, NULL, &err);
    if (!json)
        fail_msg("%s: %s", path, err.message);
    return json;
}

// kind: "good" (the examples among them) or "bad".
static inline struct documents *documents_load(const char *kind)
{
    struct documents *documents = calloc(1, sizeof *documents);
    char pattern[64];
    glob_t found;

    assert_non_null(documents);
    snprintf(pattern, sizeof pattern, "tests/documents/%s/*.json", kind);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    if (strcmp(kind, "good") == 0)
        assert_int_equal(glob("schema/examples/*.json", GLOB_APPEND, NULL, &found), 0);
    assert_in_range(found.gl_pathc, 1, 400);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        snprintf(documents->items[i].name, sizeof documents->items[i].name, "%s",
                 strrchr(found.gl_pathv[i], '/') + 1);
        documents->items[i].json = document_read(found.gl_pathv[i]);
        documents->n++;
    }
    globfree(&found);
    return documents;
}

static inline void documents_free(struct documents *documents)
{
    for (int i = 0; i < documents->n; i++)
        cJSON_Delete(documents->items[i].json);
    free(documents);
}

#endif
