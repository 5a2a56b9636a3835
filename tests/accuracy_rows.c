/* The exact value of every pointwise operation, in MPFR, and the domain in which it is looked at. */
#include "accuracy.h"
#include "shared/slopes.h"

#define N MPFR_RNDN
#define INF INFINITY
#define ALL { -INF, INF }
#define PI 3.14159265358979323846

/* ---- the values: y of x, or of a, b and c; t and u are free ------------------------------------------------------ */

#define VALUE(name, ...)                                                             \
    static void exact_##name(mpfr_t y, mpfr_t v[])                                   \
    {                                                                                \
        mpfr_ptr x = v[0], a = v[0], b = v[1], c = v[2], t = v[3], u = v[4];         \
        (void)x, (void)a, (void)b, (void)c, (void)t, (void)u, (void)(__VA_ARGS__);   \
    }
#define ONE(name) VALUE(name, mpfr_##name(y, x, N))
#define TWO(name) VALUE(name, mpfr_##name(y, a, b, N))

ONE(neg) ONE(abs) ONE(exp) ONE(expm1) ONE(log) ONE(log1p) ONE(sqrt) ONE(sin) ONE(cos) ONE(tan)
ONE(asin) ONE(acos) ONE(atan) ONE(sinh) ONE(cosh) ONE(tanh) ONE(erf) ONE(erfc)
TWO(add) TWO(sub) TWO(mul) TWO(div) TWO(pow) TWO(atan2) TWO(min) TWO(max) TWO(fmod)
VALUE(square, mpfr_sqr(y, x, N))
VALUE(floor, mpfr_floor(y, x))
VALUE(ceil, mpfr_ceil(y, x))
VALUE(trunc, mpfr_trunc(y, x))
VALUE(round, mpfr_rint(y, x, N))
VALUE(clip, mpfr_set(y, x, N), mpfr_cmp_si(x, -1) < 0 ? mpfr_set_si(y, -1, N) : 0,
      mpfr_cmp_si(x, 2) > 0 ? mpfr_set_si(y, 2, N) : 0)
VALUE(sign, mpfr_set_si(y, mpfr_sgn(x), N))
VALUE(relu, mpfr_sgn(x) > 0 ? mpfr_set(y, x, N) : mpfr_set_si(y, 0, N))
VALUE(exp_neg, mpfr_neg(y, x, N), mpfr_exp(y, y, N))
VALUE(bell, mpfr_sqr(y, x, N), mpfr_neg(y, y, N), mpfr_exp(y, y, N))
VALUE(half_bell, mpfr_sqr(y, x, N), mpfr_div_si(y, y, -2, N), mpfr_exp(y, y, N))
VALUE(sigmoid, exact_exp_neg(y, v), mpfr_add_ui(y, y, 1, N), mpfr_ui_div(y, 1, y, N))
VALUE(softplus, mpfr_abs(y, x, N), mpfr_neg(y, y, N), mpfr_exp(y, y, N), mpfr_log1p(y, y, N),
      mpfr_sgn(x) > 0 ? mpfr_add(y, y, x, N) : 0)
VALUE(silu, exact_sigmoid(y, v), mpfr_mul(y, y, x, N))
/* s(x) + x s(x) s(-x) */
VALUE(silu_slope, exact_sigmoid(t, v), mpfr_neg(x, x, N), exact_sigmoid(u, v), mpfr_mul(u, u, t, N),
      mpfr_mul(u, u, x, N), mpfr_sub(y, t, u, N))
VALUE(normal, mpfr_sqrt_ui(t, 2, N), mpfr_div(y, x, t, N), mpfr_neg(y, y, N), mpfr_erfc(y, y, N),
      mpfr_div_2ui(y, y, 1, N))
/* normal / half_bell at -|a|, times b */
VALUE(normal_of_bell, mpfr_abs(t, a, N), mpfr_neg(t, t, N), mpfr_sqr(u, a, N), mpfr_div_2ui(u, u, 1, N),
      mpfr_exp(u, u, N), mpfr_mul(u, u, b, N), mpfr_sqrt_ui(y, 2, N), mpfr_div(t, t, y, N), mpfr_neg(t, t, N),
      mpfr_erfc(y, t, N), mpfr_div_2ui(y, y, 1, N), mpfr_mul(y, y, u, N),
      mpfr_sgn(a) < 0 ? 0 : mpfr_ui_sub(y, 1, y, N))
