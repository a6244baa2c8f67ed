// The fork server: one small single-threaded process that the daemon starts from its own program, with
// OpenBLAS set to one thread before exec and warmed up, and that forks a child for each piece of work.
// A fork of it costs a fraction of a millisecond and is safe, which a fork of the daemon, with ZeroMQ's
// threads, is not.
//
//   daemon ──SPAWN(id, socket, job)──> server ──fork──> child ──frames over the socket──> daemon
//   daemon <──SPAWNED(id, pidfd) / REFUSED(id) / EXITED(id, status)── server
//
// When the daemon dies the server and all children are killed by the kernel, when the server dies its
// children are.
#ifndef TUNERD_WORKER_SPAWNER_H
#define TUNERD_WORKER_SPAWNER_H

#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

// argv[1] that makes this program a fork server.
extern const char spawner_argument[];

struct spawner {
    int control; // non-blocking; poll it for reading
    pid_t pid;
    uint32_t last_id; // children are numbered, over all servers
};

// Starts the server, from a thread that lasts; again after it is gone and closed. Zero the struct before
// the first time. E_IO.
enum code spawner_open(struct spawner *spawner, struct error *err);
// Ends the server and with it every child, and waits for it.
void spawner_close(struct spawner *spawner);

// Kills a server that hangs; the news of its end follow.
void spawner_kill(const struct spawner *spawner);

// Asks for a child that finds its half of a stream socket and a file with its job. Both descriptors stay
// the caller's. E_BUSY: try again later; E_IO: the server is gone.
enum code spawner_spawn(struct spawner *spawner, uint32_t id, int socket, int job,
                        struct error *err);

enum spawner_event {
    SPAWNER_NOTHING,
    SPAWNER_SPAWNED,
    SPAWNER_REFUSED,
    SPAWNER_EXITED,
    SPAWNER_GONE, // the server died: every child with it
};
struct spawner_news {
    uint32_t id;
    int pidfd;    // SPAWNED: the caller's
    int error;    // REFUSED: errno
    int status;   // EXITED: as waitpid() gives it
    long rss_kib; // EXITED: the most the child had resident
};
enum spawner_event spawner_read(struct spawner *spawner, struct spawner_news *news);

// The server itself: serves fd 3 until the daemon is gone. Gives the process' exit status.
int spawner_serve(void);

#endif
