#include "tests/test.h"

#include "tests/search_sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/space_build.h"

void sim_init(struct sim *sim, const char *type, const char *parameters, uint64_t seed)
{
    struct error err;
    struct faults faults;

    *sim = (struct sim){.workers = 1};
    cJSON *list = json_read(parameters, strlen(parameters), NULL, &err);
    assert_non_null(list);
    faults_init(&faults);
    if (space_from_parameters(list, "/parameters", &sim->spec.space, &faults))
        fail_msg("%s: %s", faults.items[0].pointer, faults.items[0].message);
    faults_fini(&faults);
    cJSON_Delete(list);
    sim->spec.seed = seed;
    struct tuner_spec *tuner = &sim->spec.tuner;
    snprintf(tuner->type, sizeof tuner->type, "%s", type);
    tuner->max_trials = 40;
    tuner->executions_per_trial = 1;
    tuner->max_epochs = 9;
    tuner->min_epochs = 1;
    tuner->factor = 3;
    tuner->hyperband_iterations = 1;
    tuner->asha_promotion = true;
    sim->spec.epochs = 9;
    rng_init(&sim->rng, seed, 4);
}

static void give_users_point(struct sim *sim);

void sim_start(struct sim *sim, int workers)
{
    struct error err;
    sim->workers = workers;
    sim->history.space = &sim->spec.space;
    sim->history.max_trials = sim->spec.tuner.max_trials;
    if (search_new(&sim->search, &sim->spec, &err))
        fail_msg("%s: %s", err.pointer, err.message);
    if (sim->users_point)
        give_users_point(sim);
}

void sim_fini(struct sim *sim)
{
    for (int i = 0; i < sim->history.n; i++) {
        free(sim->trials[i].unit);
        free(sim->trials[i].curve);
    }
    for (int i = 0; sim->prior && i < sim->history.nprior; i++)
        free(sim->prior[i].unit);
    free(sim->prior);
    free(sim->trials);
    free(sim->target);
    free(sim->executions);
    free(sim->decisions);
    search_free(&sim->search);
    space_fini(&sim->spec.space);
}

static void log_decision(struct sim *sim, bool told, int index)
{
    if (sim->ndecisions == sim->decisions_room) {
        sim->decisions_room = sim->decisions_room ? 2 * sim->decisions_room : 64;
        sim->decisions =
            realloc(sim->decisions, (size_t)sim->decisions_room * sizeof *sim->decisions);
        assert_non_null(sim->decisions);
    }
    sim->decisions[sim->ndecisions++] =
        (struct sim_decision){.told = told, .index = index, .trial = sim->trials[index]};
}

static double bowl(const double *unit, int n)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += isnan(unit[j]) ? 0.05 : (unit[j] - 0.3) * (unit[j] - 0.3);
    return sum;
}

static double share_of(const struct sim *sim, const double *unit)
{
    uint64_t key = 17;
    for (int j = 0; j < sim->spec.space.n; j++)
        key = rng_mix(key, isnan(unit[j]) ? 1 : (uint64_t)ldexp(unit[j], 30));
    return ldexp((double)(key >> 11), -53);
}

static double loss_of(const struct sim *sim, const double *unit, int epoch)
{
    double share = share_of(sim, unit);
    if (share >= sim->failures && share < sim->failures + sim->nan_losses)
        return NAN;
    if (sim->loss)
        return sim->loss(sim, unit, epoch);
    return bowl(unit, sim->spec.space.n) + 0.5 * pow(epoch, -0.7);
}

void sim_start_from(struct sim *sim, int n)
{
    const struct space *space = &sim->spec.space;
    struct value *values = calloc((size_t)space->n + 1, sizeof *values);
    sim->prior = calloc((size_t)n, sizeof *sim->prior);
    assert_true(values && sim->prior);
    for (int i = 0; i < n; i++) {
        double *unit = calloc((size_t)space->n + 1, sizeof *unit);
        assert_non_null(unit);
        space_sample(space, &sim->rng, values);
        space_to_unit(space, values, unit);
        sim->prior[i] = (struct search_trial){.number = i,
                                              .state = SEARCH_COMPLETED,
                                              .unit = unit,
                                              .loss = bowl(unit, space->n) + 3,
                                              .executions = 1,
                                              .bracket = -1,
                                              .round = -1,
                                              .parent = -1};
    }
    free(values);
    sim->history.prior = sim->prior;
    sim->history.nprior = n;
}

