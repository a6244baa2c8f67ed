// Errors as values. A function that can fail returns an enum code (OK is 0) and fills a struct
// error in the user's words; only main() prints and exits. After an error outputs are untouched.
#ifndef TUNERD_COMMON_ERROR_H
#define TUNERD_COMMON_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

// code, name, HTTP status it maps to, title (RFC 9457)
#define ERROR_CODES(X)                                                                             \
    X(OK, "ok", 200, "OK")                                                                         \
    X(E_SYNTAX, "syntax", 400, "Malformed document")                                               \
    X(E_TYPE, "type", 422, "Wrong type")                                                           \
    X(E_RANGE, "range", 422, "Value out of range")                                                 \
    X(E_UNKNOWN, "unknown", 422, "Unknown name")                                                   \
    X(E_MISSING, "missing", 422, "Missing value")                                                  \
    X(E_INVALID, "invalid", 422, "The document does not hold")                                     \
    X(E_CONFLICT, "conflict", 409, "Conflict")                                                     \
    X(E_STATE, "state", 409, "Not possible in this state")                                         \
    X(E_NOT_FOUND, "not_found", 404, "Not found")                                                  \
    X(E_DENIED, "denied", 403, "Denied")                                                           \
    X(E_LIMIT, "limit", 413, "Too large")                                                          \
    X(E_METHOD, "method", 405, "Method not allowed")                                               \
    X(E_MEDIA, "media_type", 415, "Unsupported media type")                                        \
    X(E_TOKEN, "token", 401, "Token needed")                                                       \
    X(E_RATE, "rate", 429, "Too many requests")                                                    \
    X(E_BUSY, "busy", 503, "Not available now")                                                    \
    X(E_MEMORY, "memory", 500, "Out of memory")                                                    \
    X(E_IO, "io", 500, "Input/output error")                                                       \
    X(E_DISK, "disk", 507, "A file cannot be written")                                             \
    X(E_STORE, "store", 500, "Store error")                                                        \
    X(E_PROTOCOL, "protocol", 400, "Protocol error")                                               \
    X(E_DIVERGED, "diverged", 422, "Training diverged")                                            \
    X(E_INTERNAL, "internal", 500, "Internal error")

enum code {
#define X(code, name, status, title) code,
    ERROR_CODES(X)
#undef X
};

struct error {
    enum code code;
    char pointer[256]; // JSON pointer into the document at fault, "" where none applies
    char message[512]; // what was wrong and what to do, without a final full stop
};

// Fills err (which may be NULL) and returns the code, so that a check is one line:
//     return fail(err, E_RANGE, "/tuner/factor", "factor is %d; use 2 or more", factor);
enum code fail(struct error *err, enum code code, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#ifdef __clang_analyzer__
// Static analysis of one file does not see that fail() gives what it was given, never OK.
#define fail(err, code, ...) (fail(err, code, __VA_ARGS__), (code))
#endif

const char *code_name(enum code code);
const char *code_title(enum code code);
int code_http_status(enum code code);

// Every fault of a document at once. Keeps the first FAULTS_MAX; `count` goes on counting. When there
// is no memory for the list it holds one E_MEMORY and no more. Not to be copied.
enum { FAULTS_MAX = 64 };
struct faults {
    int count;
    struct error *items;  // [min(count, FAULTS_MAX)], owned
    struct error reserve; // what items points to when memory ran out
};
void faults_init(struct faults *faults);
void faults_fini(struct faults *faults);
// Adds one; returns the code. faults may be NULL.
enum code fault(struct faults *faults, enum code code, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// Adds one unless the very same is there already (a place in a repeat is checked several times).
enum code fault_once(struct faults *faults, enum code code, const char *pointer, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));
void faults_add(struct faults *faults, const struct error *err);

#endif
