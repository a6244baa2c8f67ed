#include "coordinator/search/gp/maximise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/search/gp/lbfgs.h"
#include "coordinator/search/sobol.h"

enum {
    LISTED_MAX = 16, // grids up to here try every value in an exchange
    MOVES_MAX = 64,  // neighbours valued together
    ROUNDS = 12,
    STEPS = 40, // evaluations of one gradient phase
};
static const double GAIN = 1e-6;   // what an exchange must gain
static const double SPRAYED = 0.4; // share of the candidates near good results

struct climb {
    const struct maximise *task;
    struct rng *rng;
    int n;
    double *x, value; // where it stands
    double *trial, *gradient;
    double *moves, *move_values; // [MOVES_MAX][n]
    int nfree, *free;            // coordinates of the gradient phase
    double *scale;               // [n] unit = scaled * scale
};

static bool is_free(const struct domain_dim *dim)
{
    return dim->kind == DIM_NUMBER || (dim->kind == DIM_GRID && dim->nvalues > LISTED_MAX);
}

static bool is_seen(const struct maximise *task, const double *x)
{
    return point_set_has(task->seen, task->domain->space, x);
}

static double gauss_move(struct rng *rng, double x, double deviation)
{
    double y = x + deviation * rng_normal(rng);
    if (y < 0)
        y = fmin(1, -y);
    return y > 1 ? fmax(0, 2 - y) : y;
}

// One coordinate to another value near it: a category to any, a short grid mostly to a neighbour.
static double sprayed(const struct domain_dim *dim, struct rng *rng, double x)
{
    if (dim->kind == DIM_CATEGORY)
        return dim->units[rng_below(rng, (uint64_t)dim->nvalues)];
    double wide = rng_uniform(rng) < 0.5 ? 0.2 : 0.05;
    if (dim->kind == DIM_GRID)
        wide = fmax(wide, 1.0 / dim->nvalues);
    return gauss_move(rng, x, wide);
}

static void spray(const struct maximise *task, struct rng *rng, double *x)
{
    const struct domain *domain = task->domain;
    int pick = 0;
    while (pick + 1 < task->nbest && rng_uniform(rng) < 0.5)
        pick++;
    memcpy(x, task->best[pick], (size_t)domain->n * sizeof *x);
    double rate = fmax(0.25, 2.0 / (domain->nmodel > 0 ? domain->nmodel : 1));
    for (int c = 0; c < domain->nmodel; c++) {
        int j = domain->model[c];
        if (!isnan(x[j]) && rng_uniform(rng) < rate)
            x[j] = sprayed(&domain->dims[j], rng, x[j]);
    }
}

// candidates: [task->candidates][n]
static void fill_candidates(const struct maximise *task, struct rng *rng, double *candidates)
{
    int n = task->domain->n;
    int sprays = task->nbest > 0 ? (int)(SPRAYED * task->candidates) : 0;
    struct sobol *sobol = malloc(sizeof *sobol);
    uint64_t seed = rng_next(rng) | 1;

    if (sobol)
        sobol_init(sobol, n, seed);
    for (int i = 0; i < task->candidates; i++) {
        double *x = candidates + (size_t)i * (size_t)n;
        if (i < sprays)
            spray(task, rng, x);
        else if (sobol)
            sobol_point(sobol, (uint32_t)(i - sprays), x);
        else
            for (int j = 0; j < n; j++)
                x[j] = rng_uniform(rng);
        domain_proper(task->domain, x, task->fill);
    }
    free(sobol);
}

static double negative(void *context, const double *scaled, double *gradient)
{
    struct climb *climb = context;
    memcpy(climb->trial, climb->x, (size_t)climb->n * sizeof *climb->trial);
    for (int f = 0; f < climb->nfree; f++)
        climb->trial[climb->free[f]] = scaled[f] * climb->scale[climb->free[f]];
    double value = acquisition_slope(climb->task->acquisition, climb->trial, climb->gradient);
    for (int f = 0; f < climb->nfree; f++)
        gradient[f] = -climb->gradient[climb->free[f]] * climb->scale[climb->free[f]];
    return -value;
}

