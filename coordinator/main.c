// tunerd: reads its options, starts the core and the HTTP server, waits for a signal, stops them.

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/log.h"
#include "common/options.h"
#include "coordinator/core.h"
#include "coordinator/http/http.h"

struct settings {
    char *state_dir, *http_listen, *http_host, *worker_listen, *key, *worker_keys, *token_file,
        *log_format, *log_level;
    int64_t lease_s, heartbeat_s, client_lease_s, keep_models;
};

static struct settings settings;

static const struct option_spec specs[] = {
    {"state-dir", OPTION_STRING, &settings.state_dir, "./var", 0, 0, "DIR",
     "where the store and the files are (a service uses /var/lib/tunerd)"},
    {"http-listen", OPTION_STRING, &settings.http_listen, "127.0.0.1:8080", 0, 0, "HOST:PORT",
     "where the API and the dashboard are served"},
    {"http-host", OPTION_STRING, &settings.http_host, NULL, 0, 0, "NAME[,NAME…]",
     "further names the server is reached by"},
    {"worker-listen", OPTION_STRING, &settings.worker_listen, "tcp://127.0.0.1:5670", 0, 0,
     "ENDPOINT", "where workers connect"},
    {"key", OPTION_STRING, &settings.key, NULL, 0, 0, "FILE",
     "keys for workers on other machines, made by tuner-worker --make-key"},
    {"worker-keys", OPTION_STRING, &settings.worker_keys, NULL, 0, 0, "FILE",
     "the workers that are let in: lines of NAME and public KEY"},
    {"token-file", OPTION_STRING, &settings.token_file, NULL, 0, 0, "FILE",
     "token every request must carry; needed beyond loopback"},
    {"lease", OPTION_INTEGER, &settings.lease_s, "15", 2, 3600, "SECONDS",
     "a worker that is silent for this long loses its work"},
    {"heartbeat", OPTION_INTEGER, &settings.heartbeat_s, "2", 1, 600, "SECONDS",
     "how often workers report"},
    {"client-lease", OPTION_INTEGER, &settings.client_lease_s, "600", 5, 604800, "SECONDS",
     "a client that is silent for this long loses its suggested trial"},
    {"keep-models", OPTION_INTEGER, &settings.keep_models, "10", 0, 1000000, "N",
     "trained weights are kept of so many best trials a study"},
    {"log-format", OPTION_STRING, &settings.log_format, "text", 0, 0, "text|json", "of the log"},
    {"log-level", OPTION_STRING, &settings.log_level, "info", 0, 0, "debug|info|warning|error",
     "least level that is logged"},
};
enum { NSPECS = sizeof specs / sizeof *specs };

static const char usage[] =
    "tunerd [OPTION]…\n"
    "The coordinator: keeps studies, searches, gives work to tuner-workers, serves HTTP.\n";

static int choose(const char *name, const char *value, const char *const *words, struct error *err)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], value) == 0)
            return i;
    fail(err, E_RANGE, "", "--%s cannot be \"%s\"; see --help", name, value);
    return -1;
}

static enum code set_up_log(struct error *err)
{
    static const char *const formats[] = {"text", "json", NULL};
    static const char *const levels[] = {"debug", "info", "warning", "error", NULL};
    int format = choose("log-format", settings.log_format, formats, err);
    int level = choose("log-level", settings.log_level, levels, err);
    if (format < 0 || level < 0)
        return E_RANGE;
    log_setup("tunerd", (enum log_level)level, (enum log_format)format);
    return OK;
}

// Waits for SIGTERM or SIGINT, which are blocked in all threads.
static void wait_for_signal(const sigset_t *signals)
{
    int number;
    while (sigwait(signals, &number) != 0)
        ;
    log_event(LOG_LEVEL_INFO, "stopping", "signal=%d", number);
}

static enum code serve(const sigset_t *signals, struct error *err)
{
    const struct core_options core_options = {
        .state_dir = settings.state_dir,
        .worker_listen = settings.worker_listen,
        .key = settings.key,
        .worker_keys = settings.worker_keys,
        .lease_s = (double)settings.lease_s,
        .heartbeat_s = (double)settings.heartbeat_s,
        .client_lease_s = (double)settings.client_lease_s,
        .models_kept = (int)settings.keep_models,
    };
    struct core *core = NULL;
    struct http *http = NULL;
    enum code code = core_start(&core_options, &core, err);
    if (code)
        return code;
    const struct http_options http_options = {
        .listen = settings.http_listen,
        .hosts = settings.http_host,
        .token_file = settings.token_file,
        .state_dir = settings.state_dir,
        .models_kept = (int)settings.keep_models,
    };
    code = http_start(&http_options, core, &http, err);
    if (!code) {
        log_event(LOG_LEVEL_INFO, "ready", "http=%s port=%d workers=%s state_dir=%s",
                  settings.http_listen, http_port(http), settings.worker_listen,
                  settings.state_dir);
        sd_notify(0, "READY=1");
        wait_for_signal(signals);
        sd_notify(0, "STOPPING=1");
        http_stop(http);
    }
    core_stop(core);
    return code;
}

int main(int argc, char **argv)
{
    struct error err = {0};
    int rest;
    bool exit_now = false;
    sigset_t signals;
    enum code code = options_parse(specs, NSPECS, usage, "/etc/tunerd/tunerd.conf", argc, argv,
                                   &rest, &exit_now, &err);
    if (!code && !exit_now && rest < argc)
        code = fail(&err, E_UNKNOWN, "", "\"%s\" is no option; see --help", argv[rest]);
    if (!code && !exit_now)
        code = set_up_log(&err);
    if (!code && !exit_now) {
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        pthread_sigmask(SIG_BLOCK, &signals, NULL);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN); // a write beyond the limit fails, as on a full disk
        code = serve(&signals, &err);
    }
    if (code)
        fprintf(stderr, "tunerd: %s\n", err.message);
    options_free(specs, NSPECS);
    return code ? 1 : 0;
}
