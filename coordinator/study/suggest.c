// Suggestions: an ordered list is kept ready. Results renew it (unless the algorithm ignores them); while
// the renewed one is on its way, what asks for work waits. Who has waited long enough (`late`) gets the next
// point of the list there is and, when there is none, a quasi-random one. A slot waits on when nothing else
// of the study runs, so that a study on one slot is reproducible; and no such point is given to a study
// whose trials are trained step by step, whose search waits for results, or whose budget is spent.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"
#include "coordinator/search/sobol.h"
#include "coordinator/study/machine.h"
#include "coordinator/study/seen.h"

enum {
    LASTING_LIST = 16, // points asked for at once when results do not matter
    PARALLEL_MAX = 32,
    FALLBACK_TRIES = 1000,
};

void suggestions_clear(struct study *study)
{
    for (int i = 0; i < study->nsuggestions; i++)
        free(study->suggestions[i].values);
    free(study->suggestions);
    study->suggestions = NULL;
    study->nsuggestions = study->suggestions_at = 0;
}

static bool lasting(const struct study *study)
{
    return study->tape.search.ops->ignores_results;
}

static int ready_count(const struct study *study)
{
    return study->nsuggestions - study->suggestions_at;
}

// ---- ordering

static int parallel(const struct study *study)
{
    int running = study->counts[TRIAL_RUNNING];
    int each = study_outlasts_budget(study) ? 1 : study->nexecutions; // of a trial, at first
    int slots = study->spec->has_model ? study->capacity / each : running + 1;
    if (study->max_parallel_trials > 0 && slots > study->max_parallel_trials)
        slots = (int)study->max_parallel_trials;
    return slots < 1 ? 1 : slots > PARALLEL_MAX ? PARALLEL_MAX : slots;
}

// What the newest order asks for is out of date, or there is none.
static bool order_is_stale(const struct study *study)
{
    bool outrun = study->asked_seq < study->given_seq ||
                  (!lasting(study) && study->asked_seq < study->told_seq);
    return !study->asked || outrun;
}

static bool list_is_fresh(const struct study *study)
{
    return lasting(study) || study->list_seq >= study->told_seq;
}

// demand: how many points somebody waits for at this moment.
static bool due(const struct study *study, int demand, struct moment now)
{
    if (study->state != STUDY_RUNNING || !study_wants_more(study, now) || study->search_waits)
        return false;
    if (lasting(study))
        return ready_count(study) == 0 && order_is_stale(study);
    if (ready_count(study) > 0 && list_is_fresh(study))
        return false;
    bool room = demand > 0 || parallel(study) > 1 || study->counts[TRIAL_RUNNING] < parallel(study);
    return room && order_is_stale(study);
}

static int order_size(const struct study *study, int demand)
{
    int running = study->counts[TRIAL_RUNNING];
    int64_t count = lasting(study) ? LASTING_LIST : parallel(study) - running;
    if (study->max_parallel_trials > 0 && demand > study->max_parallel_trials - running)
        demand = (int)study->max_parallel_trials - running;
    if (!lasting(study) && demand > PARALLEL_MAX)
        demand = PARALLEL_MAX; // the others are ordered when these are given
    count = count < demand ? demand : count;
    count = count < 1 ? 1 : count; // more may run than there is room for
    if (study->max_trials >= 0 && study->max_trials - study->ntrials < count &&
        !study_outlasts_budget(study))
        count = study->max_trials - study->ntrials;
    return (int)count;
}

static void order(struct study *study, int demand, struct moment now, struct effects *fx)
{
    if (!due(study, demand, now))
        return;
    struct effect *effect = effect_add(fx, EFFECT_ASK, 0, 0);
    effect->basis_seq = study->sequence;
    effect->count = order_size(study, demand);
    study->asked = true;
    study->asked_seq = study->sequence;
}

void suggestions_order(struct study *study, struct moment now, struct effects *fx)
{
    order(study, 0, now, fx);
}

