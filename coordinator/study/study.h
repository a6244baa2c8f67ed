// A study as a state machine: events in, effects out, time handed in. No clock, no socket, no thread, no
// file. This folder is the only place where the state of a study, a trial or an execution changes.
//
//     study       ┌────────── pause ─────────▶ paused ──┐
//       create ─▶ running ◀───── resume ───────┘        │         every trial ended and
//                 │  │  │                               │         none wanted: completed
//                 │  │  └── stop ──▶ stopping ──────────┼──────── … after stop:  stopped
//                 │  └───── cancel (from any of the three) ─────▶ cancelled
//                 └──────── too many trials failed in a row ────▶ failed
//                 ◀──────── patch of max_trials (from any that ended) ── goes on
//
//     trial         give ─▶ queued ── run ──▶ running ── end ──▶ completed | pruned | failed |
//                             ▲                  │               infeasible | cancelled
//                             └── lease of a ────┘
//                                 client expired
//
//     execution     queue ─▶ queued ── start ──▶ running ── end ──▶ completed | pruned | infeasible |
//      (attempts)              ▲                 │  ▲  │            cancelled | failed
//                              ├──── lose ───────┘  │  │
//                              │     (lost) ─ revive ┘  │
//                              └──── retry ────────────┘ failed, and retries are left
//
// Each arrow is one function (trial.c, study.c). Trials and executions count from 0, attempts and epochs
// from 1. What an event asks of the world is appended to `struct effects`; the caller carries the effects
// out, in order, before the next event.
#ifndef TUNERD_COORDINATOR_STUDY_H
#define TUNERD_COORDINATOR_STUDY_H

#include "common/objective.h"
#include "common/study_spec.h"
#include "coordinator/search/search.h"
#include "coordinator/store/rows.h"
#include "coordinator/study/tape.h"

struct moment {
    double s;   // monotonic seconds: for waits
    int64_t ms; // UTC: for rows and people, and for durations that outlive the process
};

enum study_state {
    STUDY_RUNNING,
    STUDY_PAUSED,
    STUDY_STOPPING,
    STUDY_COMPLETED, // from here on: ended
    STUDY_STOPPED,
    STUDY_CANCELLED,
    STUDY_FAILED,
    STUDY_STATES
};

enum trial_state {
    TRIAL_QUEUED,
    TRIAL_RUNNING,
    TRIAL_COMPLETED, // from here on: ended
    TRIAL_PRUNED,
    TRIAL_FAILED,
    TRIAL_INFEASIBLE,
    TRIAL_CANCELLED,
    TRIAL_STATES
};

enum execution_state {
    EXECUTION_NEW, // no attempt yet
    EXECUTION_RUNNING,
    EXECUTION_COMPLETED,
    EXECUTION_PRUNED,
    EXECUTION_FAILED,
    EXECUTION_INFEASIBLE,
    EXECUTION_CANCELLED,
    EXECUTION_LOST,
    EXECUTION_STATES
};

extern const char *const study_state_names[STUDY_STATES];
extern const char *const trial_state_names[TRIAL_STATES];
extern const char *const execution_state_names[EXECUTION_STATES];
static inline bool study_state_ended(enum study_state state)
{
    return state >= STUDY_COMPLETED;
}
static inline bool trial_state_ended(enum trial_state state)
{
    return state >= TRIAL_COMPLETED;
}

struct execution {
    enum execution_state state; // of the newest attempt
    bool queued;                // waits for a slot: new, to be retried, or lost
    int attempt;                // the newest; 0: none yet
    int64_t seed;
    char *worker;      // who has the newest attempt; NULL: a client
    int initial_epoch; // of the checkpoint the attempt went on from
    int epochs;        // newest epoch applied
    double best;       // objective at its best epoch; NaN: none yet
    int best_epoch;
    int base_epochs; // as epochs, best, best_epoch were when the attempt began
    double base_best;
    int base_best_epoch;
    uint64_t kept_attempts; // bits: attempts read back that completed a round
    char *error;
    int64_t created_ms, started_ms, ended_ms; // ROW_NULL: not yet
};

struct trial {
    int number;
    enum trial_state state;
    struct value *values;           // [space.n]
    char *hyperparameters, *origin; // JSON
    int epochs;                     // train up to; 0: the study's own
    int initial_epoch, parent;      // promoted from, -1; epochs behind its checkpoint
    int bracket, round;
    int nexecutions;                      // trained in this round; the others have yet to start
    int executions_before, epochs_before; // of the round before; 0: this is the first
    int epochs_read;                      // of its newest round, as read back; -1: none yet
    bool own;                             // false: a user's point
    double score;
    int scored; // executions that the score is the mean of
    int best_epoch;
    int failures;    // attempts that failed by themselves
    bool stop_asked; // the algorithm ended it early
    char *client_id; // whose lease it is or was
    char *reason;
    int64_t created_ms, started_ms, ended_ms;
    struct execution *executions; // [study.nexecutions]
    int64_t parameters;           // of the model, for objectives that ask; 0: not known
    int ncurve, curve_cap;
    double *curve; // [ncurve] loss after each epoch of execution 0
};

