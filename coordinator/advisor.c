// Messages come in one queue and are worked off in order, so that at an order the search knows exactly the
// decisions 1 … basis_seq. An order costs what the algorithm costs; orders that were overtaken are skipped.

#include "coordinator/advisor.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) abort()
#include <uthash.h>
#include <utlist.h>

#include "common/log.h"
#include "coordinator/alloc.h"
#include "coordinator/prior.h"

enum message_kind {
    MESSAGE_OPEN,
    MESSAGE_STORED,
    MESSAGE_CLOSE,
    MESSAGE_DECIDE,
    MESSAGE_LIMIT,
    MESSAGE_ASK
};

struct message {
    enum message_kind kind;
    int64_t study;
    int64_t opening, max_trials, created_ms; // open
    struct spec *spec;
    struct decision decision; // decide
    struct value *values;
    int bracket, round, parent;
    bool own;
    int ncurve;
    double *curve;
    int64_t basis_seq; // ask
    int count;
    struct message *prev, *next;
};

struct seat { // one study
    int64_t study;
    int64_t opening;
    struct spec *spec;
    struct tape tape;
    int64_t created_ms;
    bool stored;              // and what it starts from has been read
    int64_t basis_seq, count; // the last order before that; count 0: none
    char *error;
    UT_hash_handle hh;
};

struct advisor {
    char *state_dir;
    void (*news)(void *context);
    void *context;
    pthread_t thread;
    struct seat *seats; // the thread's alone
    pthread_mutex_t lock;
    pthread_cond_t work;
    // under the lock
    bool ends;
    struct message *inbox;
    struct advice *outbox;
};

static void free_message(struct message *message)
{
    spec_release(message->spec);
    free(message->values);
    free(message->curve);
    free(message);
}

static void post(struct advisor *advisor, struct message *message)
{
    pthread_mutex_lock(&advisor->lock);
    DL_APPEND(advisor->inbox, message);
    pthread_cond_signal(&advisor->work);
    pthread_mutex_unlock(&advisor->lock);
}

static struct message *message_new(enum message_kind kind, int64_t study)
{
    struct message *message = alloc_zero(1, sizeof *message);
    message->kind = kind;
    message->study = study;
    return message;
}

void advisor_open(struct advisor *advisor, const struct study *study, int64_t opening,
                  struct spec *spec)
{
    struct message *message = message_new(MESSAGE_OPEN, study->id);
    message->opening = opening;
    message->spec = spec_hold(spec);
    message->max_trials = study->max_trials;
    message->created_ms = study->created_ms;
    post(advisor, message);
}

void advisor_stored(struct advisor *advisor, int64_t study)
{
    post(advisor, message_new(MESSAGE_STORED, study));
}

void advisor_close(struct advisor *advisor, int64_t study)
{
    post(advisor, message_new(MESSAGE_CLOSE, study));
}

void advisor_decide(struct advisor *advisor, const struct study *study,
                    const struct decision *decision)
{
    const struct trial *trial = study->trials[decision->trial];
    struct message *message = message_new(MESSAGE_DECIDE, study->id);
    message->decision = *decision;
    if (decision->told) {
        int n = trial->ncurve < decision->epochs ? trial->ncurve : decision->epochs;
        message->ncurve = n;
        message->curve = alloc_copy(trial->curve, (size_t)n * sizeof *trial->curve);
    } else {
        message->values =
            alloc_copy(trial->values, (size_t)study->spec->space.n * sizeof *trial->values);
        message->bracket = trial->bracket;
        message->round = trial->round;
        message->parent = trial->parent;
        message->own = trial->own;
    }
    post(advisor, message);
}

void advisor_set_max_trials(struct advisor *advisor, int64_t study, int64_t max_trials)
{
    struct message *message = message_new(MESSAGE_LIMIT, study);
    message->max_trials = max_trials;
    post(advisor, message);
}

void advisor_ask(struct advisor *advisor, int64_t study, int64_t basis_seq, int count)
{
    struct message *message = message_new(MESSAGE_ASK, study);
    message->basis_seq = basis_seq;
    message->count = count;
    post(advisor, message);
}

// ---- on the advisor's thread

