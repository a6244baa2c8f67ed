// Dropout: philox_block() in vectors, 32-bit words in 64-bit lanes, so that a product is one
// instruction.
typedef uint64_t vec_word __attribute__((vector_size(VEC_BYTES)));
enum { WORD_LANES = VEC_BYTES / 8, WORD_VECS = PHILOX_LANES / WORD_LANES };

// Product of the lower halves of the lanes.
ALWAYS_INLINE vec_word word_product(vec_word a, vec_word b)
{
#if defined(__AVX512F__) && VEC_BYTES == 64
    return (vec_word)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__) && VEC_BYTES == 32
    return (vec_word)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__) && VEC_BYTES == 16
    return (vec_word)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

ALWAYS_INLINE void store_words(uint32_t *to, vec_word words)
{
#pragma GCC unroll 8
    for (int l = 0; l < WORD_LANES; l++)
        to[l] = (uint32_t)words[l];
}

// As philox_block().
ALWAYS_INLINE void noise_block(const struct noise *noise, uint64_t first,
                               uint32_t out[PHILOX_BLOCK])
{
    const vec_word zero = {0}, m0 = zero + 0xD2511F53u, m1 = zero + 0xCD9E8D57u;
    uint64_t k0 = noise->key & 0xFFFFFFFFu, k1 = noise->key >> 32;
    vec_word c0[WORD_VECS], c1[WORD_VECS], c2[WORD_VECS], c3[WORD_VECS];

    for (int v = 0; v < WORD_VECS; v++) {
        vec_word lane = zero;

        for (int l = 0; l < WORD_LANES; l++)
            lane[l] = (uint64_t)(v * WORD_LANES + l);
        lane += first * PHILOX_LANES;
        c0[v] = lane & 0xFFFFFFFFu;
        c1[v] = lane >> 32;
        c2[v] = zero + (noise->counter & 0xFFFFFFFFu);
        c3[v] = zero + (noise->counter >> 32);
    }
    for (int round = 0; round < 10; round++) {
#pragma GCC unroll 8
        for (int v = 0; v < WORD_VECS; v++) {
            const vec_word p0 = word_product(c0[v], m0), p1 = word_product(c2[v], m1);

            // The upper halves of c1 and c3 hold rubbish, which no product and no shift sees.
            c0[v] = (p1 >> 32) ^ c1[v] ^ (zero + k0);
            c2[v] = (p0 >> 32) ^ c3[v] ^ (zero + k1);
            c1[v] = p1;
            c3[v] = p0;
        }
        k0 = (k0 + 0x9E3779B9u) & 0xFFFFFFFFu;
        k1 = (k1 + 0xBB67AE85u) & 0xFFFFFFFFu;
    }
    for (int v = 0; v < WORD_VECS; v++) {
        uint32_t *to = out + v * WORD_LANES;

        store_words(to, c0[v]);
        store_words(to + PHILOX_LANES, c1[v]);
        store_words(to + 2 * PHILOX_LANES, c2[v]);
        store_words(to + 3 * PHILOX_LANES, c3[v]);
    }
}

static void dropout(size_t n, const real *x, real *y, const struct dropout *d)
{
    uint32_t words[PHILOX_BLOCK];
    size_t i = 0;

    for (; i + PHILOX_BLOCK <= n; i += PHILOX_BLOCK) {
        noise_block(&d->noise, i / PHILOX_BLOCK, words);
        for (size_t l = 0; l < PHILOX_BLOCK; l++)
            y[i + l] = words[l] < d->threshold ? 0 : x[i + l] * d->scale;
    }
    if (i < n)
        noise_block(&d->noise, i / PHILOX_BLOCK, words);
    for (size_t l = 0; i < n; i++, l++)
        y[i] = words[l] < d->threshold ? 0 : x[i] * d->scale;
}
