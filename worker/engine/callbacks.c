// The list of a study's callbacks: configuration, the moments of training handed on to each, state.

#include "worker/engine/callbacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/engine/callbacks/kind.h"

static const struct callback_kind *const kinds[] = {
    &callback_early_stopping,
    &callback_reduce_lr,
    &callback_lr_scheduler,
    &callback_terminate_on_nan,
    NULL,
};
enum { SLOTS_MAX = 32 };

struct callbacks {
    int count, slots;
    const char *stopped_by; // a kind's name
    struct callback items[];
};

// As in a checkpoint: this, then a callback_state for each.
struct saved_head {
    int32_t count;
    int32_t stopped_by; // index of the callback, -1: none
};

enum code callback_number(const cJSON *config, const char *name, double fallback, double min,
                          double max, const char *pointer, double *out, struct error *err)
{
    const cJSON *item = json_member(config, name);

    *out = fallback;
    if (!item || cJSON_IsNull(item))
        return OK;
    if (!cJSON_IsNumber(item))
        return fail(err, E_TYPE, json_pointer_of(pointer, name).text, "%s must be a number", name);
    if (!(item->valuedouble >= min && item->valuedouble <= max))
        return fail(err, E_RANGE, json_pointer_of(pointer, name).text,
                    "%s is %g; it must be from %g to %g", name, item->valuedouble, min, max);
    *out = item->valuedouble;
    return OK;
}

enum code callback_count(const cJSON *config, const char *name, int64_t fallback,
                         const char *pointer, int64_t *out, struct error *err)
{
    const cJSON *item = json_member(config, name);

    *out = fallback;
    if (!item || cJSON_IsNull(item))
        return OK;
    if (!json_is_integer(item, out) || *out < 0)
        return fail(err, E_RANGE, json_pointer_of(pointer, name).text,
                    "%s must be a whole number from 0", name);
    return OK;
}

bool callback_current(const struct callback *c, const struct callback_moment *moment, double *out)
{
    for (int i = 0; i < moment->count; i++) {
        if (strcmp(moment->log[i].name, c->monitor) == 0) {
            *out = moment->log[i].value;
            return true;
        }
    }
    return false;
}

static enum code read_monitor(struct callback *c, const cJSON *config, const char *pointer,
                              struct error *err)
{
    const char *mode = json_string_or(config, "mode", "auto");

    snprintf(c->monitor, sizeof c->monitor, "%s", json_string_or(config, "monitor", "val_loss"));
    c->automatic = strcmp(mode, "auto") == 0;
    if (c->automatic)
        return OK;
    if (strcmp(mode, "max") == 0 || strcmp(mode, "min") == 0)
        c->larger = strcmp(mode, "max") == 0;
    else
        return fail(err, E_UNKNOWN, json_pointer_of(pointer, "mode").text,
                    "mode \"%s\" is unknown; use auto, min or max", mode);
    return OK;
}

static enum code add_callback(struct callbacks *callbacks, const cJSON *config, int epochs,
                              double rate, struct error *err)
{
    struct json_pointer pointer = json_pointer_at("/fit/callbacks", callbacks->count);
    struct callback_setting setting = {epochs, rate, pointer.text};
    struct callback *c = &callbacks->items[callbacks->count];
    const char *type =
        cJSON_IsString(config) ? config->valuestring : json_string_or(config, "type", "");
    enum code code = OK;

    for (int i = 0; kinds[i]; i++) {
        if (strcmp(kinds[i]->name, type) == 0)
            c->kind = kinds[i];
    }
    if (!c->kind)
        return fail(err, E_UNKNOWN, pointer.text,
                    "unknown callback \"%s\"; there are EarlyStopping, "
                    "ReduceLROnPlateau, LearningRateScheduler and TerminateOnNaN",
                    type);
    callbacks->count++;
    if (c->kind->monitors)
        code = read_monitor(c, config, pointer.text, err);
    if (!code && c->kind->init)
        code = c->kind->init(c, config, &setting, err);
    c->slot = c->restore_best_weights ? callbacks->slots++ : -1;
    if (!code && callbacks->slots > SLOTS_MAX)
        code = fail(err, E_RANGE, pointer.text, "more than %d callbacks keep the best weights",
                    SLOTS_MAX);
    return code;
}

enum code callbacks_new(struct callbacks **out, const cJSON *list, int epochs, double rate,
                        struct error *err)
{
    size_t count = (size_t)cJSON_GetArraySize(list);
    struct callbacks *callbacks = calloc(1, sizeof *callbacks + count * sizeof(struct callback));
    const cJSON *config = NULL;
    enum code code = OK;

    if (!callbacks)
        return fail(err, E_MEMORY, "/fit/callbacks", "out of memory");
    cJSON_ArrayForEach(config, list)
    {
        code = add_callback(callbacks, config, epochs, rate, err);
        if (code) {
            callbacks_free(callbacks);
            return code;
        }
    }
    *out = callbacks;
    return OK;
}

