#include "coordinator/search/brackets.h"

#include <math.h>
#include <stdlib.h>

static double power(int base, int exponent)
{
    double value = 1;
    while (exponent-- > 0)
        value *= base;
    return value;
}

struct bracket_plan bracket_plan_of(int max_epochs, int factor)
{
    struct bracket_plan plan = {.max_epochs = max_epochs, .factor = factor};
    for (double epochs = max_epochs; epochs >= 1 && plan.brackets < ROUNDS_MAX; epochs /= factor)
        plan.brackets++;
    return plan;
}

int bracket_size(const struct bracket_plan *plan, int bracket, int round)
{
    double last =
        ceil(1 + log(plan->max_epochs) / log(plan->factor)); // trials bracket 0 would end with
    return (int)ceil(last / (bracket + 1) * power(plan->factor, bracket - round));
}

int bracket_epochs(const struct bracket_plan *plan, int bracket, int round)
{
    return (int)ceil(plan->max_epochs / power(plan->factor, bracket - round));
}

int64_t bracket_total(const struct bracket_plan *plan)
{
    int64_t total = 0;
    for (int b = 0; b < plan->brackets; b++)
        for (int r = 0; r <= b; r++)
            total += bracket_size(plan, b, r);
    return total;
}

static enum code add_entry(struct round *round, struct entry entry)
{
    if (round->n == round->room) {
        int room = round->room ? 2 * round->room : 16;
        struct entry *entries = realloc(round->entries, (size_t)room * sizeof *entries);
        if (!entries)
            return E_MEMORY;
        round->entries = entries;
        round->room = room;
    }
    round->entries[round->n++] = entry;
    return OK;
}

enum code passes_begin(struct passes *passes, int bracket)
{
    if (passes->n == passes->room) {
        int room = passes->room ? 2 * passes->room : 8;
        struct pass *items = realloc(passes->items, (size_t)room * sizeof *items);
        if (!items)
            return E_MEMORY;
        passes->items = items;
        passes->room = room;
    }
    passes->items[passes->n++] = (struct pass){.bracket = bracket};
    return OK;
}

// The first pass of the bracket with room in this round, begun if need be; -1 out of memory.
static int pass_with_room(struct passes *passes, int bracket, int round)
{
    int size = bracket_size(passes->plan, bracket, round);
    for (int p = 0; p < passes->n; p++)
        if (passes->items[p].bracket == bracket && passes->items[p].rounds[round].n < size)
            return p;
    return passes_begin(passes, bracket) ? -1 : passes->n - 1;
}

struct place {
    int pass, round, entry;
};

static enum code place_trial(struct passes *passes, const struct history *history, int index,
                             struct place *places)
{
    const struct search_trial *trial = &history->trials[index];
    int parent = -1, b = trial->bracket, r = trial->round;

    places[index].pass = -1;
    if (!trial->own || b < 0 || b >= passes->plan->brackets || r < 0 || r > b)
        return OK;
    for (int i = index - 1; trial->parent >= 0 && i >= 0 && parent < 0; i--)
        if (history->trials[i].number == trial->parent && places[i].pass >= 0)
            parent = i;
    int p = parent >= 0 ? places[parent].pass : pass_with_room(passes, b, r);
    if (p < 0)
        return E_MEMORY;
    if (parent >= 0) {
        const struct place *from = &places[parent];
        passes->items[p].rounds[from->round].entries[from->entry].promoted = true;
    }
    struct round *round = &passes->items[p].rounds[r];
    places[index] = (struct place){p, r, round->n};
    return add_entry(round,
                     (struct entry){.index = index,
                                    .ended = trial->state != SEARCH_RUNNING,
                                    .ok = trial->state == SEARCH_COMPLETED && isfinite(trial->loss),
                                    .loss = trial->loss});
}

enum code passes_of(struct passes *passes, const struct bracket_plan *plan,
                    const struct history *history)
{
    *passes = (struct passes){.plan = plan};
    struct place *places = malloc(((size_t)history->n + 1) * sizeof *places);
    enum code code = places ? OK : E_MEMORY;
    for (int i = 0; !code && i < history->n; i++)
        code = place_trial(passes, history, i, places);
    free(places);
    if (code)
        passes_fini(passes);
    return code;
}

void passes_fini(struct passes *passes)
{
    for (int p = 0; p < passes->n; p++)
        for (int r = 0; r < ROUNDS_MAX; r++)
            free(passes->items[p].rounds[r].entries);
    free(passes->items);
    *passes = (struct passes){0};
}

static bool runs(const struct round *round)
{
    for (int i = 0; i < round->n; i++)
        if (!round->entries[i].ended)
            return true;
    return false;
}

bool passes_running(const struct passes *passes)
{
    for (int p = 0; p < passes->n; p++)
        for (int r = 0; r <= passes->items[p].bracket; r++)
            if (runs(&passes->items[p].rounds[r]))
                return true;
    return false;
}

// Nothing runs in the rounds before r, so no more will come to choose from.
static bool settled(const struct pass *pass, int r)
{
    for (int k = 0; k < r; k++)
        if (runs(&pass->rounds[k]))
            return false;
    return true;
}

static int best_of(const struct round *round)
{
    int best = -1;
    for (int i = 0; i < round->n; i++) {
        const struct entry *e = &round->entries[i];
        if (e->ok && !e->promoted && (best < 0 || e->loss < round->entries[best].loss))
            best = i;
    }
    return best;
}

static int waiting(const struct round *round)
{
    int n = 0;
    for (int i = 0; i < round->n; i++)
        n += round->entries[i].ended && !round->entries[i].promoted;
    return n;
}

// Whether round r of the pass can grow now, and how.
static bool next_in_round(const struct passes *passes, int p, int r, bool used_up,
                          struct step *step)
{
    const struct pass *pass = &passes->items[p];
    const struct round *before = &pass->rounds[r - 1];
    int size = bracket_size(passes->plan, pass->bracket, r);
    int size_before = bracket_size(passes->plan, pass->bracket, r - 1);

    if (pass->rounds[r].n >= size)
        return false;
    bool enough = waiting(before) > size_before - size;
    int best = best_of(before);
    if (best >= 0 && (enough || (used_up && settled(pass, r)))) {
        *step = (struct step){STEP_PROMOTE, p, r, best};
        return true;
    }
    // All of the round before have ended and none of them is left to go on.
    if (best < 0 && !used_up && before->n == size_before && !runs(before)) {
        *step = (struct step){STEP_NEW, p, r, -1};
        return true;
    }
    return false;
}

struct step passes_next(const struct passes *passes, bool used_up)
{
    struct step step = {.kind = STEP_BEGIN};
    for (int p = 0; p < passes->n; p++) {
        const struct pass *pass = &passes->items[p];
        if (!used_up && pass->rounds[0].n < bracket_size(passes->plan, pass->bracket, 0))
            return (struct step){STEP_NEW, p, 0, -1};
        for (int r = 1; r <= pass->bracket; r++)
            if (next_in_round(passes, p, r, used_up, &step))
                return step;
    }
    return step;
}

enum code passes_add(struct passes *passes, const struct step *step)
{
    struct pass *pass = &passes->items[step->pass];
    if (step->kind == STEP_PROMOTE)
        pass->rounds[step->round - 1].entries[step->from].promoted = true;
    return add_entry(&pass->rounds[step->round], (struct entry){.index = -1});
}
