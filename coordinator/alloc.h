// Memory of the coordinator's own threads. Its state is small and its database is the truth: when not
// even that memory is there, the process ends (abort) and its supervisor starts it again where the
// store stands, which is simpler and safer than a half-applied event. What comes from outside in any
// size (documents, files) is bounded before it gets here.
#ifndef TUNERD_COORDINATOR_ALLOC_H
#define TUNERD_COORDINATOR_ALLOC_H

#include <stddef.h>

void *alloc_zero(size_t n, size_t size);         // [n] zeroed; freed with free()
void *alloc_copy(const void *data, size_t size); // never NULL, size 0 included
char *alloc_text(const char *text);              // a copy; NULL of NULL
char *alloc_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Makes room for one more at items[n]: grows by half. *cap is the room there is.
void *alloc_more(void *items, int n, int *cap, size_t size);
// `pointer` as it is, once it is known not to be NULL: for cJSON_Create…() and the like.
void *alloc_sure(void *pointer);

#endif
