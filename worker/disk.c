#include "worker/disk.h"

#include <math.h>
#include <stdio.h>

#include "common/log.h"

static const double WAIT_LEAST_S = 1, WAIT_MOST_S = 60;
#define WANTED_LEAST (INT64_C(1) << 20)
#define WANTED_MOST (INT64_C(1) << 40)

bool disk_failed(struct disk *disk, const struct error *err, int64_t bytes, double now)
{
    if (!disk_is_good(disk)) {
        disk->wanted = disk->wanted > bytes ? disk->wanted : bytes;
        return false;
    }
    disk->wait_s = fmin(fmax(2 * disk->wait_s, WAIT_LEAST_S), WAIT_MOST_S);
    disk->wanted = disk->wanted > WANTED_MOST ? WANTED_MOST : 2 * disk->wanted;
    disk->wanted = disk->wanted > bytes ? disk->wanted : bytes;
    disk->wanted = disk->wanted > WANTED_LEAST ? disk->wanted : WANTED_LEAST;
    disk->look_at = now + disk->wait_s;
    snprintf(disk->trouble, sizeof disk->trouble, "cannot write to its cache: %.200s",
             err->message);
    log_event(LOG_LEVEL_ERROR, "paused",
              "%s; work goes back to the coordinator until %lld bytes can be written",
              disk->trouble, (long long)disk->wanted);
    return true;
}

bool disk_look(struct disk *disk, const struct cache *cache, double now)
{
    if (disk_is_good(disk) || now < disk->look_at)
        return false;
    disk->look_at = now + disk->wait_s;
    if (cache_try(cache, disk->wanted) != OK) {
        cache_make_room(cache, disk->wanted); // it may be the cache that fills the disk
        if (cache_try(cache, disk->wanted) != OK)
            return false;
    }
    disk->trouble[0] = '\0';
    log_event(LOG_LEVEL_INFO, "resumed", "%lld bytes can be written to the cache",
              (long long)disk->wanted);
    return true;
}

void disk_proved(struct disk *disk)
{
    if (disk_is_good(disk))
        *disk = (struct disk){.wanted = 0};
}
