// The inside of the core, shared by core*.c and dispatch/: what its thread owns and the few acts all of
// them use. Nothing in here is touched by another thread, but for what stands under `lock`.
#ifndef TUNERD_COORDINATOR_CORE_STATE_H
#define TUNERD_COORDINATOR_CORE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#define uthash_fatal(message) abort()
#include <uthash.h>

#include "coordinator/advisor.h"
#include "coordinator/beside.h"
#include "coordinator/core.h"
#include "coordinator/dispatch/fleet.h"
#include "coordinator/dispatch/lease.h"
#include "coordinator/dispatch/router.h"
#include "coordinator/spec.h"
#include "coordinator/store/store.h"
#include "coordinator/store/writer.h"
#include "coordinator/study/study.h"

struct checkpoint_entry { // newest checkpoint of an execution
    int64_t key;          // trial * executions + execution
    int epoch;
    char sha256[65];
    int64_t size;
    UT_hash_handle hh;
};

struct model_entry { // weights of an attempt that are kept
    int trial, execution, attempt, epoch;
    double objective;
};

struct held_study {
    int64_t id;
    struct study *study;
    struct spec *spec;
    struct checkpoint_entry *checkpoints;
    struct model_entry *models; // [nmodels]
    int nmodels, models_cap;
    bool models_due;            // a trial changed: look with the next group which are kept
    bool has_news;              // a study event is due with the next group
    int logged;                 // state the log last told of; -1 for none
    bool skip;                  // nothing to take in this round of scheduling
    double waited_s, waits_s;   // since when a slot waits for its search, before this round and
                                // after it; 0: none does
    UT_hash_handle hh, by_name; // by id; by name
    struct held_study *prev, *next;
};

struct dataset_entry {
    char *name;
    char *source, *info, *state; // as in the store
    int64_t created_ms;
    int nfiles;
    struct dataset_entry_file {
        char *file, sha256[65];
        int64_t size;
    } * files;
    bool busy; // being inspected
    UT_hash_handle hh;
};

// A command on its way, until its answer.
struct request {
    struct command *command;
    core_done done;
    void *context;
    double since;
    struct request *prev, *next;
};

// What is done once a group is durable, in order.
struct after {
    char *worker, *header; // send this
    size_t len;
    core_done done; // or answer this
    void *context;
    struct answer *answer;
    char *log;     // or log this, of a study
    char *key;     // the idempotency key that is no longer in flight
    int64_t study; // that is stored now; 0: none
    struct after *next;
};

// What is committed together.
struct group {
    struct batch *batch;
    struct after *after, *last;
    int64_t newest_event; // 0: none
};

struct flying_key {
    char *key;
    UT_hash_handle hh;
};

struct upload;

enum counter {
    COUNTER_COMMITS,
    COUNTER_TRIALS_ENDED,
    COUNTER_EXECUTIONS_STARTED,
    COUNTER_EXECUTIONS_LOST,
    COUNTER_EPOCHS,
    COUNTER_MESSAGES,
    COUNTER_REFUSED,
    COUNTER_COMMANDS,
    COUNTER_STORE_FAILURES,
    GAUGE_WORKERS,
    GAUGE_SLOTS,
    GAUGE_SLOTS_BUSY,
    GAUGE_STUDIES_RUNNING,
    COUNTERS
};

// How long a slot or a client waits for the search.
#define CORE_PATIENCE_S 0.25

struct core {
    char *state_dir;
    double lease_s, heartbeat_s, client_lease_s;
    int models_kept; // a study
    char store_id[33];
    struct store *store;
    struct writer *writer;
    struct advisor *advisor;
    struct beside *beside; // inspects data sets
    struct beside *chunks; // reads chunks of files, in order
    sqlite3 *reader;
    struct router *router;
    // How words reach a worker: router_send(), or a simulated network.
    void (*send)(void *context, const char *worker, const char *header, size_t header_len,
                 const void *payload, size_t payload_len);
    void *send_context;
    int wake; // eventfd
    pthread_t thread;
    bool started;

    struct moment now;
    struct held_study *studies, *by_name, *list;
    struct dataset_entry *datasets;
    struct fleet fleet;
    struct leases *leases, *client_leases;
    struct upload *uploads;
    struct group *group, *flight; // gathering; at the writer
    struct request *asking;       // SUGGEST commands that wait for the search
    struct flying_key *flying;
    struct effects fx;
    int64_t last_study, last_event, opening;
    double tick_s, retry_s; // next look at the fleet; after a failed commit, when to go on
    double patience_s;      // when the next slot or client has waited for the search long enough
    double collect_s;       // when to look for blobs without a name again
    bool collect;           // with the next group

