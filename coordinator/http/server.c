// Starting and stopping. Threads: libmicrohttpd's pool, the notifier, and the core's, which calls back.
#include "coordinator/http/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "coordinator/http/notifier.h"
#include "coordinator/http/resources.h"

enum { BACKLOG = 511, IDLE_S = 60, CONNECTION_MEMORY = 8 << 10, OTHER_FILES = 256 };
static const int connections_wanted = 6000;

// Binds before libmicrohttpd does, so that an error is told in words.
static int listen_on(const struct sockaddr_storage *address, socklen_t len, const char *text,
                     struct error *err)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (const struct sockaddr *)address, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    fail(err, E_IO, "", "cannot listen on %s: %s%s", text, strerror(reason),
         reason == EADDRINUSE ? "; another program has it: give another --http-listen" : "");
    return -1;
}

// As many connections as descriptors allow, raising the soft limit to the hard one.
static unsigned connection_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 512;
    if (files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        getrlimit(RLIMIT_NOFILE, &files);
    }
    rlim_t room = files.rlim_cur > 2 * OTHER_FILES ? files.rlim_cur - OTHER_FILES : OTHER_FILES;
    return room < (rlim_t)connections_wanted ? (unsigned)room : (unsigned)connections_wanted;
}

static void log_library(void *context, const char *format, va_list args)
{
    char line[512];
    (void)context;
    int len = vsnprintf(line, sizeof line, format, args);
    while (len > 0 && len < (int)sizeof line && line[len - 1] == '\n')
        line[--len] = '\0';
    log_event(LOG_LEVEL_DEBUG, "http_library", "%s", line);
}

static enum code start_daemon(struct http *http, int fd, struct error *err)
{
    unsigned limit = connection_limit();
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_ITC,
        0, NULL, NULL, request_handle, http, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)SERVER_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_PER_IP_CONNECTION_LIMIT, limit - limit / 8,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_URI_LOG_CALLBACK,
        request_begin, http, MHD_OPTION_NOTIFY_COMPLETED, request_end, http,
        MHD_OPTION_NOTIFY_CONNECTION, clients_notify, &http->clients,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    return http->daemon ? OK : fail(err, E_INTERNAL, "", "the HTTP server cannot start");
}

static void http_free(struct http *http)
{
    notifier_stop(http->notifier);
    readers_close(http->readers);
    access_fini(&http->access);
    clients_fini(&http->clients);
    pthread_cond_destroy(&http->idle);
    pthread_mutex_destroy(&http->lock);
    free(http->state_dir);
    free(http);
}

static enum code prepare(struct http *http, const struct http_options *options, int *fd,
                         struct error *err)
{
    struct sockaddr_storage address;
    socklen_t len;
    enum code code = access_address(options->listen, &address, &len, err);
    if (code)
        return code;
    *fd = listen_on(&address, len, options->listen, err);
    len = sizeof address;
    if (*fd < 0 || getsockname(*fd, (struct sockaddr *)&address, &len) != 0)
        return E_IO;
    http->port = access_port(&address);
    http->state_dir = strdup(options->state_dir);
    http->models_kept = options->models_kept;
    if (!http->state_dir)
        return fail(err, E_MEMORY, "", "out of memory");
    upload_clean(http->state_dir);
    code = access_init(&http->access, &address, options->hosts, options->token_file, err);
    if (code == OK) // one each for the threads and the notifier
        code = readers_open(options->state_dir, SERVER_THREADS + 1, &http->readers, err);
    if (code == OK)
        code = notifier_start(http->readers, &http->clients, &http->notifier, err);
    return code;
}

enum code http_start(const struct http_options *options, struct core *core, struct http **out,
                     struct error *err)
{
    struct http *http = calloc(1, sizeof *http);
    int fd = -1;
    if (!http)
        return fail(err, E_MEMORY, "", "out of memory");
    http->core = core;
    pthread_mutex_init(&http->lock, NULL);
    pthread_cond_init(&http->idle, NULL);
    clients_init(&http->clients);
    signal(SIGPIPE, SIG_IGN);
    enum code code = prepare(http, options, &fd, err);
    if (code == OK) {
        core_on_events(core, notifier_news, http->notifier);
        code = start_daemon(http, fd, err);
    }
    if (code) {
        if (http->notifier)
            core_on_events(core, NULL, NULL);
        if (fd >= 0)
            close(fd);
        http_free(http);
        return code;
    }
    log_event(LOG_LEVEL_INFO, "http_listening", "address=%s port=%d token=%s", options->listen,
              http->port, http->access.needs_token ? "needed" : "none");
    *out = http;
    return OK;
}

int http_port(const struct http *http)
{
    return http->port;
}

// Their last chunk is sent by the server's threads; a client that does not read is not waited for long.
static void wait_for_streams(struct http *http)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    int timed_out = 0;
    pthread_mutex_lock(&http->lock);
    while (http->streams > 0 && !timed_out)
        timed_out = pthread_cond_timedwait(&http->idle, &http->lock, &until);
    pthread_mutex_unlock(&http->lock);
}

void http_stop(struct http *http)
{
    int fd = (int)MHD_quiesce_daemon(http->daemon);
    pthread_mutex_lock(&http->lock);
    http->stopping = true;
    while (http->in_flight > 0)
        pthread_cond_wait(&http->idle, &http->lock);
    pthread_mutex_unlock(&http->lock);
    core_on_events(http->core, NULL, NULL);
    notifier_end_streams(http->notifier);
    wait_for_streams(http);
    MHD_stop_daemon(http->daemon);
    if (fd >= 0)
        close(fd);
    http_free(http);
}
