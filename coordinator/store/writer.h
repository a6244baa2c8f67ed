// The thread that writes: takes one batch at a time and commits it. While it does, the core gathers
// the next one, so that the cost of a sync is shared by all that waited for it.
#ifndef TUNERD_COORDINATOR_STORE_WRITER_H
#define TUNERD_COORDINATOR_STORE_WRITER_H

#include "coordinator/store/store.h"

struct writer;

// `done` runs on the writer's thread after each commit or failure; it must only pass the news on. The
// store is the writer's alone from here to writer_free().
typedef void (*writer_done)(void *context);
struct writer *writer_new(struct store *store, writer_done done, void *context);
// Waits for the batch in hand and joins the thread. The store is the caller's again.
void writer_free(struct writer *writer);

// Hands over a batch; only when the one before has been collected.
void writer_submit(struct writer *writer, struct batch *batch);
// True once after each batch: its outcome. The batch is freed.
bool writer_collect(struct writer *writer, enum code *code, struct error *err);

#endif
