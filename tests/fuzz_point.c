/* The reference's pointwise operations: in long double, and how far the result moves with its operands' bounds. */
#include "fuzz.h"

#include <float.h>

/* ---- functions --------------------------------------------------------------------------------------------------- */

/* u / (t^2 + u^2), and its limit where either is infinite. */
static real polar(real t, real u)
{
    return (isinf(t) && !isnan(u)) || (isinf(u) && !isnan(t)) ? 0 : u / (t * t + u * u);
}

#define SQRT_HALF 0.707106781186547524400844362104849039L

static real normal(real x)
{
    return 0.5L * erfcl(-x * SQRT_HALF);
}

/* From where the asymptotic series is good to 1e-20: Bernoulli numbers, upwards by the recurrence from any x. */
static real digamma(real x)
{
    static const real term[] = { 1 / 12.0L,       -1 / 120.0L,   1 / 252.0L, -1 / 240.0L, 1 / 132.0L,
                                 -691 / 32760.0L, 1 / 12.0L, -3617 / 8160.0L };
    real sum = 0, power = 1, less = 0;
    for (; x < 30; x++) less += 1 / x;
    for (size_t k = 0; k < COUNT(term); k++) sum += term[k] * (power /= x * x);
    return logl(x) - 0.5L / x - sum - less;
}

static real polygamma(int n, real x)
{
    static const real bernoulli[] = { 1 / 6.0L, -1 / 30.0L, 1 / 42.0L, -1 / 30.0L, 5 / 66.0L, -691 / 2730.0L, 7 / 6.0L,
                                      -3617 / 510.0L };
    if (n == 0) return digamma(x);
    real sign = n % 2 ? 1 : -1, factorial = tgammal(n + 1.0L), sum = 0;
    for (; x < 30 + n; x++) sum += factorial / powl(x, n + 1);
    sum += tgammal(n) / powl(x, n) + factorial / (2 * powl(x, n + 1));
    for (size_t k = 0; k < COUNT(bernoulli); k++) {
        real m = 2 * (real)k + 2;
        sum += bernoulli[k] * expl(lgammal(m + n) - lgammal(m + 1)) / powl(x, m + n);
    }
    return sign * sum;
}

static real clip(real x, real low, real high)
{
    real above = x < low ? low : x;
    return above > high ? high : above;
}

/* sqrt(8 / pi) (x + 0.044715 x^3), and its slope. */
static real cubic(real x)
{
    return 1.59576912160573071175978423973752747L * (x + 0.044715L * x * x * x);
}

static real cubic_slope(real x)
{
    return 1.59576912160573071175978423973752747L * (1 + 0.134145L * x * x);
}

static real normal_of_bell(real a, real b)
{
    const real z = fabsl(a), tail = b * (z > 100 ? 0.39894228040143267794L / z * (1 - 1 / (z * z))
                                         : erfcl(z * sqrtl(0.5L)) / 2 * expl(z * z / 2));
    return a < 0 ? tail : 1 - tail;
}

static real gelu_tanh_slope(real x)
{
    if (fabsl(x) > 40) return x > 0;
    return (1 + x * cubic_slope(x) / (1 + expl(cubic(x)))) / (1 + expl(-cubic(x)));
}

static real mish_bell(real x)
{
    real t = coshl(log1pl(expl(x)));
    return x > 5000 ? 0 : 1 / (1 + expl(-x)) / t / t;
}