VALUE(gelu, exact_normal(y, v), mpfr_mul(y, y, x, N))
VALUE(leaky_relu, mpfr_sgn(x) > 0 ? mpfr_set(y, x, N) : mpfr_div_2ui(y, x, 3, N))
VALUE(elu, mpfr_sgn(x) > 0 ? mpfr_set(y, x, N) : (mpfr_expm1(y, x, N), mpfr_div_2ui(y, y, 1, N)))
VALUE(selu, mpfr_set_str(t, "1.0507009873554804934193349852946", 10, N),
      mpfr_set_str(u, "1.6732632423543772848170429916717", 10, N),
      mpfr_sgn(x) > 0 ? mpfr_set(y, x, N) : (mpfr_expm1(y, x, N), mpfr_mul(y, y, u, N)), mpfr_mul(y, y, t, N))
VALUE(hardswish, mpfr_add_si(t, x, 3, N), mpfr_mul(y, x, t, N), mpfr_div_si(y, y, 6, N),
      mpfr_sgn(t) < 0 ? mpfr_set_si(y, 0, N) : mpfr_cmp_si(x, 3) > 0 ? mpfr_set(y, x, N) : 0)
VALUE(log_sigmoid, mpfr_neg(x, x, N), exact_softplus(y, v), mpfr_neg(y, y, N))
/* The sigmoid of sqrt(8 / pi) (x + 0.044715 x^3), which is t. */
VALUE(gelu_tanh_gate, mpfr_set_str(t, "0.044715", 10, N), mpfr_sqr(u, x, N), mpfr_mul(t, t, u, N),
      mpfr_add_ui(t, t, 1, N), mpfr_mul(t, t, x, N), mpfr_const_pi(u, N), mpfr_ui_div(u, 8, u, N),
      mpfr_sqrt(u, u, N), mpfr_mul(t, t, u, N), mpfr_neg(u, t, N), mpfr_exp(u, u, N), mpfr_add_ui(u, u, 1, N),
      mpfr_ui_div(y, 1, u, N))
VALUE(gelu_tanh, exact_gelu_tanh_gate(y, v), mpfr_mul(y, y, x, N))
VALUE(gelu_tanh_bell, exact_gelu_tanh_gate(y, v), mpfr_div_2ui(t, t, 1, N), mpfr_sech(y, t, N), mpfr_sqr(y, y, N),
      mpfr_div_2ui(y, y, 2, N))
/* s(t) (1 + x s(-t) t') with t' = sqrt(8 / pi) (1 + 3 0.044715 x^2) */
VALUE(gelu_tanh_slope, exact_gelu_tanh_gate(y, v), mpfr_exp(t, t, N), mpfr_add_ui(t, t, 1, N), mpfr_ui_div(t, 1, t, N),
      mpfr_const_pi(u, N), mpfr_ui_div(u, 8, u, N), mpfr_sqrt(u, u, N), mpfr_mul(t, t, u, N), mpfr_mul(t, t, x, N),
      mpfr_set_str(u, "0.134145", 10, N), mpfr_mul(u, u, x, N), mpfr_mul(u, u, x, N), mpfr_add_ui(u, u, 1, N),
      mpfr_mul(t, t, u, N), mpfr_add_ui(t, t, 1, N), mpfr_mul(y, y, t, N))
VALUE(mish, exact_softplus(y, v), mpfr_tanh(y, y, N), mpfr_mul(y, y, x, N))
VALUE(mish_bell, exact_softplus(y, v), mpfr_sech(y, y, N), mpfr_sqr(y, y, N), exact_sigmoid(t, v), mpfr_mul(y, y, t, N))
VALUE(mish_slope, exact_softplus(u, v), mpfr_tanh(u, u, N), exact_mish_bell(y, v), mpfr_mul(y, y, x, N),
      mpfr_add(y, y, u, N))
VALUE(logaddexp_share, mpfr_sub(t, b, a, N), mpfr_exp(t, t, N), mpfr_add_ui(t, t, 1, N), mpfr_ui_div(y, 1, t, N))
VALUE(logaddexp, mpfr_sub(t, a, b, N), mpfr_abs(t, t, N), mpfr_neg(t, t, N), mpfr_exp(t, t, N), mpfr_log1p(t, t, N),
      mpfr_max(y, a, b, N), mpfr_add(y, y, t, N))
VALUE(runge, mpfr_sqr(y, x, N), mpfr_add_ui(y, y, 1, N), mpfr_ui_div(y, 1, y, N))
VALUE(one_minus_square, mpfr_sqr(y, x, N), mpfr_ui_sub(y, 1, y, N))
VALUE(polar, mpfr_sqr(y, a, N), mpfr_sqr(t, b, N), mpfr_add(y, y, t, N), mpfr_div(y, b, y, N))
VALUE(gelu_of_normal, mpfr_mul(y, a, b, N))
VALUE(sigmoid_of_exp, mpfr_add_ui(y, x, 1, N), mpfr_ui_div(y, 1, y, N))
VALUE(sigmoid_slope, mpfr_div_2ui(t, b, 1, N), mpfr_sech(y, t, N), mpfr_sqr(y, y, N), mpfr_div_2ui(y, y, 2, N),
      mpfr_mul(y, y, a, N))
