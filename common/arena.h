// Memory for things that live and die together: many small pieces, released at once.
#ifndef TUNERD_COMMON_ARENA_H
#define TUNERD_COMMON_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void); // NULL: out of memory
void arena_free(struct arena *arena);
// count zeroed elements of `size` bytes, aligned for anything; NULL when out of memory. A count of 0
// gives a valid pointer that must not be read.
void *arena_alloc(struct arena *arena, size_t count, size_t size);
char *arena_strdup(struct arena *arena, const char *text);

#endif
