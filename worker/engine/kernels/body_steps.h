// Optimizer steps over a flat run of parameters; the formulas are Keras' (keras/src/optimizers).
// Every step first takes weight decay off: w -= w · decay.

#define STEP(name)                                                                                 \
    static void name(size_t n, const struct step_numbers *o, const real *restrict g,               \
                     real *restrict s0, real *restrict s1, real *restrict s2, real *restrict w)

#define DECAYED(i) (w[i] - w[i] * decay)

// w -= lr g
STEP(sgd)
{
    const real lr = o->lr, decay = o->decay;

    (void)s0, (void)s1, (void)s2;
    for (size_t i = 0; i < n; i++)
        w[i] = DECAYED(i) - lr * g[i];
}

// m = a m - lr g; w += m
STEP(sgd_momentum)
{
    const real lr = o->lr, a = o->a, decay = o->decay;

    (void)s1, (void)s2;
    for (size_t i = 0; i < n; i++) {
        s0[i] = a * s0[i] - lr * g[i];
        w[i] = DECAYED(i) + s0[i];
    }
}

// m = a m - lr g; w += a m - lr g
STEP(sgd_nesterov)
{
    const real lr = o->lr, a = o->a, decay = o->decay;

    (void)s1, (void)s2;
    for (size_t i = 0; i < n; i++) {
        s0[i] = a * s0[i] - lr * g[i];
        w[i] = DECAYED(i) + (a * s0[i] - lr * g[i]);
    }
}

// v = a v + (1 - a) g²; w -= lr g / sqrt(v + eps)
STEP(rmsprop)
{
    const real lr = o->lr, a = o->a, eps = o->eps, decay = o->decay;

    (void)s1, (void)s2;
    for (size_t i = 0; i < n; i++) {
        s0[i] = a * s0[i] + (1 - a) * (g[i] * g[i]);
        w[i] = DECAYED(i) - lr * g[i] / m_sqrt(s0[i] + eps);
    }
}

// as rmsprop, then m = b m + step; w -= m
STEP(rmsprop_momentum)
{
    const real lr = o->lr, a = o->a, b = o->b, eps = o->eps, decay = o->decay;

    (void)s2;
    for (size_t i = 0; i < n; i++) {
        s0[i] = a * s0[i] + (1 - a) * (g[i] * g[i]);
        s1[i] = b * s1[i] + lr * g[i] / m_sqrt(s0[i] + eps);
        w[i] = DECAYED(i) - s1[i];
    }
}

// u = a u + (1 - a) g; the root is of v - u² + eps. b 0: no momentum.
STEP(rmsprop_centered)
{
    const real lr = o->lr, a = o->a, b = o->b, eps = o->eps, decay = o->decay;

    for (size_t i = 0; i < n; i++) {
        s0[i] = a * s0[i] + (1 - a) * (g[i] * g[i]);
        s2[i] = a * s2[i] + (1 - a) * g[i];
        s1[i] = b * s1[i] + lr * g[i] / m_sqrt(s0[i] - s2[i] * s2[i] + eps);
        w[i] = DECAYED(i) - s1[i];
    }
}

// Kingma & Ba 2015, algorithm 1; epsilon is the paper's "epsilon hat". lr is already
// lr · sqrt(1 - b^t) / (1 - a^t).
ALWAYS_INLINE void adam_some(size_t from, size_t n, const struct step_numbers *o,
                             const real *restrict g, real *restrict s0, real *restrict s1,
                             real *restrict w)
{
    const real lr = o->lr, a = 1 - o->a, b = 1 - o->b, eps = o->eps, decay = o->decay;

    for (size_t i = from; i < n; i++) {
        s0[i] += (g[i] - s0[i]) * a;
        s1[i] += (g[i] * g[i] - s1[i]) * b;
        w[i] = DECAYED(i) - lr * s0[i] / (m_sqrt(s1[i]) + eps);
    }
}

