// tuner-worker: options in, the supervisor's loop, the exit status out. With the fork server's argument
// (spawner.h) the same program is the parent of the training processes.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/log.h"
#include "common/options.h"
#include "worker/cpu.h"
#include "worker/spawner.h"
#include "worker/supervisor.h"

struct settings {
    char *coordinator, *cache_dir, *name, *key, *coordinator_key, *make_key, *log_format,
        *log_level;
    int64_t slots, cache_mib, memory_mib, stall_s, drain_s;
};

static const char usage[] =
    "Usage: tuner-worker [OPTION]...\n\n"
    "Connects to a tunerd coordinator and runs trainings for it, one in each slot, every one in a\n"
    "process of its own. SIGTERM drains: what runs is finished, a second one ends at once.";

enum { NOPTIONS = 13 };

static void declare(struct settings *s, struct option_spec specs[NOPTIONS])
{
    const struct option_spec all[NOPTIONS] = {
        {"coordinator", OPTION_STRING, &s->coordinator, "tcp://127.0.0.1:5670", 0, 0, "ENDPOINT",
         "where the coordinator listens for workers"},
        {"slots", OPTION_INTEGER, &s->slots, "0", 0, 4096, "N",
         "trainings at the same time; 0: one a processor"},
        {"cache-dir", OPTION_STRING, &s->cache_dir, "./var/worker", 0, 0, "DIR",
         "data sets, checkpoints and the worker's identity"},
        {"name", OPTION_STRING, &s->name, NULL, 0, 0, "NAME",
         "name in the fleet's list (the host's name)"},
        {"key", OPTION_STRING, &s->key, NULL, 0, 0, "FILE",
         "this worker's keys, needed when the coordinator is not on this machine"},
        {"coordinator-key", OPTION_STRING, &s->coordinator_key, NULL, 0, 0, "FILE",
         "the coordinator's public key"},
        {"make-key", OPTION_STRING, &s->make_key, NULL, 0, 0, "FILE",
         "write new keys to FILE and the public one to FILE.pub, and exit"},
        {"cache-size", OPTION_INTEGER, &s->cache_mib, "20480", 64, 1 << 30, "MIB",
         "the cache deletes what was used longest ago beyond this"},
        {"memory-limit", OPTION_INTEGER, &s->memory_mib, "0", 0, 1 << 30, "MIB",
         "memory of one training beside the data; 0: its share of 3/4 of the machine's"},
        {"stall-timeout", OPTION_INTEGER, &s->stall_s, "3600", 1, 1 << 30, "SECONDS",
         "a training that finishes no epoch for so long is killed"},
        {"drain-timeout", OPTION_INTEGER, &s->drain_s, "60", 0, 1 << 30, "SECONDS",
         "how long SIGTERM waits for running trainings"},
        {"log-format", OPTION_STRING, &s->log_format, "text", 0, 0, "FORMAT", "text or json"},
        {"log-level", OPTION_STRING, &s->log_level, "info", 0, 0, "LEVEL",
         "debug, info, warning or error"},
    };
    memcpy(specs, all, sizeof all);
}

static enum code set_up_log(const struct settings *s, struct error *err)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    int level = 0;
    while (level < 4 && strcmp(names[level], s->log_level) != 0)
        level++;
    if (level == 4)
        return fail(err, E_INVALID, "",
                    "--log-level is \"%.32s\"; use debug, info, warning or error", s->log_level);
    bool json = strcmp(s->log_format, "json") == 0;
    if (!json && strcmp(s->log_format, "text") != 0)
        return fail(err, E_INVALID, "", "--log-format is \"%.32s\"; use text or json",
                    s->log_format);
    log_setup("tuner-worker", (enum log_level)level, json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
    return OK;
}

// Beyond this machine there is no connection without keys.
static enum code read_keys(const struct settings *s, struct link_keys *keys, struct error *err)
{
    if (s->key == NULL && s->coordinator_key == NULL && keys_is_loopback(s->coordinator))
        return OK;
    if (s->key == NULL || s->coordinator_key == NULL)
        return fail(err, E_MISSING, "",
                    "a coordinator on another machine needs --key and --coordinator-key; make keys "
                    "with --make-key");
    keys->given = true;
    enum code code = keys_read(s->key, true, &keys->own, err);
    return code == OK ? keys_read(s->coordinator_key, false, &keys->coordinator, err) : code;
}

// Two descriptors a slot: the usual soft limit of 1024 is soon reached.
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static enum code run(const struct settings *s, struct error *err)
{
    enum code code = set_up_log(s, err);
    if (code != OK)
        return code;
    struct link_keys keys = {.given = false};
    code = s->make_key ? keys_create(s->make_key, err) : read_keys(s, &keys, err);
    if (code != OK || s->make_key)
        return code;
    char host[256] = "";
    if (s->name == NULL && gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "worker");
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // a write beyond the limit fails, as on a full disk
    raise_descriptor_limit();

    int slots = s->slots > 0 ? (int)s->slots : cpu_count();
    const struct supervisor_options options = {
        .coordinator = s->coordinator,
        .name = s->name ? s->name : host,
        .cache_dir = s->cache_dir,
        .slots = slots,
        .cache_bytes = s->cache_mib << 20,
        .memory_bytes =
            s->memory_mib > 0 ? s->memory_mib << 20 : (int64_t)(cpu_memory_bytes() * 0.75 / slots),
        .patience_s = (double)s->stall_s,
        .drain_s = (double)s->drain_s,
        .keys = keys,
    };
    return supervisor_run(&options, err);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], spawner_argument) == 0)
        return spawner_serve();
    struct settings settings = {.name = NULL};
    struct option_spec specs[NOPTIONS];
    struct error err = {.code = OK};
    int rest = 0;
    bool exit_now = false;
    declare(&settings, specs);
    enum code code =
        options_parse(specs, NOPTIONS, usage, NULL, argc, argv, &rest, &exit_now, &err);
    if (code == OK && !exit_now && rest < argc)
        code = fail(&err, E_INVALID, "", "unexpected argument \"%.64s\"; see --help", argv[rest]);
    bool usage_error = code != OK;
    if (code == OK && !exit_now)
        code = run(&settings, &err);
    if (code != OK)
        fprintf(stderr, "tuner-worker: %s\n", err.message);
    options_free(specs, NOPTIONS);
    return code == OK ? EXIT_SUCCESS : usage_error ? 2 : EXIT_FAILURE;
}
