// The cache folder: files fetched from the coordinator, known by their SHA-256, data sets prepared from
// them, and the worker's identity. Any number of daemons may share one folder; two daemons of one name
// may not, since the name's file holds the id by which the coordinator knows the worker.
//
//   workers/NAME    the id, locked while the daemon runs      blobs/SHA256    files as fetched
//   tmp/            what is being written                     prepared/KEY    mapped by the slots
#ifndef TUNERD_WORKER_CACHE_H
#define TUNERD_WORKER_CACHE_H

#include <stdint.h>

#include "common/error.h"

struct cache {
    char *dir;
    char worker_id[65];
    int64_t limit; // bytes of blobs/ and prepared/ together
    int lock;
};

enum cache_room { CACHE_BLOBS, CACHE_PREPARED, CACHE_TMP };

// Creates what is missing, takes the name's lock, reads or makes the id, deletes what was left
// half written. E_CONFLICT when another daemon of that name runs on the folder; E_IO.
enum code cache_open(struct cache *cache, const char *dir, const char *name, int64_t limit,
                     struct error *err);
void cache_close(struct cache *cache);

// Path of an entry, malloc'ed; NULL when out of memory. key: a SHA-256 in hexadecimal; in tmp/ the file
// is this daemon's own.
char *cache_path(const struct cache *cache, enum cache_room room, const char *key);
// True when the entry is there (and of `size` bytes, unless -1); then it counts as just used.
bool cache_has(const struct cache *cache, enum cache_room room, const char *key, int64_t size);
// Moves a finished, closed file of tmp/ into its room and makes that durable. E_DISK.
enum code cache_keep(const struct cache *cache, const char *key, enum cache_room room,
                     struct error *err);
// Whether `bytes` can be written: writes and deletes a file of as many. E_DISK.
enum code cache_try(const struct cache *cache, int64_t bytes);
// Deletes the entries used longest ago until blobs and prepared sets take at most the limit. Spares what
// was used within the last minute: a job may be about to open it.
void cache_evict(const struct cache *cache);
// The same until `bytes` of them are gone, whatever the limit: the disk may be smaller.
void cache_make_room(const struct cache *cache, int64_t bytes);

#endif
