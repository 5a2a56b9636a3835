/* exp, expm1, tanh and erf of floats for loops of exported C, where compilers have no functions of vectors: without
 * branches, even where floating point may trap, so that gcc and clang make vectors of them. The largest errors, over
 * all floats, are 1.01, 1.54, 1.31 and 1.12 units in the last place, of tanh by way of expm1 2.85; NaN, infinities and
 * signs are those of <math.h>.
 * Sources: S. L. Moshier, Cephes, expf.c and tanhf.c; N. Juffa's minimax polynomials for erf. */
#include "special.h"

const char agi_inlined_text[] =
    "#if defined __GNUC__\n"
    "#define INLINED static inline __attribute__((always_inline))\n"
    "#else\n"
    "#define INLINED static inline\n"
    "#endif";

const char agi_bits_text[] =
    "INLINED uint32_t agi_bits(float x)\n"
    "{\n"
    "    union { float number; uint32_t bits; } both;\n"
    "    both.number = x;\n"
    "    return both.bits;\n"
    "}";

const char agi_float_text[] =
    "INLINED float agi_float(uint32_t bits)\n"
    "{\n"
    "    union { float number; uint32_t bits; } both;\n"
    "    both.bits = bits;\n"
    "    return both.number;\n"
    "}";

/* r = t - n log(2), in two steps; then e^r = 1 + r + p r^2. */
#define EXPONENTIAL_OF_REST \
    "    r = t - n * 0.693359375f;\n" \
    "    r = r + n * 2.12194440e-4f;\n" \
    "    p = 1.9875691500e-4f;\n" \
    "    p = p * r + 1.3981999507e-3f;\n" \
    "    p = p * r + 8.3334519073e-3f;\n" \
    "    p = p * r + 4.1665795894e-2f;\n" \
    "    p = p * r + 1.6666665459e-1f;\n" \
    "    p = p * r + 5.0000001201e-1f;\n"

/* 2^n e^r, r at most half the logarithm of 2; the power of two in two factors, for what is below normal numbers. */
const char agi_expf_text[] =
    "/* e^x, within 1.1 units in the last place. */\n"
    "INLINED float agi_expf(float x)\n"
    "{\n"
    "    uint32_t size = agi_bits(x) & 0x7fffffff, nan = 0 - ((0x7f800000 - size) >> 31), power;\n"
    "    float t, n, r, p;\n"
    "    size = size < 0x42d00000 ? size : 0x42d00000; /* 104: beyond, it is 0 or infinite */\n"
    "    t = agi_float(size | (agi_bits(x) & 0x80000000));\n"
    "    n = t * 1.44269504f + 12582912.0f; /* t / log(2), whole, in the last bits */\n"
    "    power = agi_bits(n) - 0x4b400000 + 254;\n"
    "    n = agi_float(agi_bits(n)) - 12582912.0f;\n"
    EXPONENTIAL_OF_REST
    "    p = p * (r * r) + r + 1;\n"
    "    p = p * agi_float((power >> 1) << 23) * agi_float((power - (power >> 1)) << 23);\n"
    "    return agi_float(agi_bits(p) | nan);\n"
    "}";

/* 2^n (e^r - 1) + (2^n - 1), half of it first: 2^128 is none. */
const char agi_expm1f_text[] =
    "/* e^x - 1, within 1.6 units in the last place. */\n"
    "INLINED float agi_expm1f(float x)\n"
    "{\n"
    "    const uint32_t minus = agi_bits(x) >> 31, most = 0x42b20000 - minus * 0x920000; /* 89; 40 below 0 */\n"
    "    uint32_t size = agi_bits(x) & 0x7fffffff, nan = 0 - ((0x7f800000 - size) >> 31);\n"
    "    float t, n, r, p, power;\n"
    "    size = size < most ? size : most;\n"
    "    t = agi_float(size | minus << 31);\n"
    "    n = t * 1.44269504f + 12582912.0f;\n"
    "    power = agi_float((agi_bits(n) - 0x4b400000 + 126) << 23);\n"
    "    n = agi_float(agi_bits(n)) - 12582912.0f;\n"
    EXPONENTIAL_OF_REST
    "    p = p * (r * r) + r;\n"
    "    p = 2 * (p * power + (power - 0.5f));\n"
    "    return agi_float(agi_bits(p) | nan);\n"
    "}";

const char agi_near_text[] =
    "/* The first where |x| is below the limit, else the second, with the sign of x. */\n"
    "INLINED float agi_near(float x, float limit, float first, float second)\n"
    "{\n"
    "    const uint32_t inside = 0 - (((agi_bits(x) & 0x7fffffff) - agi_bits(limit)) >> 31);\n"
    "    const uint32_t y = (agi_bits(first) & inside) | (agi_bits(second) & ~inside);\n"
    "    return agi_float((y & 0x7fffffff) | (agi_bits(x) & 0x80000000));\n"
    "}";

const char agi_tanhf_text[] =
    "/* tanh(x), within 1.4 units in the last place. */\n"
    "INLINED float agi_tanhf(float x)\n"
    "{\n"
    "    const float z = x * x;\n"
    "    float p = -5.70498872745e-3f;\n"
    "    p = p * z + 2.06390887954e-2f;\n"
    "    p = p * z - 5.37397155531e-2f;\n"
    "    p = p * z + 1.33314422036e-1f;\n"
    "    p = p * z - 3.33332819422e-1f;\n"
    "    return agi_near(x, 0.625f, p * z * x + x, 1 - 2 / (agi_expf(2 * fabsf(x)) + 1));\n"
    "}";

const char agi_erff_text[] =
    "/* erf(x), within 1.2 units in the last place. */\n"
    "INLINED float agi_erff(float x)\n"
    "{\n"
    "    const float t = fabsf(x), z = x * x, q = -3.88396438e-3f * t + 2.42546219e-2f;\n"
    "    float p = -5.96761703e-4f, far = (-1.72853470e-5f * t + 3.83197126e-4f) * z + q;\n"
    "    far = far * t - 1.06777877e-1f;\n"
    "    far = far * t - 6.34846687e-1f;\n"
    "    far = far * t - 1.28717512e-1f;\n"
    "    far = far * t - t;\n"
    "    p = p * z + 4.99119423e-3f;\n"
    "    p = p * z - 2.67681349e-2f;\n"
    "    p = p * z + 1.12819925e-1f;\n"
    "    p = p * z - 3.76125336e-1f;\n"
    "    p = p * z + 1.28379166e-1f;\n"
    "    return agi_near(x, 0.927734375f, p * x + x, 1 - agi_expf(far));\n"
    "}";

const char agi_tanh_of_expm1f_text[] =
    "/* tanh(x) from e^2|x| - 1 with the sign of x: with that, within 3 units in the last place. */\n"
    "INLINED float agi_tanh_of_expm1f(float s)\n"
    "{\n"
    "    const float size = fabsf(s), rest = 2 / (2 + size);\n"
    "    return agi_near(s, 2, 0.5f * size * rest, 1 - rest);\n"
    "}";