VALUE(tanh_slope, mpfr_sech(y, b, N), mpfr_sqr(y, y, N), mpfr_mul(y, y, a, N))
VALUE(expm1_odd, mpfr_abs(y, x, N), mpfr_mul_2ui(y, y, 1, N), mpfr_expm1(y, y, N), mpfr_copysign(y, y, x, N))
VALUE(tanh_of_expm1, mpfr_abs(y, x, N), mpfr_add_ui(y, y, 2, N), mpfr_div(y, x, y, N))
/* 4 a (1 + |b|) / (2 + |b|)^2 */
VALUE(tanh_slope_of_expm1, mpfr_abs(t, b, N), mpfr_add_ui(y, t, 1, N), mpfr_mul(y, y, a, N), mpfr_mul_2ui(y, y, 2, N),
      mpfr_add_ui(t, t, 2, N), mpfr_sqr(t, t, N), mpfr_div(y, y, t, N))
VALUE(sigmoid_slope_of_exp, mpfr_cmp_ui(c, 1) > 0 ? mpfr_ui_sub(t, 1, b, N) : mpfr_mul(t, b, c, N),
      mpfr_mul(y, a, b, N), mpfr_mul(y, y, t, N))
VALUE(muladd, mpfr_mul(y, a, b, N), mpfr_add(y, y, c, N))
VALUE(mulsub, mpfr_mul(y, a, b, N), mpfr_sub(y, y, c, N))
VALUE(submul, mpfr_mul(y, a, b, N), mpfr_sub(y, c, y, N))
VALUE(mulmul, mpfr_mul(y, a, b, N), mpfr_mul(y, y, c, N))
VALUE(within, mpfr_min(y, a, b, N), mpfr_neg(t, b, N), mpfr_max(y, y, t, N))
VALUE(lerp, mpfr_sub(y, b, a, N), mpfr_mul(y, y, c, N), mpfr_add(y, y, a, N))
VALUE(lerp_square, mpfr_sqr(y, b, N), mpfr_sub(y, y, a, N), mpfr_mul(y, y, c, N), mpfr_add(y, y, a, N))
VALUE(over_sqrt, mpfr_sqrt(y, a, N), mpfr_add(y, y, b, N), mpfr_div(y, c, y, N))
VALUE(less, mpfr_set_si(y, mpfr_less_p(a, b) != 0, N))
VALUE(less_equal, mpfr_set_si(y, mpfr_lessequal_p(a, b) != 0, N))
VALUE(greater, mpfr_set_si(y, mpfr_greater_p(a, b) != 0, N))
VALUE(greater_equal, mpfr_set_si(y, mpfr_greaterequal_p(a, b) != 0, N))
VALUE(equal, mpfr_set_si(y, mpfr_equal_p(a, b) != 0, N))
VALUE(where, mpfr_set(y, mpfr_zero_p(a) ? c : b, N))

VALUE(lgamma, accuracy_psi(y, x, -1))
VALUE(psi_0, accuracy_psi(y, x, 0))
VALUE(psi_1, accuracy_psi(y, x, 1))
VALUE(psi_4, accuracy_psi(y, x, 4))

/* ---- derivatives for which differences would take long ----------------------------------------------------------- */

static void slope_of_lgamma(mpfr_t y, mpfr_t x, int order)
{
    accuracy_psi(y, x, order - 1);
}

static void slope_of_psi_0(mpfr_t y, mpfr_t x, int order)
{
    accuracy_psi(y, x, order);
}

static void slope_of_psi_1(mpfr_t y, mpfr_t x, int order)
{
    accuracy_psi(y, x, 1 + order);
}

static void slope_of_psi_4(mpfr_t y, mpfr_t x, int order)
{
    accuracy_psi(y, x, 4 + order);
}

/* e^(-x^2 / d) / sqrt(d pi), times -2 x / d for the second order */
static void density(mpfr_t y, mpfr_t x, unsigned long d, int order)
{
    mpfr_t t;
    mpfr_init2(t, mpfr_get_prec(y));
    mpfr_const_pi(t, N);
    mpfr_mul_ui(t, t, d, N);
    mpfr_sqrt(t, t, N);
    mpfr_sqr(y, x, N);
    mpfr_div_si(y, y, -(long)d, N);
    mpfr_exp(y, y, N);
    mpfr_div(y, y, t, N);
    mpfr_mul_si(t, x, -2 / (long)d, N);
    if (order == 2) mpfr_mul(y, y, t, N);
    mpfr_clear(t);
}