void callbacks_free(struct callbacks *callbacks)
{
    if (!callbacks)
        return;
    for (int i = 0; i < callbacks->count; i++)
        schedule_free(callbacks->items[i].schedule);
    free(callbacks);
}

static void list_names(const char *const *names, int count, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (int i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", names[i]);
}

enum code callbacks_check(struct callbacks *callbacks, const struct metrics *metrics,
                          const char *const *names, int count, struct error *err)
{
    char known[256];

    for (int i = 0; i < callbacks->count; i++) {
        struct callback *c = &callbacks->items[i];
        bool found = !c->kind->monitors;
        if (c->automatic)
            c->larger = metrics_larger_is_better(metrics, c->monitor);
        for (int k = 0; k < count; k++)
            found |= strcmp(names[k], c->monitor) == 0;
        if (found)
            continue;
        list_names(names, count, known, sizeof known);
        struct json_pointer pointer = json_pointer_at("/fit/callbacks", i);
        return fail(err, E_UNKNOWN, json_pointer_of(pointer.text, "monitor").text,
                    "%s monitors \"%s\", which is not in the log; there are %s", c->kind->name,
                    c->monitor, known);
    }
    return OK;
}

int callbacks_slots(const struct callbacks *callbacks)
{
    return callbacks->slots;
}

bool callbacks_set_rate(const struct callbacks *callbacks)
{
    for (int i = 0; i < callbacks->count; i++) {
        if (callbacks->items[i].kind->sets_rate)
            return true;
    }
    return false;
}

void callbacks_epoch_begin(struct callbacks *callbacks, int epoch, double *rate)
{
    for (int i = 0; i < callbacks->count; i++) {
        struct callback *c = &callbacks->items[i];
        if (c->kind->epoch_begin)
            c->kind->epoch_begin(c, epoch, rate);
    }
}

bool callbacks_batch_end(struct callbacks *callbacks, double loss)
{
    for (int i = 0; i < callbacks->count; i++) {
        struct callback *c = &callbacks->items[i];
        if (c->kind->batch_end && c->kind->batch_end(c, loss)) {
            c->state.stopped = 1;
            callbacks->stopped_by = c->kind->name;
            return true;
        }
    }
    return false;
}

void callbacks_epoch_end(struct callbacks *callbacks, int epoch, const struct log_value *log,
                         int count, double *rate, struct callback_actions *actions)
{
    struct callback_moment moment = {epoch, log, count, rate, actions};

    *actions = (struct callback_actions){0};
    for (int i = 0; i < callbacks->count; i++) {
        struct callback *c = &callbacks->items[i];
        if (c->kind->epoch_end)
            c->kind->epoch_end(c, &moment);
        if (c->state.stopped && !callbacks->stopped_by)
            callbacks->stopped_by = c->kind->name;
    }
}

int callbacks_train_end(const struct callbacks *callbacks)
{
    int slot = -1;

    for (int i = 0; i < callbacks->count; i++) {
        const struct callback *c = &callbacks->items[i];
        if (c->slot >= 0 && c->state.has_weights)
            slot = c->slot;
    }
    return slot;
}

const char *callbacks_stopped_by(const struct callbacks *callbacks)
{
    return callbacks->stopped_by;
}

size_t callbacks_state_size(const struct callbacks *callbacks)
{
    return sizeof(struct saved_head) + (size_t)callbacks->count * sizeof(struct callback_state);
}

void callbacks_save(const struct callbacks *callbacks, unsigned char *out)
{
    struct saved_head head = {.count = callbacks->count, .stopped_by = -1};

    for (int i = 0; i < callbacks->count; i++) {
        const struct callback *c = &callbacks->items[i];
        if (head.stopped_by < 0 && c->state.stopped && c->kind->name == callbacks->stopped_by)
            head.stopped_by = i;
        memcpy(out + sizeof head + (size_t)i * sizeof c->state, &c->state, sizeof c->state);
    }
    memcpy(out, &head, sizeof head);
}

enum code callbacks_restore(struct callbacks *callbacks, const unsigned char *bytes, size_t len,
                            struct error *err)
{
    struct saved_head head;

    if (len != callbacks_state_size(callbacks))
        return fail(err, E_INVALID, "", "the checkpoint is of other callbacks");
    memcpy(&head, bytes, sizeof head);
    if (head.count != callbacks->count || head.stopped_by < -1 || head.stopped_by >= head.count)
        return fail(err, E_INVALID, "", "the checkpoint's callback state is damaged");
    for (int i = 0; i < callbacks->count; i++) {
        struct callback_state *state = &callbacks->items[i].state;
        memcpy(state, bytes + sizeof head + (size_t)i * sizeof *state, sizeof *state);
    }
    callbacks->stopped_by =
        head.stopped_by < 0 ? NULL : callbacks->items[head.stopped_by].kind->name;
    return OK;
}
