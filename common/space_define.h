// Reading one definition; between space_define.c and space_numbers.c.
#ifndef TUNERD_COMMON_SPACE_DEFINE_H
#define TUNERD_COMMON_SPACE_DEFINE_H

#include "common/space_build.h"

struct definition {
    const cJSON *item;
    const char *pointer;
    struct arena *arena;
    struct hp *hp;
    struct faults *faults;
    bool ok;
};

// Tells a fault at the key ("": the definition itself).
void definition_bad(struct definition *d, enum code code, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// A member that is there and not null.
const cJSON *definition_given(const struct definition *d, const char *key);
// Int and Float.
void define_number(struct definition *d);

#endif
