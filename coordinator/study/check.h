// The checks of a study that need more than its document: its data set, its search, its objective.
#ifndef TUNERD_COORDINATOR_STUDY_CHECK_H
#define TUNERD_COORDINATOR_STUDY_CHECK_H

#include <sqlite3.h>

#include "common/data/dataset.h"
#include "common/study_spec.h"

// On any thread, with a connection of store_reader_open(). OK, or every fault with its pointer.
enum code study_check(sqlite3 *reader, const struct study_spec *spec, struct faults *faults);

// What dataset_info_to_json() wrote, back.
enum code study_check_read_info(const char *json, struct dataset_info *out, struct error *err);
// "blobs", "spirals", "linear": sets that are always there.
bool study_check_is_generated(const char *name);

#endif