static void slope_of_erf(mpfr_t y, mpfr_t x, int order)
{
    density(y, x, 1, order);
    mpfr_mul_si(y, y, 2, N);
}

static void slope_of_erfc(mpfr_t y, mpfr_t x, int order)
{
    density(y, x, 1, order);
    mpfr_mul_si(y, y, -2, N);
}

static void slope_of_normal(mpfr_t y, mpfr_t x, int order)
{
    density(y, x, 2, order);
}

/* Phi + x phi, then (2 - x^2) phi */
static void slope_of_gelu(mpfr_t y, mpfr_t x, int order)
{
    mpfr_t v[ACCURACY_OPERANDS + 2], t;
    mpfr_prec_t precision = mpfr_get_prec(y);
    for (int k = 0; k < ACCURACY_OPERANDS + 2; k++) mpfr_init2(v[k], precision);
    mpfr_init2(t, precision);
    mpfr_set(v[0], x, N);
    density(t, x, 2, 1);
    if (order == 1) exact_normal(y, v);
    else mpfr_sqr(y, x, N), mpfr_ui_sub(y, 2, y, N);
    mpfr_mul(t, t, order == 1 ? x : y, N);
    if (order == 1) mpfr_add(y, y, t, N);
    else mpfr_set(y, t, N);
    mpfr_clear(t);
    for (int k = 0; k < ACCURACY_OPERANDS + 2; k++) mpfr_clear(v[k]);
}

/* ---- kinks, roots of sums, products with subnormal factors ------------------------------------------------------- */

#define LEAST(name, ...)                                        \
    static double name(const double *x, int order, double tiny) \
    {                                                           \
        (void)x, (void)order, (void)tiny;                       \
        return __VA_ARGS__;                                     \
    }

static double near(double x, double root, double size)
{
    return fabs(x - root) < 0.5 ? size : 0;
}

LEAST(kink_at_zero, order && x[0] == 0 ? NAN : 0)
LEAST(kink_at_integers, order && x[0] == floor(x[0]) ? NAN : 0)
LEAST(kink_at_halves, order && x[0] - 0.5 == floor(x[0]) ? NAN : 0)
LEAST(kink_at_equals, order && x[0] == x[1] ? NAN : 0)
LEAST(kink_of_choice, order && x[2] == 1 ? NAN : 0)
/* Far out, where an exponential is infinite, what is less than any normal number becomes 0. */
LEAST(of_sigmoid, exp(x[0]) < tiny ? NAN : order ? 4 * tiny : 0)
LEAST(of_softplus, order ? of_sigmoid(x, order - 1, tiny) : 0)
LEAST(of_tanh, order && exp(-2 * fabs(x[0])) < tiny ? NAN : 0)
LEAST(of_bell, order == 2 ? fmax(near(fabs(x[0]), 0.9, 0.5), 4096 * tiny) : order ? 64 * tiny : 0)
LEAST(of_erf, order == 2 ? 64 * tiny : 0)
LEAST(of_silu, order == 1 ? near(x[0], -1.2784645, 0.25)
             : order == 2 ? exp(x[0]) < tiny ? NAN : fmax(near(fabs(x[0]), 2.3993573, 0.25), 1024 * tiny) : 0)
LEAST(of_silu_slope, order < 2 ? of_silu(x, order + 1, tiny)
             : exp(x[0]) < tiny ? NAN : fmax(near(fabs(x[0]), 3.4, 0.25), 1024 * tiny))
LEAST(of_gelu, order == 1 ? fmax(near(x[0], -0.7517916, 0.25), 64 * tiny)
             : order == 2 ? fmax(near(fabs(x[0]), 1.4142136, 0.25), 4096 * tiny) : 64 * tiny)
/* Derivatives are differences, the second of terms as large as x. */
LEAST(of_normal_of_bell, order ? x[0] == 0 ? NAN : order == 2 ? 4 : 1 : 0)
LEAST(kink_at_bounds, order && (x[0] == -1 || x[0] == 2) ? NAN : 0)
LEAST(kink_at_three, order && fabs(x[0]) == 3 ? NAN : 0)
LEAST(of_log_sigmoid, of_softplus(&(double){ -x[0] }, order, tiny))
LEAST(of_fmod, order && (x[1] == 0 || fmod(x[0], x[1]) == 0 || fabs(x[0] / x[1]) > 0x1p50) ? NAN : 0)
/* A sum of two numbers of the larger one's size, where that is negative. */
LEAST(of_logaddexp, order ? exp(-fabs(x[0] - x[1])) < tiny ? NAN : 4 * tiny : fmax(0, -fmax(x[0], x[1])))
LEAST(of_share, exp(-fabs(x[0] - x[1])) < tiny ? NAN : order == 2 ? fmax(near(x[0], x[1], 0.25), 4 * tiny) : 4 * tiny)
LEAST(of_gelu_tanh, order == 1 ? fmax(near(x[0], -0.7524614, 0.25), 64 * tiny)
             : order == 2 ? fmax(near(fabs(x[0]), 1.4185040, 0.25), 0x1p16 * tiny) : 64 * tiny)