static void deliver(struct advisor *advisor, struct advice *advice)
{
    pthread_mutex_lock(&advisor->lock);
    LL_APPEND(advisor->outbox, advice);
    pthread_mutex_unlock(&advisor->lock);
    if (advisor->news)
        advisor->news(advisor->context);
}

static void free_seat(struct seat *seat)
{
    tape_fini(&seat->tape);
    spec_release(seat->spec);
    free(seat->error);
    free(seat);
}

static void close_seat(struct advisor *advisor, struct seat *seat)
{
    HASH_DEL(advisor->seats, seat);
    free_seat(seat);
}

static void open_seat(struct advisor *advisor, struct message *message)
{
    struct seat *seat = alloc_zero(1, sizeof *seat);
    struct error err = {0};
    seat->study = message->study;
    seat->opening = message->opening;
    seat->spec = message->spec;
    message->spec = NULL;
    seat->created_ms = message->created_ms;
    if (tape_init(&seat->tape, &seat->spec->spec, &err))
        seat->error = alloc_text(err.message);
    seat->tape.history.max_trials = message->max_trials;
    HASH_ADD(hh, advisor->seats, study, sizeof seat->study, seat);
}

static void take_points(const struct study_spec *spec, const struct proposal *proposals, int n,
                        struct suggestion *points)
{
    for (int i = 0; i < n; i++) {
        const struct proposal *proposal = &proposals[i];
        struct suggestion *point = &points[i];
        *point = (struct suggestion){
            .values = alloc_zero((size_t)spec->space.n, sizeof *point->values),
            .epochs = proposal->epochs,
            .initial_epoch = proposal->initial_epoch,
            .parent = proposal->parent,
            .bracket = proposal->bracket,
            .round = proposal->round,
            .executions = proposal->executions,
            .index = i,
            .continues = proposal->continues,
        };
        space_from_unit(&spec->space, proposal->unit, point->values);
        snprintf(point->how, sizeof point->how, "%s", proposal->how);
        snprintf(point->why, sizeof point->why, "%s", proposal->why);
    }
}

static void answer(struct advisor *advisor, struct seat *seat, int64_t basis_seq, int count)
{
    struct advice *advice = alloc_zero(1, sizeof *advice);
    advice->study = seat->study;
    advice->opening = seat->opening;
    advice->terms = (struct terms){basis_seq, count, seat->tape.history.max_trials};
    if (seat->error) {
        advice->error = alloc_text(seat->error);
        deliver(advisor, advice);
        return;
    }
    struct proposal *proposals = alloc_zero((size_t)count, sizeof *proposals);
    struct rng rng;
    rng_init(&rng, seat->spec->spec.seed, (uint64_t)basis_seq);
    advice->status = seat->tape.search.ops->ask(seat->tape.search.state, &seat->tape.history, &rng,
                                                count, proposals, &advice->n);
    if (advice->status == ASK_POINTS) {
        advice->points = alloc_zero((size_t)advice->n, sizeof *advice->points);
        take_points(&seat->spec->spec, proposals, advice->n, advice->points);
    }
    free(proposals);
    deliver(advisor, advice);
}

// All that was decided before the study is in the store now, earlier studies' results among it.
static void start_from_stored(struct advisor *advisor, struct seat *seat)
{
    if (!seat->stored && !seat->error)
        prior_load(advisor->state_dir, &seat->spec->spec, seat->created_ms, &seat->tape);
    seat->stored = true;
    if (seat->count > 0)
        answer(advisor, seat, seat->basis_seq, (int)seat->count);
    seat->count = 0;
}

static void order(struct advisor *advisor, struct seat *seat, const struct message *message)
{
    if (seat->stored) {
        answer(advisor, seat, message->basis_seq, message->count);
        return;
    }
    seat->basis_seq = message->basis_seq;
    seat->count = message->count;
}

static bool overtaken(struct advisor *advisor, const struct message *ask)
{
    bool found = false;
    const struct message *later;
    pthread_mutex_lock(&advisor->lock);
    DL_FOREACH(advisor->inbox, later)
    if (later->study == ask->study && later->kind == MESSAGE_ASK)
        found = true;
    pthread_mutex_unlock(&advisor->lock);
    return found;
}

