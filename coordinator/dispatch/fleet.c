#include "coordinator/dispatch/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"

const char *const worker_state_names[WORKER_STATES] = {
    [WORKER_CONNECTED] = "connected",
    [WORKER_PAUSED] = "paused",
    [WORKER_DRAINING] = "draining",
    [WORKER_GONE] = "gone",
};

struct worker *fleet_find(const struct fleet *fleet, const char *id)
{
    struct worker *worker;
    HASH_FIND_STR(fleet->workers, id, worker);
    return worker;
}

struct worker *fleet_add(struct fleet *fleet, const char *id)
{
    struct worker *worker = alloc_zero(1, sizeof *worker);
    snprintf(worker->id, sizeof worker->id, "%s", id);
    worker->state = WORKER_GONE;
    HASH_ADD_STR(fleet->workers, id, worker);
    return worker;
}

void fleet_clear(struct fleet *fleet)
{
    struct worker *worker = fleet->workers, *next;
    HASH_CLEAR(hh, fleet->workers);
    for (; worker; worker = next) {
        next = worker->hh.next;
        free(worker->name);
        free(worker->host);
        free(worker->version);
        free(worker->cpu);
        free(worker->trouble);
        free(worker);
    }
    *fleet = (struct fleet){0};
}

static void count(struct fleet *fleet, const struct worker *worker, int sign)
{
    if (worker->state != WORKER_CONNECTED)
        return;
    fleet->slots += sign * worker->slots;
    fleet->busy += sign * worker->busy;
}

void fleet_set(struct fleet *fleet, struct worker *worker, int slots, enum worker_state state)
{
    count(fleet, worker, -1);
    worker->has_news |= worker->slots != slots || worker->state != state;
    worker->slots = slots;
    worker->state = state;
    count(fleet, worker, 1);
}

void fleet_occupy(struct fleet *fleet, struct worker *worker, int slots)
{
    count(fleet, worker, -1);
    worker->busy += slots;
    worker->has_news = true;
    count(fleet, worker, 1);
}

static void turn(struct worker *worker, double now)
{
    int64_t minute = (int64_t)(now / 60);
    if (minute - worker->minute > THROUGHPUT_MINUTES)
        worker->minute = minute - THROUGHPUT_MINUTES;
    while (worker->minute < minute)
        worker->ended[++worker->minute % THROUGHPUT_MINUTES] = 0;
}

void fleet_count_execution(struct worker *worker, double now)
{
    turn(worker, now);
    worker->ended[worker->minute % THROUGHPUT_MINUTES]++;
    worker->executions++;
}

double fleet_throughput(const struct worker *worker, double now)
{
    struct worker copy = *worker;
    turn(&copy, now);
    int sum = 0;
    for (int i = 0; i < THROUGHPUT_MINUTES; i++)
        sum += copy.ended[i];
    return (double)sum / THROUGHPUT_MINUTES;
}

struct worker *fleet_free_worker(const struct fleet *fleet)
{
    struct worker *best = NULL, *worker;
    if (fleet->busy >= fleet->slots)
        return NULL;
    for (worker = fleet->workers; worker; worker = worker->hh.next) {
        int room = worker->slots - worker->busy;
        if (worker->state == WORKER_CONNECTED && room > 0 &&
            (!best || room > best->slots - best->busy))
            best = worker;
    }
    return best;
}

void fleet_row(const struct worker *worker, struct worker_row *row)
{
    *row = (struct worker_row){
        .id = worker->id,
        .name = worker->name ? worker->name : "",
        .host = worker->host ? worker->host : "",
        .version = worker->version ? worker->version : "",
        .slots = worker->slots,
        .state = worker_state_names[worker->state],
        .cpu = worker->cpu,
        .first_seen = worker->first_seen_ms,
        .last_seen = worker->last_seen_ms,
        .executions = worker->executions,
    };
}
