#include "coordinator/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

void *alloc_sure(void *pointer)
{
    if (!pointer) {
        log_event(LOG_LEVEL_ERROR, "out_of_memory", "ending; a restart goes on from the store");
        abort();
    }
    return pointer;
}

void *alloc_zero(size_t n, size_t size)
{
    return alloc_sure(calloc(n ? n : 1, size));
}

void *alloc_copy(const void *data, size_t size)
{
    void *copy = alloc_sure(malloc(size ? size : 1));
    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *alloc_text(const char *text)
{
    return text ? alloc_sure(strdup(text)) : NULL;
}

char *alloc_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    return alloc_sure(n < 0 ? NULL : text);
}

void *alloc_more(void *items, int n, int *cap, size_t size)
{
    if (n < *cap)
        return items;
    int room = *cap < 8 ? 8 : *cap + *cap / 2;
    items = alloc_sure(reallocarray(items, (size_t)room, size));
    *cap = room;
    return items;
}
