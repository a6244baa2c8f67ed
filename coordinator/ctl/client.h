// The coordinator's HTTP API through libcurl, for a terminal: what goes wrong is told in words on stderr,
// and every function gives the exit status that fits.
#ifndef TUNERD_COORDINATOR_CTL_CLIENT_H
#define TUNERD_COORDINATOR_CTL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/json.h"

enum ctl_exit {
    CTL_OK = 0,
    CTL_REFUSED = 1, // the coordinator said no, or the study failed
    CTL_USAGE = 2,
    CTL_NO_CONNECTION = 3,
};

struct client;

// token_file NULL: none. NULL after telling why not.
struct client *client_new(const char *server, const char *token_file);
void client_free(struct client *client);

// One exchange below /api/v1. Parts of a path that are names go through client_path(). `body` is JSON text
// or NULL. *text, malloc'ed, is the answer's body (may be NULL when it is not wanted); *status (may be NULL)
// its HTTP status. A problem is printed, with every place it names.
enum ctl_exit client_call(struct client *client, const char *method, const char *path,
                          const char *body, char **text, int *status);
// The same, reading the answer as JSON; the tree is the caller's.
enum ctl_exit client_json(struct client *client, const char *method, const char *path,
                          const char *body, cJSON **tree);
// As client_json() for a GET, but a 404 gives CTL_OK and NULL, silently.
enum ctl_exit client_find(struct client *client, const char *path, cJSON **tree);
// PUTs a file; `shown` (stderr when it is a terminal) gets the progress.
enum ctl_exit client_upload(struct client *client, const char *path, const char *file);
// GETs into `out` as it comes.
enum ctl_exit client_download(struct client *client, const char *path, FILE *out);

// A stream without end. `data` gets the bytes, `idle` is called about twice a second; each returns false to
// end. after: sent as Last-Event-ID unless negative. CTL_OK: ended by them; CTL_NO_CONNECTION: it broke
// (told nowhere); CTL_REFUSED: told.
struct client_stream {
    bool (*data)(void *context, const char *bytes, size_t len);
    bool (*idle)(void *context);
    void *context;
};
enum ctl_exit client_stream(struct client *client, const char *path, long long after,
                            const struct client_stream *stream);

// printf for paths: each %s is escaped as one segment or query value. malloc'ed; NULL when out of memory.
char *client_path(struct client *client, const char *format, ...);

#endif
