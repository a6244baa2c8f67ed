// Leases as a state machine: which attempt at which execution is whose, and until when. Pure: time is
// handed in as monotonic seconds of this process alone.
//
//              grant                     result, or called off and ended
//     (none) ────────▶ held ────────────────────────────────────────────▶ (none)
//                      ▲  │ ▲                                              ▲
//                renew └──┘ │ revive (nobody took the work up)             │ grant of the next
//                           │                                              │ attempt
//                           └───── lapsed ◀── period over ── held ─────────┘
//              held ── call off ──▶ ending ── result, or period over ──▶ (none)
//
// A held lease lapses a period after it was granted or last renewed. A lapsed one is remembered, with the
// number of the last message applied under it, until it is revived, granted anew or dropped. An ending one
// holds its slot: its holder was told to end the work and has not answered yet.
#ifndef TUNERD_COORDINATOR_DISPATCH_LEASE_H
#define TUNERD_COORDINATOR_DISPATCH_LEASE_H

#include <stdbool.h>
#include <stdint.h>

struct lease_key {
    int64_t study;
    int trial, execution;
};

enum lease_state { LEASE_HELD, LEASE_LAPSED, LEASE_ENDING };

struct lease {
    struct lease_key key;
    int attempt;
    enum lease_state state;
    char holder[65];
    double granted, expires;
    int64_t seq;   // last message applied under it
    bool restored; // from rows: what was applied before is not known
    int gaps;      // results that came before what they rest on
};

struct leases;
struct leases *leases_new(double period_s);
void leases_free(struct leases *leases);

// Replaces what was known under the key.
struct lease *lease_grant(struct leases *leases, struct lease_key key, int attempt,
                          const char *holder, double now);
struct lease *lease_find(const struct leases *leases, struct lease_key key);
// Held or ending: another period from now. Lapsed: nothing.
void lease_renew(struct leases *leases, struct lease *lease, double now);
void lease_revive(struct leases *leases, struct lease *lease, double now);
void lease_call_off(struct leases *leases, struct lease *lease);
void lease_drop(struct leases *leases, struct lease *lease);
// All of a study, whatever their state.
void leases_drop_study(struct leases *leases, int64_t study);

// The next one whose period is over: a held one that is now lapsed, or an ending one (to be dropped by the
// caller: its holder is free). NULL: none.
struct lease *leases_expire(struct leases *leases, double now);
// When the next one expires; INFINITY: never.
double leases_deadline(const struct leases *leases);
// After a stall of our own, during which nobody could renew: all get a whole period from now.
void leases_forgive(struct leases *leases, double now);

// Calls `each` for all leases of a holder (NULL: of all) that are held or ending. `each` may do
// anything to any lease.
void leases_each(struct leases *leases, const char *holder,
                 void (*each)(void *context, struct lease *lease), void *context);
// Ends the period of a held lease now: it becomes lapsed.
void lease_lapse(struct leases *leases, struct lease *lease);

// "study.trial.execution", as in messages; out: 64 bytes. And strictly back.
void lease_key_text(struct lease_key key, char out[64]);
bool lease_key_parse(const char *text, struct lease_key *key);

#endif