// Takes climb->trial, made proper, when it is new and better. Says whether.
static bool settle(struct climb *climb)
{
    double value;
    domain_proper(climb->task->domain, climb->trial, climb->task->fill);
    if (is_seen(climb->task, climb->trial))
        return false;
    acquisition_values(climb->task->acquisition, 1, climb->trial, &value);
    if (!(value > climb->value + GAIN))
        return false;
    memcpy(climb->x, climb->trial, (size_t)climb->n * sizeof *climb->x);
    climb->value = value;
    return true;
}

static bool follow_gradient(struct climb *climb)
{
    const struct domain *domain = climb->task->domain;
    double scaled[LBFGS_DIM_MAX], lo[LBFGS_DIM_MAX], hi[LBFGS_DIM_MAX];

    climb->nfree = 0;
    for (int c = 0; c < domain->nmodel; c++) {
        int j = domain->model[c];
        if (!is_free(&domain->dims[j]) || isnan(climb->x[j]))
            continue;
        scaled[climb->nfree] = climb->x[j] / climb->scale[j];
        lo[climb->nfree] = 0;
        hi[climb->nfree] = 1 / climb->scale[j];
        climb->free[climb->nfree++] = j;
    }
    if (climb->nfree == 0)
        return false;
    struct lbfgs_options options = {
        .evaluations = STEPS, .gradient = 1e-3, .decrease = 1e-5, .step = 0.2};
    lbfgs_minimise(climb->nfree, scaled, lo, hi, negative, climb, &options);
    memcpy(climb->trial, climb->x, (size_t)climb->n * sizeof *climb->trial);
    for (int f = 0; f < climb->nfree; f++)
        climb->trial[climb->free[f]] = scaled[f] * climb->scale[climb->free[f]];
    return settle(climb);
}

static int add_move(struct climb *climb, int count, int j, double unit)
{
    double *move = climb->moves + (size_t)count * (size_t)climb->n;
    memcpy(move, climb->x, (size_t)climb->n * sizeof *move);
    move[j] = unit;
    domain_proper(climb->task->domain, move, climb->task->fill);
    return count + 1;
}

// The other values of coordinate j worth a look: all of a short list; of a long one steps of 1, 2, 4, …
// either way.
static int list_moves(struct climb *climb, int j)
{
    const struct domain_dim *dim = &climb->task->domain->dims[j];
    int at = domain_index(dim, climb->x[j]), count = 0;

    if (dim->kind == DIM_CATEGORY || dim->nvalues <= LISTED_MAX) {
        for (int k = 0; k < dim->nvalues && count < MOVES_MAX; k++)
            if (k != at)
                count = add_move(climb, count, j, dim->units[k]);
        return count;
    }
    for (int step = 1; step < dim->nvalues && count + 2 <= MOVES_MAX; step *= 2) {
        if (at + step < dim->nvalues)
            count = add_move(climb, count, j, dim->units[at + step]);
        if (at - step >= 0)
            count = add_move(climb, count, j, dim->units[at - step]);
    }
    return count;
}

static bool exchange(struct climb *climb)
{
    const struct domain *domain = climb->task->domain;
    bool improved = false;

    for (int c = 0; c < domain->nmodel; c++) {
        int j = domain->model[c], best = -1;
        if (domain->dims[j].kind == DIM_NUMBER || isnan(climb->x[j]))
            continue;
        int count = list_moves(climb, j);
        acquisition_values(climb->task->acquisition, count, climb->moves, climb->move_values);
        double most = climb->value + GAIN;
        for (int m = 0; m < count; m++) {
            const double *move = climb->moves + (size_t)m * (size_t)climb->n;
            if (climb->move_values[m] > most && !is_seen(climb->task, move)) {
                best = m;
                most = climb->move_values[m];
            }
        }
        if (best < 0)
            continue;
        memcpy(climb->x, climb->moves + (size_t)best * (size_t)climb->n,
               (size_t)climb->n * sizeof *climb->x);
        climb->value = most;
        improved = true;
    }
    return improved;
}

