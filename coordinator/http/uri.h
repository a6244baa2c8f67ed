// A request target taken apart by ourselves, from its raw bytes: libmicrohttpd hands out paths already
// decoded, where %2F looks like a separator and %00 like the end.
#ifndef TUNERD_COORDINATOR_HTTP_URI_H
#define TUNERD_COORDINATOR_HTTP_URI_H

#include <stddef.h>

#include "common/error.h"

enum { URI_SEGMENTS_MAX = 10, URI_PARAMETERS_MAX = 16 };

struct uri {
    char *memory; // owned: what the pointers below point into
    int nsegments;
    char *segments[URI_SEGMENTS_MAX]; // decoded; "/a/b" is {"a", "b"}, "/" is {""}
    int nparameters;
    struct parameter {
        char *name, *value;
    } parameters[URI_PARAMETERS_MAX];
};

// Takes "/path?query" apart. Errors (E_SYNTAX, E_MEMORY): not beginning with "/", a bad escape, control
// bytes or NUL, too many segments or parameters, a parameter twice ("?name").
enum code uri_parse(const char *target, struct uri *out, struct error *err);
void uri_fini(struct uri *uri);
// NULL when absent.
const char *uri_parameter(const struct uri *uri, const char *name);

#endif
