// The members of search_ops for searches that keep no count and end no trial early.
#ifndef TUNERD_COORDINATOR_SEARCH_PLAIN_H
#define TUNERD_COORDINATOR_SEARCH_PLAIN_H

#include "coordinator/search/search.h"

void plain_note(void *state, const struct history *history, int index);
bool plain_report(void *state, const struct history *history, int index, int epoch, double loss);
int64_t plain_planned(const void *state);

#endif
