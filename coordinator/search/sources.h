// What earlier studies over the same space say (warm_start_from): one Gaussian process a study, fitted
// once. A model of the new study may stand on one of them, learning only the difference; whether it does
// is decided by how well it foretells the new results, so a study that misleads loses its voice.
#ifndef TUNERD_COORDINATOR_SEARCH_SOURCES_H
#define TUNERD_COORDINATOR_SEARCH_SOURCES_H

#include "coordinator/search/gp/gp.h"
#include "coordinator/search/results.h"

enum { SOURCES_MAX = 4 };

struct sources {
    bool made;
    int n;
    struct gp gps[SOURCES_MAX];
};
// Of the studies among results->prior the first SOURCES_MAX with at least three results. Does nothing
// when made already. E_MEMORY.
enum code sources_make(struct sources *sources, const struct domain *domain,
                       const struct results *results);
void sources_fini(struct sources *sources);

// The factor a of a source's mean m at the sample's points that explains z best:
// a = (sum z m + c) / (sum m^2 + c) >= 0, with c = 2 for the belief that both studies are alike.
double sources_factor(int n, const double *z, const double *m);

// Index into results->prior of the `rank`-th best point, taking the studies in turn; -1: no more.
int sources_best(const struct results *results, int rank);

#endif
