// The worker daemon's one loop: the coordinator's messages, the children, signals and the time.
#ifndef TUNERD_WORKER_SUPERVISOR_H
#define TUNERD_WORKER_SUPERVISOR_H

#include "worker/link.h"

struct supervisor_options {
    const char *coordinator; // endpoint
    const char *name;
    const char *cache_dir;
    int slots;
    int64_t cache_bytes;
    int64_t memory_bytes; // of one training; 0: no limit
    double patience_s;    // a child's silence is taken for an endless loop after that
    double drain_s;       // how long SIGTERM waits for what runs
    struct link_keys keys;
};

// Runs until it is drained or told twice to end. SIGTERM and SIGINT must be blocked in the calling thread,
// which must last, before any other thread exists.
enum code supervisor_run(const struct supervisor_options *options, struct error *err);

#endif
