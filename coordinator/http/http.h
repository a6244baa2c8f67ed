// The HTTP/JSON API of contract section 3, server-sent events and the dashboard's files, on
// libmicrohttpd. Reads come from read-only snapshots of the store; every change is a command to the
// core, answered after its commit. Loopback needs no token; any other address does.
#ifndef TUNERD_COORDINATOR_HTTP_H
#define TUNERD_COORDINATOR_HTTP_H

#include "common/error.h"
#include "coordinator/core.h"

struct http;

struct http_options {
    const char *listen;     // "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:8080"; port 0: any free one
    const char *hosts;      // further names it is reached by, "name[:port],…"; NULL: none
    const char *token_file; // NULL: no token, loopback only; made (0600) when it does not exist
    const char *state_dir;  // the store the core has opened; uploads go to state_dir/blobs
    int models_kept;        // as the core's, for words
};

// Binds and serves on threads of its own. `core` is running and outlives the server. The strings are
// copied. Errors: E_RANGE for the address, E_DENIED for an address or a token file that is not safe
// (and how to mend it), E_IO when the address is taken, E_MEMORY.
enum code http_start(const struct http_options *options, struct core *core, struct http **out,
                     struct error *err);
// The port it listens on.
int http_port(const struct http *http);
// Answers what is in flight at the core (which still runs: stop it afterwards), ends the event
// streams, closes everything, joins the threads.
void http_stop(struct http *http);

#endif
