// What the files of study/ share: effects, the arrows of trials and executions, the suggestions' list.
#ifndef TUNERD_COORDINATOR_STUDY_MACHINE_H
#define TUNERD_COORDINATOR_STUDY_MACHINE_H

#include "coordinator/study/study.h"

// effects.c
struct effect *effect_add(struct effects *fx, enum effect_kind kind, int trial, int execution);

// heap.c: smallest key first
void heap_push(struct heap *heap, int64_t key);
bool heap_pop(struct heap *heap, int64_t *key);
bool heap_top(const struct heap *heap, int64_t *key);

// study.c
double study_loss(const struct study *study, double score); // smaller is better
bool study_budget_spent(const struct study *study);
// Trials may go on after that.
bool study_outlasts_budget(const struct study *study);
bool study_wants_more(const struct study *study, struct moment now);
int study_active(const struct study *study); // trials queued or running
// After anything ended: completes, stops, or leaves the study as it is; orders suggestions.
void study_settle(struct study *study, struct moment now, struct effects *fx);
void study_fail(struct study *study, const char *reason, struct moment now, struct effects *fx);
void study_set_reason(char **reason, const char *text);

// trial.c: the arrows of trial and execution
struct giving { // what makes a trial
    const struct value *values;
    int epochs, initial_epoch, parent, bracket, round;
    int executions; // to train; 0: all
    bool own;
    const char *how, *why;
    int64_t basis_seq, basis_count, basis_index, basis_max_trials;
};
struct trial *trial_give(struct study *study, const struct giving *giving, struct moment now,
                         struct effects *fx);
void trial_continue(struct study *study, struct trial *trial, const struct giving *giving,
                    struct moment now, struct effects *fx);
// Queues what a round that begins, or began before a restart, has yet to train: executions that have not
// started, that were lost or failed, and that stand where the round before ended. Those that ended by
// themselves rest, unless all do.
void trial_queue_round(struct study *study, struct trial *trial);
void trial_run(struct study *study, struct trial *trial, struct moment now, struct effects *fx);
void trial_requeue(struct study *study, struct trial *trial, struct effects *fx);
void trial_end(struct study *study, struct trial *trial, enum trial_state state, const char *reason,
               struct moment now, struct effects *fx);
void trial_cancel(struct study *study, struct trial *trial, const char *reason, struct moment now,
                  struct effects *fx);
void execution_queue(struct study *study, struct trial *trial, int execution);
void execution_start(struct study *study, struct trial *trial, int execution, const char *worker,
                     struct moment now, struct effects *fx);
// Applies an epoch to the running attempt.
void execution_epoch(struct study *study, struct trial *trial, int execution, int epoch,
                     double objective);
void execution_end(struct study *study, struct trial *trial, int execution,
                   enum execution_state state, const char *error, struct moment now,
                   struct effects *fx);
void trial_free(struct trial *trial, int nexecutions);
// Takes the trial for the study's best if it is.
void trial_consider_best(struct study *study, const struct trial *trial);
// More executions go first: a mean over them all is worth more than the luck of one. Then the score.
bool trial_is_better(const struct study *study, const struct trial *a, const struct trial *b);
enum search_state trial_told_state(enum trial_state state); // of an ended trial
bool trial_is_clients(const struct trial *trial);           // its newest attempt is a client's
struct trial *study_find_trial(const struct study *study, int number);
struct execution *study_find_execution(const struct study *study, int trial, int execution);

// suggest.c
void suggestions_clear(struct study *study);
// Orders suggestions from the search when they are due.
void suggestions_order(struct study *study, struct moment now, struct effects *fx);

#endif