static int new_trial(struct sim *sim, const struct proposal *p, bool own)
{
    int n = sim->spec.space.n;
    if (sim->history.n == sim->room) {
        sim->room = sim->room ? 2 * sim->room : 64;
        sim->trials = realloc(sim->trials, (size_t)sim->room * sizeof *sim->trials);
        sim->target = realloc(sim->target, (size_t)sim->room * sizeof *sim->target);
        sim->executions = realloc(sim->executions, (size_t)sim->room * sizeof *sim->executions);
        assert_non_null(sim->trials);
        assert_non_null(sim->target);
        assert_non_null(sim->executions);
        sim->history.trials = sim->trials;
    }
    int i = sim->history.n++;
    struct value *values = calloc((size_t)n + 1, sizeof *values);
    double *unit = calloc((size_t)n + 1, sizeof *unit);
    space_from_unit(&sim->spec.space, p->unit, values);
    space_to_unit(&sim->spec.space, values, unit);
    free(values);
    if (p->parent >= 0)
        memcpy(unit, sim->trials[p->parent].unit, (size_t)n * sizeof *unit);
    sim->trials[i] = (struct search_trial){.number = i,
                                           .unit = unit,
                                           .parent = p->parent,
                                           .own = own,
                                           .source = -1,
                                           .epochs = p->initial_epoch};
    sim->trials[i].curve = calloc(2048, sizeof(double));
    for (int e = 0; e < p->initial_epoch; e++)
        sim->trials[i].curve[sim->trials[i].ncurve++] = NAN;
    return i;
}

static void give(struct sim *sim, const struct proposal *p, bool own)
{
    int i = p->continues ? p->parent : new_trial(sim, p, own);
    struct search_trial *trial = &sim->trials[i];
    if (p->continues)
        assert_int_equal(trial->state, SEARCH_COMPLETED);
    trial->state = SEARCH_RUNNING;
    trial->loss = NAN;
    trial->bracket = p->bracket;
    trial->round = p->round;
    sim->target[i] = p->epochs > 0 ? p->epochs : (int)sim->spec.epochs;
    int all = (int)sim->spec.tuner.executions_per_trial;
    assert_in_range(p->executions, 0, all);
    sim->executions[i] = p->executions > 0 ? p->executions : all;
    sim->running++;
    log_decision(sim, false, i);
    sim->search.ops->given(sim->search.state, &sim->history, i);
}

static void give_users_point(struct sim *sim)
{
    const struct space *space = &sim->spec.space;
    struct value *values = calloc((size_t)space->n + 1, sizeof *values);
    struct proposal p = {.parent = -1, .bracket = -1, .round = -1};
    p.unit = calloc((size_t)space->n + 1, sizeof *p.unit);
    assert_true(values && p.unit);
    space_sample(space, &sim->rng, values);
    space_to_unit(space, values, p.unit);
    give(sim, &p, false);
    free(p.unit);
    free(values);
}

int sim_ask(struct sim *sim, int max)
{
    struct proposal *out = calloc((size_t)max, sizeof *out);
    struct rng rng;
    int count = 0;

    rng_init(&rng, sim->spec.seed, 1000 + sim->asks++);
    sim->last = sim->search.ops->ask(sim->search.state, &sim->history, &rng, max, out, &count);
    assert_true(count <= max);
    assert_int_equal(count > 0, sim->last == ASK_POINTS);
    for (int k = 0; k < count; k++)
        give(sim, &out[k], true);
    free(out);
    return count;
}