    atomic_bool ready;
    atomic_llong counters[COUNTERS];
    pthread_mutex_t lock; // of what follows
    bool ends;
    struct request *submitted;
    pthread_mutex_t news_lock;
    void (*news)(void *context, int64_t newest);
    void *news_context;
};

// core_groups.c
struct group *core_group_new(void);
void core_group_free(struct group *group);
// What is to be committed next, as core->flight; NULL: nothing, or one is on its way. What had nothing to
// be stored has been said.
struct batch *core_depart(struct core *core);
// The flight's outcome (its batch is freed by then). After a failure all state is read back.
void core_land(struct core *core, enum code code, const struct error *err);
void core_take_advice(struct core *core);
void core_tick(struct core *core);
struct answer *core_unavailable(const struct error *err);
void core_answer(struct core *core, struct request *request, struct answer *answer);
void core_send_after(struct core *core, const char *worker, cJSON *message);
void core_log_after(struct core *core, char *text); // taken
// The advisor is told that the study is stored when this group is.
void core_stored_after(struct core *core, int64_t study);
void core_put(struct core *core, enum row_act act, enum row_table table, const void *row);
static inline void core_count(struct core *core, enum counter counter, long long n)
{
    atomic_fetch_add_explicit(&core->counters[counter], n, memory_order_relaxed);
}

// core_effects.c
void core_carry_out(struct core *core, struct held_study *held); // the effects in core->fx
void core_publish(struct core *core, const char *kind, int64_t study_id, cJSON *body);
void core_flush_news(struct core *core);
void core_add_study(struct core *core, struct held_study *held);
void core_remove_study(struct core *core, struct held_study *held);
struct held_study *core_find_study(struct core *core, const char *name);
struct held_study *core_study_by_id(struct core *core, int64_t id);

// core_load.c: all state from the store; studies, leases, searches of before are dropped
enum code core_load(struct core *core, struct error *err);
void core_unload(struct core *core);

// core_commands.c, core_clients.c, core_datasets.c
void core_handle(struct core *core, struct request *request);
void core_ok(struct core *core, struct request *request, int status, cJSON *body);
void core_refuse(struct core *core, struct request *request, const struct error *err);
void core_suggest(struct core *core, struct request *request);
void core_retry_suggestions(struct core *core);
void core_measure(struct core *core, struct request *request);
void core_complete(struct core *core, struct request *request);
void core_add_dataset_file(struct core *core, struct request *request);
void core_register_dataset(struct core *core, struct request *request);
void core_delete_dataset(struct core *core, struct request *request);
void core_load_dataset(struct core *core, const struct dataset_row *row);
void core_load_dataset_file(struct core *core, const struct dataset_file_row *row);
void core_unload_datasets(struct core *core);
struct dataset_entry *core_find_dataset(struct core *core, const char *name);
// Faults of a body's members: unknown ones are named.
bool core_check_members(const cJSON *body, const char *const *known, struct faults *faults);
void core_refuse_faults(struct core *core, struct request *request, struct faults *faults);
void core_add_time(cJSON *object, const char *name, int64_t ms); // RFC 3339, UTC

// dispatch/
void dispatch_receive(struct core *core);
void dispatch_message(struct core *core, const struct router_message *raw);
void dispatch_schedule(struct core *core);
void dispatch_tick(struct core *core);
double dispatch_deadline(const struct core *core);
void dispatch_stop_job(struct core *core, struct held_study *held, int trial, int execution,
                       bool prune);
void dispatch_end_leases(struct core *core, struct held_study *held, int trial);
// Of a study that goes: its leases and the slots they hold.
void dispatch_drop_study(struct core *core, int64_t study);
cJSON *dispatch_list(struct core *core);
enum code dispatch_drain(struct core *core, const char *id, struct error *err);
void dispatch_flush_news(struct core *core);
// A lease for an execution that was running when the store was read.
void dispatch_restore_lease(struct core *core, struct lease_key key, int attempt,
                            const char *worker);
// job.c
cJSON *job_message(struct core *core, struct held_study *held, int trial, int execution,
                   struct error *err);
// Of the trial's model.
enum code job_parameters(struct core *core, const struct held_study *held, int trial, int64_t *out,
                         struct error *err);
// For an objective that asks for the model's `parameters`.
void job_know_parameters(struct core *core, struct held_study *held, int trial);
// transfer.c
void transfer_fetch(struct core *core, const char *worker, const cJSON *message);
// uploads.c: forgets what is on its way; what is written of it is found again
void uploads_reset(struct core *core);
// models.c
void models_know(struct held_study *held, const struct model_row *row); // a row that is put or read
void models_settle(struct core *core, struct held_study *held); // lets go what is not to be kept

#endif
