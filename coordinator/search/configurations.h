// Where Hyperband and ASHA take new configurations from (`sampler`): chance, or the model of
// BayesianOptimization over the losses that all trials are foreseen to end at (prospects.h).
#ifndef TUNERD_COORDINATOR_SEARCH_CONFIGURATIONS_H
#define TUNERD_COORDINATOR_SEARCH_CONFIGURATIONS_H

#include "coordinator/search/plain.h"
#include "coordinator/search/proposer.h"
#include "coordinator/search/prospects.h"

struct configurations {
    bool model;
    struct proposer proposer;
    struct levels levels; // at which trials end for a while
};
// The levels are filled by the caller. initial: of proposer_init(). E_MEMORY.
enum code configurations_init(struct configurations *c, const struct study_spec *spec, int initial,
                              struct error *err);
void configurations_fini(struct configurations *c);

// Up to `max` new points to the slate and the proposals. *used_up: there are no more.
int configurations_propose(struct configurations *c, struct plain *plain,
                           const struct history *history, struct rng *rng, int max,
                           struct proposal *out, bool *used_up);

// The model alone, for its outlooks. False when there are too few results for one.
bool configurations_learn(struct configurations *c, const struct plain *plain,
                          const struct history *history);

#endif