static void tell(struct sim *sim, int i, enum search_state state)
{
    struct search_trial *trial = &sim->trials[i];
    trial->state = state;
    trial->executions = sim->executions[i];
    trial->variance = trial->executions > 1 ? 0.01 * rng_uniform(&sim->rng) : 0;
    trial->loss = NAN;
    for (int e = 0; e < trial->ncurve && state != SEARCH_FAILED; e++)
        trial->loss = fmin(trial->loss, trial->curve[e]);
    sim->running--;
    log_decision(sim, true, i);
    sim->search.ops->tell(sim->search.state, &sim->history, i);
}

bool sim_event(struct sim *sim)
{
    if (sim->running == 0)
        return false;
    uint64_t pick = rng_below(&sim->rng, (uint64_t)sim->running);
    int i = 0;
    for (;; i++)
        if (sim->trials[i].state == SEARCH_RUNNING && pick-- == 0)
            break;
    struct search_trial *trial = &sim->trials[i];
    if (share_of(sim, trial->unit) < sim->failures && trial->parent < 0) {
        tell(sim, i, SEARCH_FAILED);
        return true;
    }
    double loss = NAN;
    if (trial->epochs < sim->target[i]) { // else only other executions are wanted
        loss = loss_of(sim, trial->unit, ++trial->epochs);
        trial->curve[trial->ncurve++] = loss;
        sim->epochs++;
    }
    if (trial->epochs >= sim->target[i])
        tell(sim, i, SEARCH_COMPLETED);
    else if (sim->search.ops->report(sim->search.state, &sim->history, i, trial->epochs, loss))
        tell(sim, i, SEARCH_PRUNED);
    return true;
}

void sim_run(struct sim *sim, int most)
{
    for (;;) {
        while (sim->running < sim->workers && sim->history.n < most &&
               sim_ask(sim, sim->workers - sim->running) > 0)
            ;
        if (sim->last == ASK_WAIT && sim->workers - sim->running > sim->most_idle)
            sim->most_idle = sim->workers - sim->running;
        if (!sim_event(sim))
            return;
    }
}

void sim_check_replay(struct sim *sim, int max)
{
    struct search again;
    struct error err;
    assert_int_equal(search_new(&again, &sim->spec, &err), OK);
    struct history past = sim->history;
    struct search_trial *trials = calloc((size_t)sim->history.n + 1, sizeof *trials);
    past.trials = trials;
    past.n = 0;
    for (int d = 0; d < sim->ndecisions; d++) {
        const struct sim_decision *decision = &sim->decisions[d];
        trials[decision->index] = decision->trial;
        if (decision->index >= past.n)
            past.n = decision->index + 1;
        if (decision->told)
            again.ops->tell(again.state, &past, decision->index);
        else
            again.ops->given(again.state, &past, decision->index);
    }
    struct proposal *a = calloc(2 * (size_t)max, sizeof *a), *b = a + max;
    struct rng rng;
    int na = 0, nb = 0;
    rng_init(&rng, sim->spec.seed, 9);
    enum ask_status first =
        sim->search.ops->ask(sim->search.state, &sim->history, &rng, max, a, &na);
    rng_init(&rng, sim->spec.seed, 9);
    assert_int_equal(again.ops->ask(again.state, &sim->history, &rng, max, b, &nb), first);
    assert_int_equal(na, nb);
    for (int k = 0; k < na; k++) {
        assert_memory_equal(a[k].unit, b[k].unit, (size_t)sim->spec.space.n * sizeof(double));
        assert_int_equal(a[k].epochs, b[k].epochs);
        assert_int_equal(a[k].parent, b[k].parent);
        assert_int_equal(a[k].round, b[k].round);
        assert_int_equal(a[k].executions, b[k].executions);
        assert_string_equal(a[k].why, b[k].why);
    }
    free(a);
    free(trials);
    search_free(&again);
}

int sim_best(const struct sim *sim)
{
    int best = -1;
    for (int i = 0; i < sim->history.n; i++)
        if (isfinite(sim->trials[i].loss) &&
            (best < 0 || sim->trials[i].loss < sim->trials[best].loss))
            best = i;
    return best;
}