LEAST(of_gelu_tanh_slope, order < 2 ? of_gelu_tanh(x, order + 1, tiny)
             : fmax(fmax(near(x[0], 0, 0.25), near(fabs(x[0]), 2.0134807, 0.25)), 0x1p24 * tiny))
LEAST(of_gelu_tanh_bell, order == 2 ? fmax(near(fabs(x[0]), 0.8767706, 0.25), 0x1p24 * tiny) : 0x1p12 * tiny)
LEAST(of_mish, order == 1 ? fmax(near(x[0], -1.1924312, 0.25), 64 * tiny)
             : order == 2 ? fmax(fmax(near(x[0], -2.2563764, 0.25), near(x[0], 1.4905712, 0.25)), 1024 * tiny) : 0)
LEAST(of_mish_slope, order < 2 ? of_mish(x, order + 1, tiny)
             : fmax(fmax(near(x[0], -3.2673378, 0.25), near(x[0], 2.1148426, 0.25)),
                    fmax(near(x[0], -0.0879343, 0.25), 1024 * tiny)))
LEAST(of_mish_bell, order == 1 ? fmax(near(x[0], -0.1174010, 0.25), 64 * tiny)
             : order == 2 ? fmax(fmax(near(x[0], -1.1391312, 0.25), near(x[0], 0.9033505, 0.25)), 64 * tiny) : tiny)
LEAST(of_runge, order == 2 ? near(fabs(x[0]), 0.5773503, 0.5) : 0)
/* a/b may be subnormal, 1/b infinite. */
LEAST(of_div, !order ? 0 : fabs(x[1]) < tiny ? NAN
            : order == 1 ? tiny / fabs(x[1]) : 4 * tiny / fabs(x[1]) / fabs(x[1]))
/* At 0 there are conventions; a^(b - 1) may be infinite or subnormal; differences are too wide for a larger b. */
LEAST(of_pow, !order ? 0 : x[0] == 0 || fabs(x[1]) > 0x1p50 || pow(x[0], x[1] - order) * tiny >= 4 ? NAN
            : order == 1 ? tiny * fmax(1024, fabs(x[1]))
            : fmax(tiny * fmax(0x1p20, x[1] * x[1]), fabs(1 + x[1] * log(x[0])) < 0.5 ? pow(x[0], x[1] - 1) : 0))
LEAST(of_sigmoid_slope, exp(x[1]) < tiny ? NAN : order == 2 ? near(fabs(x[1]), 1.3169579, 0.125 * fabs(x[0])) : 0)
LEAST(of_tanh_slope, exp(-2 * fabs(x[1])) < tiny ? NAN : order == 2 ? near(fabs(x[1]), 0.6584789, 0.5 * fabs(x[0])) : 0)
LEAST(of_tanh_slope_of_expm1, order == 2 ? near(fabs(x[1]), 1, 0.125 * fabs(x[0])) : 0)
LEAST(kink_at_limit, order && (fabs(x[0]) == x[1] || x[1] == 0) ? NAN : 0)
LEAST(of_lerp, order ? 1 + fabs(x[0]) + fabs(x[1]) : fabs(x[0]) + fabs(x[1]))
LEAST(of_lerp_square, order ? 1 + fabs(x[0]) + x[1] * x[1] : fabs(x[0]) + x[1] * x[1])
LEAST(moderate, fabs(x[0]) < 1e-12 || fabs(x[1]) < 1e-12 || fabs(x[2]) < 1e-12 ? NAN : 0)

/* Of b / (a^2 + b^2) and its derivatives, which are as large as 1 / size^n: they have roots where |a| = |b|; b / size
 * may be subnormal, 1 / size^n infinite. */
static double of_rational(const double *x, int n, double tiny)
{
    double a = fabs(x[0]), b = fabs(x[1]), size = fmax(a, b), unit = pow(size, -n);
    if (n > 0 && (unit * tiny >= 4 || x[0] == 0)) return NAN;
    return n <= 0 ? 0 : fmax(4 * tiny * unit, n > 2 || (n > 1 && fabs(a - b) < 0.5 * size) ? unit : 0);
}

LEAST(of_atan2, of_rational(x, order, tiny))
LEAST(of_polar, of_rational(x, order + 1, tiny))

/* Poles; where psi of an even order has a root in each interval to the left of 0, with values of that size. */
static double of_psi(double x, int n, double size)
{
    return x <= 0 && x == floor(x) ? NAN : x < 0 && n % 2 == 0 ? size : 0;
}