/* Name, roundings of half a unit that may be made on the way, value. Vector functions are right to 4 units. */
#define OPERATIONS(F)                                                                                                 \
    F(abs, 0, fabsl(a)) F(acos, 16, acosl(a)) F(add, 2, a + b) F(asin, 16, asinl(a)) F(atan, 16, atanl(a))            \
    F(atan2, 16, atan2l(a, b)) F(bell, 32, expl(-b * a * a)) F(cos, 16, cosl(a)) F(cosh, 16, coshl(a))                \
    F(div, 4, a / b) F(equal, 0, a == b) F(erf, 16, erfl(a)) F(erfc, 32, erfcl(a)) F(exp, 16, expl(a))                \
    F(exp_neg, 16, expl(-a)) F(exp_neg_square, 32, expl(-a * a)) F(expm1, 16, expm1l(a))                              \
    F(expm1_odd, 16, copysignl(expm1l(2 * fabsl(a)), a)) F(floor, 0, floorl(a))                                       \
    F(gelu, 48, a < -11000 ? 0 : a * normal(a)) F(greater, 0, a > b) F(greater_equal, 0, a >= b) F(less, 0, a < b)    \
    F(less_equal, 0, a <= b) F(lgamma, 64, lgammal(a)) F(log, 16, logl(a)) F(log1p, 16, log1pl(a))                    \
    F(maximum, 0, a > b || a != a ? a : b) F(minimum, 0, a < b || a != a ? a : b) F(mul, 4, a * b)                    \
    F(muladd, 4, a * b + c) F(mulmul, 6, a * b * c) F(mulsub, 4, a * b - c) F(neg, 0, -a) F(normal, 32, normal(a))    \
    F(one_minus_square, 6, (1 - a) * (1 + a)) F(polar, 16, polar(a, b)) F(polygamma, 256, polygamma((int)a, b))       \
    F(pow, 16, powl(a, b)) F(relu, 0, a <= 0 ? 0 : a) F(runge, 6, 1 / (1 + a * a))                                    \
    F(sigmoid, 24, 1 / (1 + expl(-a))) F(sigmoid_of_exp, 4, 1 / (1 + a))                                              \
    F(sigmoid_slope_of_exp, 8, a * (b * (c > 1 ? 1 - b : b * c))) F(sign, 0, a > 0 ? 1 : a < 0 ? -1 : a)              \
    F(silu, 24, a < -11000 ? 0 : a / (1 + expl(-a)))                                                                  \
    F(silu_slope, 32, a < -11000 ? 0 : a > 11000 ? 1 : (1 + a / (1 + expl(a))) / (1 + expl(-a))) F(sin, 16, sinl(a))  \
    F(sinh, 16, sinhl(a)) F(softplus, 24, (a > 0 ? a : 0) + log1pl(expl(-fabsl(a)))) F(sqrt, 2, sqrtl(a))             \
    F(square, 4, a * a) F(sub, 2, a - b) F(submul, 4, c - a * b) F(tan, 16, tanl(a)) F(tanh, 24, tanhl(a))            \
    F(tanh_of_expm1, 8, isinf(a) ? copysignl(1, a) : a / (2 + fabsl(a)))                                              \
    F(ceil, 0, ceill(a)) F(trunc, 0, truncl(a)) F(round, 0, rintl(a)) F(fmod, 0, fmodl(a, b))                         \
    F(leaky_relu, 2, a > 0 ? a : a * b) F(elu, 18, a > 0 ? a : b * expm1l(a))                                         \
    F(hardswish, 6, a <= -3 ? 0 : a >= 3 ? a : a * (a + 3) / 6) F(clip, 0, clip(a, b, c))                             \
    F(hardtanh, 0, clip(a, b, c)) F(gelu_tanh, 24, a < -40 ? 0 : a / (1 + expl(-cubic(a))))                           \
    F(gelu_tanh_slope, 32, gelu_tanh_slope(a))                                                                        \
    F(gelu_tanh_bell, 32, 1 / (1 + expl(cubic(fabsl(a)))) / (1 + expl(-cubic(fabsl(a)))))                             \
    F(mish, 24, a < -11000 ? 0 : a * tanhl(log1pl(expl(a)))) F(mish_bell, 32, mish_bell(a))                           \
    F(mish_slope, 32, fabsl(a) > 11000 ? a > 0 : tanhl(log1pl(expl(a))) + a * mish_bell(a))                           \
    F(logaddexp, 24, a == b ? a + logl(2) : (a > b ? a : b) + log1pl(expl(-fabsl(a - b))))                            \
    F(logaddexp_share, 16, a == b ? 0.5L : 1 / (1 + expl(b - a)))                                                     \
    F(tanh_slope_of_expm1, 12, a * (2 / (2 + fabsl(b)) * (2 - 2 / (2 + fabsl(b))))) F(where, 0, a != 0 ? b : c)  \
    F(within, 0, -b > (b < a ? b : a) ? -b : b < a ? b : a) F(lerp, 6, a + c * (b - a))                               \
    F(lerp_square, 8, a + c * (b * b - a)) F(over_sqrt, 8, c / (sqrtl(a) + b))                                       \
    F(gelu_of_normal, 4, a < -40 ? 0 : a * b) F(normal_of_bell, 16, normal_of_bell(a, b))

