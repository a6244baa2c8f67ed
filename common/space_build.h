// From declarations to a space: definitions are read from JSON, gathered by name with the conditions of
// each place they stand in, and put into an order in which parents come first.
#ifndef TUNERD_COMMON_SPACE_BUILD_H
#define TUNERD_COMMON_SPACE_BUILD_H

#include "common/space.h"

enum { HYPERPARAMETERS_MAX = 512, HP_NAME_MAX = 128, GRID_TABLE_MAX = 10000 };

// Reads {"hp": "Int"|"Float"|"Choice"|"Boolean"|"Fixed", …} without its name and conditions: bounds,
// values, default, grid. Pointers in *out are the arena's. False with every fault at its pointer.
bool hp_define(const cJSON *item, const char *pointer, struct arena *arena, struct hp *out,
               struct faults *faults);
bool hp_same_definition(const struct hp *a, const struct hp *b);

// A condition before the parents have numbers.
struct named_condition {
    const char *parent;
    int nvalues;
    const struct value *values;
    const char *pointer; // where it stands, for faults
};

// {"parent_name": …, "parent_values": […]} of a declaration; 1 with *out filled, 0 when there is none,
// -1 after a fault.
int hp_own_condition(const cJSON *item, const char *pointer, struct arena *arena,
                     struct named_condition *out, struct faults *faults);
// The name of a hyperparameter: 1 to 128 bytes without control characters. NULL after a fault.
const char *hp_name(const cJSON *item, const char *pointer, struct faults *faults);

struct space_builder {
    struct arena *arena;
    int n, cap;
    struct declared *hps; // in the order of declaration
};

enum code space_builder_init(struct space_builder *builder, struct error *err);
void space_builder_fini(struct space_builder *builder);
// `definition` exists (also) where all conditions hold. Everything pointed to must outlive the builder,
// or be its arena's. E_CONFLICT with both places when the name is taken by another definition.
enum code space_builder_declare(struct space_builder *builder, const char *name,
                                const struct hp *definition, const char *pointer,
                                const struct named_condition *conditions, int nconditions,
                                struct faults *faults);
const struct hp *space_builder_find(const struct space_builder *builder, const char *name);
// Moves everything into *out; the builder is empty then. Faults: unknown parents, values a parent never
// takes, conditions in a circle, continuous parents.
enum code space_builder_finish(struct space_builder *builder, struct space *out,
                               struct faults *faults);

// The whole way for a flat list [{"hp": …}, …], the "parameters" of a study.
enum code space_from_parameters(const cJSON *parameters, const char *pointer, struct space *out,
                                struct faults *faults);

#endif