// What the search knew when it answered an order.
struct terms {
    int64_t basis_seq; // decisions
    int asked;         // how many points
    int64_t max_trials;
};

// A proposal of the search that is ready to be given.
struct suggestion {
    struct value *values; // [space.n]
    int epochs, initial_epoch, parent, bracket, round, executions, index;
    bool continues;
    char how[24];
    char why[200];
};

enum effect_kind {
    EFFECT_INSERT_STUDY, // rows, as they stand now
    EFFECT_UPDATE_STUDY,
    EFFECT_INSERT_TRIAL, // trial
    EFFECT_UPDATE_TRIAL,
    EFFECT_INSERT_EXECUTION, // trial, execution: its newest attempt
    EFFECT_UPDATE_EXECUTION,
    EFFECT_INSERT_EPOCH, // trial, execution, epoch, objective, metrics; published too
    EFFECT_DECISION,     // decision: a row, and word to the search
    EFFECT_ASK,          // basis_seq, count: an order to the search
    EFFECT_STOP_JOB,     // trial, execution, prune: word to the worker that runs it
    EFFECT_END_LEASE,    // trial: the client's, if there is one
    EFFECT_TRIAL_NEWS,   // trial: published
    EFFECT_STUDY_NEWS,
};

struct effect {
    enum effect_kind kind;
    int trial, execution;
    union {
        struct {
            int epoch;
            double objective;
            const cJSON *metrics; // the caller's
        };
        struct {
            int64_t basis_seq;
            int count;
        };
        struct decision decision;
        bool prune;
    };
};

struct effects {
    int n, cap;
    struct effect *items;
};
void effects_fini(struct effects *effects);

struct seen;
struct heap {
    int n, cap;
    int64_t *keys;
};

struct study {
    int64_t id;
    const struct study_spec *spec; // outlives the study
    struct objective_meter *meter;
    enum direction direction; // of the score
    int nexecutions;          // per trial
    enum study_state state;
    char *reason, *description;
    int64_t max_trials, max_parallel_trials, priority, planned;
    int64_t sequence;
    int failures; // failed trials in a row
    int64_t created_ms, started_ms, ended_ms;

    int ntrials, trials_cap;
    struct trial **trials; // [ntrials] by number
    int counts[TRIAL_STATES];
    int best;            // number of the best completed trial; -1
    int busy;            // executions running at workers
    struct seen *seen;   // points given
    struct heap ready;   // executions of running trials that wait for a slot
    struct heap waiting; // trials that are queued
    struct tape tape;    // the search as the core knows it: report() and planned()

    // suggestions, ready to be given
    int nsuggestions, suggestions_at; // the next one; they end at nsuggestions
    struct suggestion *suggestions;
    int64_t list_seq,
        list_count;          // what the search knew when it made them, how many it was asked for
    int64_t list_max_trials; // and max_trials then
    int64_t asked_seq;       // of the newest order
    bool asked;              // an order is out
    int64_t given_seq; // newest decision of each kind, but for points in a late search's place
    int64_t told_seq;
    bool search_waits;  // for results
    bool used_up, done; // no point is left; the algorithm is finished
    bool fidelity;      // trials are cut short by epochs: their state is kept
    int capacity;       // slots of the fleet
};

// A new study with `id`. Errors: E_RANGE and the like of its search or objective.
enum code study_create(int64_t id, const struct study_spec *spec, struct moment now,
                       struct effects *fx, struct study **out, struct error *err);
void study_free(struct study *study);

// From rows: the study's, then its trials, executions (by attempt), epochs and decisions, each in the
// order of their keys; then study_restored(), which orders what the search owes.
enum code study_restore(const struct study_row *row, const struct study_spec *spec,
                        struct study **out, struct error *err);
enum code study_restore_trial(struct study *study, const struct trial_row *row, struct error *err);
enum code study_restore_execution(struct study *study, const struct execution_row *row,
                                  struct error *err);
enum code study_restore_epoch(struct study *study, const struct epoch_row *row, struct error *err);
// Also gives the decision, to be told to the advisor.
enum code study_restore_decision(struct study *study, const struct decision_row *row,
                                 struct decision *decision, struct error *err);
void study_restored(struct study *study, struct moment now, struct effects *fx);

// Commands. E_STATE, with what would be possible, when the state does not allow one.
enum code study_pause(struct study *study, struct moment now, struct effects *fx,
                      struct error *err);
enum code study_resume(struct study *study, struct moment now, struct effects *fx,
                       struct error *err);
enum code study_stop(struct study *study, struct moment now, struct effects *fx, struct error *err);
enum code study_cancel(struct study *study, struct moment now, struct effects *fx,
                       struct error *err);
// OK when it may be deleted: it has ended, or is paused and nothing of it runs.
enum code study_may_delete(const struct study *study, struct error *err);

