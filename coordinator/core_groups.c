// Groups: what is decided in a turn is stored together, and said when it is durable.

#include <stdlib.h>
#include <utlist.h>

#include "common/log.h"
#include "common/wire.h"
#include "coordinator/alloc.h"
#include "coordinator/core_state.h"

static const double RETRY_S = 1;     // after a transaction that failed
static const double COLLECT_S = 600; // between looks for blobs without a name

void answer_free(struct answer *answer)
{
    if (!answer)
        return;
    free(answer->location);
    free(answer->body);
    if (answer->faults) {
        faults_fini(answer->faults);
        free(answer->faults);
    }
    free(answer);
}

void command_free(struct command *command)
{
    free(command->name);
    cJSON_Delete(command->body);
    if (command->spec) {
        study_spec_fini(command->spec);
        free(command->spec);
    }
    free(command->idempotency_key);
    free(command);
}

struct group *core_group_new(void)
{
    struct group *group = alloc_zero(1, sizeof *group);
    group->batch = batch_new();
    return group;
}

static struct after *add_after(struct group *group)
{
    struct after *after = alloc_zero(1, sizeof *after);
    if (group->last)
        group->last->next = after;
    else
        group->after = after;
    group->last = after;
    return after;
}

void core_group_free(struct group *group)
{
    if (!group)
        return;
    for (struct after *after = group->after, *next; after; after = next) {
        next = after->next;
        free(after->worker);
        free(after->header);
        free(after->log);
        free(after->key);
        answer_free(after->answer);
        free(after);
    }
    batch_free(group->batch);
    free(group);
}

void core_put(struct core *core, enum row_act act, enum row_table table, const void *row)
{
    batch_add(core->group->batch, act, table, row);
}

void core_send_after(struct core *core, const char *worker, cJSON *message)
{
    size_t len;
    char *header = wire_encode(alloc_sure(message), &len);
    if (!header) {
        log_event(LOG_LEVEL_ERROR, "message_too_large", "worker=%s", worker);
        return;
    }
    struct after *after = add_after(core->group);
    after->worker = alloc_text(worker);
    after->header = header;
    after->len = len;
}

void core_log_after(struct core *core, char *text)
{
    add_after(core->group)->log = text;
}

void core_stored_after(struct core *core, int64_t study)
{
    add_after(core->group)->study = study;
}

static void remember_answer(struct core *core, const struct command *command,
                            const struct answer *answer)
{
    if (answer->status >= 500 || answer->faults)
        return;
    struct idempotency_row row = {
        .key = command->idempotency_key,
        .digest = command->digest,
        .status = answer->status,
        .location = answer->location,
        .body = answer->body ? answer->body : "",
        .created_at = core->now.ms,
    };
    core_put(core, ROW_PUT, ROW_IDEMPOTENCY, &row);
}

void core_answer(struct core *core, struct request *request, struct answer *answer)
{
    struct after *after = add_after(core->group);
    after->done = request->done;
    after->context = request->context;
    after->answer = answer;
    if (request->command->idempotency_key) {
        after->key = alloc_text(request->command->idempotency_key);
        remember_answer(core, request->command, answer);
    }
    command_free(request->command);
    free(request);
}

static void key_landed(struct core *core, const char *key)
{
    struct flying_key *flying;
    HASH_FIND_STR(core->flying, key, flying);
    if (!flying)
        return;
    HASH_DEL(core->flying, flying);
    free(flying->key);
    free(flying);
}

struct answer *core_unavailable(const struct error *err)
{
    struct answer *answer = alloc_zero(1, sizeof *answer);
    answer->faults = alloc_zero(1, sizeof *answer->faults);
    faults_init(answer->faults);
    fault(answer->faults, E_BUSY, "", "nothing was changed, for it could not be stored: %s",
          err->message);
    answer->status = code_http_status(E_BUSY);
    return answer;
}