#if !defined(ENGINE_REAL_DOUBLE) && defined(__AVX512F__)
// The root by its instruction, which runs beside the multiplications; the quotient by approximation and
// a Newton step, within 2 ulp, as a second long instruction would have to wait for the first. v is kept
// off 0 for an epsilon of 0.
ALWAYS_INLINE size_t adam_vectors(const bool decays, size_t n, const struct step_numbers *o,
                                  const real *restrict g, real *restrict s0, real *restrict s1,
                                  real *restrict w)
{
    const __m512 lr = _mm512_set1_ps(o->lr), eps = _mm512_set1_ps(o->eps);
    const __m512 a = _mm512_set1_ps(1 - o->a), b = _mm512_set1_ps(1 - o->b);
    const __m512 stay = _mm512_set1_ps(1 - o->decay), two = _mm512_set1_ps(2.0f);
    const __m512 tiny = _mm512_set1_ps(1e-36f);
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        const __m512 gi = _mm512_loadu_ps(g + i);
        __m512 m = _mm512_loadu_ps(s0 + i), v = _mm512_loadu_ps(s1 + i), root, q;
        __m512 wi = _mm512_loadu_ps(w + i);

        m = _mm512_fmadd_ps(_mm512_sub_ps(gi, m), a, m);
        v = _mm512_fmadd_ps(_mm512_fmsub_ps(gi, gi, v), b, v);
        _mm512_storeu_ps(s0 + i, m);
        _mm512_storeu_ps(s1 + i, v);
        root = _mm512_add_ps(_mm512_sqrt_ps(_mm512_max_ps(tiny, v)), eps); // NaN in v stays
        q = _mm512_rcp14_ps(root);
        q = _mm512_mul_ps(q, _mm512_fnmadd_ps(root, q, two));
        wi = decays ? _mm512_mul_ps(wi, stay) : wi;
        _mm512_storeu_ps(w + i, _mm512_fnmadd_ps(_mm512_mul_ps(lr, m), q, wi));
    }
    return i;
}

STEP(adam)
{
    const size_t done = o->decay != 0 ? adam_vectors(true, n, o, g, s0, s1, w)
                                      : adam_vectors(false, n, o, g, s0, s1, w);

    (void)s2;
    adam_some(done, n, o, g, s0, s1, w);
}
#else
STEP(adam)
{
    (void)s2;
    adam_some(0, n, o, g, s0, s1, w);
}
#endif

// The root is of the largest v so far.
STEP(adam_amsgrad)
{
    const real lr = o->lr, a = 1 - o->a, b = 1 - o->b, eps = o->eps, decay = o->decay;

    for (size_t i = 0; i < n; i++) {
        s0[i] += (g[i] - s0[i]) * a;
        s1[i] += (g[i] * g[i] - s1[i]) * b;
        s2[i] = s1[i] > s2[i] ? s1[i] : s2[i];
        w[i] = DECAYED(i) - lr * s0[i] / (m_sqrt(s2[i]) + eps);
    }
}

// v += g²; w -= lr g / sqrt(v + eps)
STEP(adagrad)
{
    const real lr = o->lr, eps = o->eps, decay = o->decay;

    (void)s1, (void)s2;
    for (size_t i = 0; i < n; i++) {
        s0[i] += g[i] * g[i];
        w[i] = DECAYED(i) - lr * g[i] / m_sqrt(s0[i] + eps);
    }
}

// Dozat 2016 as in Keras: w -= lr (c_m m + c_g g) / (sqrt(v · c) + eps), where lr holds c_g, the
// caller's `c` is 1 / (1 - b^t); numbers: lr = lr·c_g, momentum = lr·c_m.
STEP(nadam)
{
    const real a = 1 - o->a, b = 1 - o->b, eps = o->eps, decay = o->decay, c = o->c;
    const real for_g = o->lr, for_m = o->momentum;

    (void)s2;
    for (size_t i = 0; i < n; i++) {
        s0[i] += (g[i] - s0[i]) * a;
        s1[i] += (g[i] * g[i] - s1[i]) * b;
        w[i] = DECAYED(i) - (for_m * s0[i] + for_g * g[i]) / (m_sqrt(s1[i] * c) + eps);
    }
}
