// exp, tanh, sigmoid, erf, softplus without branches and without calls, so that loops over them become
// vector code.
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

static inline real m_erf(real x)
{
    return erf(x);
}

static inline real m_softplus(real x)
{
    return (x > 0 ? x : 0) + log1p(exp(x < 0 ? x : -x));
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

// Near 0 x + x P(x²), else 1 - exp(-t - t P(t)); P fitted for the least relative error.
static inline float m_erf(float x)
{
    const float z = x * x, a = fabsf(x), t = a > 4.0f ? 4.0f : a;
    float near = -5.976967514e-4f, far = -2.136454423e-4f;

    near = near * z + 4.990998190e-3f;
    near = near * z - 2.676558308e-2f;
    near = near * z + 1.128180325e-1f;
    near = near * z - 3.761249483e-1f;
    near = near * z + 1.283791512e-1f;
    far = far * t + 3.212148091e-3f;
    far = far * t - 2.288092859e-2f;
    far = far * t + 1.052476913e-1f;
    far = far * t + 6.357291341e-1f;
    far = far * t + 1.285111457e-1f;
    far = copysignf(1.0f - m_exp(-(far * t + t)), x);
    return m_choose(a < 0.93f, near * x + x, far);
}

// log(1 + u) for 0 <= u <= 1: of 1 + f, or of 2 (1 + f), with f from -0.3 to 0.415.
static inline float m_log1p(float u)
{
    const int half = u > 0.41421356f;
    const float f = half ? (u - 1.0f) * 0.5f : u, z = f * f;
    float p = -7.616125047e-2f;

    p = p * f + 1.275628507e-1f;
    p = p * f - 1.316424310e-1f;
    p = p * f + 1.420272589e-1f;
    p = p * f - 1.662307084e-1f;
    p = p * f + 2.000117749e-1f;
    p = p * f - 2.500082850e-1f;
    p = p * f + 3.333333135e-1f;
    return (f + (p * f * z - 0.5f * z)) + (half ? 0.693147181f : 0.0f);
}

static inline float m_softplus(float x)
{
    return (x > 0 ? x : 0.0f) + m_log1p(m_exp(x < 0 ? x : -x));
}

#endif

static inline real m_sqrt(real x)
{
    return sizeof(real) == sizeof(float) ? (real)sqrtf((float)x) : (real)sqrt((double)x);
}

#endif