// Says what was to be said; after a failure, only that it failed.
static void say(struct core *core, struct group *group, const struct error *failure)
{
    for (struct after *after = group->after; after; after = after->next) {
        if (after->key)
            key_landed(core, after->key);
        if (after->worker && !failure)
            core->send(core->send_context, after->worker, after->header, after->len, NULL, 0);
        if (after->log && !failure)
            log_event(LOG_LEVEL_INFO, "study", "%s", after->log);
        if (after->study && !failure)
            advisor_stored(core->advisor, after->study);
        if (!after->done)
            continue;
        if (failure) {
            answer_free(after->answer);
            after->answer = core_unavailable(failure);
        }
        after->done(after->context, after->answer);
        after->answer = NULL;
    }
}

static void tell_news(struct core *core, int64_t newest)
{
    pthread_mutex_lock(&core->news_lock);
    if (core->news && newest)
        core->news(core->news_context, newest);
    pthread_mutex_unlock(&core->news_lock);
}

// A group could not be stored: nothing of it happened, nor of what was decided since. The state is read
// back from the store, and input waits a moment.
static void recover(struct core *core, const struct error *failure)
{
    struct error err = {0};
    core_count(core, COUNTER_STORE_FAILURES, 1);
    atomic_store(&core->ready, false);
    log_event(LOG_LEVEL_ERROR, "store_failed", "%s", failure->message);
    say(core, core->group, failure);
    core_group_free(core->group);
    core->group = core_group_new();
    struct request *request, *next;
    DL_FOREACH_SAFE(core->asking, request, next)
    {
        DL_DELETE(core->asking, request);
        request->done(request->context, core_unavailable(failure));
        command_free(request->command);
        free(request);
    }
    if (core_load(core, &err)) {
        log_event(LOG_LEVEL_ERROR, "store_lost", "%s; ending", err.message);
        abort(); // the store cannot be read either: a restart finds out why
    }
    core->retry_s = core->now.s + RETRY_S;
}

void core_land(struct core *core, enum code code, const struct error *err)
{
    struct group *group = core->flight;
    core->flight = NULL;
    group->batch = NULL; // the writer has freed it
    say(core, group, code ? err : NULL);
    if (code) {
        core_group_free(group);
        recover(core, err);
        return;
    }
    if (core->retry_s == 0)
        atomic_store(&core->ready, true);
    core_count(core, COUNTER_COMMITS, 1);
    tell_news(core, group->newest_event);
    core_group_free(group);
}

struct batch *core_depart(struct core *core)
{
    if (core->flight)
        return NULL;
    core_flush_news(core);
    if (batch_is_empty(core->group->batch)) {
        if (core->group->after) {
            struct group *group = core->group;
            core->group = core_group_new();
            say(core, group, NULL);
            core_group_free(group);
        }
        return NULL;
    }
    core->flight = core->group;
    core->flight->batch->collect |= core->collect;
    core->collect = false;
    core->group = core_group_new();
    return core->flight->batch;
}

// ---- advice

void core_take_advice(struct core *core)
{
    struct advice *all = advisor_collect(core->advisor);
    for (struct advice *advice = all; advice; advice = advice->next) {
        struct held_study *held = core_study_by_id(core, advice->study);
        if (!held || advice->opening != core->opening)
            continue;
        if (advice->error)
            study_give_up(held->study, advice->error, core->now, &core->fx);
        else
            study_propose(held->study, &advice->terms, advice->status, advice->points, advice->n,
                          core->now, &core->fx);
        core_carry_out(core, held);
    }
    advice_free(all);
}

void core_tick(struct core *core)
{
    dispatch_tick(core);
    if (core->now.s >= core->collect_s) {
        core->collect = true; // checkpoints that were replaced, uploads that were never named
        core->collect_s = core->now.s + COLLECT_S;
    }
    for (struct held_study *held = core->list; held; held = held->next) {
        study_tick(held->study, core->now, &core->fx);
        core_carry_out(core, held);
    }
}
