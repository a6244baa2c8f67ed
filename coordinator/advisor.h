// The thread that thinks: it owns a search object per running study, fed with each decision in order, and
// answers orders for suggestions. The core never waits for it.
#ifndef TUNERD_COORDINATOR_ADVISOR_H
#define TUNERD_COORDINATOR_ADVISOR_H

#include "coordinator/spec.h"
#include "coordinator/study/study.h"

struct advisor;

// A study's searches are told apart by the study's id and the number of times it was opened, so that an
// answer from before a reload is never taken for one after it.
struct advice {
    int64_t study;
    int64_t opening;
    struct terms terms;
    enum ask_status status;
    int n;
    struct suggestion *points; // [n], with their values; the receiver's
    char *error;               // the search cannot be made; NULL
    struct advice *next;
};

// `news` runs on the advisor's thread when there is advice to collect; it must only pass that on.
// state_dir: where the earlier studies of warm_start_from are read. news NULL: there is no thread, and
// advisor_turn() does the work.
struct advisor *advisor_new(const char *state_dir, void (*news)(void *context), void *context);
void advisor_free(struct advisor *advisor);
// Works off one message; false: there is none.
bool advisor_turn(struct advisor *advisor);

// Orders wait until the study is said to be stored.
void advisor_open(struct advisor *advisor, const struct study *study, int64_t opening,
                  struct spec *spec);
// The study is durable, and so is every result from before it: what it starts from can be read.
void advisor_stored(struct advisor *advisor, int64_t study);
void advisor_close(struct advisor *advisor, int64_t study);
// A decision as the study took it just now (its trial's point and curve are copied).
void advisor_decide(struct advisor *advisor, const struct study *study,
                    const struct decision *decision);
void advisor_set_max_trials(struct advisor *advisor, int64_t study, int64_t max_trials);
// An order; one that a later order of the same study has overtaken is not answered.
void advisor_ask(struct advisor *advisor, int64_t study, int64_t basis_seq, int count);

// All advice there is, oldest first; the list is the caller's, see advice_free().
struct advice *advisor_collect(struct advisor *advisor);
void advice_free(struct advice *advice);

#endif
