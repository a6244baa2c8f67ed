// Small helpers for messages to people.
#ifndef TUNERD_COMMON_TEXT_H
#define TUNERD_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// Number of letters to insert, delete, replace or swap with their neighbour to turn a into b, case
// ignored (optimal string alignment distance); names longer than 64 bytes count as far away.
int text_distance(const char *a, const char *b);
// For "did you mean": the one of two candidates nearer to name, `best` NULL at first; NULL as long as
// none is near enough to be meant.
const char *text_nearer(const char *name, const char *best, const char *candidate);

#endif
