// Rules that end a trial early, for any search (`early_stopping`).
#ifndef TUNERD_COORDINATOR_SEARCH_STOPPING_H
#define TUNERD_COORDINATOR_SEARCH_STOPPING_H

#include "coordinator/search/search.h"

// Whether the study's rule stops trial `index` after `epoch`; its curve goes up to there.
bool stopping_rules_out(const struct study_spec *spec, const struct history *history, int index,
                        int epoch, double loss);

// Vizier's median rule (Golovin et al. 2017, 3.2.2): the best loss so far is strictly worse than the
// median, over the completed trials, of the running averages of their losses up to the same epoch. From
// five completed trials and the second epoch on.
bool stopping_median(const struct history *history, int index, int epoch);

// Stops what its extrapolated curve puts two deviations behind the best completed loss. `epochs`: where
// a full trial ends; 0: where the longest that completed did.
bool stopping_curve(const struct history *history, int index, int epoch, int epochs);

#endif
