// Inside of the server, shared by its files: what one running server holds, and one request's life.
//
//   first call        headers, address, access, route checked (refused early: body discarded, or
//                     the connection closed when the framing cannot be trusted)
//   more calls        the body gathered, or handed to the route's sink
//   last call         route->handle(): answers at once, or submits a command to the core and is
//                     suspended until its commit; then route->answered()
#ifndef TUNERD_COORDINATOR_HTTP_SERVER_H
#define TUNERD_COORDINATOR_HTTP_SERVER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "coordinator/core.h"
#include "coordinator/http/access.h"
#include "coordinator/http/buf.h"
#include "coordinator/http/clients.h"
#include "coordinator/http/headers.h"
#include "coordinator/http/http.h"
#include "coordinator/http/readers.h"
#include "coordinator/http/uri.h"

enum {
    SERVER_THREADS = 4,
    BODY_MAX = 4 << 20,     // a JSON body
    DISCARD_MAX = 64 << 20, // of a refused body, so that its sender gets to read the answer
    IN_FLIGHT_MAX = 4096,   // commands at the core
    ANSWER_MAX = 64 << 20,  // one answer in memory
    ANSWER_S = 60,          // to make and send one, from the end of its body
};

struct notifier;
struct request;

struct http {
    struct core *core;
    struct MHD_Daemon *daemon;
    int port;
    struct access access;
    struct readers *readers;
    struct clients clients;
    struct notifier *notifier;
    char *state_dir;
    int models_kept;
    pthread_mutex_t lock;
    pthread_cond_t idle; // one of the counts became 0
    bool beside;         // something runs in request_beside()
    int in_flight;       // commands at the core
    int streams;         // open event streams
    bool stopping;
    atomic_ullong answered[6]; // by status / 100
};

// A body taken as it comes instead of being gathered. Any of them may answer with reply_…: the rest of
// the body is then discarded.
struct sink {
    void (*begin)(struct request *request);
    void (*data)(struct request *request, const char *bytes, size_t len);
    void (*drop)(struct request *request); // frees request->sink_state; also after handle()
};

enum body_kind {
    BODY_NONE,  // none may be sent
    BODY_EMPTY, // none, or {}
    BODY_JSON,  // needed
    BODY_SINK,  // streamed, any content type
};

struct route {
    const char *method, *path; // "/api/v1/studies/{name}": names in braces match one segment
    enum body_kind body;
    const char *const *parameters; // query parameters it takes, ended by NULL; NULL: none
    void (*handle)(struct request *request);
    void (*answered)(struct request *request); // after a command; NULL: the core's body is all
    enum command_kind command;                 // for handlers that serve several routes
    const struct sink *sink;
    bool open; // needs no token
};

struct request {
    struct http *http;
    struct MHD_Connection *connection;
    struct client *client;
    const struct route *route;
    char *target; // as sent
    const char *method;
    struct uri uri;
    struct headers headers;
    const char *arguments[4]; // the path's segments in braces, in order
    enum { REQUEST_NEW, REQUEST_BODY, REQUEST_SUBMITTED, REQUEST_ANSWERED } phase;
    bool refused;    // before the body was read
    bool distrusted; // close the connection afterwards
    struct buf body;
    int64_t received; // bytes of the body
    void *sink_state;
    struct answer *answer; // the core's; NULL: none yet
    struct MHD_Response *response;
    int status;
};

// All that can be checked before the body: true, or false with an answer given (checks.c).
bool request_check(struct request *request, const char *version);
// Hands the calloc'ed command to the core and suspends the request; takes it over. Adds the
// idempotency key. The request goes on in route->answered().
void request_submit(struct request *request, struct command *command);
// The same for a command on the study, worker or data set that the path names; takes over body, which may
// be NULL.
void request_command(struct request *request, enum command_kind kind, int trial, cJSON *body);
// Runs `work` on a thread of its own, one in the whole server at a time (429 otherwise), while the request is
// suspended; what it wrote to `out` becomes the answer, or its error does.
typedef enum code (*beside_work)(struct request *request, struct buf *out, struct error *err);
void request_beside(struct request *request, beside_work work);
// The trial number in the path; false with 404 given when it is none.
bool request_trial(struct request *request, int64_t *number);
// The body as JSON; NULL with an answer given otherwise.
cJSON *request_json(struct request *request);

// The table, in routes.c. NULL: none; then *allow (in `allowed`, may be empty) names the methods that
// the path has.
const struct route *route_find(const char *method, const struct uri *uri, const char *arguments[4],
                               char allowed[64]);

// libmicrohttpd's entry points (request.c); context is the struct http.
enum MHD_Result request_handle(void *context, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_len, void **state);
void *request_begin(void *context, const char *target, struct MHD_Connection *connection);
void request_end(void *context, struct MHD_Connection *connection, void **state,
                 enum MHD_RequestTerminationCode why);

#endif