void study_set_capacity(struct study *study, int slots, struct moment now, struct effects *fx)
{
    study->capacity = slots;
    suggestions_order(study, now, fx);
}

static void keep_list(struct study *study, const struct terms *terms,
                      const struct suggestion *points, int n)
{
    suggestions_clear(study);
    study->suggestions = alloc_zero((size_t)n, sizeof *study->suggestions);
    for (int i = 0; i < n; i++) {
        study->suggestions[i] = points[i];
        study->suggestions[i].values =
            alloc_copy(points[i].values, (size_t)study->spec->space.n * sizeof *points[i].values);
    }
    study->nsuggestions = n;
    study->list_seq = terms->basis_seq;
    study->list_count = terms->asked;
    study->list_max_trials = terms->max_trials;
}

void study_propose(struct study *study, const struct terms *terms, enum ask_status status,
                   const struct suggestion *points, int n, struct moment now, struct effects *fx)
{
    if (terms->basis_seq == study->asked_seq)
        study->asked = false;
    if (study_state_ended(study->state))
        return;
    if (terms->basis_seq < study->given_seq || terms->max_trials != study->max_trials) {
        // something was given since, or the budget was changed: out of date
        suggestions_order(study, now, fx);
        return;
    }
    switch (status) {
    case ASK_POINTS:
        keep_list(study, terms, points, n);
        break;
    case ASK_WAIT:
        study->search_waits = terms->basis_seq >= study->told_seq;
        break;
    case ASK_EXHAUSTED:
        study->used_up = true;
        break;
    case ASK_DONE:
        study->done = true;
        break;
    }
    suggestions_order(study, now, fx);
    study_settle(study, now, fx);
}

// ---- taking

static bool trial_may_start(const struct study *study)
{
    return study->state == STUDY_RUNNING &&
           (study->max_parallel_trials == 0 ||
            study->counts[TRIAL_RUNNING] < study->max_parallel_trials);
}

static struct trial *next_waiting(struct study *study)
{
    int64_t key;
    while (heap_top(&study->waiting, &key)) {
        if (study->trials[key]->state == TRIAL_QUEUED)
            return study->trials[key];
        heap_pop(&study->waiting, &key);
    }
    return NULL;
}

// What is promoted keeps its parent's values to the last bit; those of a unit may differ there.
static struct giving giving_of(const struct study *study, const struct suggestion *suggestion)
{
    const struct trial *parent =
        suggestion->parent >= 0 ? study_find_trial(study, suggestion->parent) : NULL;
    return (struct giving){
        .values = parent ? parent->values : suggestion->values,
        .epochs = suggestion->epochs,
        .initial_epoch = suggestion->initial_epoch,
        .parent = suggestion->parent,
        .bracket = suggestion->bracket,
        .round = suggestion->round,
        .executions = suggestion->executions,
        .own = true,
        .how = suggestion->how,
        .why = suggestion->why,
        .basis_seq = study->list_seq,
        .basis_count = study->list_count,
        .basis_index = suggestion->index,
        .basis_max_trials = study->list_max_trials,
    };
}

static bool usable(const struct study *study, const struct suggestion *suggestion)
{
    if (suggestion->continues)
        return true;
    return !study_budget_spent(study) &&
           (suggestion->parent >= 0 || !seen_has(study->seen, suggestion->values));
}

// Gives the list's next point. NULL: it has none.
static struct trial *give_next(struct study *study, struct moment now, struct effects *fx)
{
    while (ready_count(study) > 0) {
        struct suggestion *suggestion = &study->suggestions[study->suggestions_at++];
        if (!usable(study, suggestion))
            continue;
        struct giving giving = giving_of(study, suggestion);
        study->fidelity |= suggestion->epochs > 0;
        if (!suggestion->continues)
            return trial_give(study, &giving, now, fx);
        struct trial *trial = study_find_trial(study, suggestion->parent);
        if (trial && trial_state_ended(trial->state)) {
            trial_continue(study, trial, &giving, now, fx);
            return trial;
        }
    }
    return NULL;
}

