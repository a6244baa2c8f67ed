#include "coordinator/study/tape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/alloc.h"

enum code tape_init(struct tape *tape, const struct study_spec *spec, struct error *err)
{
    *tape = (struct tape){.history = {.space = &spec->space, .max_trials = spec->tuner.max_trials}};
    return search_new(&tape->search, spec, err);
}

static void free_trials(struct search_trial *trials, int n)
{
    for (int i = 0; i < n; i++) {
        free(trials[i].unit);
        free(trials[i].curve);
    }
    free(trials);
}

void tape_fini(struct tape *tape)
{
    search_free(&tape->search);
    free_trials(tape->trials, tape->history.n);
    free_trials(tape->prior, tape->history.nprior);
    *tape = (struct tape){0};
}

static void add_trial(struct tape *tape, const struct tape_point *point)
{
    const struct space *space = tape->history.space;
    int index = tape->history.n;
    double *unit = alloc_zero((size_t)space->n, sizeof *unit);
    space_to_unit(space, point->values, unit);
    tape->trials = alloc_more(tape->trials, index, &tape->cap, sizeof *tape->trials);
    tape->trials[index] = (struct search_trial){
        .number = index,
        .unit = unit,
        .loss = NAN,
        .bracket = point->bracket,
        .round = point->round,
        .parent = point->parent,
        .own = point->own,
        .source = -1,
    };
    tape->history.n++;
    tape->history.trials = tape->trials;
}

void tape_given(struct tape *tape, const struct decision *decision, const struct tape_point *point)
{
    int index = decision->trial;
    if (index == tape->history.n)
        add_trial(tape, point);
    else
        tape->trials[index].round++; // it goes on
    tape->trials[index].state = SEARCH_RUNNING;
    tape->search.ops->given(tape->search.state, &tape->history, index);
}

void tape_told(struct tape *tape, const struct decision *decision, const double *curve, int ncurve)
{
    struct search_trial *trial = &tape->trials[decision->trial];
    free(trial->curve);
    trial->curve = alloc_copy(curve, (size_t)ncurve * sizeof *curve);
    trial->ncurve = ncurve;
    trial->state = decision->state;
    trial->loss = decision->loss;
    trial->variance = decision->variance;
    trial->executions = decision->executions;
    trial->epochs = decision->epochs;
    tape->search.ops->tell(tape->search.state, &tape->history, decision->trial);
}

bool tape_report(struct tape *tape, int index, int epoch, double loss)
{
    struct search_trial *trial = &tape->trials[index];
    if (trial->ncurve < epoch) {
        trial->curve = alloc_sure(reallocarray(trial->curve, (size_t)epoch, sizeof *trial->curve));
        for (int i = trial->ncurve; i < epoch; i++)
            trial->curve[i] = NAN;
        trial->ncurve = epoch;
    }
    trial->curve[epoch - 1] = loss;
    trial->epochs = epoch;
    return tape->search.ops->report(tape->search.state, &tape->history, index, epoch, loss);
}
