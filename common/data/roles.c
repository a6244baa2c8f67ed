// What a file is for, from its name: "train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
// "y_test.npy", "X.npy", "iris_train.csv".

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/data/reader.h"

static bool is_one_of(const char *token, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(token, *list) == 0)
            return true;
    }
    return false;
}

struct role reader_role(const char *file_name)
{
    static const char *const tests[] = {"test", "t10k", "xtest", "ytest", "testing", "eval", NULL};
    static const char *const labels[] = {"labels", "label",  "y",       "target", "targets",
                                         "ytest",  "ytrain", "classes", NULL};
    struct role role = {false, false};
    char token[32];
    size_t length = 0;

    for (const char *at = file_name;; at++) {
        if (isalnum((unsigned char)*at)) {
            if (length < sizeof token - 1)
                token[length++] = (char)tolower((unsigned char)*at);
            continue;
        }
        token[length] = '\0';
        role.test |= is_one_of(token, tests);
        role.labels |= is_one_of(token, labels);
        length = 0;
        if (!*at)
            return role;
    }
}

bool reader_has_extension(const char *file_name, const char *extension)
{
    size_t length = strlen(file_name), tail = strlen(extension);

    if (length > 3 && strcasecmp(file_name + length - 3, ".gz") == 0)
        length -= 3;
    return length >= tail && strncasecmp(file_name + length - tail, extension, tail) == 0;
}
