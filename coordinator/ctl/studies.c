// tunerctl submit, list, show, pause, resume, stop, cancel, delete.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/ctl/ctl.h"

enum { DOCUMENT_MAX = 16 << 20 };

// The whole file ("-": standard input), ended by NUL; NULL after telling why not.
static char *read_document(const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    char *text = NULL;
    size_t len = 0, room = 0;
    bool good = file != NULL;
    while (good && !feof(file)) {
        if (len + 1 >= room) {
            room = room ? 2 * room : 64 << 10;
            char *more = room <= DOCUMENT_MAX ? realloc(text, room) : NULL;
            errno = more ? 0 : EFBIG;
            good = more != NULL;
            text = more ? more : text;
        }
        if (good) {
            len += fread(text + len, 1, room - len - 1, file);
            good = !ferror(file);
        }
    }
    if (!good)
        fprintf(stderr, "tunerctl: cannot read %s: %s\n", path, strerror(errno));
    if (file && !standard)
        fclose(file);
    if (good && text)
        text[len] = '\0';
    if (good && (!text || strlen(text) != len)) {
        fprintf(stderr, "tunerctl: %s has a NUL byte; it is no JSON\n", path);
        good = false;
    }
    if (!good) {
        free(text);
        text = NULL;
    }
    return text;
}

enum ctl_exit ctl_submit(struct client *client, const struct ctl_options *options, int argc,
                         char **argv)
{
    (void)argc;
    char *document = read_document(argv[0]), *answer = NULL;
    struct error err;
    int status = 0;
    if (!document)
        return CTL_USAGE;
    enum ctl_exit result =
        client_call(client, "POST", options->validate ? "/studies?validate_only=true" : "/studies",
                    document, &answer, &status);
    free(document);
    if (result != CTL_OK)
        return result;
    cJSON *study = json_read(answer, strlen(answer), NULL, &err);
    char *name = show_value(json_member(study, "name"));
    cJSON_Delete(study);
    if (options->json && !options->watch)
        printf("%s\n", answer);
    else if (options->validate)
        printf("%s holds\n", argv[0]);
    else if (!options->json)
        printf(status == 201 ? "Study %s submitted\n" : "Study %s was there already\n", name);
    fflush(stdout);
    if (options->watch && !options->validate)
        result = ctl_watch(client, options, 1, &name);
    free(name);
    free(answer);
    return result;
}

static void add_study(struct show_table *table, const cJSON *study)
{
    const cJSON *best = json_member(study, "best_trial"), *counts = json_member(study, "counts");
    int64_t ended = 0;
    const cJSON *count;
    cJSON_ArrayForEach(count, counts) if (strcmp(count->string, "queued") != 0 &&
                                          strcmp(count->string, "running") != 0) ended +=
        (int64_t)count->valuedouble;
    char text[64];
    show_json(table, json_member(study, "name"));
    show_json(table, json_member(study, "state"));
    snprintf(text, sizeof text, "%lld", (long long)ended);
    show_cell(table, text);
    show_json(table, json_member(study, "max_trials"));
    show_json(table, json_member(best, "score"));
    show_json(table, json_member(best, "number"));
    show_json(table, json_member(study, "created_at"));
}

enum ctl_exit ctl_list(struct client *client, const struct ctl_options *options, int argc,
                       char **argv)
{
    static const char *const headings[] = {"NAME", "STATE",      "ENDED",  "TRIALS",
                                           "BEST", "BEST TRIAL", "CREATED"};
    struct show_table table;
    char *token = strdup("");
    enum ctl_exit result = CTL_OK;
    (void)argc;
    (void)argv;
    show_begin(&table, 7, headings);
    while (token && result == CTL_OK) {
        cJSON *page = NULL;
        const cJSON *study;
        char *path = client_path(client, "/studies?page_size=1000&state=%s&page_token=%s",
                                 options->state ? options->state : "", token);
        result = client_json(client, "GET", path ? path : "", NULL, &page);
        free(path);
        cJSON_ArrayForEach(study, json_member(page, "studies"))
        {
            char *line = options->json ? json_write(study) : NULL;
            if (line)
                printf("%s\n", line);
            free(line);
            add_study(&table, study);
        }
        const char *next = json_string_or(page, "next_page_token", NULL);
        free(token);
        token = next ? strdup(next) : NULL;
        cJSON_Delete(page);
    }
    free(token);
    show_end(&table, options->json || result != CTL_OK ? NULL : stdout);
    return result;
}

enum ctl_exit ctl_show(struct client *client, const struct ctl_options *options, int argc,
                       char **argv)
{
    (void)argc;
    char *path = client_path(client, "/studies/%s", argv[0]), *text = NULL;
    struct error err;
    enum ctl_exit result = client_call(client, "GET", path ? path : "", NULL, &text, NULL);
    free(path);
    if (result != CTL_OK)
        return result;
    if (options->json) {
        printf("%s\n", text);
    } else {
        cJSON *study = json_read(text, strlen(text), NULL, &err);
        static const char *const times[] = {"created_at", "started_at", "ended_at"};
        show_study(study, stdout);
        for (int i = 0; i < 3; i++)
            if (json_string_or(study, times[i], NULL))
                printf("  %s %s\n", times[i], json_string_or(study, times[i], ""));
        show_best(study, NULL, stdout);
        cJSON_Delete(study);
    }
    free(text);
    return CTL_OK;
}

static enum ctl_exit act(struct client *client, const struct ctl_options *options, const char *name,
                         const char *what)
{
    char *path = client_path(client, "/studies/%s/%s", name, what), *text = NULL;
    struct error err;
    enum ctl_exit result = client_call(client, "POST", path ? path : "", "{}", &text, NULL);
    free(path);
    if (result == CTL_OK && options->json) {
        printf("%s\n", text);
    } else if (result == CTL_OK) {
        cJSON *study = json_read(text, strlen(text), NULL, &err);
        show_study(study, stdout);
        cJSON_Delete(study);
    }
    free(text);
    return result;
}

enum ctl_exit ctl_pause(struct client *client, const struct ctl_options *options, int argc,
                        char **argv)
{
    (void)argc;
    return act(client, options, argv[0], "pause");
}

enum ctl_exit ctl_resume(struct client *client, const struct ctl_options *options, int argc,
                         char **argv)
{
    (void)argc;
    return act(client, options, argv[0], "resume");
}

enum ctl_exit ctl_stop(struct client *client, const struct ctl_options *options, int argc,
                       char **argv)
{
    (void)argc;
    return act(client, options, argv[0], "stop");
}

enum ctl_exit ctl_cancel(struct client *client, const struct ctl_options *options, int argc,
                         char **argv)
{
    (void)argc;
    return act(client, options, argv[0], "cancel");
}

enum ctl_exit ctl_delete(struct client *client, const struct ctl_options *options, int argc,
                         char **argv)
{
    (void)argc;
    char *path = client_path(client, "/studies/%s", argv[0]);
    enum ctl_exit result = client_call(client, "DELETE", path ? path : "", NULL, NULL, NULL);
    free(path);
    if (result == CTL_OK && !options->json)
        printf("Study %s deleted\n", argv[0]);
    return result;
}
