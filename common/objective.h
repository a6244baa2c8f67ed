// The objective of a study: one number out of an epoch's metrics. One metric, the sum of several
// (KerasTuner's MultiObjective: maximised ones negated, the sum minimised), or an expression.
#ifndef TUNERD_COMMON_OBJECTIVE_H
#define TUNERD_COMMON_OBJECTIVE_H

#include "common/study_spec.h"

struct objective_meter;

// Of `n` objectives (study_spec's tuner). E_SYNTAX at /tuner/objective/expression with what muparser says
// of it; E_LIMIT for too many names in it; E_MEMORY. Release with objective_free().
enum code objective_new(const struct objective *list, int n, struct objective_meter **out,
                        struct error *err);
void objective_free(struct objective_meter *meter);
// Direction of the value: MINIMIZE for a sum.
enum direction objective_direction(const struct objective *list, int n);

// The value after an epoch; NaN when a metric is missing, null, or the result is not finite. In an
// expression `parameters` is the model's (0: unknown, NaN results) and `epoch_seconds` the epoch's
// seconds + val_seconds.
double objective_value(struct objective_meter *meter, const cJSON *metrics, int64_t parameters);
// Whether the value depends on `parameters`.
bool objective_needs_parameters(const struct objective_meter *meter);
// Name of the first metric that `metrics` lacks; NULL when it has all.
const char *objective_missing(const struct objective_meter *meter, const cJSON *metrics);

#endif
