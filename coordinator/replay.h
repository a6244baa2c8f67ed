// Computing a study's decisions again from what is stored, to see whether each comes out as it was taken.
#ifndef TUNERD_COORDINATOR_REPLAY_H
#define TUNERD_COORDINATOR_REPLAY_H

#include <stdint.h>

#include "common/error.h"

struct replay {
    int given;         // trials the search proposed, and proposed again to be continued
    int agree;         // of them, computed again to the same point
    int by_others;     // users' points, and quasi-random ones in place of a search that was late
    int64_t first;     // decision number of the first that differs; 0: all agree
    char differs[400]; // in words, what differs there
};

// state_dir: of a store, which may be in use. On any thread. E_NOT_FOUND: no such study; E_STORE.
enum code replay_study(const char *state_dir, const char *name, struct replay *out,
                       struct error *err);

#endif
