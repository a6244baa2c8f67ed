// What all searches do with points: tell whether one was given before, find a new one, keep the
// arrays that proposals point to.
#ifndef TUNERD_COORDINATOR_SEARCH_POINTS_H
#define TUNERD_COORDINATOR_SEARCH_POINTS_H

#include "coordinator/search/search.h"

// A set of points as 64-bit fingerprints of their units, rounded.
struct point_set {
    int n, size;
    uint64_t *keys; // [size], a power of two; 0: free
    int bits;       // units are rounded to 2^-bits
};
enum {
    POINT_EXACT = 36, // a value that went through text and back is the same point
    POINT_NEAR = 12,  // numbers that no training could tell apart are the same point
};
void point_set_fini(struct point_set *set);
bool point_set_has(const struct point_set *set, const struct space *space, const double *unit);
// E_MEMORY. Adding what is there changes nothing.
enum code point_set_add(struct point_set *set, const struct space *space, const double *unit);
// All trials of a history, into a new set; to be released also after E_MEMORY.
enum code point_set_of(struct point_set *set, int bits, const struct history *history);

// Rounds to grids and canonicalises in place. `values`: scratch [space->n].
void point_proper(const struct space *space, double *unit, struct value *values);

// A random point outside the set; false when there is none left (or memory for the search of a
// nearly full space). `values`: scratch [space->n].
bool point_random(const struct space *space, const struct point_set *set, struct rng *rng,
                  struct value *values, double *unit);

// The arrays behind proposals: one object a search, begun anew by each ask.
struct slate {
    int n, max, dims;
    double *units;         // [max][dims]
    struct value *values;  // [dims] scratch
    struct point_set seen; // by POINT_EXACT
    struct point_set near; // by POINT_NEAR
};
void slate_fini(struct slate *slate);
// Room for max points; the sets hold the history.
enum code slate_begin(struct slate *slate, const struct history *history, int max);
// The next free array, before slate_take() settles it.
double *slate_next(struct slate *slate);
// Takes the next array: adds it to the sets and fills the proposal for a new trial with these words.
enum code slate_take(struct slate *slate, const struct space *space, struct proposal *proposal,
                     const char *how, const char *why, ...) __attribute__((format(printf, 5, 6)));

// The answer for `count` proposals when no more could be had: points, or wait, or the space is used up.
enum ask_status slate_status(int count, bool exhausted);

#endif
