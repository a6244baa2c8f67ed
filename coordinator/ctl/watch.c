// tunerctl watch: follows a study over server-sent events until it ends. Events only say that something
// changed; what is shown is read from the API, at most twice a second.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "coordinator/ctl/ctl.h"
#include "coordinator/ctl/sse.h"

static const double refresh_every_s = 0.5, patience_s = 60;

struct watch {
    struct client *client;
    const struct ctl_options *options;
    const char *name;
    struct sse sse;
    cJSON *study, *epoch;
    bool stale, redraw, ended, deleted;
    enum ctl_exit result;
    double read_at, heard_at;
    bool terminal;
    char *last_line; // without a terminal: printed last, so that lines come only with news
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool has_ended(const cJSON *study)
{
    static const char *const states[] = {"completed", "stopped", "cancelled", "failed"};
    const char *state = json_string_or(study, "state", "");
    for (int i = 0; i < 4; i++)
        if (strcmp(state, states[i]) == 0)
            return true;
    return false;
}

static enum ctl_exit read_study(struct watch *w)
{
    cJSON *study = NULL;
    char *path = client_path(w->client, "/studies/%s", w->name);
    enum ctl_exit result = path ? client_json(w->client, "GET", path, NULL, &study) : CTL_REFUSED;
    free(path);
    w->read_at = now_s();
    if (result != CTL_OK)
        return result;
    cJSON_Delete(w->study);
    w->study = study;
    w->stale = false;
    w->redraw = true;
    w->ended = has_ended(study);
    return CTL_OK;
}

static int terminal_width(void)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10;
    return known ? size.ws_col - 1 : 100;
}

static void draw(struct watch *w)
{
    if (!w->redraw || w->options->json)
        return;
    char *line = progress_line(w->study, w->terminal ? w->epoch : NULL,
                               w->terminal ? terminal_width() : 400);
    char *left = line && !w->terminal ? strstr(line, " left") : NULL;
    if (left) { // the time left changes without news
        while (left > line && *left != '|')
            left--;
        *left = '\0';
    }
    if (line && w->terminal)
        printf("\r%s\033[K", line);
    else if (line && (!w->last_line || strcmp(line, w->last_line) != 0))
        printf("%s\n", line);
    fflush(stdout);
    free(w->last_line);
    w->last_line = line;
    w->redraw = false;
}

static void on_event(void *context, const char *event, const char *data)
{
    struct watch *w = context;
    struct error err;
    w->heard_at = now_s();
    if (!data) { // the stream has begun: what happened before is read now
        w->stale = true;
        return;
    }
    if (w->options->json)
        printf("%s\n", data);
    cJSON *tree = json_read(data, strlen(data), NULL, &err);
    if (strcmp(event, "epoch") == 0 && tree) {
        cJSON_Delete(w->epoch);
        w->epoch = tree;
        w->redraw = true;
        return;
    }
    w->stale = true;
    w->deleted = w->deleted || json_bool_or(tree, "deleted", false);
    cJSON_Delete(tree);
}

// Returns false when there is nothing more to wait for.
static bool step(void *context)
{
    struct watch *w = context;
    if (w->deleted || w->ended)
        return false;
    if (w->stale && now_s() - w->read_at >= refresh_every_s) {
        w->result = read_study(w);
        if (w->result == CTL_REFUSED)
            return false;
    }
    draw(w);
    return !w->ended;
}

static bool take(void *context, const char *bytes, size_t len)
{
    struct watch *w = context;
    sse_feed(&w->sse, bytes, len);
    return !w->sse.failed && step(w);
}

// Follows over lost connections until the study ends or nothing was heard for a minute.
static enum ctl_exit follow(struct watch *w)
{
    struct client_stream stream = {take, step, w};
    char *path = client_path(w->client, "/studies/%s/events", w->name);
    enum ctl_exit result = path ? CTL_OK : CTL_REFUSED;
    w->heard_at = now_s();
    while (path && !w->ended && !w->deleted) {
        sse_reset(&w->sse);
        result = client_stream(w->client, path, w->sse.id, &stream);
        if (result == CTL_REFUSED || w->result == CTL_REFUSED || w->sse.failed)
            break;
        if (result == CTL_NO_CONNECTION && now_s() - w->heard_at > patience_s)
            break;
        if (!w->ended && !w->deleted)
            nanosleep(&(struct timespec){0, 500000000}, NULL);
    }
    free(path);
    return w->ended || w->deleted ? CTL_OK : result == CTL_OK ? w->result : result;
}

static void tell_end(struct watch *w)
{
    cJSON *report = NULL;
    int64_t number = json_integer_or(json_member(w->study, "best_trial"), "number", -1);
    if (number >= 0) {
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)number);
        char *path = client_path(w->client, "/studies/%s/trials/%s/report", w->name, text);
        if (path)
            client_find(w->client, path, &report);
        free(path);
    }
    show_study(w->study, stdout);
    show_best(w->study, report, stdout);
    cJSON_Delete(report);
}

static enum ctl_exit finish(struct watch *w, enum ctl_exit result)
{
    if (w->terminal && w->last_line)
        printf("\n");
    if (result == CTL_NO_CONNECTION)
        fprintf(stderr, "tunerctl: nothing heard from the coordinator for %.0f s\n", patience_s);
    if (result != CTL_OK)
        return result;
    if (w->deleted) {
        fprintf(stderr, "tunerctl: study %s was deleted\n", w->name);
        return CTL_REFUSED;
    }
    if (!w->options->json)
        tell_end(w);
    const char *state = json_string_or(w->study, "state", "");
    bool good = strcmp(state, "completed") == 0 || strcmp(state, "stopped") == 0;
    return good ? CTL_OK : CTL_REFUSED;
}

enum ctl_exit ctl_watch(struct client *client, const struct ctl_options *options, int argc,
                        char **argv)
{
    (void)argc;
    struct watch w = {.client = client, .options = options, .name = argv[0]};
    w.terminal = isatty(STDOUT_FILENO) && !options->json;
    sse_init(&w.sse, on_event, &w);
    enum ctl_exit result = read_study(&w);
    if (result == CTL_OK && !w.ended) {
        draw(&w);
        result = follow(&w);
    }
    if (result == CTL_OK)
        draw(&w);
    result = finish(&w, result);
    sse_fini(&w.sse);
    cJSON_Delete(w.study);
    cJSON_Delete(w.epoch);
    free(w.last_line);
    return result;
}
