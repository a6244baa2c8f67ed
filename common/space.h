// The search space: a flat list of hyperparameters, some of them active only under conditions, with
// KerasTuner's meaning of types, step and sampling (engine/hyperparameters), except that a step grid
// contains its end point and grid values are exact decimals.
#ifndef TUNERD_COMMON_SPACE_H
#define TUNERD_COMMON_SPACE_H

#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/json.h"
#include "common/rng.h"

enum value_kind { V_NONE, V_BOOL, V_INT, V_FLOAT, V_STRING };
struct value {
    enum value_kind kind; // V_NONE: the hyperparameter is inactive
    union {
        bool b;
        int64_t i;
        double f;
        const char *s; // owned by the space
    };
};

enum hp_type { HP_INT, HP_FLOAT, HP_CHOICE, HP_BOOLEAN, HP_FIXED };
enum hp_sampling { SAMPLING_LINEAR, SAMPLING_LOG, SAMPLING_REVERSE_LOG };

// Holds when hyperparameter `parent` is active with one of the values.
struct condition {
    int parent;
    int nvalues;
    struct value *values;
};
struct clause { // all conditions hold
    int nconditions;
    struct condition *conditions;
};

struct hp {
    const char *name;
    enum hp_type type;
    enum hp_sampling sampling;
    double min, max;
    double step;  // 0: none given (Int: every integer, Float: continuous)
    bool ordered; // Choice of numbers or booleans
    int nvalues;  // Choice, Boolean (2), Fixed (1); grid size of a stepped number or an Int;
                  // 0: continuous (an Int of more than 2^30 values counts as that). The
                  // values share [0,1] equally but for an Int with log and no step
    struct value *values;  // Choice, Boolean, Fixed; NULL for numbers (hp_grid_value computes)
    double decimals;       // linear step: grid values are whole multiples of 1 / decimals; 0: none
    double *grid;          // step with log or reverse_log: [nvalues]
    struct value fallback; // `default`
    int nclauses;          // active when any clause holds; 0 clauses: always
    struct clause *clauses;
};

struct space {
    int n;
    struct hp *hps;       // parents stand before their children
    struct arena *memory; // everything above
};

void space_fini(struct space *space);
int space_find(const struct space *space, const char *name); // index or -1

// Number <-> [0,1] as KerasTuner's prob_to_value and value_to_prob.
struct value hp_value(const struct hp *hp, double unit);
double hp_unit(const struct hp *hp, struct value value);
// k-th value of a finite hyperparameter, 0 <= k < nvalues; and back (-1: not on the grid; a number
// within a billionth of a step counts as on it).
struct value hp_grid_value(const struct hp *hp, int k);
int hp_grid_index(const struct hp *hp, struct value value);
bool hp_contains(const struct hp *hp, struct value value);
bool value_equal(struct value a, struct value b);

// A point is values[space->n] with V_NONE where inactive, or unit[space->n] with NaN there.
bool space_is_active(const struct space *space, const struct value *values, int index);
// Sets what is inactive to V_NONE and what is active but V_NONE to its default.
void space_canonicalise(const struct space *space, struct value *values);
void space_default(const struct space *space, struct value *values);
void space_sample(const struct space *space, struct rng *rng, struct value *values);
void space_to_unit(const struct space *space, const struct value *values, double *unit);
// Also rounds to grids and canonicalises, so that space_to_unit() gives the point proper.
void space_from_unit(const struct space *space, const double *unit, struct value *values);
bool space_equal(const struct space *space, const struct value *a, const struct value *b);
uint64_t space_hash(const struct space *space, const struct value *values);
// Number of different points; INFINITY when a continuous hyperparameter can be active.
// Exact for conditions that form a tree; an upper bound where counting would take too long.
double space_size(const struct space *space);
// The next point in grid order (KerasTuner's GridSearch: each hyperparameter's values are its default,
// then the others in order; the last active one changes fastest; those without a step, but for a linear
// Int, take 10 values in the middle of equal steps of probability); false after the last. Starts from
// space_first(), the point of all defaults.
void space_first(const struct space *space, struct value *values);
bool space_next(const struct space *space, struct value *values);

// {"name": value} of the active ones, in order; and strictly back: every fault below `pointer`.
cJSON *space_values_to_json(const struct space *space, const struct value *values);
enum code space_values_from_json(const struct space *space, const cJSON *object,
                                 const char *pointer, struct value *values, struct faults *faults);
// The `space` field of a study's answer: [{"name", "hp", "min_value", …, "conditions"}].
cJSON *space_to_json(const struct space *space);

#endif
