/* Polygamma functions, log gamma, and products of any range. SPECIAL compiles a function and keeps its source: exported
 * C is the same text.
 * Sources: Abramowitz and Stegun, Handbook of Mathematical Functions, 6.3 and 6.4; DLMF 5.15 and 25.11. */
#include "special.h"

#include <math.h>

#define SPECIAL(name, ...)                                   \
    const char agi_##name##_text[] = "static " #__VA_ARGS__; \
    __VA_ARGS__
#define HELPER(name, ...)                                    \
    const char agi_##name##_text[] = "static " #__VA_ARGS__; \
    static __VA_ARGS__

/* 1 / (2 z) + the sum over k of B_2k / (2k)! (n + 1)(n + 2)...(n + 2k - 1) / z^2k, which the asymptotic series of all
 * orders share (6.3.18, 6.4.11). Eleven terms reach the last bit for z >= n + 10 up to order 100. */
HELPER(psi_series, double agi_psi_series(double n, double z)
{
    static const double bernoulli[] = { 1 / 12.0, -1 / 720.0, 1 / 30240.0, -1 / 1209600.0, 1 / 47900160.0,
                                        -691 / 1307674368000.0, 1 / 74724249600.0, -3617 / 10670622842880000.0,
                                        43867 / 5109094217170944000.0, -2.174868698558062e-16,
                                        5.509002828360229e-18 };
    double r = 1 / (z * z), power = (n + 1) * r, sum = 0;
    int k;
    for (k = 0; k < 11; k++) {
        sum += bernoulli[k] * power;
        power *= (n + 2 * k + 2) * (n + 2 * k + 3) * r;
    }
    return 0.5 / z + sum;
})

/* x >= 0. From 10 on the series above; below, the recurrence psi(x) = psi(x + 1) - 1 / x (6.3.5) leads to the Taylor
 * series at the root, so that nothing cancels near it. At 0 -Inf, at -0 Inf. */
HELPER(digamma, double agi_digamma(double x)
{
    static const double taylor[] = {
        0.96767224544762117, -0.44276316898359211, 0.25849976095565101, -0.16394270544240653,
        0.10782405069126237, -0.072199561256454711, 0.048804288164143107, -0.033161126474847359,
        0.022597648232218105, -0.015424765904948959, 0.010538791616612175, -0.0072045343863568682,
        0.0049267813957298534, -0.0033698016554393281, 0.0023051263267349278, -0.0015769367714301973,
        0.0010788252019162966, -0.00073807093899600513, 0.00050495326583460204, -0.0003454680251063077,
        0.00023635601564027053, -0.00016170622091974803, 0.00011063372768747411, -7.5691795821950659e-05,
        5.1785757952220809e-05, -3.5430070947659606e-05, 2.4240066118601318e-05, -1.6584242271854133e-05,
        1.134638458466385e-05, -7.7628176684620944e-06, 5.3110609208898634e-06, -3.6336507898010457e-06,
        2.4860227331295379e-06, -1.7008538854332607e-06, 1.1636675363548843e-06, -7.9614254312419704e-07,
        5.4469419306694453e-07, -3.726616128343823e-07, 2.5496265520215543e-07, -1.7443695117727745e-07
    };
    double sum = 0, d;
    int k = 40;
    if (!(x < 10)) return log(x) - agi_psi_series(0, x);
    if (x < 0.9375) sum = -1 / x, x += 1;
    while (x > 2) x -= 1, sum += 1 / x;
    d = x - 1.4616321449683622 - 9.549995429965697e-17;
    x = 0;
    while (k > 0) x = x * d + taylor[--k];
    return d * x + sum;
})

HELPER(whole_power, double agi_whole_power(double x, int n)
{
    double y = 1;
    for (; n > 0; n /= 2) {
        if (n % 2) y *= x;
        x *= x;
    }
    return y;
})

/* |psi_n(x)| = n! (1 / x^(n+1) + 1 / (x + 1)^(n+1) + ...) for n >= 1, x >= 0 (6.4.10), the terms from z = x + k on,
 * z >= n + 10, by their series; all in units of (n - 1)! / x^n, so that nothing overflows before the result does. */
