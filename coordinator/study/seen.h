// The points a study has given, found by hash.
#ifndef TUNERD_COORDINATOR_STUDY_SEEN_H
#define TUNERD_COORDINATOR_STUDY_SEEN_H

#include "common/space.h"

struct seen;
struct seen *seen_new(const struct space *space);
void seen_free(struct seen *seen);
// Keeps a reference to `values`; false when an equal point is there already.
bool seen_add(struct seen *seen, const struct value *values);
bool seen_has(const struct seen *seen, const struct value *values);

#endif
