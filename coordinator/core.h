// The core: the one thread that owns all study state. Everything that changes something is a command
// handed to it; the answer comes after the transaction that holds the change is durable. It polls the
// ROUTER socket, its command queue, the writer's and the search thread's news, and the time of the next
// lease to expire; it never blocks on any of them.
#ifndef TUNERD_COORDINATOR_CORE_H
#define TUNERD_COORDINATOR_CORE_H

#include <stdint.h>

#include "common/error.h"
#include "common/json.h"
#include "common/study_spec.h"

struct core;

struct core_options {
    const char *state_dir;
    const char *worker_listen;     // "tcp://127.0.0.1:5670"
    const char *key, *worker_keys; // files (common/keys.h); both NULL: no keys
    double lease_s, heartbeat_s;
    double client_lease_s; // of POST …/suggest; a measurement renews it
    int models_kept;       // trained weights: of so many best trials a study
};

enum command_kind {
    COMMAND_CREATE_STUDY, // spec
    COMMAND_PAUSE,
    COMMAND_RESUME,
    COMMAND_STOP,
    COMMAND_CANCEL,
    COMMAND_PATCH_STUDY, // body: the fields to change, checked by the core
    COMMAND_DELETE_STUDY,
    COMMAND_ADD_TRIAL,        // body: {"hyperparameters"}
    COMMAND_SUGGEST,          // body: {"count", "client_id"}
    COMMAND_MEASUREMENT,      // trial, body: {"epoch", "metrics"}
    COMMAND_COMPLETE,         // trial, body: {"metrics"} or {"infeasible_reason"}
    COMMAND_LIST_WORKERS,     // answer: {"workers": […]}, from memory
    COMMAND_DRAIN_WORKER,     // name: the worker's id
    COMMAND_ADD_DATASET_FILE, // name, body: {"file", "sha256", "size"}; the blob is in place already
    COMMAND_REGISTER_DATASET, // name, body: the source; inspected beside the core, not on it
    COMMAND_DELETE_DATASET,
};

struct command {
    enum command_kind kind;
    char *name; // study, worker or data set; owned
    int trial;
    cJSON *body;             // owned; may be NULL
    struct study_spec *spec; // CREATE_STUDY, parsed on the HTTP thread; owned
    char *idempotency_key;   // or NULL: a repeated command is answered from the store
    char digest[65];         // SHA-256 of method, path and body, with a key
};
void command_free(struct command *command); // one that was never submitted

struct answer {
    int status;            // HTTP status
    char *location;        // or NULL; owned by the answer
    char *body;            // JSON text or NULL (204); owned by the answer
    struct faults *faults; // set for an error: becomes problem+json; owned by the answer
};
void answer_free(struct answer *answer);

// Opens the store (migrating it), rebuilds all state from it and starts the threads.
enum code core_start(const struct core_options *options, struct core **out, struct error *err);
// Stops cleanly: no new commands (E_BUSY), what is committed is answered. Joins the threads.
void core_stop(struct core *core);
// True while commands are taken and the store can be written.
bool core_ready(const struct core *core);

// Takes the command and its strings. `done` runs on the core thread, exactly once, after the commit;
// it must not block and takes over the answer.
typedef void (*core_done)(void *context, struct answer *answer);
void core_submit(struct core *core, struct command *command, core_done done, void *context);

// `news` runs on the core thread after each commit that added events, with the newest sequence number:
// readers then find them in the store. Set before core_start's threads have anything to say: once.
void core_on_events(struct core *core, void (*news)(void *context, int64_t newest), void *context);

// Counters for GET /metrics, as Prometheus text appended to a malloc'ed string; thread-safe.
char *core_metrics_text(struct core *core);

#endif
