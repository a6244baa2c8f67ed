// tunerctl workers, datasets.
#include <stdlib.h>
#include <string.h>

#include "coordinator/ctl/ctl.h"

// Prints the raw answer with --json, else reads it; *tree is NULL then.
static enum ctl_exit get(struct client *client, const struct ctl_options *options, const char *path,
                         cJSON **tree)
{
    char *text = NULL;
    enum ctl_exit result = CTL_OK;
    *tree = NULL;
    if (!options->json)
        return client_json(client, "GET", path, NULL, tree);
    result = client_call(client, "GET", path, NULL, &text, NULL);
    if (result == CTL_OK)
        printf("%s\n", text);
    free(text);
    return result;
}

static enum ctl_exit drain(struct client *client, const char *id)
{
    char *path = client_path(client, "/workers/%s/drain", id);
    enum ctl_exit result = client_call(client, "POST", path ? path : "", "{}", NULL, NULL);
    free(path);
    if (result == CTL_OK)
        printf("Worker %s finishes what it runs and leaves\n", id);
    return result;
}

enum ctl_exit ctl_workers(struct client *client, const struct ctl_options *options, int argc,
                          char **argv)
{
    static const char *const headings[] = {"ID",    "NAME",    "HOST",           "STATE",
                                           "SLOTS", "RUNNING", "LAST HEARTBEAT", "VERSION"};
    if (argc == 2 && strcmp(argv[0], "drain") == 0)
        return drain(client, argv[1]);
    if (argc > 0) {
        fprintf(stderr, "tunerctl: workers takes nothing, or drain ID\n");
        return CTL_USAGE;
    }
    cJSON *answer = NULL;
    const cJSON *worker;
    enum ctl_exit result = get(client, options, "/workers", &answer);
    if (result != CTL_OK || options->json)
        return result;
    struct show_table table;
    show_begin(&table, 8, headings);
    cJSON_ArrayForEach(worker, json_member(answer, "workers"))
    {
        char running[32];
        snprintf(running, sizeof running, "%d", cJSON_GetArraySize(json_member(worker, "running")));
        show_json(&table, json_member(worker, "id"));
        show_json(&table, json_member(worker, "name"));
        show_json(&table, json_member(worker, "host"));
        show_json(&table, json_member(worker, "state"));
        show_json(&table, json_member(worker, "slots"));
        show_cell(&table, running);
        show_json(&table, json_member(worker, "last_heartbeat"));
        show_json(&table, json_member(worker, "version"));
    }
    show_end(&table, stdout);
    cJSON_ArrayForEach(worker, json_member(answer, "workers"))
    {
        const char *trouble = json_string_or(worker, "trouble", NULL);
        if (trouble)
            printf("%s: %s\n", json_string_or(worker, "name", ""), trouble);
    }
    cJSON_Delete(answer);
    return CTL_OK;
}

static enum ctl_exit list_datasets(struct client *client, const struct ctl_options *options)
{
    static const char *const headings[] = {"NAME", "STATE", "SAMPLES", "TEST", "CLASSES", "FILES"};
    cJSON *answer = NULL;
    const cJSON *set;
    enum ctl_exit result = get(client, options, "/datasets", &answer);
    if (result != CTL_OK || options->json)
        return result;
    struct show_table table;
    show_begin(&table, 6, headings);
    cJSON_ArrayForEach(set, json_member(answer, "datasets"))
    {
        const cJSON *info = json_member(set, "info");
        char files[32];
        snprintf(files, sizeof files, "%d", cJSON_GetArraySize(json_member(set, "files")));
        show_json(&table, json_member(set, "name"));
        show_json(&table, json_member(set, "state"));
        show_json(&table, json_member(info, "train_samples"));
        show_json(&table, json_member(info, "test_samples"));
        show_json(&table, json_member(info, "classes"));
        show_cell(&table, files);
    }
    show_end(&table, stdout);
    cJSON_Delete(answer);
    return CTL_OK;
}

// A list from "a,b,c".
static bool add_class_names(cJSON *source, const char *text)
{
    cJSON *list = cJSON_AddArrayToObject(source, "class_names");
    char *copy = strdup(text), *rest = copy, *name;
    bool good = list && copy;

    while (good && (name = strsep(&rest, ",")))
        good = cJSON_AddItemToArray(list, cJSON_CreateString(name));
    free(copy);
    return good;
}

static enum ctl_exit register_dataset(struct client *client, const struct ctl_options *options,
                                      const char *name)
{
    cJSON *source = cJSON_CreateObject(), *answer = NULL;
    bool good = source != NULL;
    if (good && options->format)
        good = cJSON_AddStringToObject(source, "format", options->format) != NULL;
    if (good && options->target)
        good = cJSON_AddStringToObject(source, "target", options->target) != NULL;
    if (good && options->class_names)
        good = add_class_names(source, options->class_names);
    char *body = good ? json_write(source) : NULL;
    char *path = client_path(client, "/datasets/%s", name);
    enum ctl_exit result = CTL_REFUSED;
    if (body && path)
        result = client_json(client, "POST", path, body, &answer);
    if (result == CTL_OK && options->json) {
        char *text = json_write(answer);
        printf("%s\n", text ? text : "");
        free(text);
    } else if (result == CTL_OK) {
        char *info = show_pairs(json_member(answer, "info"));
        printf("Data set %s registered: %s\n", name, info);
        free(info);
    }
    free(path);
    free(body);
    cJSON_Delete(answer);
    cJSON_Delete(source);
    return result;
}

static enum ctl_exit add_dataset(struct client *client, const struct ctl_options *options, int argc,
                                 char **argv)
{
    enum ctl_exit result = CTL_OK;
    for (int i = 1; i < argc && result == CTL_OK; i++) {
        const char *slash = strrchr(argv[i], '/');
        char *path = client_path(client, "/datasets/%s/%s", argv[0], slash ? slash + 1 : argv[i]);
        result = client_upload(client, path ? path : "", argv[i]);
        free(path);
    }
    return result == CTL_OK ? register_dataset(client, options, argv[0]) : result;
}

static enum ctl_exit remove_dataset(struct client *client, const char *name)
{
    char *path = client_path(client, "/datasets/%s", name);
    enum ctl_exit result = client_call(client, "DELETE", path ? path : "", NULL, NULL, NULL);
    free(path);
    if (result == CTL_OK)
        printf("Data set %s removed\n", name);
    return result;
}

enum ctl_exit ctl_datasets(struct client *client, const struct ctl_options *options, int argc,
                           char **argv)
{
    if (argc == 0 || (argc == 1 && strcmp(argv[0], "list") == 0))
        return list_datasets(client, options);
    if (argc >= 3 && strcmp(argv[0], "add") == 0)
        return add_dataset(client, options, argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[0], "remove") == 0)
        return remove_dataset(client, argv[1]);
    fprintf(stderr, "tunerctl: datasets takes list, add NAME FILE…, or remove NAME\n");
    return CTL_USAGE;
}