HELPER(psi_size, double agi_psi_size(int n, double x)
{
    double z, sum = 0, rest = 1, unit = 1 / x;
    int steps = x < n + 10 ? (int)(n + 10 - x) + 1 : 0, k;
    for (k = steps - 1; k > 0; k--) sum += agi_whole_power(x / (x + k), n + 1); /* the small ones first */
    z = x + steps;
    if (steps) sum += 1, rest = agi_whole_power(x / z, n);
    for (k = 1; k < n; k++) unit = unit * k / x;
    return unit * (sum * n / x + rest * (1 + n * agi_psi_series(n, z)));
})

/* For x < 0, f the distance of x from the nearest integer: psi(x) = psi(1 - x) - pi cot(pi f), the latter being 1 / f -
 * psi(1 + f) + psi(1 - f). The two large parts cancel near the roots, so the quotient keeps what rounding it loses. */
HELPER(reflected, double agi_reflected(double x)
{
    double f = x - floor(x + 0.5), quotient = 1 / f;
    if (f == 0) return log(-1.0);
    if (quotient - quotient != 0) return -quotient;
    return agi_digamma(1 - x) - quotient + (agi_digamma(1 + f) - agi_digamma(1 - f)) - fma(-quotient, f, 1) / f;
})

/* For x < 0 and n >= 1, with f = x - floor(x): the recurrence up to f, and that from 1 - x down to 1 - f,
 *
 *     psi_n(x) = psi_n(f) + s (psi_n(1 - f) - psi_n(1 - x)),  s = -(-1)^n.
 *
 * Poles below 0: Inf for odd n, where both sides agree, else NaN. Orders other than 0, 1, ..., 100: NaN. */
SPECIAL(psi, double agi_psi(double n, double x)
{
    double f, s;
    if (!(n >= 0 && n <= 100) || n != floor(n)) return log(-1.0);
    s = (int)n % 2 ? 1 : -1;
    if (x < 0 && n == 0) return agi_reflected(x);
    if (x < 0) {
        f = x - floor(x + 0.5); /* without rounding; negative when nearer to 1 than to 0, then it is f - 1 */
        if (f == 0 && s < 0) return log(-1.0);
        x = agi_psi(n, 1 - x);
        if (f < 0) return agi_psi(n, 1 + f) + s * (agi_psi(n, -f) - x);
        return agi_psi(n, f) + s * (agi_psi(n, 1 - f) - x);
    }
    return n == 0 ? agi_digamma(x) : s * agi_psi_size((int)n, x);
})

SPECIAL(psif, float agi_psif(float n, float x)
{
    return (float)agi_psi(n, x);
})

/* lgamma leaves the sign of gamma in a global, for which threads would race. lgamma_r does not, where there is one. */
#ifdef __GLIBC__
#define LOG_GAMMA(lgamma, x, sign) lgamma##_r(x, sign)
#else
#define LOG_GAMMA(lgamma, x, sign) ((void)(sign), lgamma(x))
#endif

double agi_log_gamma(double x)
{
    int sign;
    return LOG_GAMMA(lgamma, x, &sign);
}

float agi_log_gammaf(float x)
{
    int sign;
    return LOG_GAMMA(lgammaf, x, &sign);
}

/* 0, Inf and NaN stay what they are whatever the power. */
SPECIAL(multiply, void agi_multiply(double *fraction, double *power, double x)
{
    const double product = *fraction * x, size = fabs(product);
    int e = 0, f = 0;
    if (size > 0x1p-500 && size < 0x1p500) {
        *fraction = product;
    } else if (*fraction == 0 || x == 0 || *fraction - *fraction != 0 || x - x != 0) {
        *fraction = product;
    } else {
        *fraction = frexp(*fraction, &e) * frexp(x, &f);
        *power += e + f;
    }
})

SPECIAL(unscaled, double agi_unscaled(double fraction, double power)
{
    return ldexp(fraction, power > 4000 ? 4000 : power < -4000 ? -4000 : (int)power);
})
