// What every search's state begins with, and the members of search_ops that most of them share.
//
//     struct grid_search { struct plain plain; … };
#ifndef TUNERD_COORDINATOR_SEARCH_PLAIN_H
#define TUNERD_COORDINATOR_SEARCH_PLAIN_H

#include "coordinator/search/points.h"
#include "coordinator/search/results.h"

struct plain {
    const struct study_spec *spec;
    struct told told;
    struct slate slate;
};
enum code plain_init(void *state, const struct study_spec *spec, struct error *err);
void plain_fini(void *state);
void plain_given(void *state, const struct history *history, int index);
// Keeps the order in which trials end.
void plain_tell(void *state, const struct history *history, int index);
// The study's early_stopping rule.
bool plain_report(void *state, const struct history *history, int index, int epoch, double loss);
int64_t plain_planned(const void *state);

#endif
