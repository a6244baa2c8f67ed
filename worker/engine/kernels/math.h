// exp, tanh, sigmoid without branches and without calls, so that loops over them become vector code.
// Float: polynomials after Cephes (S. Moshier), within 2 ulp of libm; results below the smallest normal
// number are 0. Double builds take libm's.
#ifndef TUNERD_WORKER_ENGINE_KERNELS_MATH_H
#define TUNERD_WORKER_ENGINE_KERNELS_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "worker/engine/real.h"

#ifdef ENGINE_REAL_DOUBLE

static inline real m_exp(real x)
{
    return exp(x);
}

static inline real m_expm1(real x)
{
    return expm1(x);
}

static inline real m_tanh(real x)
{
    return tanh(x);
}

static inline real m_sigmoid(real x)
{
    return 1 / (1 + exp(-x));
}

#else

// x = n ln 2 + r, |r| <= ln 2 / 2; returns r and, through scale, 2^n.
static inline float m_exp_reduce(float x, float *scale)
{
    const float magic = 12582912.0f; // 1.5 · 2^23: its lowest bits are units
    const float t = x * 1.44269504088896341f + magic;
    const float n = t - magic;
    uint32_t bits;

    memcpy(&bits, &t, sizeof(bits));
    bits = (bits << 23) + 0x3F800000u;
    memcpy(scale, &bits, sizeof(bits));
    return (x - n * 0.693359375f) + n * 2.12194440e-4f;
}

// (e^r - 1 - r) / r²
static inline float m_exp_tail(float r)
{
    float p = 1.9875691500e-4f;

    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    return p * r + 5.0000001201e-1f;
}

static inline float m_exp(float x)
{
    const float low = x < -87.3365448f ? 0.0f : 1.0f;
    float c = x > 88.3762626f ? 88.3762626f : x;
    float scale, r;

    c = c < -87.3365448f ? -87.3365448f : c;
    r = m_exp_reduce(c, &scale);
    r = ((m_exp_tail(r) * (r * r) + r) + 1.0f) * scale * low;
    return x > 88.3762626f ? (float)INFINITY : r;
}

// e^x - 1 for x <= 0
static inline float m_expm1(float x)
{
    const float c = x < -25.0f ? -25.0f : x;
    float scale, r;

    r = m_exp_reduce(c, &scale);
    r = m_exp_tail(r) * (r * r) + r;
    return r * scale + (scale - 1.0f);
}

// y = e / (1 + e) with e = exp(-|x|), plus what the roundings of e and of 1 + e left behind; 1 - y for
// x >= 0. Within 1.5 ulp.
static inline float m_sigmoid(float x)
{
    const float far = 87.3365448f, a = fabsf(x);
    float scale;
    const float r = m_exp_reduce(a > far ? -far : -a, &scale), t = m_exp_tail(r) * (r * r) + r;
    const float high = 1.0f + t, low = t - (high - 1.0f);

    scale *= a > far ? 0.0f : 1.0f;
    const float e = high * scale, sum = 1.0f + e, rest = e - (sum - 1.0f);
    const float y = e / sum, other = 1.0f - y;
    const float better = y + other * (other * low * scale - rest * y);

    return x < 0 ? better : 1.0f - better;
}

// near where the first is true; by bits, so that no compiler makes a branch of it.
static inline float m_choose(int first, float near, float far)
{
    const uint32_t mask = (uint32_t)-first;
    uint32_t a, b;
    float out;

    memcpy(&a, &near, sizeof(a));
    memcpy(&b, &far, sizeof(b));
    a = (a & mask) | (b & ~mask);
    memcpy(&out, &a, sizeof(out));
    return out;
}

static inline float m_tanh(float x)
{
    const float z = x * x, a = fabsf(x);
    const float far = copysignf(1.0f - 2.0f / (m_exp(2.0f * a) + 1.0f), x);
    float p = -5.70498872745e-3f;

    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    p = p * z * x + x;
    return m_choose(a < 0.625f, p, far);
}

#endif

static inline real m_sqrt(real x)
{
    return sizeof(real) == sizeof(float) ? (real)sqrtf((float)x) : (real)sqrt((double)x);
}

static inline real m_erf(real x)
{
    return sizeof(real) == sizeof(float) ? (real)erff((float)x) : (real)erf((double)x);
}

static inline real m_softplus(real x)
{
    const real a = x < 0 ? -x : x, top = x > 0 ? x : 0;

    return top + (sizeof(real) == sizeof(float) ? (real)log1pf((float)m_exp(-a))
                                                : (real)log1p((double)m_exp(-a)));
}

#endif