LEAST(of_lgamma, of_psi(x[0], order - 1, 1))
LEAST(of_psi_0, of_psi(x[0], order, order ? 8 : 1))
LEAST(of_psi_1, of_psi(x[0], 1 + order, 8))
LEAST(of_psi_4, of_psi(x[0], 4 + order, order ? 1e4 : 300))

/* ---- the rows ---------------------------------------------------------------------------------------------------- */

#define BUILD(name, ...)                                              \
    static ag_node *build_##name(ag_node *const in[], const int *arg) \
    {                                                                 \
        (void)arg;                                                    \
        return __VA_ARGS__;                                           \
    }
#define PUBLIC1(R) \
    R(neg) R(abs) R(sign) R(floor) R(exp) R(expm1) R(log) R(log1p) R(square) R(sqrt) R(sin) R(cos) R(tan) R(asin) \
    R(acos) R(atan) R(sinh) R(cosh) R(tanh) R(erf) R(erfc) R(lgamma) R(sigmoid) R(softplus) R(relu) R(gelu) R(silu) \
    R(ceil) R(trunc) R(round) R(gelu_tanh) R(mish) R(hardswish) R(log_sigmoid) R(selu)
#define PUBLIC2(R) \
    R(add) R(sub) R(mul) R(div) R(pow) R(atan2) R(minimum) R(maximum) R(less) R(less_equal) R(greater) \
    R(greater_equal) R(equal) R(fmod) R(logaddexp)
#define INNER(R) \
    R(exp_neg, 1) R(exp_neg_square, 1) R(normal, 1) R(silu_slope, 1) R(runge, 1) R(one_minus_square, 1) R(polar, 2) \
    R(sigmoid_of_exp, 1) R(sigmoid_slope_of_exp, 3) R(expm1_odd, 1) R(tanh_of_expm1, 1) \
    R(tanh_slope_of_expm1, 2) R(muladd, 3) R(mulsub, 3) R(submul, 3) R(mulmul, 3) R(where, 3) \
    R(within, 2) R(lerp, 3) R(lerp_square, 3) R(over_sqrt, 3) \
    R(gelu_tanh_slope, 1) R(gelu_tanh_bell, 1) R(mish_slope, 1) R(mish_bell, 1) R(logaddexp_share, 2) \
    R(gelu_of_normal, 2) R(normal_of_bell, 2)
#define BUILD1(name) BUILD(name, ag_##name(in[0]))
#define BUILD2(name) BUILD(name, ag_##name(in[0], in[1]))
#define BUILD_INNER(name, n) BUILD(name, ag_apply(&agi_##name, n, in, NULL))
PUBLIC1(BUILD1)
PUBLIC2(BUILD2)
INNER(BUILD_INNER)
BUILD(sigmoid_slope, agi_new_sigmoid_slope(in[0], in[1]))
BUILD(tanh_slope, agi_new_tanh_slope(in[0], in[1]))
BUILD(leaky_relu, ag_leaky_relu(in[0], 0.125))
BUILD(elu, ag_elu(in[0], 0.5))
BUILD(clip, ag_clip(in[0], -1, 2))
BUILD(hardtanh, ag_hardtanh(in[0], -1, 2))
BUILD(bell, agi_new_bell(in[0], 1))
BUILD(half_bell, agi_new_bell(in[0], 0.5))
BUILD(polygamma, ag_polygamma(*arg, in[0]))

