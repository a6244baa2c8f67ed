// One child of the fork server as the daemon sees it: its socket, its end, and the moment after which
// its silence is taken for an endless loop.
#ifndef TUNERD_WORKER_CHILD_H
#define TUNERD_WORKER_CHILD_H

#include "worker/frame.h"
#include "worker/spawner.h"

enum child_killed { CHILD_NOT_KILLED, CHILD_CANCELLED, CHILD_STALLED, CHILD_WILD };

struct child {
    uint32_t id; // 0: there is none
    int socket, pidfd;
    int file; // its work, and behind it what it leaves
    struct frame_reader reader;
    double deadline; // the next sign of life is due by then
    double patience_s;
    bool ended; // the last frame has come
    enum child_killed killed;
};

// Starts work (deleted) that must give a sign of life every patience_s. E_BUSY: later; E_IO; E_MEMORY.
enum code child_start(struct child *child, struct spawner *spawner, cJSON *work, double now,
                      double patience_s, struct error *err);
// Kills it, now or as soon as it is known; its exit is still to come.
void child_kill(struct child *child, enum child_killed why);
// Asks a training to end after the running epoch.
void child_ask_to_end(struct child *child);
// The fork server has started it (pidfd is taken).
void child_spawned(struct child *child, int pidfd, double now);
// The next frame, NULL when none has come. What goes wrong with the socket kills the child.
cJSON *child_read(struct child *child, double now);
// Kills a child whose time is up. False when the fork server has not even started it in time.
bool child_check(struct child *child, double now);
// It is gone: closes what is left of it.
void child_close(struct child *child);
// How it ended, in words, for `status` of waitpid().
void child_describe(const struct child *child, int status, char *text, size_t size);

#endif
