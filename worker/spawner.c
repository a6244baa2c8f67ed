// Both ends of the control socket (SOCK_SEQPACKET, one struct a message) in one file, so that they
// cannot drift apart.
#include "worker/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/trainer.h"

const char spawner_argument[] = "fork-server";

enum { CONTROL_FD = 3, FDS_MAX = 2 };

struct packet {
    uint32_t what; // enum spawner_event; from the daemon always SPAWNED: "spawn this"
    uint32_t id;
    int32_t value; // errno or status
    int32_t unused;
    int64_t rss_kib;
};

static ssize_t send_packet(int socket, const struct packet *packet, const int *fds, int nfds)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec part = {(void *)packet, sizeof *packet};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (nfds > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
        memcpy(CMSG_DATA(header), fds, (size_t)nfds * sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

// fds that did not come are -1. Gives what recvmsg() gives; -1 with EPROTO for a short packet.
static ssize_t receive_packet(int socket, struct packet *packet, int fds[FDS_MAX])
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control;
    struct iovec part = {packet, sizeof *packet};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    for (int i = 0; i < FDS_MAX; i++)
        fds[i] = -1;
    ssize_t n;
    do
        n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        size_t len = header->cmsg_len - CMSG_LEN(0);
        memcpy(fds, CMSG_DATA(header), len < sizeof(int) * FDS_MAX ? len : sizeof(int) * FDS_MAX);
    }
    if (n != sizeof *packet) {
        errno = EPROTO;
        return -1;
    }
    return n;
}

// ---- the daemon's end ----

// The server's environment: one thread for OpenBLAS (it reads this before main), nothing of systemd's.
static char **server_environment(void)
{
    extern char **environ;
    static const char *const dropped[] = {
        "OPENBLAS_NUM_THREADS=", "OMP_NUM_THREADS=", "NOTIFY_SOCKET=", "WATCHDOG_USEC=",
        "WATCHDOG_PID=",         "LISTEN_FDS=",      "LISTEN_PID=",    "LISTEN_FDNAMES="};
    size_t count = 0, kept = 0;
    while (environ[count] != NULL)
        count++;
    char **copy = calloc(count + 3, sizeof *copy);
    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        bool drop = false;
        for (size_t k = 0; k < sizeof dropped / sizeof *dropped; k++)
            drop = drop || strncmp(environ[i], dropped[k], strlen(dropped[k])) == 0;
        if (!drop)
            copy[kept++] = environ[i];
    }
    copy[kept++] = (char *)"OPENBLAS_NUM_THREADS=1";
    copy[kept++] = (char *)"OMP_NUM_THREADS=1";
    return copy;
}

// Between fork and exec of a process with threads: async-signal-safe calls only.
static _Noreturn void become_server(int control, pid_t daemon, char *const *environment)
{
    char *const arguments[] = {(char *)"tuner-worker", (char *)spawner_argument, NULL};
    sigset_t none;
    sigemptyset(&none);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != daemon || setpgid(0, 0) != 0 ||
        sigprocmask(SIG_SETMASK, &none, NULL) != 0 || signal(SIGPIPE, SIG_DFL) == SIG_ERR)
        _exit(127);
    if (control == CONTROL_FD ? fcntl(control, F_SETFD, 0) != 0 : dup2(control, CONTROL_FD) < 0)
        _exit(127);
    syscall(SYS_close_range, CONTROL_FD + 1, ~0U, 0);
    execve("/proc/self/exe", arguments, environment);
    _exit(127);
}

enum code spawner_open(struct spawner *spawner, struct error *err)
{
    int ends[2];
    char **environment = server_environment();
    if (environment == NULL)
        return fail(err, E_MEMORY, "", "out of memory");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        free(environment);
        return fail(err, E_IO, "", "cannot make a socket: %s", strerror(errno));
    }
    pid_t daemon = getpid(), pid = fork();
    if (pid == 0)
        become_server(ends[1], daemon, environment);
    int failure = errno;
    close(ends[1]);
    free(environment);
    if (pid < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        close(ends[0]);
        return fail(err, E_IO, "", "cannot start the fork server: %s", strerror(failure));
    }
    spawner->control = ends[0];
    spawner->pid = pid;
    return OK;
}

