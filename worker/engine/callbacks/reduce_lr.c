// keras/src/callbacks/reduce_lr_on_plateau.py. The cooldown counts down before the comparison.

#include "worker/engine/callbacks/kind.h"

static enum code init(struct callback *c, const cJSON *config,
                      const struct callback_setting *setting, struct error *err)
{
    enum code code =
        callback_number(config, "factor", 0.1, 0, 1, setting->pointer, &c->factor, err);

    if (!code && c->factor >= 1)
        code = fail(err, E_RANGE, json_pointer_of(setting->pointer, "factor").text,
                    "factor must be below 1");
    if (!code)
        code = callback_count(config, "patience", 10, setting->pointer, &c->patience, err);
    if (!code)
        code = callback_number(config, "min_delta", 1e-4, -HUGE_VAL, HUGE_VAL, setting->pointer,
                               &c->min_delta, err);
    if (!code)
        code = callback_count(config, "cooldown", 0, setting->pointer, &c->cooldown, err);
    if (!code)
        code = callback_number(config, "min_lr", 0, 0, HUGE_VAL, setting->pointer, &c->min_lr, err);
    return code;
}

// NaN never improves, not even on nothing.
static bool improves(const struct callback *c, double value)
{
    double best = c->state.has_best ? c->state.best : c->larger ? -HUGE_VAL : HUGE_VAL;
    return c->larger ? value > best + c->min_delta : value < best - c->min_delta;
}

static void reduce(struct callback *c, double *rate)
{
    if (!(*rate > c->min_lr))
        return;
    *rate = fmax(*rate * c->factor, c->min_lr);
    c->state.cooldown = c->cooldown;
    c->state.wait = 0;
}

static void epoch_end(struct callback *c, const struct callback_moment *moment)
{
    struct callback_state *s = &c->state;
    double current = 0;

    if (!callback_current(c, moment, &current))
        return;
    if (s->cooldown > 0) {
        s->cooldown--;
        s->wait = 0;
    }
    if (improves(c, current)) {
        s->best = current;
        s->has_best = 1;
        s->wait = 0;
    } else if (s->cooldown == 0 && ++s->wait >= c->patience) {
        reduce(c, moment->rate);
    }
}

const struct callback_kind callback_reduce_lr = {.name = "ReduceLROnPlateau",
                                                 .monitors = true,
                                                 .sets_rate = true,
                                                 .init = init,
                                                 .epoch_end = epoch_end};
