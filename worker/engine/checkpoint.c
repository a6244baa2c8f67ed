// A training's state as bytes. Random streams need no state of their own: shuffles are named by the
// epoch, dropout by the step. Layout, all little as the machine has it:
//   magic 8 · fingerprint 8 · epoch 8 · iterations 8 · rate 8 · u_product 8 · numbers 8 · callbacks 8 ·
//   weights, optimizer slots, best weights (numbers of `real`) · callback bytes · checksum 8
#include <stdlib.h>
#include <string.h>

#include "worker/engine/training_state.h"

struct head {
    char magic[8];
    uint64_t fingerprint;
    int64_t epochs_done, iterations;
    double rate, u_product;
    uint64_t numbers, callbacks;
};

static const char magic[8] = {'t', 'u', 'n', 'e', 'r', 'd', '0', sizeof(real) == 4 ? 'f' : 'd'};

static uint64_t checksum(const unsigned char *bytes, size_t len)
{
    uint64_t sum = len;

    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = 0;

        memcpy(&word, bytes + i, len - i < 8 ? len - i : 8);
        sum = rng_mix(sum, word);
    }
    return sum;
}

struct section {
    real *at;
    size_t numbers;
};

static size_t sections_of(const struct training *t, struct section out[3])
{
    const size_t weights = t->model.trainable + t->model.frozen;

    out[0] = (struct section){t->model.weights, weights};
    out[1] = (struct section){t->optimizer.slots,
                              (size_t)optimizer_slots(&t->optimizer) * t->optimizer.size};
    out[2] = (struct section){t->best, (size_t)callbacks_slots(t->callbacks) * weights};
    return out[0].numbers + out[1].numbers + out[2].numbers;
}

enum code training_save(const struct training *t, unsigned char **out, size_t *len,
                        struct error *err)
{
    struct section sections[3];
    const size_t numbers = sections_of(t, sections), state = callbacks_state_size(t->callbacks);
    const size_t size = sizeof(struct head) + numbers * sizeof(real) + state + sizeof(uint64_t);
    unsigned char *bytes = malloc(size), *at = bytes;
    struct head head = {.fingerprint = t->fingerprint,
                        .epochs_done = t->epochs_done,
                        .iterations = t->optimizer.iterations,
                        .rate = t->optimizer.rate,
                        .u_product = t->optimizer.u_product,
                        .numbers = numbers,
                        .callbacks = state};
    uint64_t sum;

    if (!bytes)
        return fail(err, E_MEMORY, "", "out of memory: a checkpoint needs %zu bytes", size);
    memcpy(head.magic, magic, sizeof(magic));
    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    for (int i = 0; i < 3; i++) {
        if (sections[i].numbers)
            memcpy(at, sections[i].at, sections[i].numbers * sizeof(real));
        at += sections[i].numbers * sizeof(real);
    }
    callbacks_save(t->callbacks, at);
    at += state;
    sum = checksum(bytes, (size_t)(at - bytes));
    memcpy(at, &sum, sizeof(sum));
    *out = bytes;
    *len = size;
    return OK;
}

enum code training_restore(struct training *t, const unsigned char *bytes, size_t len,
                           struct error *err)
{
    struct section sections[3];
    const size_t numbers = sections_of(t, sections), state = callbacks_state_size(t->callbacks);
    const size_t body = sizeof(struct head) + numbers * sizeof(real) + state;
    const unsigned char *at = bytes + sizeof(struct head);
    struct head head;
    uint64_t sum;
    enum code code;

    if (len < sizeof(head))
        return fail(err, E_INVALID, "", "a checkpoint of %zu bytes is cut short", len);
    memcpy(&head, bytes, sizeof(head));
    if (memcmp(head.magic, magic, sizeof(magic)) != 0)
        return fail(err, E_INVALID, "", "these bytes are not a checkpoint of this version");
    if (head.fingerprint != t->fingerprint || head.numbers != numbers || head.callbacks != state)
        return fail(err, E_INVALID, "", "the checkpoint belongs to another configuration");
    if (len != body + sizeof(sum))
        return fail(err, E_INVALID, "", "the checkpoint has %zu bytes and should have %zu", len,
                    body + sizeof(sum));
    memcpy(&sum, bytes + body, sizeof(sum));
    if (sum != checksum(bytes, body))
        return fail(err, E_INVALID, "", "the checkpoint is damaged (its checksum differs)");
    code = callbacks_restore(t->callbacks, bytes + body - state, state, err);
    if (code != OK)
        return code;
    for (int i = 0; i < 3; i++) {
        if (sections[i].numbers)
            memcpy(sections[i].at, at, sections[i].numbers * sizeof(real));
        at += sections[i].numbers * sizeof(real);
    }
    t->epochs_done = (int)head.epochs_done;
    t->optimizer.iterations = head.iterations;
    t->optimizer.rate = head.rate;
    t->optimizer.u_product = head.u_product;
    t->end_reason = t->epochs_done >= t->epochs ? "epochs" : "";
    if (callbacks_stopped_by(t->callbacks))
        t->end_reason = callbacks_stopped_by(t->callbacks);
    t->done = *t->end_reason != '\0';
    return OK;
}
