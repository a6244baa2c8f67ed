// Dropout on the inputs and the states of recurrent layers.
#include "worker/engine/layers/recurrent.h"

static size_t input_numbers(const struct recurrent *r, size_t batch)
{
    return r->dropout > 0 ? r->input_masks * batch * r->inputs : 0;
}

static size_t state_numbers(const struct recurrent *r, size_t batch)
{
    return r->recurrent_dropout > 0 ? r->gates * batch * r->units : 0;
}

size_t recurrent_masks_kept(const struct recurrent *r, size_t batch)
{
    return real_padded(input_numbers(r, batch)) + real_padded(state_numbers(r, batch));
}

size_t recurrent_masks_scratch(const struct recurrent *r, size_t batch)
{
    const size_t widest = r->inputs > r->units ? r->inputs : r->units;

    return r->dropout > 0 || r->recurrent_dropout > 0 ? real_padded(r->steps * batch * widest) : 0;
}

static real *draw(const struct pass *pass, const struct dropout *d, size_t n, real *mask)
{
    for (size_t i = 0; i < n; i++)
        mask[i] = 1;
    pass->kernels->dropout(n, mask, mask, d);
    return mask;
}

void recurrent_masks_draw(struct layer *l, const struct pass *pass, real *keep, real *scratch)
{
    struct recurrent *r = l->state;
    const size_t inputs = input_numbers(r, pass->batch), states = state_numbers(r, pass->batch);
    struct dropout d = layer_dropout(pass, l->index, r->dropout);

    r->masked = scratch;
    r->input_mask = pass->training && inputs ? draw(pass, &d, inputs, keep) : NULL;
    d = layer_dropout(pass, l->index, r->recurrent_dropout);
    d.noise.counter = ~d.noise.counter; // steps count from the other end
    r->state_mask =
        pass->training && states ? draw(pass, &d, states, keep + real_padded(inputs)) : NULL;
}

const real *recurrent_input_mask(const struct recurrent *r, size_t batch, size_t gate)
{
    if (!r->input_mask)
        return NULL;
    return r->input_mask + (r->input_masks > 1 ? gate : 0) * batch * r->inputs;
}

const real *recurrent_state_mask(const struct recurrent *r, size_t batch, size_t gate)
{
    return r->state_mask ? r->state_mask + gate * batch * r->units : NULL;
}

const real *recurrent_masked(const struct recurrent *r, size_t rows, size_t n, const real *x,
                             const real *mask)
{
    if (!mask)
        return x;
    recurrent_unmask(rows, n, x, mask, r->masked, false);
    return r->masked;
}

void recurrent_unmask(size_t rows, size_t n, const real *from, const real *mask, real *to, bool add)
{
    for (size_t i = 0; i < rows; i++, from += n, to += n)
        for (size_t q = 0; q < n; q++)
            to[q] = (add ? to[q] : 0) + from[q] * mask[q];
}
