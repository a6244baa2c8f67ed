// The passes of an LSTM step over n = samples · units numbers.

// c = f c_before + i g
static void lstm_state(size_t n, const real *i, const real *f, const real *g, const real *before,
                       real *c)
{
    for (size_t q = 0; q < n; q++)
        c[q] = f[q] * before[q] + i[q] * g[q];
}

// Gates to their gradients (before the activations), for sigmoid gates and tanh. y = tanh(c).
// dc comes in from the step after and leaves for the step before.
static void lstm_gradients(size_t n, real *restrict i, real *restrict f, real *restrict g,
                           real *restrict o, const real *restrict y, const real *restrict before,
                           const real *restrict dh, real *restrict dc)
{
    for (size_t q = 0; q < n; q++) {
        const real in = i[q], forget = f[q], new = g[q], out = o[q];
        const real d = dc[q] + dh[q] * out * (1 - y[q] * y[q]);

        o[q] = dh[q] * y[q] * out * (1 - out);
        i[q] = d * new *in *(1 - in);
        g[q] = d * in * (1 - new *new);
        f[q] = d * before[q] * forget * (1 - forget);
        dc[q] = d * forget;
    }
}
