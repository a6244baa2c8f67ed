// The cells (keras/src/layers/rnn). Gates lie in Keras' order; primes are gradients.
#include "worker/engine/layers/recurrent.h"

#include <string.h>

static void apply(const struct step *s, const struct activation *f, real *z)
{
    s->k->act_forward[f->kind](1, s->n, NULL, z, z, f->p);
}

// dz = dy f', from y = f(z)
static void slope(const struct step *s, const struct activation *f, const real *y, real *dy)
{
    s->k->act_backward[f->kind](1, s->n, y, dy, dy, f->p);
}

// SimpleRNN: h = f(x W + b + h_before U)
static void simple_forward(const struct recurrent *r, const struct step *s)
{
    recurrent_add(r, s, s->h_before, 0, s->gate[0]);
    apply(s, r->f, s->gate[0]);
    memcpy(s->h, s->gate[0], s->n * sizeof(real));
}

static void simple_backward(const struct recurrent *r, const struct step *s)
{
    slope(s, r->f, s->h, s->dh);
    memcpy(s->gate[0], s->dh, s->n * sizeof(real));
    recurrent_back(r, s, s->gate[0], 0, s->dh, false);
}

static const struct cell_ops simple_cell = {
    .gates = 1, .extras = 0, .forward = simple_forward, .backward = simple_backward};

static enum code simple_init(struct layer *l, const cJSON *config, struct error *err)
{
    return recurrent_init(l, config, &simple_cell, err);
}

RECURRENT_LAYER(layer_simple_rnn, "SimpleRNN", "simple_rnn_cell", simple_init);

// LSTM: i, f, o gates; g = f(…); c = f c_before + i g; h = o f(c). extra: c, f(c).
static void lstm_forward(const struct recurrent *r, const struct step *s)
{
    real *const i = s->gate[0], *const f = s->gate[1], *const g = s->gate[2], *const o = s->gate[3];

    for (int gate = 0; gate < 4; gate++)
        recurrent_add(r, s, s->h_before, gate, s->gate[gate]);
    apply(s, r->gate, i);
    apply(s, r->gate, f);
    apply(s, r->f, g);
    apply(s, r->gate, o);
    s->k->lstm_state(s->n, i, f, g, s->extra_before, s->extra[0]);
    memcpy(s->extra[1], s->extra[0], s->n * sizeof(real));
    apply(s, r->f, s->extra[1]);
    for (size_t q = 0; q < s->n; q++)
        s->h[q] = o[q] * s->extra[1][q];
}

static void lstm_backward(const struct recurrent *r, const struct step *s)
{
    real *const i = s->gate[0], *const f = s->gate[1], *const g = s->gate[2], *const o = s->gate[3];
    real *const y = s->extra[1], *const dh = s->dh, *const dc = s->dc;
    const real *const c_before = s->extra_before;

    if (r->f->kind == ACT_TANH && r->gate->kind == ACT_SIGMOID) {
        s->k->lstm_gradients(s->n, i, f, g, o, y, c_before, dh, dc);
    } else {
        real *const c = s->extra[0]; // no longer needed: holds o h', then the gates' gradients

        for (size_t q = 0; q < s->n; q++)
            c[q] = dh[q] * o[q];
        slope(s, r->f, y, c);
        for (size_t q = 0; q < s->n; q++) {
            dc[q] += c[q];
            c[q] = dh[q] * y[q];
        }
        slope(s, r->gate, o, c);
        memcpy(o, c, s->n * sizeof(real));
        for (size_t q = 0; q < s->n; q++)
            c[q] = dc[q] * i[q], y[q] = dc[q] * g[q];
        slope(s, r->f, g, c);
        memcpy(g, c, s->n * sizeof(real));
        slope(s, r->gate, i, y);
        memcpy(i, y, s->n * sizeof(real));
        for (size_t q = 0; q < s->n; q++) {
            c[q] = dc[q] * c_before[q];
            dc[q] *= f[q];
        }
        slope(s, r->gate, f, c);
        memcpy(f, c, s->n * sizeof(real));
    }
    for (int gate = 0; gate < 4; gate++)
        recurrent_back(r, s, s->gate[gate], gate, dh, gate > 0);
}

