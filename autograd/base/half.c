/* Numbers of 16 bits: IEEE half precision (1 bit of sign, 5 of exponent, 10) and bfloat16 (1, 8, 7). */
#include "base.h"

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

float agi_half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = half & 0x7FFF;
    if (rest >= 0x7C00) return float_of(sign | 0x7F800000 | (rest & 0x3FF) << 13); /* infinite, NaN */
    if (rest < 0x400) return float_of(sign | bits_of((float)rest * 0x1p-24f));     /* subnormal */
    return float_of(sign | ((rest << 13) + (112u << 23)));
}

float agi_bf16_to_float(uint16_t x)
{
    return float_of((uint32_t)x << 16);
}

/* To the nearest, halves to even; what carries into the exponent is right there. */
static uint32_t round_off(uint32_t bits, int dropped)
{
    return (bits + ((1u << (dropped - 1)) - 1) + (bits >> dropped & 1)) >> dropped;
}

uint16_t agi_float_to_half(float x)
{
    uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, rest = bits & 0x7FFFFFFF;
    if (rest > 0x7F800000) return (uint16_t)(sign | 0x7E00 | (rest >> 13 & 0x3FF)); /* NaN, quiet */
    if (rest >= 0x477FF000) return (uint16_t)(sign | 0x7C00);                       /* 65520 and more */
    if (rest < 0x38800000) /* below 2^-14: in units of 2^-24, which the sum rounds to */
        return (uint16_t)(sign | (bits_of(float_of(rest) + 0.5f) - bits_of(0.5f)));
    return (uint16_t)(sign | round_off(rest - (112u << 23), 13));
}

uint16_t agi_float_to_bf16(float x)
{
    uint32_t bits = bits_of(x);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(bits >> 16 | 0x40); /* NaN, quiet */
    return (uint16_t)round_off(bits, 16);
}
