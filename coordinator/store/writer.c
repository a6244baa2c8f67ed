#include "coordinator/store/writer.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/log.h"
#include "coordinator/alloc.h"

enum phase { IDLE, HANDED, FINISHED };

struct writer {
    struct store *store;
    writer_done done;
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    // under the lock
    enum phase phase;
    bool ends;
    struct batch *batch;
    enum code code;
    struct error error;
};

static void commit(struct writer *writer)
{
    struct error err = {0};
    enum code code = store_commit(writer->store, writer->batch, &err);
    if (!code && writer->batch->collect) {
        int removed = store_collect_blobs(writer->store);
        if (removed)
            log_event(LOG_LEVEL_INFO, "blobs_removed", "%d files that nothing names", removed);
    }
    pthread_mutex_lock(&writer->lock);
    writer->code = code;
    writer->error = err;
    writer->phase = FINISHED;
    pthread_mutex_unlock(&writer->lock);
    writer->done(writer->context);
}

static void *run(void *argument)
{
    struct writer *writer = argument;
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (writer->phase != HANDED && !writer->ends)
            pthread_cond_wait(&writer->news, &writer->lock);
        if (writer->phase != HANDED)
            break;
        pthread_mutex_unlock(&writer->lock);
        commit(writer);
        pthread_mutex_lock(&writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

struct writer *writer_new(struct store *store, writer_done done, void *context)
{
    struct writer *writer = alloc_zero(1, sizeof *writer);
    writer->store = store;
    writer->done = done;
    writer->context = context;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->news, NULL);
    if (pthread_create(&writer->thread, NULL, run, writer))
        alloc_sure(NULL);
    return writer;
}

void writer_free(struct writer *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->ends = true;
    pthread_cond_signal(&writer->news);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    batch_free(writer->batch);
    pthread_cond_destroy(&writer->news);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}

void writer_submit(struct writer *writer, struct batch *batch)
{
    pthread_mutex_lock(&writer->lock);
    writer->batch = batch;
    writer->phase = HANDED;
    pthread_cond_signal(&writer->news);
    pthread_mutex_unlock(&writer->lock);
}

bool writer_collect(struct writer *writer, enum code *code, struct error *err)
{
    pthread_mutex_lock(&writer->lock);
    bool finished = writer->phase == FINISHED;
    if (finished) {
        *code = writer->code;
        *err = writer->error;
        writer->phase = IDLE;
        batch_free(writer->batch);
        writer->batch = NULL;
    }
    pthread_mutex_unlock(&writer->lock);
    return finished;
}