struct study_patch {
    bool has_max_trials, has_max_parallel_trials, has_priority, has_description;
    int64_t max_trials, max_parallel_trials, priority;
    const char *description; // NULL: none
};
// E_RANGE at /max_trials when it is below the trials given already.
enum code study_apply_patch(struct study *study, const struct study_patch *patch, struct moment now,
                            struct effects *fx, struct error *err);
// Queues a user's point. E_CONFLICT when it was given before, E_STATE when the budget is spent.
enum code study_add_point(struct study *study, const struct value *values, struct moment now,
                          struct effects *fx, int *number, struct error *err);

// The search's answer to an order.
void study_propose(struct study *study, const struct terms *terms, enum ask_status status,
                   const struct suggestion *points, int n, struct moment now, struct effects *fx);

// The search cannot be made or cannot go on: the study fails.
void study_give_up(struct study *study, const char *reason, struct moment now, struct effects *fx);

enum study_offer {
    OFFER_WORK,    // taken
    OFFER_WAIT,    // the search is at it; ask again on news
    OFFER_NOTHING, // nothing to do now
};
// For a free slot of `worker`: starts the oldest execution that may start. `late`: the slot has waited long
// enough, as of study_ask(); while nothing of the study runs it waits all the same.
enum study_offer study_take(struct study *study, const char *worker, bool late, struct moment now,
                            struct effects *fx, int *trial, int *execution);
// Slots of the whole fleet: how far ahead to order suggestions.
void study_set_capacity(struct study *study, int slots, struct moment now, struct effects *fx);

// For a client: its open trials, then further ones up to `count`. `late`: it has waited long enough, a
// quasi-random point will do. OFFER_WORK with *n trials: all there are now; OFFER_NOTHING: there are none;
// OFFER_WAIT: further ones are on their way, *n of them are the client's by now.
enum { SUGGEST_MAX = 1000 };
enum study_offer study_ask(struct study *study, const char *client, int count, bool late,
                           struct moment now, struct effects *fx, int *numbers, int *n);

enum study_verdict {
    VERDICT_APPLIED,
    VERDICT_DUPLICATE, // known already: acknowledge it again
    VERDICT_STALE,     // of an attempt that is over
    VERDICT_EARLY,     // an epoch before it has not come yet
};
// What a message of `attempt` finds, without applying anything.
enum study_verdict study_judge(const struct study *study, int trial, int execution, int attempt);
enum study_verdict study_epoch(struct study *study, int trial, int execution, int attempt,
                               int epoch, const cJSON *metrics, struct moment now,
                               struct effects *fx);
// epochs: how many the attempt reached; 0: not to be checked.
enum study_verdict study_result(struct study *study, int trial, int execution, int attempt,
                                enum execution_state state, int epochs, const char *error,
                                struct moment now, struct effects *fx);
// The attempt that was just taken goes on from a checkpoint of this epoch.
void study_set_initial_epoch(struct study *study, int trial, int execution, int epoch);
// The attempt's lease expired or its worker is gone: back to the queue, at no cost.
void study_lose(struct study *study, int trial, int execution, int attempt, struct moment now,
                struct effects *fx);
// Whether the attempt runs; a lost one that nobody took up lives again.
bool study_revive(struct study *study, int trial, int execution, int attempt, struct moment now,
                  struct effects *fx);

// Of a client's trial. E_NOT_FOUND, E_STATE; E_MISSING at /metrics/… when there is no objective.
enum code study_measure(struct study *study, int trial, int epoch, const cJSON *metrics,
                        struct moment now, struct effects *fx, bool *should_stop,
                        struct error *err);
enum code study_complete(struct study *study, int trial, const cJSON *metrics,
                         const char *infeasible_reason, struct moment now, struct effects *fx,
                         struct error *err);

// Whether trial's `parameters` (of its model) must be known before its first epoch; and sets them.
bool study_needs_parameters(const struct study *study, int trial);
void study_set_parameters(struct study *study, int trial, int64_t parameters);

// Time passes: max_duration_s.
void study_tick(struct study *study, struct moment now, struct effects *fx);

// Rows and news as they stand. Texts are the study's, but for owned[2], which the caller frees.
void study_row_of(const struct study *study, struct study_row *row, char **owned);
// Only the columns that change, and the key.
void study_update_row(const struct study *study, struct study_row *row);
void study_decision_row(const struct study *study, const struct decision *decision,
                        struct decision_row *row);
void study_trial_row(const struct study *study, int trial, struct trial_row *row);
void study_execution_row(const struct study *study, int trial, int execution,
                         struct execution_row *row);
cJSON *study_news(const struct study *study);
cJSON *study_trial_news(const struct study *study, int trial);
// How many completed trials are better than `trial` would be with this score; of equal ones those of a
// lower number.
int study_rank(const struct study *study, int trial, int executions, double score);
double study_progress(const struct study *study); // 0..1; NaN: unknown

#endif
