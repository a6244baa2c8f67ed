// Answers. Each function sets the request's one answer; the first one given stays.
#ifndef TUNERD_COORDINATOR_HTTP_REPLY_H
#define TUNERD_COORDINATOR_HTTP_REPLY_H

#include "coordinator/http/readers.h"
#include "coordinator/http/server.h"

// Takes what `text` holds (500 when it failed) as application/json.
void reply_text(struct request *request, int status, struct buf *text);
// Takes the malloc'ed bytes.
void reply_bytes(struct request *request, int status, const char *type, char *bytes, size_t len);
// Bytes that outlive the server.
void reply_static(struct request *request, int status, const char *type, const void *bytes,
                  size_t len);
void reply_empty(struct request *request, int status);

// application/problem+json (RFC 9457). Pointers in errors[] become "pointer" ("/…"), "parameter"
// ("?name") or "header" ("#Name").
void reply_faults(struct request *request, int status, const struct faults *faults);
// status 0: the code's own.
void reply_error(struct request *request, int status, const struct error *err);
void reply_fail(struct request *request, int status, enum code code, const char *pointer,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

// The end of a request that reads the store: gives the reader back, then answers with `text`, or with
// the error when `code` is one.
void reply_read(struct request *request, struct reader *reader, int status, enum code code,
                const struct error *err, struct buf *text);

// Adds a header to the answer given.
void reply_header(struct request *request, const char *name, const char *value);

// A body made piece by piece, so that memory stays bounded whatever its size. `fill` appends some of it
// (it takes a reader and gives it back); MORE: call again, DONE: this was the last, BROKEN: cut the
// connection, since the status is sent already.
enum fill { FILL_MORE, FILL_DONE, FILL_BROKEN };
struct producer {
    enum fill (*fill)(void *state, struct buf *out);
    void (*drop)(void *state);
};
// Takes over state. size: of all of it, MHD_SIZE_UNKNOWN where nobody can tell.
void reply_produced(struct request *request, const char *type, uint64_t size,
                    const struct producer *producer, void *state);
// A response of one's own making (event streams); takes it over, adds the common headers.
void reply_response(struct request *request, int status, const char *type,
                    struct MHD_Response *response);

#endif
