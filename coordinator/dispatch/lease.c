// All periods are equal, so a list in order of renewal is a list in order of expiry: every act is O(1).

#include "coordinator/dispatch/lease.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) abort()
#include <uthash.h>
#include <utlist.h>

#include "coordinator/alloc.h"

struct entry {
    struct lease lease; // first: a lease is its entry
    UT_hash_handle hh;
    struct entry *prev, *next; // among those whose period runs
};

struct leases {
    double period_s;
    struct entry *by_key;
    struct entry *running; // held and ending, next to expire first
};

struct leases *leases_new(double period_s)
{
    struct leases *leases = alloc_zero(1, sizeof *leases);
    leases->period_s = period_s;
    return leases;
}

static struct lease_key clean(struct lease_key key)
{
    struct lease_key copy;
    memset(&copy, 0, sizeof copy); // padding is hashed too
    copy.study = key.study;
    copy.trial = key.trial;
    copy.execution = key.execution;
    return copy;
}

static struct entry *entry_of(struct lease *lease)
{
    return (struct entry *)lease;
}

static bool runs(const struct entry *entry)
{
    return entry->lease.state != LEASE_LAPSED;
}

void lease_drop(struct leases *leases, struct lease *lease)
{
    struct entry *entry = entry_of(lease);
    if (runs(entry))
        DL_DELETE(leases->running, entry);
    HASH_DEL(leases->by_key, entry); // NOLINT(clang-analyzer-*): uthash keeps its list right
    free(entry);
}

void leases_free(struct leases *leases)
{
    if (!leases)
        return;
    struct entry *entry = leases->by_key, *next;
    HASH_CLEAR(hh, leases->by_key);
    for (; entry; entry = next) {
        next = entry->hh.next;
        free(entry);
    }
    free(leases);
}

struct lease *lease_find(const struct leases *leases, struct lease_key key)
{
    struct lease_key wanted = clean(key);
    struct entry *entry;
    HASH_FIND(hh, leases->by_key, &wanted, sizeof wanted, entry);
    return entry ? &entry->lease : NULL;
}

static void run_from(struct leases *leases, struct entry *entry, double now)
{
    entry->lease.expires = now + leases->period_s;
    DL_APPEND(leases->running, entry);
}

struct lease *lease_grant(struct leases *leases, struct lease_key key, int attempt,
                          const char *holder, double now)
{
    struct lease *old = lease_find(leases, key);
    if (old)
        lease_drop(leases, old);
    struct entry *entry = alloc_zero(1, sizeof *entry);
    entry->lease.key = clean(key);
    entry->lease.attempt = attempt;
    entry->lease.granted = now;
    snprintf(entry->lease.holder, sizeof entry->lease.holder, "%s", holder);
    HASH_ADD(hh, leases->by_key, lease.key, sizeof entry->lease.key, entry);
    run_from(leases, entry, now);
    return &entry->lease;
}

void lease_renew(struct leases *leases, struct lease *lease, double now)
{
    struct entry *entry = entry_of(lease);
    if (!runs(entry))
        return;
    DL_DELETE(leases->running, entry);
    run_from(leases, entry, now);
}

void lease_revive(struct leases *leases, struct lease *lease, double now)
{
    if (lease->state != LEASE_LAPSED)
        return;
    lease->state = LEASE_HELD;
    run_from(leases, entry_of(lease), now);
}

void lease_call_off(struct leases *leases, struct lease *lease)
{
    if (lease->state == LEASE_LAPSED)
        lease_drop(leases, lease);
    else
        lease->state = LEASE_ENDING;
}

void lease_lapse(struct leases *leases, struct lease *lease)
{
    if (lease->state != LEASE_HELD)
        return;
    DL_DELETE(leases->running, entry_of(lease));
    lease->state = LEASE_LAPSED;
}

void leases_drop_study(struct leases *leases, int64_t study)
{
    struct entry *entry, *next;
    HASH_ITER(hh, leases->by_key, entry, next)
    if (entry->lease.key.study == study)
        lease_drop(leases, &entry->lease);
}

struct lease *leases_expire(struct leases *leases, double now)
{
    struct entry *entry = leases->running;
    if (!entry || entry->lease.expires > now)
        return NULL;
    lease_lapse(leases, &entry->lease);
    return &entry->lease;
}

double leases_deadline(const struct leases *leases)
{
    return leases->running ? leases->running->lease.expires : INFINITY;
}

void leases_forgive(struct leases *leases, double now)
{
    struct entry *entry;
    DL_FOREACH(leases->running, entry)
    entry->lease.expires = now + leases->period_s;
}

void leases_each(struct leases *leases, const char *holder,
                 void (*each)(void *context, struct lease *lease), void *context)
{
    struct lease_key *keys = NULL; // taken first: `each` may change the list in any way
    int n = 0, cap = 0;
    struct entry *entry;
    DL_FOREACH(leases->running, entry)
    {
        if (holder && strcmp(entry->lease.holder, holder) != 0)
            continue;
        keys = alloc_more(keys, n, &cap, sizeof *keys);
        keys[n++] = entry->lease.key;
    }
    for (int i = 0; i < n; i++) {
        struct lease *lease = lease_find(leases, keys[i]);
        if (lease && lease->state != LEASE_LAPSED)
            each(context, lease);
    }
    free(keys);
}

void lease_key_text(struct lease_key key, char out[64])
{
    snprintf(out, 64, "%" PRId64 ".%d.%d", key.study, key.trial, key.execution);
}

static bool read_number(const char **text, int64_t max, int64_t *out)
{
    int64_t value = 0;
    const char *at = *text;
    if (*at < '0' || *at > '9' || (*at == '0' && at[1] >= '0' && at[1] <= '9'))
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (value > (max - (*at - '0')) / 10)
            return false;
        value = value * 10 + (*at - '0');
    }
    *text = at;
    *out = value;
    return true;
}

bool lease_key_parse(const char *text, struct lease_key *key)
{
    int64_t study, trial, execution;
    if (!read_number(&text, INT64_MAX, &study) || *text++ != '.' ||
        !read_number(&text, INT32_MAX, &trial) || *text++ != '.' ||
        !read_number(&text, INT32_MAX, &execution) || *text != '\0')
        return false;
    *key = clean((struct lease_key){study, (int)trial, (int)execution});
    return true;
}
