// Concrete values against one argument of the tables; between catalogue_take.c and catalogue_value.c.
#ifndef TUNERD_COMMON_CATALOGUE_VALUE_H
#define TUNERD_COMMON_CATALOGUE_VALUE_H

#include "common/catalogue_take.h"

// A normalised copy of item if it is right for arg; NULL after a fault. [enum arg_type]
typedef cJSON *take_fn(const struct taker *t, const struct arg *arg, const cJSON *item,
                       const char *pointer);
extern take_fn *const catalogue_takers[];

bool catalogue_within(const struct arg *arg, double x);
void catalogue_unknown_name(const struct taker *t, enum catalogue_kind kind, const char *name,
                            const char *pointer);
// NULL with the fault told.
cJSON *catalogue_no_memory(const struct taker *t, const char *pointer);
cJSON *catalogue_copy(const struct taker *t, const cJSON *item, const char *pointer);
// Adds item under name and takes it over; false when there was none (told already) or no memory.
bool catalogue_put(const struct taker *t, cJSON *object, const char *name, cJSON *item,
                   const char *pointer);

#endif