// From a sequence scrambled otherwise than the search's own first points.
static bool draw_unseen(const struct study *study, struct value *values)
{
    const struct space *space = &study->spec->space;
    struct sobol *sobol = alloc_zero(1, sizeof *sobol);
    double *unit = alloc_zero((size_t)space->n, sizeof *unit);
    bool found = false;
    sobol_init(sobol, space->n, rng_mix(study->spec->seed, 0x66616c6c6261636bu) | 1);
    for (int i = 0; i < FALLBACK_TRIES && !found; i++) {
        sobol_point(sobol, (uint32_t)(study->ntrials + i), unit);
        space_from_unit(space, unit, values);
        found = !seen_has(study->seen, values);
    }
    free(unit);
    free(sobol);
    return found;
}

// A quasi-random point, when the search is late or offers only what was given already.
static struct trial *give_spread(struct study *study, const char *why, struct moment now,
                                 struct effects *fx)
{
    struct value *values = alloc_zero((size_t)study->spec->space.n, sizeof *values);
    struct trial *trial = NULL;
    if (draw_unseen(study, values)) {
        struct giving giving = {.values = values,
                                .parent = -1,
                                .bracket = -1,
                                .round = -1,
                                .own = true,
                                .how = "quasi_random",
                                .why = why};
        trial = trial_give(study, &giving, now, fx);
    }
    free(values);
    return trial;
}

// The list's next point; when all it had were given before, a quasi-random one.
static struct trial *give_listed(struct study *study, struct moment now, struct effects *fx)
{
    bool answered = ready_count(study) > 0 && study->list_seq == study->sequence;
    struct trial *trial = give_next(study, now, fx);
    if (trial || !answered || study_budget_spent(study))
        return trial;
    trial = give_spread(study, "the search offered only points given before", now, fx);
    study->used_up |= !trial;
    return trial;
}

// In place of a search that is late. What was ordered from it still holds: else one that takes longer than
// others wait would never be heard.
static struct trial *give_in_place(struct study *study, struct moment now, struct effects *fx)
{
    int64_t given_seq = study->given_seq;
    if (study->search_waits || study->fidelity || study_budget_spent(study))
        return NULL;
    struct trial *trial = give_spread(study, "nothing was ready within 250 ms", now, fx);
    study->given_seq = given_seq;
    return trial;
}

// A new trial (or one that goes on) from the list. wanted: this one and those asked for after it.
static enum study_offer next_new(struct study *study, int wanted, bool late, struct moment now,
                                 struct effects *fx, struct trial **out)
{
    if (!study_wants_more(study, now))
        return OFFER_NOTHING;
    order(study, wanted, now, fx);
    if (!list_is_fresh(study) && study->asked && !late)
        return OFFER_WAIT;
    *out = give_listed(study, now, fx);
    if (!*out && !study_wants_more(study, now))
        return OFFER_NOTHING;
    if (!*out && late)
        *out = give_in_place(study, now, fx);
    order(study, *out ? wanted - 1 : wanted, now, fx);
    if (*out)
        return OFFER_WORK;
    return study->asked ? OFFER_WAIT : OFFER_NOTHING;
}

static void queue_executions(struct study *study, struct trial *trial, int from)
{
    for (int i = from; i < study->nexecutions; i++)
        if (trial->executions[i].queued)
            execution_queue(study, trial, i);
}

static bool take_ready(struct study *study, int *trial, int *execution)
{
    int64_t key;
    while (heap_pop(&study->ready, &key)) {
        *trial = (int)(key / study->nexecutions);
        *execution = (int)(key % study->nexecutions);
        const struct trial *found = study->trials[*trial];
        if (found->state == TRIAL_RUNNING && found->executions[*execution].queued)
            return true;
    }
    return false;
}

