// Whether the cache's disk takes what the trainings need. When it does not, that is no fault of theirs: the
// worker gives its executions back, takes no others, and looks from time to time whether there is room.
//
//              a write failed                       a file of `wanted` bytes can be written
//     GOOD ─────────────────────▶ PAUSED ──────────────────────────────────────────────────▶ GOOD
//
// The cache itself gives way then, beginning with what was used longest ago. What failed may need more room
// than a look tries: each pause that follows a resumption without a training between them doubles what is
// wanted and how long the next look waits.
#ifndef TUNERD_WORKER_DISK_H
#define TUNERD_WORKER_DISK_H

#include "worker/cache.h"

struct disk {
    char trouble[256]; // what failed, in words; "": good
    int64_t wanted;    // bytes
    double wait_s, look_at;
};

// A write failed. bytes: of what was to be written, 0 when nobody can tell. True when this is new.
bool disk_failed(struct disk *disk, const struct error *err, int64_t bytes, double now);
// Looks when it is time to. True when there is room again.
bool disk_look(struct disk *disk, const struct cache *cache, double now);
// A training has ended and left what it had to leave.
void disk_proved(struct disk *disk);
static inline bool disk_is_good(const struct disk *disk)
{
    return disk->trouble[0] == '\0';
}

#endif
