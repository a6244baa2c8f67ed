// keras/src/callbacks/early_stopping.py. `wait` goes up before the comparison; with a baseline it goes
// back to 0 only when that is beaten too; the first epoch improves on nothing, so it never stops; the weights of the best epoch are
// put back also when training ran to its end.

#include "worker/engine/callbacks/kind.h"

static enum code init(struct callback *c, const cJSON *config,
                      const struct callback_setting *setting, struct error *err)
{
    enum code code = callback_number(config, "min_delta", 0, -HUGE_VAL, HUGE_VAL, setting->pointer,
                                     &c->min_delta, err);

    if (!code)
        code = callback_count(config, "patience", 0, setting->pointer, &c->patience, err);
    if (!code)
        code = callback_number(config, "baseline", (double)NAN, -HUGE_VAL, HUGE_VAL,
                               setting->pointer, &c->baseline, err);
    if (!code)
        code = callback_count(config, "start_from_epoch", 0, setting->pointer, &c->start_from_epoch,
                              err);
    c->min_delta = fabs(c->min_delta);
    c->restore_best_weights = json_bool_or(config, "restore_best_weights", false);
    return code;
}

// Strict, by min_delta; nothing beats NaN.
static bool improves(const struct callback *c, double value, double reference)
{
    return c->larger ? value - c->min_delta > reference : value + c->min_delta < reference;
}

static void keep_weights(struct callback *c, const struct callback_moment *moment)
{
    moment->actions->save |= 1u << c->slot;
    c->state.has_weights = 1;
    c->state.best_epoch = moment->epoch;
}

static void epoch_end(struct callback *c, const struct callback_moment *moment)
{
    struct callback_state *s = &c->state;
    double current = 0;

    if (!callback_current(c, moment, &current) || moment->epoch < c->start_from_epoch)
        return;
    if (c->restore_best_weights && !s->has_weights)
        keep_weights(c, moment);
    s->wait++;
    if (!s->has_best || improves(c, current, s->best)) {
        s->best = current;
        s->has_best = 1;
        s->best_epoch = moment->epoch;
        if (c->restore_best_weights)
            keep_weights(c, moment);
        if (isnan(c->baseline) || improves(c, current, c->baseline))
            s->wait = 0;
        return;
    }
    if (s->wait >= c->patience) {
        s->stopped = 1;
        moment->actions->stop = true;
    }
}

const struct callback_kind callback_early_stopping = {
    .name = "EarlyStopping", .monitors = true, .init = init, .epoch_end = epoch_end};
