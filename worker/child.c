#include "worker/child.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/trainer.h"

static const double spawn_s = 30; // a fork server that takes longer hangs

// The work as an anonymous file: a socket could be full and block the daemon.
static int work_file(cJSON *work, struct error *err)
{
    char *text = work ? json_write(work) : NULL;
    size_t len = text ? strlen(text) : 0;
    int fd = -1;
    if (text == NULL)
        fail(err, E_MEMORY, "", "out of memory");
    else if ((fd = memfd_create("work", MFD_CLOEXEC)) < 0 || write(fd, text, len) != (ssize_t)len) {
        fail(err, E_IO, "", "cannot hand work to a child: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    free(text);
    return fd;
}

enum code child_start(struct child *child, struct spawner *spawner, cJSON *work, double now,
                      double patience_s, struct error *err)
{
    struct error local = {.code = OK};
    int ends[2] = {-1, -1};
    int file = work_file(work, &local);
    cJSON_Delete(work);
    enum code code = file < 0 ? local.code : OK;
    if (code == OK && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        code = fail(&local, E_IO, "", "cannot make a socket: %s", strerror(errno));
    if (code == OK)
        code = spawner_spawn(spawner, spawner->last_id + 1, ends[1], file, &local);
    if (code == OK && fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        code = fail(&local, E_IO, "", "cannot set up a socket: %s", strerror(errno));
    if (ends[1] >= 0)
        close(ends[1]);
    if (code != OK) {
        if (file >= 0)
            close(file);
        if (ends[0] >= 0)
            close(ends[0]);
        if (err != NULL)
            *err = local;
        return code;
    }
    *child = (struct child){.id = ++spawner->last_id,
                            .socket = ends[0],
                            .pidfd = -1,
                            .file = file,
                            .deadline = now + fmin(patience_s, spawn_s),
                            .patience_s = patience_s};
    frame_reader_init(&child->reader);
    return OK;
}

void child_kill(struct child *child, enum child_killed why)
{
    if (child->id == 0)
        return;
    if (child->killed == CHILD_NOT_KILLED)
        child->killed = why;
    if (child->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
}

void child_ask_to_end(struct child *child)
{
    if (child->id != 0)
        send(child->socket, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void child_spawned(struct child *child, int pidfd, double now)
{
    child->pidfd = pidfd;
    child->deadline = now + child->patience_s;
    if (child->killed != CHILD_NOT_KILLED)
        child_kill(child, child->killed);
}

static void close_socket(struct child *child)
{
    if (child->socket >= 0)
        close(child->socket);
    child->socket = -1;
}

cJSON *child_read(struct child *child, double now)
{
    cJSON *frame = NULL;
    if (child->socket < 0)
        return NULL;
    switch (frame_read(&child->reader, child->socket, &frame)) {
    case FRAME_READY:
        child->deadline = now + child->patience_s;
        break;
    case FRAME_WAIT:
        break;
    case FRAME_BROKEN:
        child_kill(child, CHILD_WILD);
        close_socket(child);
        break;
    case FRAME_END:
        close_socket(child);
        break;
    }
    return frame;
}

bool child_check(struct child *child, double now)
{
    if (child->id == 0 || now < child->deadline)
        return true;
    if (child->pidfd < 0)
        return false;
    if (child->killed == CHILD_NOT_KILLED)
        child_kill(child, CHILD_STALLED);
    return true;
}

void child_close(struct child *child)
{
    close_socket(child);
    if (child->pidfd >= 0)
        close(child->pidfd);
    if (child->file >= 0)
        close(child->file);
    frame_reader_fini(&child->reader);
    *child = (struct child){.socket = -1, .pidfd = -1, .file = -1};
}

void child_describe(const struct child *child, int status, char *text, size_t size)
{
    static const char *const killed[] = {
        [CHILD_CANCELLED] = "the training was cancelled",
        [CHILD_STALLED] = "the training gave no sign of life in time and was killed",
        [CHILD_WILD] = "the training process sent what is no message and was killed",
    };
    if (child->killed != CHILD_NOT_KILLED)
        snprintf(text, size, "%s", killed[child->killed]);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        snprintf(text, size,
                 "the training process was killed from outside; if the machine ran out "
                 "of memory, use fewer slots or smaller models");
    else if (WIFSIGNALED(status))
        snprintf(text, size, "the training process crashed: signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "the training process ended without a result (exit status %d)",
                 WEXITSTATUS(status));
}