static const struct cell_ops lstm_cell = {
    .gates = 4, .extras = 2, .forward = lstm_forward, .backward = lstm_backward};

static enum code lstm_init(struct layer *l, const cJSON *config, struct error *err)
{
    return recurrent_init(l, config, &lstm_cell, err);
}

RECURRENT_LAYER(layer_lstm, "LSTM", "lstm_cell", lstm_init);

// GRU: z, r gates; h = z h_before + (1 - z) g with, under reset_after (Keras' default),
// g = f(x W + b + r (h_before U + b')), else g = f(x W + b + (r h_before) U).
// extra[0]: h_before U + b' of the candidate, or r h_before.
static void gru_forward(const struct recurrent *r, const struct step *s)
{
    real *const z = s->gate[0], *const reset = s->gate[1], *const g = s->gate[2];
    real *const inner = s->extra[0];
    const size_t u = r->units;

    recurrent_add(r, s, s->h_before, 0, z);
    recurrent_add(r, s, s->h_before, 1, reset);
    if (s->bias) {
        s->k->act_forward[ACT_LINEAR](s->batch, u, s->bias, z, z, 0);
        s->k->act_forward[ACT_LINEAR](s->batch, u, s->bias + u, reset, reset, 0);
    }
    apply(s, r->gate, z);
    apply(s, r->gate, reset);
    if (r->reset_after) {
        memset(inner, 0, s->n * sizeof(real));
        recurrent_add(r, s, s->h_before, 2, inner);
        if (s->bias)
            s->k->act_forward[ACT_LINEAR](s->batch, u, s->bias + 2 * u, inner, inner, 0);
        for (size_t q = 0; q < s->n; q++)
            g[q] += reset[q] * inner[q];
    } else {
        for (size_t q = 0; q < s->n; q++)
            inner[q] = reset[q] * s->h_before[q];
        recurrent_add(r, s, inner, 2, g);
    }
    apply(s, r->f, g);
    for (size_t q = 0; q < s->n; q++)
        s->h[q] = z[q] * s->h_before[q] + (1 - z[q]) * g[q];
}

static void gru_backward(const struct recurrent *r, const struct step *s)
{
    real *const z = s->gate[0], *const reset = s->gate[1], *const g = s->gate[2];
    real *const dz = s->dgate[0], *const dreset = s->dgate[1], *const dg = s->dgate[2];
    real *const dh = s->dh, *const hold = s->dc;
    const real *const inner = s->extra[0];

    for (size_t q = 0; q < s->n; q++) {
        dz[q] = dh[q] * (s->h_before[q] - g[q]);
        dg[q] = dh[q] * (1 - z[q]);
        dh[q] *= z[q];
    }
    slope(s, r->gate, z, dz);
    slope(s, r->f, g, dg);
    memcpy(z, dz, s->n * sizeof(real));
    memcpy(g, dg, s->n * sizeof(real));
    if (r->reset_after) {
        for (size_t q = 0; q < s->n; q++) {
            dreset[q] = dg[q] * inner[q];
            dg[q] *= reset[q];
        }
        recurrent_back(r, s, dg, 2, dh, true);
    } else {
        recurrent_back(r, s, dg, 2, hold, false);
        for (size_t q = 0; q < s->n; q++) {
            dreset[q] = hold[q] * s->h_before[q];
            dh[q] += hold[q] * reset[q];
        }
    }
    slope(s, r->gate, reset, dreset);
    memcpy(reset, dreset, s->n * sizeof(real));
    recurrent_back(r, s, dz, 0, dh, true);
    recurrent_back(r, s, dreset, 1, dh, true);
}

static const struct cell_ops gru_cell = {
    .gates = 3, .extras = 1, .own_dgates = true, .forward = gru_forward, .backward = gru_backward};

static enum code gru_init(struct layer *l, const cJSON *config, struct error *err)
{
    return recurrent_init(l, config, &gru_cell, err);
}

RECURRENT_LAYER(layer_gru, "GRU", "gru_cell", gru_init);
