// JSON in a test's own text.
#ifndef TUNERD_TESTS_JSON_H
#define TUNERD_TESTS_JSON_H

#include <string.h>

#include "common/json.h"
#include "tests/test.h"

static inline cJSON *parse(const char *text)
{
    struct error err;
    cJSON *tree = json_read(text, strlen(text), NULL, &err);

    if (!tree)
        fail_msg("%s: %s", text, err.message);
    return tree;
}

#endif
