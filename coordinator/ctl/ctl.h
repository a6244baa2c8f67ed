// What tunerctl's commands share.
#ifndef TUNERD_COORDINATOR_CTL_CTL_H
#define TUNERD_COORDINATOR_CTL_CTL_H

#include "coordinator/ctl/client.h"

struct ctl_options {
    char *server, *token_file;
    bool json;             // print answers as they came
    bool watch, validate;  // submit
    char *state, *sort;    // list, trials
    int64_t limit;         // trials, best
    char *format, *output; // export; format and target also: datasets add
    char *target, *class_names;
};

struct ctl_command {
    const char *name, *arguments, *help;
    int least, most; // arguments; most -1: any number
    enum ctl_exit (*run)(struct client *client, const struct ctl_options *options, int argc,
                         char **argv);
};

// studies.c
enum ctl_exit ctl_submit(struct client *, const struct ctl_options *, int argc, char **argv);
enum ctl_exit ctl_list(struct client *, const struct ctl_options *, int argc, char **argv);
enum ctl_exit ctl_show(struct client *, const struct ctl_options *, int argc, char **argv);
enum ctl_exit ctl_pause(struct client *, const struct ctl_options *, int argc, char **argv);
enum ctl_exit ctl_resume(struct client *, const struct ctl_options *, int argc, char **argv);
enum ctl_exit ctl_stop(struct client *, const struct ctl_options *, int argc, char **argv);
enum ctl_exit ctl_cancel(struct client *, const struct ctl_options *, int argc, char **argv);
enum ctl_exit ctl_delete(struct client *, const struct ctl_options *, int argc, char **argv);
// trials.c
enum ctl_exit ctl_trials(struct client *, const struct ctl_options *, int argc, char **argv);
enum ctl_exit ctl_best(struct client *, const struct ctl_options *, int argc, char **argv);
enum ctl_exit ctl_replay(struct client *, const struct ctl_options *, int argc, char **argv);
enum ctl_exit ctl_export(struct client *, const struct ctl_options *, int argc, char **argv);
// fleet.c
enum ctl_exit ctl_workers(struct client *, const struct ctl_options *, int argc, char **argv);
enum ctl_exit ctl_datasets(struct client *, const struct ctl_options *, int argc, char **argv);
// watch.c
enum ctl_exit ctl_watch(struct client *, const struct ctl_options *, int argc, char **argv);

// show.c: answers as text.
//
// A value as a person writes it: strings without quotes, numbers as short as they read back, null as "-".
// malloc'ed, "" when out of memory is not NULL.
char *show_value(const cJSON *value);
// {"a": 1, "b": 2} as "a=1 b=2"; malloc'ed.
char *show_pairs(const cJSON *object);
// A table: rows added cell by cell (each copied), printed with columns as wide as their widest cell.
struct show_table {
    int ncolumns;
    size_t ncells, room;
    char **cells;
};
void show_begin(struct show_table *table, int ncolumns, const char *const *headings);
void show_cell(struct show_table *table, const char *text);
void show_json(struct show_table *table, const cJSON *value); // a cell of show_value()
void show_end(struct show_table *table, FILE *out);           // prints (not to NULL) and frees
// Name of the study's objective; lives as long as the study.
const char *show_objective(const cJSON *study);
// Study: name, state, progress, best; for show and for the end of a watch.
void show_study(const cJSON *study, FILE *out);
// The best trial's hyperparameters, one a line, and, from its report (may be NULL), the test metrics.
void show_best(const cJSON *study, const cJSON *report, FILE *out);

// progress.c: the line of a watch. `epoch` may be NULL: the newest epoch event's data. width: of the
// terminal; the line never exceeds it. malloc'ed.
char *progress_line(const cJSON *study, const cJSON *epoch, int width);

#endif
