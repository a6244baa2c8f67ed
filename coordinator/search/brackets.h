// The brackets of Hyperband (Li et al. 2018) in KerasTuner's numbers: how many trials of how many epochs
// each round has, and which trial of a history stands where.
#ifndef TUNERD_COORDINATOR_SEARCH_BRACKETS_H
#define TUNERD_COORDINATOR_SEARCH_BRACKETS_H

#include "coordinator/search/search.h"

enum { ROUNDS_MAX = 32 };

struct bracket_plan {
    int max_epochs, factor;
    int brackets; // they run from number brackets - 1 (most trials, fewest epochs) down to 0
};
struct bracket_plan bracket_plan_of(int max_epochs, int factor);
// Rounds of a bracket: 0 … bracket.
int bracket_size(const struct bracket_plan *plan, int bracket, int round);
int bracket_epochs(const struct bracket_plan *plan, int bracket, int round);
int64_t bracket_total(const struct bracket_plan *plan); // trials of all brackets together

// One pass of a bracket: who is in which round.
struct pass {
    int bracket;
    struct round {
        int n, room;
        struct entry {
            int index;      // in the history; -1: proposed just now
            bool ended, ok; // ok: completed with a loss, so it can be promoted
            bool promoted;
            double loss;
        } * entries;
    } rounds[ROUNDS_MAX];
};
struct passes {
    const struct bracket_plan *plan;
    int n, room;
    struct pass *items; // in the order in which they began
};
// Sorts the trials of a history into passes: the first trials of round 0 fill the first pass of their
// bracket, and so on; promoted ones follow their parent. E_MEMORY.
enum code passes_of(struct passes *passes, const struct bracket_plan *plan,
                    const struct history *history);
void passes_fini(struct passes *passes);

enum step_kind {
    STEP_NEW,     // a new configuration into (pass, round)
    STEP_PROMOTE, // entry `from` of the round before goes on in (pass, round)
    STEP_BEGIN,   // nothing to do in the passes there are: the next one may begin
};
struct step {
    enum step_kind kind;
    int pass, round, from;
};
// What comes next. A trial is promoted as soon as more of its round have ended than will be thrown out,
// so that whoever waits for it is not needed; failed ones count as worst. A round that lacks live trials
// of the round before is filled by new configurations, unless there are none left (`used_up`).
struct step passes_next(const struct passes *passes, bool used_up);
// The step was proposed.
enum code passes_add(struct passes *passes, const struct step *step);
// Begins a pass of this bracket. E_MEMORY.
enum code passes_begin(struct passes *passes, int bracket);
bool passes_running(const struct passes *passes);

#endif
