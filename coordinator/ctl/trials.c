// tunerctl trials, best, replay, export.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/ctl/ctl.h"

static void add_trial(struct show_table *table, const cJSON *trial)
{
    char *pairs = show_pairs(json_member(trial, "hyperparameters"));
    show_json(table, json_member(trial, "number"));
    show_json(table, json_member(trial, "state"));
    show_json(table, json_member(trial, "score"));
    show_json(table, json_member(trial, "best_epoch"));
    show_cell(table, pairs);
    show_json(table, json_member(trial, "reason"));
    free(pairs);
}

static void print_line(const cJSON *item)
{
    char *line = json_write(item);
    printf("%s\n", line ? line : "");
    free(line);
}

// One page into the table, or as lines of JSON; gives the next page's token, malloc'ed, or NULL.
static char *take_page(const cJSON *page, const struct ctl_options *options, int64_t *left,
                       struct show_table *table)
{
    const cJSON *trial;
    cJSON_ArrayForEach(trial, json_member(page, "trials"))
    {
        if (*left == 0)
            return NULL;
        if (options->json)
            print_line(trial);
        else
            add_trial(table, trial);
        *left -= *left > 0;
    }
    const char *next = json_string_or(page, "next_page_token", NULL);
    return next && *left != 0 ? strdup(next) : NULL;
}

enum ctl_exit ctl_trials(struct client *client, const struct ctl_options *options, int argc,
                         char **argv)
{
    static const char *const headings[] = {"TRIAL",      "STATE",           "SCORE",
                                           "BEST EPOCH", "HYPERPARAMETERS", "REASON"};
    int64_t left = options->limit > 0 ? options->limit : -1;
    struct show_table table = {0};
    char *token = strdup("");
    enum ctl_exit result = CTL_OK;
    (void)argc;
    if (!options->json)
        show_begin(&table, 6, headings);
    while (token && result == CTL_OK) {
        cJSON *page = NULL;
        char *path = client_path(
            client, "/studies/%s/trials?page_size=500&state=%s&sort=%s&page_token=%s", argv[0],
            options->state ? options->state : "", options->sort ? options->sort : "", token);
        result = client_json(client, "GET", path ? path : "", NULL, &page);
        free(path);
        free(token);
        token = result == CTL_OK ? take_page(page, options, &left, &table) : NULL;
        cJSON_Delete(page);
    }
    free(token);
    if (!options->json)
        show_end(&table, result == CTL_OK ? stdout : NULL);
    return result;
}

enum ctl_exit ctl_best(struct client *client, const struct ctl_options *options, int argc,
                       char **argv)
{
    char count[32];
    (void)argc;
    snprintf(count, sizeof count, "%lld", (long long)(options->limit > 0 ? options->limit : 1));
    char *path = client_path(client, "/studies/%s/best?num_trials=%s", argv[0], count),
         *text = NULL;
    struct error err;
    enum ctl_exit result = client_call(client, "GET", path ? path : "", NULL, &text, NULL);
    free(path);
    if (result != CTL_OK)
        return result;
    cJSON *answer = json_read(text, strlen(text), NULL, &err);
    const cJSON *trial, *trials = json_member(answer, "trials");
    if (options->json) {
        printf("%s\n", text);
    } else if (cJSON_GetArraySize(trials) == 0) {
        printf("No trial has completed yet\n");
    } else {
        static const char *const headings[] = {"TRIAL", "SCORE", "BEST EPOCH", "HYPERPARAMETERS"};
        struct show_table table;
        show_begin(&table, 4, headings);
        cJSON_ArrayForEach(trial, trials)
        {
            char *pairs = show_pairs(json_member(trial, "hyperparameters"));
            show_json(&table, json_member(trial, "number"));
            show_json(&table, json_member(trial, "score"));
            show_json(&table, json_member(trial, "best_epoch"));
            show_cell(&table, pairs);
            free(pairs);
        }
        show_end(&table, stdout);
    }
    cJSON_Delete(answer);
    free(text);
    return CTL_OK;
}

enum ctl_exit ctl_replay(struct client *client, const struct ctl_options *options, int argc,
                         char **argv)
{
    (void)argc;
    char *path = client_path(client, "/studies/%s/replay", argv[0]), *text = NULL;
    struct error err;
    enum ctl_exit result = client_call(client, "GET", path ? path : "", NULL, &text, NULL);
    free(path);
    if (result != CTL_OK)
        return result;
    cJSON *replay = json_read(text, strlen(text), NULL, &err);
    bool holds = json_bool_or(replay, "holds", false);
    if (options->json)
        printf("%s\n", text);
    else
        printf("%s: %lld of %lld decisions agree%s%s\n", argv[0],
               (long long)json_integer_or(replay, "agree", 0),
               (long long)json_integer_or(replay, "given", 0),
               holds ? "" : "; the first that differs: ",
               json_string_or(json_member(replay, "first_difference"), "detail", ""));
    cJSON_Delete(replay);
    free(text);
    return holds ? CTL_OK : CTL_REFUSED;
}

enum ctl_exit ctl_export(struct client *client, const struct ctl_options *options, int argc,
                         char **argv)
{
    (void)argc;
    const char *format = options->format ? options->format : options->json ? "json" : "csv";
    FILE *out = options->output ? fopen(options->output, "we") : stdout;
    if (!out) {
        fprintf(stderr, "tunerctl: cannot write %s: %s\n", options->output, strerror(errno));
        return CTL_USAGE;
    }
    char *path = client_path(client, "/studies/%s/export?format=%s", argv[0], format);
    enum ctl_exit result = client_download(client, path ? path : "", out);
    free(path);
    if (options->output && fclose(out) != 0 && result == CTL_OK) {
        fprintf(stderr, "tunerctl: cannot write %s: %s\n", options->output, strerror(errno));
        result = CTL_REFUSED;
    }
    return result;
}
