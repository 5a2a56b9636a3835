/* Random numbers as they are defined: Philox4x32-10 after Salmon and others, a block at a time, and what an element of
 * a draw is made of. */
#ifndef PHILOX_H
#define PHILOX_H

#include <math.h>
#include <stdint.h>

static inline void philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k[2] = { key[0], key[1] }, x[4] = { counter[0], counter[1], counter[2], counter[3] };
    for (int round = 0; round < 10; round++, k[0] += 0x9E3779B9, k[1] += 0xBB67AE85) {
        const uint64_t p = (uint64_t)0xD2511F53 * x[0], q = (uint64_t)0xCD9E8D57 * x[2];
        const uint32_t next[4] = { (uint32_t)(q >> 32) ^ x[1] ^ k[0], (uint32_t)q, (uint32_t)(p >> 32) ^ x[3] ^ k[1],
                                   (uint32_t)p };
        for (int i = 0; i < 4; i++) x[i] = next[i];
    }
    for (int i = 0; i < 4; i++) out[i] = x[i];
}

typedef struct {
    int64_t seed, evaluation;
    uint32_t number; /* of the draw in its graph */
} philox_draw;

/* Of element i, where 16 blocks make `group` elements, every 16th of one block. Returns which of its block it is. */
static inline int philox_block(philox_draw d, int64_t i, int64_t group, uint32_t w[4])
{
    const uint32_t key[2] = { (uint32_t)d.seed, (uint32_t)((uint64_t)d.seed >> 32) };
    const uint32_t counter[4] = { (uint32_t)(i / group * 16 + i % 16), d.number, (uint32_t)d.evaluation,
                                  (uint32_t)((uint64_t)d.evaluation >> 32) };
    philox(key, counter, w);
    return (int)(i % group / 16);
}

static inline double philox_uniform_f32(philox_draw d, int64_t i)
{
    uint32_t w[4];
    const int k = philox_block(d, i, 64, w);
    return ldexp(w[k] >> 8, -24);
}

static inline double philox_uniform_f64(philox_draw d, int64_t i)
{
    uint32_t w[4];
    const int k = philox_block(d, i, 32, w);
    return ldexp((double)((uint64_t)(w[2 * k] >> 5) << 26 | w[2 * k + 1] >> 6), -53);
}

/* sqrt(-2 log u) times the cosine or the sine of a turn's part, which is reduced exactly to at most an eighth. */
static inline long double philox_wave(int odd, long double u, long double turn)
{
    const long double quarters = roundl(4 * turn), angle = (turn - quarters / 4) * 6.28318530717958647692528676655901L;
    const int q = ((int)quarters + (odd ? 3 : 0)) % 4;
    const long double wave = q % 2 ? sinl(angle) : cosl(angle);
    return sqrtl(-2 * logl(u)) * (q == 1 || q == 2 ? -wave : wave);
}

static inline long double philox_normal_f32(philox_draw d, int64_t i)
{
    uint32_t w[4];
    const int k = philox_block(d, i, 64, w);
    return philox_wave(k & 1, ldexp((float)(w[k & 2] >> 1 | 1), -31), ldexp(w[(k & 2) + 1], -32));
}

static inline long double philox_normal_f64(philox_draw d, int64_t i)
{
    uint32_t w[4];
    const int k = philox_block(d, i, 32, w);
    const long double u = ldexp((double)(((uint64_t)(w[0] >> 5) << 26 | w[1] >> 6) + 1), -53);
    return philox_wave(k, u, ldexpl(w[2], -32) + ldexpl(w[3] >> 8, -56));
}

static inline void philox_shuffle(philox_draw d, int64_t n, int64_t out[])
{
    for (int64_t i = 0; i < n; i++) out[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        uint32_t w[4];
        const int k = philox_block(d, n - 1 - i, 32, w);
        const uint64_t low = (uint64_t)w[k + 2] * (uint64_t)(i + 1) >> 32; /* of a fraction of two words */
        const int64_t j = (int64_t)(((uint64_t)w[k] * (uint64_t)(i + 1) + low) >> 32), other = out[i];
        out[i] = out[j];
        out[j] = other;
    }
}

#endif
