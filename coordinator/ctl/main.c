// tunerctl: the coordinator's HTTP API in a terminal.
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "common/options.h"
#include "coordinator/ctl/ctl.h"

static const struct ctl_command commands[] = {
    {"submit", "FILE", "send a study (- reads standard input)", 1, 1, ctl_submit},
    {"watch", "STUDY", "follow a study until it ends", 1, 1, ctl_watch},
    {"list", "", "studies, newest first", 0, 0, ctl_list},
    {"show", "STUDY", "one study", 1, 1, ctl_show},
    {"trials", "STUDY", "its trials", 1, 1, ctl_trials},
    {"best", "STUDY", "its best hyperparameters", 1, 1, ctl_best},
    {"pause", "STUDY", "start no further executions", 1, 1, ctl_pause},
    {"resume", "STUDY", "go on", 1, 1, ctl_resume},
    {"stop", "STUDY", "let what runs finish, then end", 1, 1, ctl_stop},
    {"cancel", "STUDY", "end it at once", 1, 1, ctl_cancel},
    {"delete", "STUDY", "remove it with its trials", 1, 1, ctl_delete},
    {"replay", "STUDY", "compute its search's decisions again", 1, 1, ctl_replay},
    {"export", "STUDY", "all trials as CSV or JSON", 1, 1, ctl_export},
    {"workers", "[drain ID]", "the fleet", 0, 2, ctl_workers},
    {"datasets", "[list | add NAME FILE… | remove NAME]", "data sets", 0, -1, ctl_datasets},
};
enum { NCOMMANDS = sizeof commands / sizeof commands[0] };

// Flags may stand anywhere; the option reader wants them in front. A new argv, or NULL.
static char **flags_first(const struct option_spec *specs, int nspecs, int argc, char **argv)
{
    char **sorted = calloc((size_t)argc + 2, sizeof *sorted);
    char **words = calloc((size_t)argc + 1, sizeof *words);
    int n = 0, nwords = 0;
    for (int i = 0; sorted && words && i < argc; i++) {
        bool flag = i > 0 && argv[i][0] == '-' && argv[i][1] != '\0';
        if (!flag && i > 0) {
            words[nwords++] = argv[i];
            continue;
        }
        sorted[n++] = argv[i];
        bool takes_value = flag && !strchr(argv[i], '=');
        for (int k = 0; k < nspecs && takes_value; k++)
            if (argv[i][1] == '-' && strcmp(argv[i] + 2, specs[k].name) == 0 &&
                specs[k].type == OPTION_BOOL)
                takes_value = false;
        if (flag && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "--version") == 0 ||
                     strcmp(argv[i], "-h") == 0))
            takes_value = false;
        if (takes_value && i + 1 < argc)
            sorted[n++] = argv[++i];
    }
    for (int i = 0; sorted && words && i < nwords; i++)
        sorted[n++] = words[i];
    free(words);
    return sorted;
}

static char *usage_text(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    fprintf(out, "tunerctl [OPTIONS] COMMAND …: drives a tunerd coordinator\n\nCommands:\n");
    for (int i = 0; i < NCOMMANDS; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", commands[i].name, commands[i].arguments);
        fprintf(out, "  %-48s %s\n", left, commands[i].help);
    }
    fprintf(out, "\nExit status: 0 done, 1 refused or failed, 2 usage, 3 no connection.");
    return fclose(out) == 0 ? text : NULL;
}

static enum ctl_exit run(const struct ctl_options *options, int argc, char **argv)
{
    const struct ctl_command *command = commands;
    if (argc == 0) {
        fprintf(stderr, "tunerctl: no command; --help lists them\n");
        return CTL_USAGE;
    }
    while (command < commands + NCOMMANDS && strcmp(command->name, argv[0]) != 0)
        command++;
    if (command == commands + NCOMMANDS) {
        fprintf(stderr, "tunerctl: there is no command '%s'; --help lists them\n", argv[0]);
        return CTL_USAGE;
    }
    argc--;
    argv++;
    if (argc < command->least || (command->most >= 0 && argc > command->most)) {
        fprintf(stderr, "tunerctl: usage: tunerctl %s %s\n", command->name, command->arguments);
        return CTL_USAGE;
    }
    struct client *client = client_new(options->server, options->token_file);
    if (!client)
        return CTL_USAGE;
    enum ctl_exit result = command->run(client, options, argc, argv);
    client_free(client);
    return result;
}

int main(int argc, char **argv)
{
    struct ctl_options o = {0};
    const struct option_spec specs[] = {
        {"server", OPTION_STRING, &o.server, "http://127.0.0.1:8080", 0, 0, "URL",
         "the coordinator"},
        {"token-file", OPTION_STRING, &o.token_file, NULL, 0, 0, "FILE", "its token"},
        {"json", OPTION_BOOL, &o.json, NULL, 0, 0, NULL, "print answers as JSON"},
        {"watch", OPTION_BOOL, &o.watch, NULL, 0, 0, NULL, "submit: then follow the study"},
        {"validate-only", OPTION_BOOL, &o.validate, NULL, 0, 0, NULL, "submit: check only"},
        {"state", OPTION_STRING, &o.state, NULL, 0, 0, "STATES", "list, trials: only these"},
        {"sort", OPTION_STRING, &o.sort, NULL, 0, 0, "FIELDS", "trials: -score,number …"},
        {"limit", OPTION_INTEGER, &o.limit, "0", 0, 1000000000, "N", "trials, best: how many"},
        {"format", OPTION_STRING, &o.format, NULL, 0, 0, "FORMAT",
         "export: csv, json; datasets add: idx, csv, npy, npz"},
        {"target", OPTION_STRING, &o.target, NULL, 0, 0, "COLUMN", "datasets add: the label"},
        {"class-names", OPTION_STRING, &o.class_names, NULL, 0, 0, "A,B,…",
         "datasets add: names of the labels 0, 1, …"},
        {"output", OPTION_STRING, &o.output, NULL, 0, 0, "FILE", "export: write there"},
    };
    enum { NSPECS = sizeof specs / sizeof specs[0] };
    struct error err = {.message = "out of memory"};
    bool exit_now = false;
    int rest = 0, result = CTL_USAGE;
    char *usage = usage_text(), **sorted = flags_first(specs, NSPECS, argc, argv);
    enum code code = E_MEMORY;
    if (usage && sorted)
        code = options_parse(specs, NSPECS, usage, NULL, argc, sorted, &rest, &exit_now, &err);
    if (code)
        fprintf(stderr, "tunerctl: %s\n", err.message);
    else
        result = exit_now ? CTL_OK : run(&o, argc - rest, sorted + rest);
    options_free(specs, NSPECS);
    free(sorted);
    free(usage);
    return result;
}