static void decide(struct seat *seat, const struct message *message)
{
    if (seat->error)
        return;
    if (message->decision.told)
        tape_told(&seat->tape, &message->decision, message->curve, message->ncurve);
    else
        tape_given(&seat->tape, &message->decision,
                   &(struct tape_point){message->values, message->bracket, message->round,
                                        message->parent, message->own});
}

static void work(struct advisor *advisor, struct message *message)
{
    struct seat *seat;
    HASH_FIND(hh, advisor->seats, &message->study, sizeof message->study, seat);
    switch (message->kind) {
    case MESSAGE_OPEN:
        if (seat)
            close_seat(advisor, seat);
        open_seat(advisor, message);
        break;
    case MESSAGE_STORED:
        if (seat)
            start_from_stored(advisor, seat);
        break;
    case MESSAGE_CLOSE:
        if (seat)
            close_seat(advisor, seat);
        break;
    case MESSAGE_DECIDE:
        if (seat)
            decide(seat, message);
        break;
    case MESSAGE_LIMIT:
        if (seat)
            seat->tape.history.max_trials = message->max_trials;
        break;
    case MESSAGE_ASK:
        if (seat && !overtaken(advisor, message))
            order(advisor, seat, message);
        break;
    }
}

bool advisor_turn(struct advisor *advisor)
{
    pthread_mutex_lock(&advisor->lock);
    struct message *message = advisor->inbox;
    if (message)
        DL_DELETE(advisor->inbox, message);
    pthread_mutex_unlock(&advisor->lock);
    if (!message)
        return false;
    work(advisor, message);
    free_message(message);
    return true;
}

static bool wait_for_work(struct advisor *advisor)
{
    pthread_mutex_lock(&advisor->lock);
    while (!advisor->ends && !advisor->inbox)
        pthread_cond_wait(&advisor->work, &advisor->lock);
    bool ends = advisor->ends;
    pthread_mutex_unlock(&advisor->lock);
    return !ends;
}

static void *run(void *argument)
{
    while (wait_for_work(argument))
        advisor_turn(argument);
    return NULL;
}

struct advisor *advisor_new(const char *state_dir, void (*news)(void *context), void *context)
{
    struct advisor *advisor = alloc_zero(1, sizeof *advisor);
    advisor->state_dir = alloc_text(state_dir);
    advisor->news = news;
    advisor->context = context;
    pthread_mutex_init(&advisor->lock, NULL);
    pthread_cond_init(&advisor->work, NULL);
    if (news && pthread_create(&advisor->thread, NULL, run, advisor))
        alloc_sure(NULL);
    return advisor;
}

void advisor_free(struct advisor *advisor)
{
    if (!advisor)
        return;
    pthread_mutex_lock(&advisor->lock);
    advisor->ends = true;
    pthread_cond_signal(&advisor->work);
    pthread_mutex_unlock(&advisor->lock);
    if (advisor->news)
        pthread_join(advisor->thread, NULL);
    struct seat *seat = advisor->seats, *next_seat;
    HASH_CLEAR(hh, advisor->seats);
    for (; seat; seat = next_seat) {
        next_seat = seat->hh.next;
        free_seat(seat);
    }
    struct message *message, *next_message;
    DL_FOREACH_SAFE(advisor->inbox, message, next_message)
    free_message(message);
    advice_free(advisor->outbox);
    pthread_cond_destroy(&advisor->work);
    pthread_mutex_destroy(&advisor->lock);
    free(advisor->state_dir);
    free(advisor);
}

struct advice *advisor_collect(struct advisor *advisor)
{
    pthread_mutex_lock(&advisor->lock);
    struct advice *advice = advisor->outbox;
    advisor->outbox = NULL;
    pthread_mutex_unlock(&advisor->lock);
    return advice;
}

void advice_free(struct advice *advice)
{
    for (struct advice *next; advice; advice = next) {
        next = advice->next;
        for (int i = 0; i < advice->n; i++)
            free(advice->points[i].values);
        free(advice->points);
        free(advice->error);
        free(advice);
    }
}
