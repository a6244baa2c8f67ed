// Data sets made ready for mapping: once for all slots and daemons that share the cache, in a child of
// their own, since the files are hostile. A prepared set is known by the hash of all it is made from.
#ifndef TUNERD_WORKER_PREPARE_H
#define TUNERD_WORKER_PREPARE_H

#include "worker/cache.h"
#include "worker/child.h"

struct preparation {
    struct preparation *next;
    char key[65];
    struct child child;
    struct error err; // code is not OK: failed
};

struct preparations {
    const struct cache *cache;
    struct spawner *spawner;
    double memory; // bytes a preparing child may take; 0: no limit
    double patience_s;
    struct preparation *first;
};

void preparations_init(struct preparations *preparations, const struct cache *cache,
                       struct spawner *spawner, double memory, double patience_s);
void preparations_fini(struct preparations *preparations);

// The key of a job's data set, from its `dataset` and `config.dataset.generate`. E_MEMORY.
enum code preparation_key(const cJSON *job, char key[65], struct error *err);

// Wants the set of a job, whose files are in the cache; call it again after news until it is READY or
// FAILED (err says why; the next call starts anew).
enum preparation_state { PREPARATION_READY, PREPARATION_BUSY, PREPARATION_FAILED };
enum preparation_state preparations_want(struct preparations *preparations, const cJSON *job,
                                         const char *key, double now, struct error *err);

// Reads what children say, kills the silent; true when one has become ready or failed.
bool preparations_step(struct preparations *preparations, double now);
// News of the fork server; false: not a child of ours.
bool preparations_news(struct preparations *preparations, enum spawner_event event,
                       const struct spawner_news *news, double now);
// The fork server has died, and our children with it.
void preparations_lost(struct preparations *preparations);

#endif
