// What workers send in chunks, one at a time under a lease: a checkpoint, then the trained weights.
#ifndef TUNERD_COORDINATOR_DISPATCH_UPLOADS_H
#define TUNERD_COORDINATOR_DISPATCH_UPLOADS_H

#include <sodium.h>

#include "coordinator/core_state.h"

struct upload {
    const struct upload_kind *kind;
    struct lease_key key;
    int attempt, epoch;
    char sha256[65];
    int64_t size, received;
    int fd;
    char *path;
    crypto_hash_sha256_state hash;
    UT_hash_handle hh;
};

struct upload_kind {
    const char *suffix; // of its file under incoming/
    // The largest size that is taken, 0: none is wanted. Asked before anything is written.
    int64_t (*most)(struct core *core, const struct held_study *held, const struct lease *lease,
                    int epoch);
    // All of it is there and has its SHA-256: puts the row that names it, or says why it is refused.
    enum code (*keep)(struct core *core, struct held_study *held, const struct upload *upload,
                      struct error *err);
};
extern const struct upload_kind upload_checkpoint, upload_model;

// Takes a chunk. False: it is not wanted or cannot go on; nothing of it is left then.
bool upload_chunk(struct core *core, const struct upload_kind *kind, struct held_study *held,
                  const struct lease *lease, const cJSON *message, const void *payload, size_t len);

#endif
