// Rows and their texts lie in blocks that are freed together, so that a row costs one bump.

#include "coordinator/store/batch.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"

enum { BLOCK_BYTES = 16 << 10 };

struct batch_block {
    struct batch_block *next;
    size_t used, size;
    _Alignas(16) char data[];
};

struct batch *batch_new(void)
{
    return alloc_zero(1, sizeof(struct batch));
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    for (struct batch_block *block = batch->memory, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    for (int i = 0; i < batch->nfiles; i++) {
        free(batch->files[i].from);
        free(batch->files[i].to);
    }
    free(batch->files);
    free(batch->items);
    free(batch);
}

bool batch_is_empty(const struct batch *batch)
{
    return batch->n == 0 && batch->nfiles == 0;
}

static void *keep(struct batch *batch, const void *data, size_t size)
{
    struct batch_block *block = batch->memory;
    size_t rounded = (size + 15) & ~(size_t)15;

    if (!block || block->size - block->used < rounded) {
        size_t room = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;
        block = alloc_sure(malloc(sizeof *block + room));
        *block = (struct batch_block){.next = batch->memory, .size = room};
        batch->memory = block;
    }
    void *place = block->data + block->used;
    block->used += rounded;
    memcpy(place, data, size);
    return place;
}

void batch_add(struct batch *batch, enum row_act act, enum row_table which, const void *row)
{
    const struct table *table = &row_tables[which];
    void *copy = keep(batch, row, table->size);

    for (int i = 0; i < table->ncolumns; i++) {
        if (table->columns[i].type != COLUMN_TEXT)
            continue;
        const char **text = row_text(&table->columns[i], copy);
        if (*text)
            *text = keep(batch, *text, strlen(*text) + 1);
    }
    batch->items = alloc_more(batch->items, batch->n, &batch->cap, sizeof *batch->items);
    batch->items[batch->n++] = (struct batch_item){which, act, copy};
}

void batch_add_file(struct batch *batch, const char *from, const char *to)
{
    batch->files = alloc_more(batch->files, batch->nfiles, &batch->files_cap, sizeof *batch->files);
    batch->files[batch->nfiles++] = (struct batch_file){alloc_text(from), alloc_text(to)};
}