enum study_offer study_take(struct study *study, const char *worker, bool late, struct moment now,
                            struct effects *fx, int *trial, int *execution)
{
    if (!study->spec->has_model ||
        (study->state != STUDY_RUNNING && study->state != STUDY_STOPPING))
        return OFFER_NOTHING;
    if (!take_ready(study, trial, execution)) {
        if (!trial_may_start(study))
            return OFFER_NOTHING;
        struct trial *next = next_waiting(study);
        if (!next) {
            bool idle = study->counts[TRIAL_RUNNING] == 0;
            enum study_offer offer = next_new(study, 1, late && !idle, now, fx, &next);
            if (offer != OFFER_WORK)
                return offer;
        }
        if (next->state == TRIAL_QUEUED) {
            trial_run(study, next, now, fx);
            queue_executions(study, next, 0);
        }
        if (!take_ready(study, trial, execution))
            return OFFER_NOTHING;
    }
    execution_start(study, study->trials[*trial], *execution, worker, now, fx);
    return OFFER_WORK;
}

// ---- clients

static bool is_open_at(const struct trial *trial, const char *client)
{
    return trial->state == TRIAL_RUNNING && trial_is_clients(trial) && trial->client_id &&
           strcmp(trial->client_id, client) == 0;
}

static void lease_to(struct study *study, struct trial *trial, const char *client,
                     struct moment now, struct effects *fx)
{
    study_set_reason(&trial->client_id, client);
    if (trial->state == TRIAL_QUEUED)
        trial_run(study, trial, now, fx);
    execution_start(study, trial, 0, NULL, now, fx);
    effect_add(fx, EFFECT_UPDATE_TRIAL, trial->number, 0);
}

static int open_trials(const struct study *study, const char *client, int count, int *numbers)
{
    int n = 0;
    if (study->counts[TRIAL_RUNNING] == 0)
        return 0;
    for (int i = 0; i < study->ntrials && n < count; i++)
        if (is_open_at(study->trials[i], client))
            numbers[n++] = i;
    return n;
}

enum study_offer study_ask(struct study *study, const char *client, int count, bool late,
                           struct moment now, struct effects *fx, int *numbers, int *n)
{
    *n = open_trials(study, client, count, numbers);
    while (*n < count && trial_may_start(study)) {
        struct trial *trial = next_waiting(study);
        if (!trial) {
            enum study_offer offer = next_new(study, count - *n, late, now, fx, &trial);
            if (offer == OFFER_WAIT)
                return OFFER_WAIT;
            if (offer != OFFER_WORK)
                break;
        }
        lease_to(study, trial, client, now, fx);
        numbers[(*n)++] = trial->number;
    }
    study_settle(study, now, fx);
    return *n ? OFFER_WORK : OFFER_NOTHING;
}

enum code study_add_point(struct study *study, const struct value *values, struct moment now,
                          struct effects *fx, int *number, struct error *err)
{
    if (study->state != STUDY_RUNNING && study->state != STUDY_PAUSED)
        return fail(err, E_STATE, "",
                    "study \"%s\" is %s and takes no further trials; raise its "
                    "max_trials first",
                    study->spec->name, study_state_names[study->state]);
    if (study->max_trials >= 0 && study->ntrials >= study->max_trials)
        return fail(err, E_STATE, "",
                    "all %lld trials of the study have been given; raise its "
                    "max_trials first",
                    (long long)study->max_trials);
    if (seen_has(study->seen, values))
        return fail(err, E_CONFLICT, "/hyperparameters",
                    "the study has a trial with these hyperparameters; use others");
    struct giving giving = {.values = values,
                            .parent = -1,
                            .bracket = -1,
                            .round = -1,
                            .how = "user",
                            .why = "a point given by hand"};
    if (!lasting(study))
        suggestions_clear(study);
    *number = trial_give(study, &giving, now, fx)->number;
    suggestions_order(study, now, fx);
    effect_add(fx, EFFECT_STUDY_NEWS, 0, 0);
    return OK;
}