static void climb_up(struct climb *climb)
{
    for (int round = 0; round < ROUNDS; round++) {
        bool moved = follow_gradient(climb);
        if (!exchange(climb) && (!moved || round > 0))
            return;
    }
}

// The next start: first the best candidate, then by roulette in exp(value - best). -1: no more.
static int pick_start(struct rng *rng, int n, double *values, int *starts)
{
    int best = -1;
    for (int i = 0; i < n; i++)
        if (!isinf(values[i]) && !isnan(values[i]) && (best < 0 || values[i] > values[best]))
            best = i;
    if (best < 0)
        return -1;
    int pick = best;
    if ((*starts)++ > 0) {
        double total = 0, sum = 0;
        for (int i = 0; i < n; i++)
            total += isfinite(values[i]) ? exp(values[i] - values[best]) : 0;
        double mark = rng_uniform(rng) * total;
        for (int i = 0; i < n; i++) {
            sum += isfinite(values[i]) ? exp(values[i] - values[best]) : 0;
            if (isfinite(values[i]) && sum >= mark) {
                pick = i;
                break;
            }
        }
    }
    return pick;
}

static bool climb_init(struct climb *climb, const struct maximise *task, struct rng *rng)
{
    size_t n = (size_t)task->domain->n;
    const struct gp *gp = task->acquisition->members[0].gp;
    double *at = calloc(n * (4 + MOVES_MAX) + MOVES_MAX, sizeof *at);
    int *indices = calloc(n + 1, sizeof *indices);

    if (!at || !indices) {
        free(at);
        free(indices);
        return false;
    }
    *climb = (struct climb){.task = task, .rng = rng, .n = (int)n, .free = indices};
    climb->x = at;
    climb->trial = at + n;
    climb->gradient = at + 2 * n;
    climb->scale = at + 3 * n;
    climb->moves = at + 4 * n;
    climb->move_values = climb->moves + n * MOVES_MAX;
    for (int c = 0; c < task->domain->nmodel; c++)
        climb->scale[task->domain->model[c]] = fmin(10, fmax(1e-2, 1 / sqrt(gp->w[c])));
    return true;
}

// Rounds as the space does (grids too long to be listed) and takes x when it is new still.
static bool take_best(const struct maximise *task, double *found, double value, double *x,
                      double *best)
{
    point_proper(task->domain->space, found, task->values);
    if (is_seen(task, found) || !(value > *best))
        return false;
    memcpy(x, found, (size_t)task->domain->n * sizeof *x);
    *best = value;
    return true;
}

bool maximise(const struct maximise *task, struct rng *rng, double *x, double *value)
{
    int n = task->domain->n, starts = 0, count = task->candidates;
    double *candidates = malloc(((size_t)n + 1) * (size_t)count * sizeof *candidates);
    double best = -INFINITY;
    bool found = false;
    struct climb climb;

    if (!candidates || !climb_init(&climb, task, rng)) {
        free(candidates);
        return false;
    }
    double *values = candidates + (size_t)n * (size_t)count;
    fill_candidates(task, rng, candidates);
    acquisition_values(task->acquisition, count, candidates, values);
    for (int i = 0; i < count; i++)
        if (is_seen(task, candidates + (size_t)i * (size_t)n))
            values[i] = -INFINITY;
    while (starts < task->climbs) {
        int pick = pick_start(rng, count, values, &starts);
        if (pick < 0)
            break;
        memcpy(climb.x, candidates + (size_t)pick * (size_t)n, (size_t)n * sizeof *climb.x);
        climb.value = values[pick];
        values[pick] = -INFINITY;
        climb_up(&climb);
        found |= take_best(task, climb.x, climb.value, x, &best);
    }
    *value = best;
    free(climb.x);
    free(climb.free);
    free(candidates);
    return found;
}
