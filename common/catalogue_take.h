// Checking a part of a document against the tables and filling in its defaults, both in one walk.
// The same walk serves studies with hyperparameters in them, where every value that one can take is
// checked in the place it stands in.
#ifndef TUNERD_COMMON_CATALOGUE_TAKE_H
#define TUNERD_COMMON_CATALOGUE_TAKE_H

#include "common/catalogue.h"
#include "common/space.h"

struct taker {
    struct faults *faults;
    // The definition of {"hp": …}; NULL when it is faulty, which has been told then. hp_of itself is
    // NULL where only concrete values may stand.
    const struct hp *(*hp_of)(void *user, const cJSON *item, const char *pointer);
    void *user;
};

bool is_hp(const cJSON *item);
// True when a hyperparameter stands anywhere in it.
bool has_hp(const cJSON *item);

// A normalised copy, in which hyperparameters stand as they are; NULL after a fault.
cJSON *take_entry(const struct taker *t, enum catalogue_kind kind, const cJSON *item,
                  const char *pointer);
cJSON *take_value(const struct taker *t, const struct arg *arg, const cJSON *item,
                  const char *pointer);
cJSON *take_section(const struct taker *t, const char *name, const cJSON *item,
                    const char *pointer);

#endif
