// The algorithms, one a file.
#ifndef TUNERD_COORDINATOR_SEARCH_REGISTRY_H
#define TUNERD_COORDINATOR_SEARCH_REGISTRY_H

#include "coordinator/search/search.h"

extern const struct search_ops search_random;
extern const struct search_ops search_grid;
extern const struct search_ops search_quasirandom;
extern const struct search_ops search_bayesian;
extern const struct search_ops search_hyperband;
extern const struct search_ops search_asha;
extern const struct search_ops search_auto;
// Of no name of its own: what Auto may choose.
extern const struct search_ops search_pursuit;

#endif