#define ROW(name, made, exact, operands, ...) \
    { .op = name, .build = build_##made, .value = exact_##exact, .n = operands, .domain = __VA_ARGS__ }
#define ROW1(name, exact, ...) ROW(#name, name, exact, 1, __VA_ARGS__)
#define ROW2(name, exact, ...) ROW(#name, name, exact, 2, __VA_ARGS__)
#define ROW3(name, exact, ...) ROW(#name, name, exact, 3, __VA_ARGS__)
#define POSITIVE { 0, INF }
#define NEGATIVE { -INF, 0 }

const accuracy_row accuracy_rows[] = {
    ROW1(neg, neg, { ALL }),
    ROW1(abs, abs, { ALL }, .least = kink_at_zero),
    ROW1(sign, sign, { ALL }, .least = kink_at_zero),
    ROW1(floor, floor, { ALL }, .least = kink_at_integers),
    ROW1(ceil, ceil, { ALL }, .least = kink_at_integers),
    ROW1(trunc, trunc, { ALL }, .least = kink_at_integers),
    ROW1(round, round, { ALL }, .least = kink_at_halves),
    ROW1(exp, exp, { ALL }),
    ROW1(exp_neg, exp_neg, { ALL }),
    /* The square, rounded, as written: half an ulp of up to 104 in f32, 745 in f64. */
    ROW1(exp_neg_square, bell, { { -0x1p125, 0x1p125 } }, .least = of_bell, .f32 = { 54, 58, 120 },
         .f64 = { 376, 760, 1500 }),
    ROW1(bell, bell, { { -0x1p125, 0x1p125 } }, .least = of_bell),
    ROW("bell", half_bell, half_bell, 1, { { -0x1p125, 0x1p125 } }, .least = of_bell),
    ROW1(expm1, expm1, { ALL }),
    ROW1(log, log, { POSITIVE }, .near = { 1 }),
    ROW1(log1p, log1p, { { -1, INF } }, .near = { -1 }),
    ROW1(square, square, { ALL }),
    ROW1(sqrt, sqrt, { POSITIVE }),
    ROW1(sin, sin, { ALL }, .turn = PI / 2),
    ROW1(cos, cos, { ALL }, .turn = PI / 2),
    ROW1(tan, tan, { ALL }, .turn = PI / 2, .f32 = { 0, 6 }, .f64 = { 0, 6 }), /* twice libmvec's error, 2.5 */
    ROW1(asin, asin, { { -1, 1 } }, .near = { 1, -1 }),
    ROW1(acos, acos, { { -1, 1 } }, .near = { 1, -1 }),
    ROW1(atan, atan, { ALL }),
    ROW1(sinh, sinh, { ALL }),
    ROW1(cosh, cosh, { ALL }),
    ROW1(tanh, tanh, { ALL }, .least = of_tanh),
    ROW1(erf, erf, { ALL }, .derivative = slope_of_erf, .least = of_erf),
    ROW1(erfc, erfc, { ALL }, .derivative = slope_of_erfc, .least = of_erf),
    ROW1(normal, normal, { ALL }, .derivative = slope_of_normal, .least = of_erf),
    ROW1(lgamma, lgamma, { { -50, INF } }, .derivative = slope_of_lgamma, .least = of_lgamma,
         .near = { 1, 2, -1, -2, -3, -2.4570247382208006 }),
    ROW1(polygamma, psi_0, { { -50, INF } }, .derivative = slope_of_psi_0, .least = of_psi_0,
         .near = { 1.4616321449683622, 1, 2, -1, -2 }),
    /* Powers of rounded quotients; sums by reflection. */
    ROW1(polygamma, psi_1, { { -50, INF } }, .derivative = slope_of_psi_1, .least = of_psi_1, .near = { -1, -2 },
         .arg = 1, .f64 = { 0, 6 }),
    ROW1(polygamma, psi_4, { { -50, INF } }, .derivative = slope_of_psi_4, .least = of_psi_4, .near = { -1, -2 },
         .arg = 4, .f64 = { 11, 7 }),
    ROW1(sigmoid, sigmoid, { ALL }, .least = of_sigmoid),
    ROW1(softplus, softplus, { ALL }, .least = of_softplus),
    ROW1(relu, relu, { ALL }, .least = kink_at_zero),
    ROW1(gelu, gelu, { ALL }, .derivative = slope_of_gelu, .least = of_gelu, .f64 = { 0, 6 }), /* a difference: 4.6 */
    ROW1(gelu_tanh, gelu_tanh, { ALL }, .least = of_gelu_tanh, .f64 = { 0, 5 }), /* a difference: 4.02 */
    ROW1(gelu_tanh_slope, gelu_tanh_slope, { ALL }, .least = of_gelu_tanh_slope, .f32 = { 0, 7 }, .f64 = { 5, 7 }),
    ROW1(gelu_tanh_bell, gelu_tanh_bell, { ALL }, .least = of_gelu_tanh_bell, .f32 = { 5, 7 }, .f64 = { 0, 6 }),
    ROW1(mish, mish, { ALL }, .least = of_mish, .f32 = { 0, 7 }, .f64 = { 0, 5 }), /* a difference: 4.7 */
    ROW1(mish_slope, mish_slope, { ALL }, .least = of_mish_slope, .f32 = { 7, 7 }, .f64 = { 5, 8 }),
    ROW1(mish_bell, mish_bell, { ALL }, .least = of_mish_bell, .f32 = { 7, 6 }, .f64 = { 6, 6 }),
    ROW1(leaky_relu, leaky_relu, { ALL }, .least = kink_at_zero),
    ROW1(elu, elu, { ALL }, .least = kink_at_zero),
    ROW1(selu, selu, { ALL }, .least = kink_at_zero),
    ROW1(hardswish, hardswish, { ALL }, .least = kink_at_three, .near = { 3, -3, -1.5 }),
    ROW1(clip, clip, { ALL }, .least = kink_at_bounds, .near = { -1, 2 }),
    ROW1(hardtanh, clip, { ALL }, .least = kink_at_bounds, .near = { -1, 2 }),
    ROW1(log_sigmoid, log_sigmoid, { ALL }, .least = of_log_sigmoid),
    ROW1(silu, silu, { ALL }, .least = of_silu),
    ROW1(silu_slope, silu_slope, { ALL }, .least = of_silu_slope, .f32 = { 0, 7 }, .f64 = { 0, 7 }),
    ROW1(runge, runge, { ALL }, .least = of_runge),
    ROW1(one_minus_square, one_minus_square, { ALL }, .near = { 1, -1 }),
    ROW1(sigmoid_of_exp, sigmoid_of_exp, { POSITIVE }),
    ROW1(expm1_odd, expm1_odd, { { -30, 30 } }, .least = kink_at_zero),
    ROW1(tanh_of_expm1, tanh_of_expm1, { ALL }, .least = kink_at_zero),
    ROW2(add, add, { ALL, ALL }),
    ROW2(sub, sub, { ALL, ALL }),
    ROW2(mul, mul, { ALL, ALL }),
    ROW2(div, div, { ALL, ALL }, .least = of_div),
    /* The exponent b - 1 is rounded, which log(a) amplifies. */
    ROW2(pow, pow, { POSITIVE, ALL }, .near = { 1 }, .least = of_pow, .f32 = { 0, 64, 128 }, .f64 = { 0, 700, 1400 }),
    ROW2(atan2, atan2, { ALL, ALL }, .least = of_atan2),
    ROW2(polar, polar, { ALL, ALL }, .least = of_polar),
    ROW2(fmod, fmod, { ALL, ALL }, .least = of_fmod),
    ROW2(logaddexp, logaddexp, { ALL, ALL }, .least = of_logaddexp),
    ROW2(logaddexp_share, logaddexp_share, { ALL, ALL }, .least = of_share, .f64 = { 0, 6 }),
    ROW2(minimum, min, { ALL, ALL }, .least = kink_at_equals),
    ROW2(maximum, max, { ALL, ALL }, .least = kink_at_equals),
    ROW2(less, less, { ALL, ALL }, .least = kink_at_equals),
    ROW2(less_equal, less_equal, { ALL, ALL }, .least = kink_at_equals),
    ROW2(greater, greater, { ALL, ALL }, .least = kink_at_equals),
    ROW2(greater_equal, greater_equal, { ALL, ALL }, .least = kink_at_equals),
    ROW2(equal, equal, { ALL, ALL }, .least = kink_at_equals),
    ROW2(gelu_of_normal, gelu_of_normal, { { -39, 39 }, ALL }),
    ROW2(normal_of_bell, normal_of_bell, { { -37, 37 }, { 0, 1 } }, .least = of_normal_of_bell),
    ROW2(sigmoid_slope, sigmoid_slope, { { -4, 4 }, ALL }, .least = of_sigmoid_slope),
    ROW2(tanh_slope, tanh_slope, { { -4, 4 }, ALL }, .least = of_tanh_slope, .f32 = { 0, 6 }, .f64 = { 0, 6 }),
    ROW2(tanh_slope_of_expm1, tanh_slope_of_expm1, { { -4, 4 }, { -1e30, 1e30 } },
         .least = of_tanh_slope_of_expm1, .f32 = { 0, 6 }, .f64 = { 0, 6 }),
    ROW3(sigmoid_slope_of_exp, sigmoid_slope_of_exp, { { -4, 4 }, { 0, 1 }, { 0, 1e12 } }, .least = kink_of_choice),
    ROW3(muladd, muladd, { POSITIVE, POSITIVE, POSITIVE }),
    ROW3(mulsub, mulsub, { POSITIVE, POSITIVE, NEGATIVE }),
    ROW3(submul, submul, { POSITIVE, NEGATIVE, POSITIVE }),
    ROW3(mulmul, mulmul, { { -1e12, 1e12 }, { -1e12, 1e12 }, { -1e12, 1e12 } }, .least = moderate),
    ROW3(where, where, { ALL, ALL, ALL }, .least = kink_at_zero),
    ROW2(within, within, { ALL, POSITIVE }, .least = kink_at_limit),
    ROW3(lerp, lerp, { { -1e12, 1e12 }, { -1e12, 1e12 }, { 0, 1 } }, .least = of_lerp),
    ROW3(lerp_square, lerp_square, { { -1e12, 1e12 }, { -1e6, 1e6 }, { 0, 1 } }, .least = of_lerp_square),
    ROW3(over_sqrt, over_sqrt, { { 1e-6, 1e6 }, { 1e-6, 1e6 }, { 1e-6, 1e6 } }),
};
const size_t accuracy_rows_count = COUNT(accuracy_rows);
