// Each piece is a block of its own in a list: the documents here are small, and ASan sees every border.
#include "common/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct block {
    alignas(max_align_t) struct block *next;
};

struct arena {
    struct block *blocks;
};

struct arena *arena_new(void)
{
    return calloc(1, sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    struct block *block;

    if (size && count > (SIZE_MAX - sizeof *block) / size)
        return NULL;
    if (!(block = calloc(1, sizeof *block + count * size)))
        return NULL;
    block->next = arena->blocks;
    arena->blocks = block;
    return block + 1;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = arena_alloc(arena, 1, size);

    return copy ? memcpy(copy, text, size) : NULL;
}
