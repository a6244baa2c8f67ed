// Where trials do not fail: a Gaussian process of the labels 1 (completed) and -1 (failed, infeasible),
// standardised. Fitted from nothing each time, for failures are few.
#ifndef TUNERD_COORDINATOR_SEARCH_FEASIBILITY_H
#define TUNERD_COORDINATOR_SEARCH_FEASIBILITY_H

#include "coordinator/search/gp/gp.h"
#include "coordinator/search/results.h"

// With at least one failure. A trial succeeds where the process is above *threshold. The mean counts one
// success more than seen, so that a study whose first trials all fail goes on looking. Release with
// gp_fini(). E_MEMORY, E_INTERNAL.
enum code feasibility_init(struct gp *gp, double *threshold, const struct domain *domain,
                           const struct results *results);

#endif