#define FUNCTION(name, roundings, text)       \
    static real of_##name(real a, real b, real c) \
    {                                         \
        (void)a, (void)b, (void)c;            \
        return text;                          \
    }
OPERATIONS(FUNCTION)

typedef struct {
    real (*of)(real, real, real);
    int roundings;
} operation;

static const operation operations[AG_CODE_COUNT] = {
#define ENTRY(name, roundings, text) [AG_CODE_##name] = { of_##name, roundings },
    OPERATIONS(ENTRY)
};

/* ---- roundings --------------------------------------------------------------------------------------------------- */

void fuzz_round(ag_dtype dtype, real roundings, real value, real spread, real *to_value, real *to_bound)
{
    int narrow = dtype == AG_F32;
    real unit = narrow ? 0x1p-24L : 0x1p-53L, tiny = narrow ? 0x1p-149L : 0x1p-1074L, most = narrow ? FLT_MAX : DBL_MAX;
    *to_value = value;
    *to_bound = 0;
    if (isnan(value) && !isnan(spread) && spread < INFINITY) return;
    if (!(spread < INFINITY)) {
        *to_bound = INFINITY;
    } else if (fabsl(value) + spread >= most * (1 - roundings * unit)) {
        int surely = fabsl(value) - spread > most * (1 + (roundings + 1) * unit);
        if (surely) *to_value = value > 0 ? INFINITY : -INFINITY;
        else *to_bound = INFINITY;
    } else {
        *to_bound = spread + roundings * unit * (fabsl(value) + spread);
        if (roundings && (value != 0 || spread > 0)) *to_bound += roundings * tiny;
    }
}

void fuzz_unknown(fuzz_value *v, int64_t i)
{
    v->value[i] = 0;
    v->bound[i] = INFINITY;
}

int fuzz_is_known(const fuzz_value *v, int64_t i)
{
    return v->bound[i] < INFINITY;
}

/* ---- what operands' bounds do ------------------------------------------------------------------------------------ */

enum { DOUBT = 4 }; /* decisions are safe where so many bounds lie between */

/* The largest change at the corners of the operands' bounds: exact for what is monotone in each. */
static real corners(const operation *f, int n, const real x[3], const real e[3])
{
    real most = 0, centre = f->of(x[0], x[1], x[2]);
    for (int k = 1; k < 1 << 2 * n; k++) {
        real at[3] = { x[0], x[1], x[2] };
        int skip = 0;
        for (int i = 0; i < n; i++) {
            int way = k >> 2 * i & 3;
            skip |= way == 3 || (way && e[i] == 0);
            at[i] += way == 1 ? e[i] : way == 2 ? -e[i] : 0;
        }
        if (skip) continue;
        real y = f->of(at[0], at[1], at[2]);
        if (isnan(y) != isnan(centre)) return INFINITY;
        if (!isnan(y) && y != centre) most = fmaxl(most, fabsl(y - centre));
    }
    return most;
}

/* 1: the result jumps, or has a pole, near the operands: *spread is what that may do. */
static int jumps(int code, const real x[3], const real e[3], real *spread)
{
    switch (code) {
    case AG_CODE_less: case AG_CODE_less_equal: case AG_CODE_equal: case AG_CODE_greater: case AG_CODE_greater_equal:
        *spread = e[0] + e[1] > 0 && fabsl(x[0] - x[1]) <= DOUBT * (e[0] + e[1]);
        return 1;
    case AG_CODE_sign: case AG_CODE_floor: case AG_CODE_ceil: case AG_CODE_trunc: case AG_CODE_round: {
        real (*of)(real, real, real) = operations[code].of;
        *spread = e[0] > 0 ? fabsl(of(x[0] + DOUBT * e[0], 0, 0) - of(x[0] - DOUBT * e[0], 0, 0)) : 0;
        return 1;
    }
    case AG_CODE_div:
        *spread = INFINITY;
        return e[1] > 0 && fabsl(x[1]) <= DOUBT * e[1];
    case AG_CODE_pow: case AG_CODE_atan2: case AG_CODE_polar:
        *spread = INFINITY;
        return (e[0] > 0 && fabsl(x[0]) <= DOUBT * e[0]) || (e[1] > 0 && fabsl(x[1]) <= DOUBT * e[1]);
    case AG_CODE_fmod:
        *spread = INFINITY;
        return e[0] > 0 || e[1] > 0;
    case AG_CODE_tan: case AG_CODE_lgamma: case AG_CODE_polygamma:
        *spread = INFINITY;
        return e[0] > 0.001L || e[1] > 0.001L;
    case AG_CODE_sin: case AG_CODE_cos:
        *spread = 2;
        return e[0] > 0.5L;
    default: return 0;
    }
}

