#include "coordinator/beside.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include <utlist.h>

#include "coordinator/alloc.h"

struct beside {
    void (*news)(void *context);
    void *context;
    int nthreads;
    pthread_t *threads;
    pthread_mutex_t lock;
    pthread_cond_t work;
    // under the lock
    bool ends;
    struct task *waiting, *finished;
};

static void *run(void *argument)
{
    struct beside *beside = argument;
    pthread_mutex_lock(&beside->lock);
    while (!beside->ends) {
        struct task *task = beside->waiting;
        if (!task) {
            pthread_cond_wait(&beside->work, &beside->lock);
            continue;
        }
        LL_DELETE(beside->waiting, task);
        pthread_mutex_unlock(&beside->lock);
        task->run(task);
        pthread_mutex_lock(&beside->lock);
        LL_APPEND(beside->finished, task);
        beside->news(beside->context);
    }
    pthread_mutex_unlock(&beside->lock);
    return NULL;
}

struct beside *beside_new(int threads, void (*news)(void *context), void *context)
{
    struct beside *beside = alloc_zero(1, sizeof *beside);
    beside->news = news;
    beside->context = context;
    beside->nthreads = threads;
    beside->threads = alloc_zero((size_t)threads, sizeof *beside->threads);
    pthread_mutex_init(&beside->lock, NULL);
    pthread_cond_init(&beside->work, NULL);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&beside->threads[i], NULL, run, beside))
            alloc_sure(NULL);
    return beside;
}

static void finish(struct task *tasks, void *core)
{
    for (struct task *next; tasks; tasks = next) {
        next = tasks->next;
        tasks->done(tasks, core);
    }
}

void beside_free(struct beside *beside)
{
    if (!beside)
        return;
    pthread_mutex_lock(&beside->lock);
    beside->ends = true;
    pthread_cond_broadcast(&beside->work);
    pthread_mutex_unlock(&beside->lock);
    for (int i = 0; i < beside->nthreads; i++)
        pthread_join(beside->threads[i], NULL);
    finish(beside->finished, NULL);
    finish(beside->waiting, NULL);
    pthread_cond_destroy(&beside->work);
    pthread_mutex_destroy(&beside->lock);
    free(beside->threads);
    free(beside);
}

void beside_do(struct beside *beside, struct task *task)
{
    pthread_mutex_lock(&beside->lock);
    task->next = NULL;
    LL_APPEND(beside->waiting, task);
    pthread_cond_signal(&beside->work);
    pthread_mutex_unlock(&beside->lock);
}

void beside_collect(struct beside *beside, void *core)
{
    pthread_mutex_lock(&beside->lock);
    struct task *finished = beside->finished;
    beside->finished = NULL;
    pthread_mutex_unlock(&beside->lock);
    finish(finished, core);
}
