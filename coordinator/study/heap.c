#include "coordinator/alloc.h"
#include "coordinator/study/machine.h"

void heap_push(struct heap *heap, int64_t key)
{
    heap->keys = alloc_more(heap->keys, heap->n, &heap->cap, sizeof *heap->keys);
    int at = heap->n++;
    for (; at > 0 && heap->keys[(at - 1) / 2] > key; at = (at - 1) / 2)
        heap->keys[at] = heap->keys[(at - 1) / 2];
    heap->keys[at] = key;
}

bool heap_top(const struct heap *heap, int64_t *key)
{
    if (heap->n)
        *key = heap->keys[0];
    return heap->n > 0;
}

bool heap_pop(struct heap *heap, int64_t *key)
{
    if (!heap_top(heap, key))
        return false;
    int64_t last = heap->keys[--heap->n];
    int at = 0;
    for (int child; (child = 2 * at + 1) < heap->n; at = child) {
        if (child + 1 < heap->n && heap->keys[child + 1] < heap->keys[child])
            child++;
        if (heap->keys[child] >= last)
            break;
        heap->keys[at] = heap->keys[child];
    }
    heap->keys[at] = last;
    return true;
}