/* A choice that is certain leaves what was not chosen alone. */
static void choose(ag_dtype dtype, const real x[3], const real e[3], real *value, real *bound)
{
    int taken = x[0] != 0 ? 1 : 2, sure = e[0] == 0 || fabsl(x[0]) > DOUBT * e[0];
    real spread = e[taken], other = x[3 - taken];
    if (!(e[0] < INFINITY)) sure = 0;
    if (!sure && !(isnan(x[1]) && isnan(x[2])) && x[1] != x[2]) spread += fabsl(other - x[taken]);
    if (!sure) spread += e[3 - taken];
    if (isnan(spread)) spread = INFINITY;
    fuzz_round(dtype, 0, x[taken], spread, value, bound);
}

/* The size of what is rounded on the way, where that may be much larger than the result. */
static real inner_size(int code, const real x[3])
{
    switch (code) {
    case AG_CODE_muladd: case AG_CODE_mulsub: case AG_CODE_submul: return fabsl(x[0] * x[1]);
    case AG_CODE_lerp: return fabsl(x[0]) + fabsl(x[2]) * (fabsl(x[0]) + fabsl(x[1]));
    case AG_CODE_lerp_square: return fabsl(x[0]) + fabsl(x[2]) * (fabsl(x[0]) + x[1] * x[1]);
    case AG_CODE_lgamma: case AG_CODE_polygamma: case AG_CODE_silu_slope: case AG_CODE_logaddexp:
    case AG_CODE_gelu_tanh_slope: case AG_CODE_mish_slope: return 1; /* near their zeros */
    default: return 0;
    }
}

static void point(const ag_node *y, const real x[3], const real e[3], real *value, real *bound)
{
    const operation *f = &operations[y->op->code];
    int n = y->op->inputs, code = y->op->code;
    real spread = 0, v = f->of(x[0], x[1], x[2]);
    if (code == AG_CODE_where) {
        choose((ag_dtype)y->dtype, x, e, value, bound);
        return;
    }
    for (int k = 0; k < n; k++)
        if (!(e[k] < INFINITY)) spread = INFINITY;
    if (spread == 0 && !jumps(code, x, e, &spread)) spread = corners(f, n, x, e);
    if (isfinite(v)) spread += f->roundings * inner_size(code, x) * (y->dtype == AG_F32 ? 0x1p-24L : 0x1p-53L);
    fuzz_round((ag_dtype)y->dtype, f->roundings, v, spread, value, bound);
}

int64_t fuzz_broadcast(const ag_node *y, const ag_node *x, int64_t i)
{
    int64_t at = 0, stride = 1;
    for (int k = 1; k <= (int)x->rank; k++) {
        int64_t extent = x->dim[x->rank - k], place = i % y->dim[y->rank - k];
        i /= y->dim[y->rank - k];
        if (extent != 1) at += place * stride;
        stride *= extent;
    }
    return at;
}

int fuzz_pointwise(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    if (!(y->op->flags & AG_POINTWISE) || !operations[y->op->code].of) return 0;
    for (int64_t i = 0; i < out->n; i++) {
        real x[3] = { 0 }, e[3] = { 0 };
        for (int k = 0; k < y->op->inputs; k++) {
            int64_t at = fuzz_broadcast(y, y->in[k], i);
            x[k] = in[k]->value[at];
            e[k] = in[k]->bound[at];
            if (y->op == &agi_equal && in[0] == in[1] && e[k] < INFINITY) e[k] = 0; /* whatever it came to */
        }
        point(y, x, e, &out->value[i], &out->bound[i]);
    }
    return 1;
}
