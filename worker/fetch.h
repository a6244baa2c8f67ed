// Files on their way from the coordinator into the cache: asked for in chunks, a few ahead, written in
// order, hashed as they come and kept only when the SHA-256 is the one asked for.
#ifndef TUNERD_WORKER_FETCH_H
#define TUNERD_WORKER_FETCH_H

#include "worker/cache.h"
#include "worker/link.h"

struct fetch;

struct fetches {
    const struct cache *cache;
    struct fetch *first;
};

enum fetch_state { FETCH_READY, FETCH_BUSY, FETCH_FAILED };

void fetches_init(struct fetches *fetches, const struct cache *cache);
void fetches_fini(struct fetches *fetches);

// Wants a file; call it again after news until it is READY (then the cache has it) or FAILED (err says
// why, E_DISK when the cache does not take it; the next call starts anew).
enum fetch_state fetches_want(struct fetches *fetches, const char *sha256, int64_t size,
                              struct error *err);
// A `chunk` message came. True when some file has become ready or failed.
bool fetches_take(struct fetches *fetches, const cJSON *header, const void *payload, size_t len,
                  double now);
// Asks for what is due. Chunks that have not come `patience_s` after the last one are asked for again.
void fetches_step(struct fetches *fetches, struct link *link, double now, double patience_s);
// The connection is a new one: what was asked for on the old one will not come.
void fetches_restart(struct fetches *fetches);
// Forgets files that nobody has wanted since the last sweep.
void fetches_sweep(struct fetches *fetches);
double fetches_due(const struct fetches *fetches, double patience_s); // INFINITY: nothing

#endif
