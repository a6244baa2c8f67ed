// Problems drawn from a class and a number: a space and a loss over it, so that a change of a search is
// judged over many surfaces that nobody chose. The same number always gives the same problem.
#ifndef TUNERD_TESTS_BENCH_SEARCH_DRAWN_H
#define TUNERD_TESTS_BENCH_SEARCH_DRAWN_H

#include <stdbool.h>

#include "common/rng.h"

enum { DRAWN_DIMS = 24, DRAWN_VALUES = 8 };

enum drawn_shape { DRAWN_BOWL, DRAWN_EDGE, DRAWN_SATURATING, DRAWN_WAVES };
struct drawn {
    int n;
    struct drawn_dim {
        int nvalues; // a choice's, else 0
        double effect[DRAWN_VALUES];
        enum drawn_shape shape;
        double weight, target, waves;
        int with; // the coordinate whose value shifts the target, or -1
        double shift;
    } dims[DRAWN_DIMS];
    int pair[2]; // two choices that only pay together; or -1
    double pairs[DRAWN_VALUES][DRAWN_VALUES];
    double cliff, direction[DRAWN_DIMS]; // beyond it training diverges; INFINITY: never
    double step;                         // the loss is a whole multiple of it; 0: any
    double power;                        // of the whole: above 1 a heavy tail
    double noise;                        // deviation; grows with the loss
    char parameters[16384];              // declarations, JSON
};

extern const char *const drawn_classes[]; // ends with NULL
// `number` 1, 2, … of a class; false when there is none of that name.
bool drawn_make(struct drawn *drawn, const char *name, int number);
// unit: [n] in the order of the declarations, NaN where inactive. The loss without noise.
double drawn_loss(const struct drawn *drawn, const double *unit);
// What the search is told of that loss.
double drawn_told(const struct drawn *drawn, double loss, struct rng *rng);

#endif
