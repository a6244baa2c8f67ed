// Work that may block, done beside the core: data sets inspected, chunks of files read.
#ifndef TUNERD_COORDINATOR_BESIDE_H
#define TUNERD_COORDINATOR_BESIDE_H

struct beside;

// A piece of work. `run` on one of the threads, then `done` on the core's thread (in beside_collect), which
// frees it. Embed it first in a struct of one's own.
struct task {
    void (*run)(struct task *task);
    void (*done)(struct task *task, void *core);
    struct task *next;
};

// `news` runs on a thread of its own when something is done; it must only pass that on.
struct beside *beside_new(int threads, void (*news)(void *context), void *context);
// Drops what has not begun (calling done with core NULL) and joins the threads.
void beside_free(struct beside *beside);
// With one thread tasks are done in the order given.
void beside_do(struct beside *beside, struct task *task);
// Calls done() for all that is finished.
void beside_collect(struct beside *beside, void *core);

#endif
