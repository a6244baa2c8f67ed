// A search space compiled for models: which coordinates there are, of which kind, their grids, and when
// each is active, all in units, so that a candidate point costs no conversion.
#ifndef TUNERD_COORDINATOR_SEARCH_DOMAIN_H
#define TUNERD_COORDINATOR_SEARCH_DOMAIN_H

#include "common/space.h"

enum dim_kind {
    DIM_FIXED,    // one value: no coordinate of a model
    DIM_NUMBER,   // continuous, or a grid too fine to list
    DIM_GRID,     // ordered, with a short list of units
    DIM_CATEGORY, // unordered
};
enum { GRID_MAX = 1024 }; // longest grid that is listed

struct domain_condition {
    int parent;
    bool *allowed; // [nvalues of the parent]; NULL when the parent has no list
    const struct condition *source;
};
struct domain_dim {
    enum dim_kind kind;
    int nvalues;   // GRID, CATEGORY, FIXED
    double *units; // [nvalues], by index
    int nclauses;
    struct domain_clause {
        int nconditions;
        struct domain_condition *conditions;
    } * clauses;
};
struct domain {
    const struct space *space;
    int n;                   // space->n
    struct domain_dim *dims; // [n]
    int nmodel;              // dims that are not FIXED
    int *model;              // [nmodel] their indices
    bool conditional;
    void *memory; // all of the above
};

// The space is kept by reference. E_MEMORY.
enum code domain_init(struct domain *domain, const struct space *space);
void domain_fini(struct domain *domain);

// Index into units of the value nearest to x.
int domain_index(const struct domain_dim *dim, double x);
// Rounds every coordinate to its grid, sets inactive ones to NaN and active NaN ones to fill[j].
// x, fill: [n]. Afterwards x is a point in the sense of search.h, up to rounding in DIM_NUMBER.
void domain_proper(const struct domain *domain, double *x, const double *fill);

#endif