void spawner_close(struct spawner *spawner)
{
    if (spawner->pid <= 0)
        return;
    kill(spawner->pid, SIGKILL);
    while (waitpid(spawner->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(spawner->control);
    spawner->control = -1;
    spawner->pid = 0;
}

void spawner_kill(const struct spawner *spawner)
{
    kill(spawner->pid, SIGKILL);
}

enum code spawner_spawn(struct spawner *spawner, uint32_t id, int socket, int job,
                        struct error *err)
{
    const struct packet packet = {.what = SPAWNER_SPAWNED, .id = id};
    if (send_packet(spawner->control, &packet, (int[]){socket, job}, 2) >= 0)
        return OK;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
        return fail(err, E_BUSY, "", "the fork server is busy");
    return fail(err, E_IO, "", "the fork server is gone: %s", strerror(errno));
}

enum spawner_event spawner_read(struct spawner *spawner, struct spawner_news *news)
{
    struct packet packet = {.what = SPAWNER_NOTHING};
    int fds[FDS_MAX];
    ssize_t n = receive_packet(spawner->control, &packet, fds);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return SPAWNER_NOTHING;
    if (n <= 0)
        return SPAWNER_GONE;
    *news = (struct spawner_news){.id = packet.id,
                                  .pidfd = fds[0],
                                  .error = packet.value,
                                  .status = packet.value,
                                  .rss_kib = (long)packet.rss_kib};
    return (enum spawner_event)packet.what;
}

// ---- the server's end ----

struct server {
    struct child {
        pid_t pid; // 0: free
        uint32_t id;
    } * children;
    size_t count;
    int signals;
};

static struct child *free_child(struct server *server)
{
    for (size_t i = 0; i < server->count; i++)
        if (server->children[i].pid == 0)
            return &server->children[i];
    struct child *more = realloc(server->children, (server->count + 16) * sizeof *more);
    if (more == NULL)
        return NULL;
    server->children = more;
    memset(more + server->count, 0, 16 * sizeof *more);
    server->count += 16;
    return &more[server->count - 16];
}

// The child keeps its socket and its job and nothing else of the server's.
static _Noreturn void become_child(pid_t server, int socket, int job)
{
    sigset_t none;
    sigemptyset(&none);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != server ||
        sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        _exit(TRAINER_EXIT_SETUP);
    for (int fd = CONTROL_FD; fd < CONTROL_FD + 8; fd++)
        if (fd != socket && fd != job)
            close(fd);
    _exit(trainer_run(socket, job));
}

static bool spawn(struct server *server, uint32_t id, int socket, int job)
{
    struct packet packet = {.what = SPAWNER_SPAWNED, .id = id};
    struct child *child = socket >= 0 && job >= 0 ? free_child(server) : NULL;
    pid_t parent = getpid(), pid = child ? fork() : -1;
    int failure = child ? errno : ENOMEM, pidfd = -1;
    if (pid == 0)
        become_child(parent, socket, job);
    if (pid > 0) {
        *child = (struct child){.pid = pid, .id = id};
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0) { // cannot be watched: better not to have it
            failure = errno;
            kill(pid, SIGKILL);
        }
    }
    if (pid < 0 || pidfd < 0) {
        packet.what = SPAWNER_REFUSED;
        packet.value = failure;
        if (child != NULL)
            child->id = 0;
    }
    bool sent = send_packet(CONTROL_FD, &packet, &pidfd, pidfd >= 0) >= 0;
    if (pidfd >= 0)
        close(pidfd);
    close(socket);
    close(job);
    return sent;
}

static bool report_exits(struct server *server)
{
    struct signalfd_siginfo discarded;
    struct rusage usage;
    int status;
    pid_t pid;
    if (read(server->signals, &discarded, sizeof discarded) < 0 && errno != EAGAIN)
        return false;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0)
        for (size_t i = 0; i < server->count; i++) {
            struct child *child = &server->children[i];
            if (child->pid != pid)
                continue;
            const struct packet packet = {.what = SPAWNER_EXITED,
                                          .id = child->id,
                                          .value = status,
                                          .rss_kib = usage.ru_maxrss};
            child->pid = 0;
            if (child->id != 0 && send_packet(CONTROL_FD, &packet, NULL, 0) < 0)
                return false;
        }
    return true;
}

// Until the daemon is gone; what still runs then dies with this process.
static void serve(struct server *server)
{
    struct pollfd polled[] = {{CONTROL_FD, POLLIN, 0}, {server->signals, POLLIN, 0}};
    for (;;) {
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            return;
        if (polled[1].revents != 0 && !report_exits(server))
            return;
        if (polled[0].revents == 0)
            continue;
        struct packet packet = {.what = SPAWNER_NOTHING};
        int fds[FDS_MAX];
        if (receive_packet(CONTROL_FD, &packet, fds) <= 0 ||
            !spawn(server, packet.id, fds[0], fds[1]))
            return;
    }
}

int spawner_serve(void)
{
    struct server server = {.children = NULL};
    sigset_t exits;
    sigemptyset(&exits);
    sigaddset(&exits, SIGCHLD);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || sigprocmask(SIG_BLOCK, &exits, NULL) != 0 ||
        (server.signals = signalfd(-1, &exits, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return TRAINER_EXIT_SETUP;
    trainer_warm_up();
    serve(&server);
    free(server.children);
    return 0;
}
