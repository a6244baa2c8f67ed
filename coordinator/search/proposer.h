// New configurations from the results so far: quasi-random ones until there is something to learn from,
// then the maximum of the acquisition function; never a point twice. What BayesianOptimization is made
// of, and the "model" sampler of Hyperband and ASHA.
#ifndef TUNERD_COORDINATOR_SEARCH_PROPOSER_H
#define TUNERD_COORDINATOR_SEARCH_PROPOSER_H

#include "coordinator/search/points.h"
#include "coordinator/search/sobol.h"
#include "coordinator/search/surrogate.h"

struct proposer {
    const struct space *space;
    struct domain domain;
    struct sobol *sobol;
    struct surrogate surrogate;
    int initial;  // points of the first, quasi-random part
    double *fill; // [space->n]
    struct foreseen {
        bool known; // the last point proposed came from the model
        double loss, variance;
    } foreseen; // of it
};
// `initial` 0: ten, or a third of max_trials where that is less. The spec outlives the sampler.
enum code proposer_init(struct proposer *proposer, const struct study_spec *spec, int initial,
                        struct error *err);
void proposer_fini(struct proposer *proposer);

// Fills the slate (begun, max >= 1) and proposals. given: trials there are already, which the first part
// counts. Returns how many; *exhausted when it is for want of points.
int proposer_propose(struct proposer *proposer, const struct results *results, int given,
                     struct rng *rng, struct slate *slate, int max, struct proposal *out,
                     bool *exhausted);

// A quasi-random point outside slate->seen, to the slate's next array; `from`: where in the sequence to
// start. False: the space is used up.
bool proposer_spread(struct proposer *proposer, uint32_t from, struct rng *rng,
                     struct slate *slate);

#endif
