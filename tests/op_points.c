/* Rows of the pointwise operations: domain of each operand, and the value by libm. */
#include "op_table.h"
#include "shared/slopes.h"

static double sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double largest(double a, double b)
{
    return isnan(a) || isnan(b) ? NAN : a < b ? b : a;
}

/* The n-th derivative of digamma for x > 0: (-1)^(n+1) n! times Hurwitz' zeta(n + 1, x), by the Euler-Maclaurin formula
 * (Abramowitz & Stegun 6.4.10 and 23.2); digamma by recurrence and its asymptotic series (6.3.5, 6.3.18). */
static double polygamma(double order, double x)
{
    static const long double bernoulli[] = {
        1.L / 6, -1.L / 30, 1.L / 42, -1.L / 30, 5.L / 66, -691.L / 2730, 7.L / 6
    };
    long double q = x, sum = 0, factorial = 1, s = order + 1;
    for (; q < x + 20; q++) sum += powl(q, -s);
    if (order == 0) {
        sum = logl(q) - 0.5L / q - sum;
        for (int j = 1; j <= 7; j++) sum -= bernoulli[j - 1] / (2 * j * powl(q, 2 * j));
        return (double)sum;
    }
    sum += powl(q, 1 - s) / (s - 1) + powl(q, -s) / 2;
    long double rising = s, fall = 2; /* s (s+1) ... (s+2j-2) and (2j)! */
    for (int j = 1; j <= 7; j++) {
        sum += bernoulli[j - 1] / fall * rising * powl(q, -s - 2 * j + 1);
        rising *= (s + 2 * j - 1) * (s + 2 * j);
        fall *= (2 * j + 1) * (2 * j + 2);
    }
    for (int k = 2; k <= order; k++) factorial *= k;
    return (double)(fmodl((long double)order, 2) == 1 ? factorial * sum : -factorial * sum);
}

/* x + 0.044715 x^3 times sqrt(8 / pi), and its slope. */
static double argument(double x)
{
    return sqrt(8 / 3.14159265358979323846) * (x + 0.044715 * x * x * x);
}

static double argument_slope(double x)
{
    return sqrt(8 / 3.14159265358979323846) * (1 + 3 * 0.044715 * x * x);
}

static double logaddexp(double a, double b)
{
    return a == b ? a + log(2) : a > b ? a + log1p(exp(b - a)) : b + log1p(exp(a - b));
}

/* POINT1(name, low, high, flags, value in x): the operation ag_<name> */
#define ALL_POINTS(POINT1, POINT2)                                                 \
    POINT1(neg, -3, 3, ROW_INTEGERS, -x)                                                      \
    POINT1(abs, 0.1, 3, ROW_INTEGERS, fabs(x))                                                \
    POINT1(sign, 0.1, 3, ROW_INTEGERS, x > 0 ? 1 : x < 0 ? -1 : x)                            \
    POINT1(square, -3, 3, ROW_INTEGERS, x * x)                                                \
    POINT1(sqrt, 0.3, 4, 0, sqrt(x))                                               \
    POINT1(exp, -3, 3, 0, exp(x))                                                  \
    POINT1(expm1, -2, 2, 0, expm1(x))                                              \
    POINT1(log, 0.3, 4, 0, log(x))                                                 \
    POINT1(log1p, -0.6, 3, 0, log1p(x))                                            \
    POINT1(sin, -4, 4, 0, sin(x))                                                  \
    POINT1(cos, -4, 4, 0, cos(x))                                                  \
    POINT1(tan, -1, 1, 0, tan(x))                                                  \
    POINT1(asin, -0.7, 0.7, 0, asin(x))                                            \
    POINT1(acos, -0.7, 0.7, 0, acos(x))                                            \
    POINT1(atan, -3, 3, 0, atan(x))                                                \
    POINT1(sinh, -2, 2, 0, sinh(x))                                                \
    POINT1(cosh, -2, 2, 0, cosh(x))                                                \
    POINT1(tanh, -2, 2, 0, tanh(x))                                                \
    POINT1(erf, -2, 2, 0, erf(x))                                                  \
    POINT1(erfc, -2, 2, 0, erfc(x))                                                \
    POINT1(lgamma, 0.4, 6, 0, lgamma(x))                                           \
    POINT1(sigmoid, -4, 4, 0, sigmoid(x))                                          \
    POINT1(softplus, -4, 4, 0, x > 30 ? x : log1p(exp(x)))                         \
    POINT1(relu, 0.1, 2, 0, x > 0 || isnan(x) ? x : 0)                             \
    POINT1(gelu, -3, 3, ROW_ANY_ZERO, x < -1e3 ? 0 : x * 0.5 * erfc(-x / sqrt(2))) \
    POINT1(silu, -4, 4, ROW_ANY_ZERO, x < -1e3 ? 0 : x * sigmoid(x))               \
    POINT1(floor, 0.1, 0.9, 0, floor(x))                                           \
    POINT1(ceil, 0.1, 0.9, 0, ceil(x))                                             \
    POINT1(trunc, 0.1, 0.9, 0, trunc(x))                                           \
    POINT1(round, 0.6, 1.4, 0, rint(x))                                            \
    POINT1(gelu_tanh, -3, 3, ROW_ANY_ZERO, x < -30 ? 0 : x * sigmoid(argument(x))) \
    POINT1(mish, -4, 4, ROW_ANY_ZERO, x < -1e3 ? 0 : x * tanh(log1p(exp(x > 800 ? 700 : x)))) \
    POINT1(hardswish, -2.9, 2.9, ROW_ANY_ZERO, x < -3 ? 0 : x > 3 ? x : x * (x + 3) / 6) \
    POINT2(fmod, 2.2, 2.8, 1.05, 1.09, 0, fmod(a, b))                              \
    POINT2(logaddexp, -3, 3, -3, 3, 0, logaddexp(a, b))                            \
    POINT2(add, -3, 3, -3, 3, 0, a + b)                                            \
    POINT2(sub, -3, 3, -3, 3, 0, a - b)                                            \
    POINT2(mul, -3, 3, -3, 3, 0, a * b)                                            \
    POINT2(div, -3, 3, 0.4, 3, 0, a / b)                                           \
    POINT2(pow, 0.3, 3, -2, 3, 0, pow(a, b))                                       \
    POINT2(atan2, 0.3, 3, -3, 3, 0, atan2(a, b))                                   \
    POINT2(minimum, -3, 3, -3, 3, ROW_ANY_ZERO, -largest(-a, -b))                  \
    POINT2(maximum, -3, 3, -3, 3, ROW_ANY_ZERO, largest(a, b))                     \
    POINT2(less, -3, 3, -3, 3, 0, a < b)                                           \
    POINT2(less_equal, -3, 3, -3, 3, 0, a <= b)                                    \
    POINT2(greater, -3, 3, -3, 3, 0, a > b)                                        \
    POINT2(greater_equal, -3, 3, -3, 3, 0, a >= b)                                 \
    POINT2(equal, -3, 3, -3, 3, 0, a == b)

#define BUILD1(name, low, high, flags, ...)                           \
    static ag_node *build_##name(ag_node *const in[], const int *arg) \
    {                                                                 \
        (void)arg;                                                    \
        return ag_##name(in[0]);                                      \
    }                                                                 \
    static double expect_##name(double x, double b, double c)         \
    {                                                                 \
        (void)b, (void)c;                                             \
        return __VA_ARGS__;                                           \
    }
#define BUILD2(name, low_a, high_a, low_b, high_b, flags, ...)        \
    static ag_node *build_##name(ag_node *const in[], const int *arg) \
    {                                                                 \
        (void)arg;                                                    \
        return ag_##name(in[0], in[1]);                               \
    }                                                                 \
    static double expect_##name(double a, double b, double c)         \
    {                                                                 \
        (void)c;                                                      \
        return __VA_ARGS__;                                           \
    }
ALL_POINTS(BUILD1, BUILD2)

static ag_node *build_where(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_where(in[0], in[1], in[2]);
}

static double expect_where(double a, double b, double c)
{
    return a != 0 ? b : c;
}

/* A condition that is 0 for some elements, as comparisons make it. */
static ag_node *build_choice(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_where(ag_less(in[0], in[1]), in[1], in[2]);
}

static double expect_choice(double a, double b, double c)
{
    return a < b ? b : c;
}

/* What the planner makes from mul, add and sub with a product; and the same operations by name. */
static ag_node *build_three(ag_node *const in[], const int *arg)
{
    ag_node *product = ag_mul(in[0], in[1]);
    if (arg[0] == 3) return ag_mul(product, in[2]);
    return arg[0] == 0 ? ag_add(product, in[2]) : arg[0] == 1 ? ag_sub(product, in[2]) : ag_sub(in[2], product);
}

static ag_node *apply_three(ag_node *const in[], const int *arg)
{
    static const ag_op *const op[] = { &agi_muladd, &agi_mulsub, &agi_submul, &agi_mulmul };
    return ag_apply(op[arg[0]], 3, in, NULL);
}

static double expect_muladd(double a, double b, double c)
{
    volatile double product = a * b;
    return product + c;
}

static double expect_mulsub(double a, double b, double c)
{
    volatile double product = a * b;
    return product - c;
}

static double expect_submul(double a, double b, double c)
{
    volatile double product = a * b;
    return c - product;
}

static double expect_mulmul(double a, double b, double c)
{
    volatile double product = a * b;
    return product * c;
}

/* The slopes of sigmoid and tanh, and the parts that they and the functions are made of. */
static ag_node *build_slope(ag_node *const in[], const int *arg)
{
    return arg[0] ? agi_new_tanh_slope(in[0], in[1]) : agi_new_sigmoid_slope(in[0], in[1]);
}

static double expect_sigmoid_slope(double a, double b, double c)
{
    (void)c;
    return a * (sigmoid(b) * sigmoid(-b));
}

static double expect_tanh_slope(double a, double b, double c)
{
    (void)c;
    double e = exp(-2 * fabs(b));
    return a * (4 * e / ((1 + e) * (1 + e)));
}

static const ag_op *const parts[] = {
    &agi_sigmoid_of_exp, &agi_sigmoid_slope_of_exp, &agi_expm1_odd, &agi_tanh_of_expm1, &agi_tanh_slope_of_expm1,
    &agi_exp_neg, &agi_exp_neg_square, &agi_normal, &agi_silu_slope, &agi_runge, &agi_one_minus_square, &agi_polar,
    &agi_within, &agi_lerp, &agi_lerp_square, &agi_over_sqrt,
    &agi_logaddexp_share, &agi_gelu_tanh_slope, &agi_gelu_tanh_bell, &agi_mish_slope, &agi_mish_bell,
    &agi_gelu_of_normal, &agi_normal_of_bell };

static ag_node *apply_part(ag_node *const in[], const int *arg)
{
    return ag_apply(parts[arg[0]], arg[1], in, NULL);
}

static double expect_within(double a, double b, double c)
{
    (void)c;
    return a > b ? b : a < -b ? -b : a;
}

static double expect_lerp(double a, double b, double c)
{
    volatile double way = c * (b - a);
    return a + way;
}

static double expect_lerp_square(double a, double b, double c)
{
    volatile double square = b * b, way = c * (square - a);
    return a + way;
}

static double expect_over_sqrt(double a, double b, double c)
{
    return c / (sqrt(a) + b);
}

static double expect_sigmoid_of_exp(double x, double b, double c)
{
    (void)b, (void)c;
    return 1 / (1 + x);
}

static double expect_sigmoid_slope_of_exp(double a, double b, double c)
{
    return a * (b * (c > 1 ? 1 - b : b * c));
}

static double expect_gelu_of_normal(double a, double b, double c)
{
    (void)c;
    return a < -40 ? 0 : a * b;
}

static double expect_expm1_odd(double x, double b, double c)
{
    (void)b, (void)c;
    return x < 0 ? -expm1(-2 * x) : x > 0 ? expm1(2 * x) : x;
}

static double expect_tanh_of_expm1(double x, double b, double c)
{
    (void)b, (void)c;
    return isinf(x) ? copysign(1, x) : x / (2 + fabs(x));
}

static double expect_tanh_slope_of_expm1(double a, double b, double c)
{
    double w = 2 / (2 + fabs(b));
    (void)c;
    return a * (w * (2 - w));
}

static double expect_normal(double x, double b, double c)
{
    (void)b, (void)c;
    return erfc(x / -sqrt(2)) / 2;
}

static double expect_silu_slope(double x, double b, double c)
{
    (void)b, (void)c;
    return fabs(x) > 900 ? x > 0 : sigmoid(x) * (1 + x * sigmoid(-x));
}

static double expect_logaddexp_share(double a, double b, double c)
{
    (void)c;
    return a == b ? 0.5 : 1 / (1 + exp(b - a));
}

static double expect_gelu_tanh_slope(double x, double b, double c)
{
    double s = sigmoid(argument(x));
    (void)b, (void)c;
    return fabs(x) > 30 ? x > 0 : s + x * s * sigmoid(-argument(x)) * argument_slope(x);
}

static double expect_gelu_tanh_bell(double x, double b, double c)
{
    (void)b, (void)c;
    return fabs(x) > 30 ? 0 : sigmoid(argument(x)) * sigmoid(-argument(x));
}

static double expect_mish_bell(double x, double b, double c)
{
    double t = cosh(log1p(exp(x)));
    (void)b, (void)c;
    return x > 300 ? 0 : sigmoid(x) / t / t;
}

static double expect_mish_slope(double x, double b, double c)
{
    return fabs(x) > 900 ? x > 0 : tanh(log1p(exp(x))) + x * expect_mish_bell(x, b, c);
}

static double expect_runge(double x, double b, double c)
{
    (void)b, (void)c;
    return 1 / (1 + x * x);
}

static double expect_one_minus_square(double x, double b, double c)
{
    (void)b, (void)c;
    return (1 - x) * (1 + x);
}

static double expect_polar(double a, double b, double c)
{
    double size = hypot(a, b);
    (void)c;
    return isnan(a) || isnan(b) || size == 0 ? NAN : isinf(a) || isinf(b) ? 0 : b / size / size;
}

static double expect_normal_of_bell(double a, double b, double c)
{
    const double tail = b * (erfc(fabs(a) / sqrt(2)) / 2 * exp(a * a / 2));
    (void)c;
    return a < 0 ? tail : 1 - tail;
}

static ag_node *build_bell(ag_node *const in[], const int *arg)
{
    (void)arg;
    return agi_new_bell(in[0], 0.5);
}

static double expect_bell(double x, double b, double c)
{
    (void)b, (void)c;
    return exp(-0.5 * x * x);
}

static double expect_exp_neg_square(double x, double b, double c)
{
    (void)b, (void)c;
    return exp(-(x * x));
}

static double expect_exp_neg(double x, double b, double c)
{
    (void)b, (void)c;
    return exp(-x);
}

static ag_node *build_polygamma(ag_node *const in[], const int *arg)
{
    return ag_polygamma(arg[0], in[0]);
}

static double expect_polygamma_0(double x, double b, double c)
{
    (void)b, (void)c;
    return polygamma(0, x);
}

static double expect_polygamma_1(double x, double b, double c)
{
    (void)b, (void)c;
    return polygamma(1, x);
}

static double expect_polygamma_4(double x, double b, double c)
{
    (void)b, (void)c;
    return polygamma(4, x);
}

/* With parameters that are literals. */
enum { LEAKY, ELU, SELU, LOG_SIGMOID, CLIP, HARDTANH };

static ag_node *build_choices(ag_node *const in[], const int *arg)
{
    switch (arg[0]) {
    case LEAKY: return ag_leaky_relu(in[0], 0.125);
    case ELU: return ag_elu(in[0], 0.5);
    case SELU: return ag_selu(in[0]);
    case LOG_SIGMOID: return ag_log_sigmoid(in[0]);
    default: return arg[0] == CLIP ? ag_clip(in[0], -1, 2) : ag_hardtanh(in[0], -1, 2);
    }
}

static double expect_leaky(double x, double b, double c)
{
    (void)b, (void)c;
    return x < 0 ? x / 8 : x;
}

static double expect_elu(double x, double b, double c)
{
    (void)b, (void)c;
    return x < 0 ? expm1(x) / 2 : x > 0 ? x : x / 2;
}

static double expect_selu(double x, double b, double c)
{
    (void)b, (void)c;
    return 1.0507009873554805 * (x < 0 ? expm1(x) * 1.6732632423543772 : x);
}

static double expect_log_sigmoid(double x, double b, double c)
{
    (void)b, (void)c;
    return x < -30 ? x : -log1p(exp(-x));
}

static double expect_clip(double x, double b, double c)
{
    (void)b, (void)c;
    return isnan(x) ? x : fmin(fmax(x, -1), 2);
}

#define ROW1(name, low, high, flags, ...) { #name, 1, { { low, high } }, build_##name, expect_##name, flags, { 0 } },
#define ROW2(name, low_a, high_a, low_b, high_b, flags, ...) \
    { #name, 2, { { low_a, high_a }, { low_b, high_b } }, build_##name, expect_##name, flags, { 0 } },
#define ANY { -3, 3 }

const op_point op_points[] = {
    ALL_POINTS(ROW1, ROW2)
    { "abs", 1, { { -3, -0.1 } }, build_abs, expect_abs, ROW_INTEGERS, { 0 } },
    { "sign", 1, { { -3, -0.1 } }, build_sign, expect_sign, ROW_INTEGERS, { 0 } },
    { "relu", 1, { { -3, -0.1 } }, build_relu, expect_relu, 0, { 0 } },
    { "floor", 1, { { -1.9, -1.1 } }, build_floor, expect_floor, 0, { 0 } },
    { "ceil", 1, { { -1.9, -1.1 } }, build_ceil, expect_ceil, 0, { 0 } },
    { "trunc", 1, { { -1.9, -1.1 } }, build_trunc, expect_trunc, 0, { 0 } },
    { "round", 1, { { -2.4, -1.6 } }, build_round, expect_round, 0, { 0 } },
    { "fmod", 2, { { -2.8, -2.2 }, { 3, 4 } }, build_fmod, expect_fmod, 0, { 0 } },
    { "fmod", 2, { { -2.8, -2.2 }, { -2.1, -1.5 } }, build_fmod, expect_fmod, 0, { 0 } },
    { "hardswish", 1, { { 3.1, 5 } }, build_hardswish, expect_hardswish, ROW_ANY_ZERO, { 0 } },
    { "hardswish", 1, { { -5, -3.1 } }, build_hardswish, expect_hardswish, ROW_ANY_ZERO, { 0 } },
    { "leaky_relu", 1, { { 0.1, 3 } }, build_choices, expect_leaky, 0, { LEAKY } },
    { "leaky_relu", 1, { { -3, -0.1 } }, build_choices, expect_leaky, 0, { LEAKY } },
    { "elu", 1, { { 0.1, 3 } }, build_choices, expect_elu, ROW_ANY_ZERO, { ELU } },
    { "elu", 1, { { -3, -0.1 } }, build_choices, expect_elu, ROW_ANY_ZERO, { ELU } },
    { "elu", 1, { { -3, -0.1 } }, build_choices, expect_selu, ROW_ANY_ZERO, { SELU } },
    { "softplus", 1, { ANY }, build_choices, expect_log_sigmoid, ROW_INNER, { LOG_SIGMOID } },
    { "clip", 1, { { -0.9, 1.9 } }, build_choices, expect_clip, 0, { CLIP } },
    { "clip", 1, { { 2.1, 5 } }, build_choices, expect_clip, 0, { CLIP } },
    { "hardtanh", 1, { { -0.9, 1.9 } }, build_choices, expect_clip, 0, { HARDTANH } },
    { "hardtanh", 1, { { -5, -1.1 } }, build_choices, expect_clip, 0, { HARDTANH } },
    { "logaddexp_share", 2, { ANY, ANY }, apply_part, expect_logaddexp_share, 0, { 16, 2 } },
    { "gelu_tanh_slope", 1, { ANY }, apply_part, expect_gelu_tanh_slope, ROW_ANY_ZERO, { 17, 1 } },
    { "gelu_tanh_bell", 1, { ANY }, apply_part, expect_gelu_tanh_bell, ROW_ANY_ZERO, { 18, 1 } },
    { "mish_slope", 1, { ANY }, apply_part, expect_mish_slope, ROW_ANY_ZERO, { 19, 1 } },
    { "mish_bell", 1, { ANY }, apply_part, expect_mish_bell, ROW_ANY_ZERO, { 20, 1 } },
    { "tan", 1, { { 1.8, 4.5 } }, build_tan, expect_tan, 0, { 0 } },
    { "erfc", 1, { { 2, 5 } }, build_erfc, expect_erfc, 0, { 0 } },
    { "log1p", 1, { { -1e-9, 1e-9 } }, build_log1p, expect_log1p, 0, { 0 } },
    { "expm1", 1, { { -1e-9, 1e-9 } }, build_expm1, expect_expm1, 0, { 0 } },
    { "lgamma", 1, { { -3.8, -3.2 } }, build_lgamma, expect_lgamma, 0, { 0 } },
    { "div", 2, { ANY, { -3, -0.4 } }, build_div, expect_div, 0, { 0 } },
    { "atan2", 2, { { -3, -0.3 }, ANY }, build_atan2, expect_atan2, 0, { 0 } },
    { "where", 3, { { 0.1, 1 }, ANY, ANY }, build_where, expect_where, 0, { 0 } },
    { "where", 3, { ANY, ANY, ANY }, build_choice, expect_choice, ROW_INNER, { 0 } },
    { "add", 3, { ANY, ANY, ANY }, build_three, expect_muladd, ROW_INNER | ROW_ROUNDS, { 0 } },
    { "sub", 3, { ANY, ANY, ANY }, build_three, expect_mulsub, ROW_INNER | ROW_ROUNDS, { 1 } },
    { "sub", 3, { ANY, ANY, ANY }, build_three, expect_submul, ROW_INNER | ROW_ROUNDS, { 2 } },
    { "muladd", 3, { ANY, ANY, ANY }, apply_three, expect_muladd, ROW_ROUNDS, { 0 } },
    { "mulsub", 3, { ANY, ANY, ANY }, apply_three, expect_mulsub, ROW_ROUNDS, { 1 } },
    { "submul", 3, { ANY, ANY, ANY }, apply_three, expect_submul, ROW_ROUNDS, { 2 } },
    { "mul", 3, { ANY, ANY, ANY }, build_three, expect_mulmul, ROW_INNER | ROW_ROUNDS, { 3 } },
    { "mulmul", 3, { ANY, ANY, ANY }, apply_three, expect_mulmul, ROW_ROUNDS, { 3 } },
    { "sigmoid_slope", 2, { ANY, ANY }, build_slope, expect_sigmoid_slope, ROW_INNER | ROW_ROUNDS, { 0 } },
    { "tanh_slope", 2, { ANY, ANY }, build_slope, expect_tanh_slope, ROW_INNER | ROW_ROUNDS, { 1 } },
    { "sigmoid_of_exp", 1, { { 0.1, 9 } }, apply_part, expect_sigmoid_of_exp, 0, { 0, 1 } },
    { "sigmoid_slope_of_exp", 3, { ANY, { 0.1, 0.9 }, { 0.1, 0.9 } }, apply_part, expect_sigmoid_slope_of_exp,
      ROW_ROUNDS, { 1, 3 } },
    { "sigmoid_slope_of_exp", 3, { ANY, { 0.1, 0.4 }, { 1.5, 9 } }, apply_part, expect_sigmoid_slope_of_exp,
      ROW_ROUNDS, { 1, 3 } },
    { "expm1_odd", 1, { { 0.1, 2 } }, apply_part, expect_expm1_odd, 0, { 2, 1 } },
    { "expm1_odd", 1, { { -2, -0.1 } }, apply_part, expect_expm1_odd, 0, { 2, 1 } },
    { "tanh_of_expm1", 1, { { 0.1, 9 } }, apply_part, expect_tanh_of_expm1, 0, { 3, 1 } },
    { "tanh_of_expm1", 1, { { -9, -0.1 } }, apply_part, expect_tanh_of_expm1, 0, { 3, 1 } },
    { "tanh_slope_of_expm1", 2, { ANY, { 0.1, 3 } }, apply_part, expect_tanh_slope_of_expm1, ROW_ROUNDS, { 4, 2 } },
    { "tanh_slope_of_expm1", 2, { ANY, { -3, -0.1 } }, apply_part, expect_tanh_slope_of_expm1, ROW_ROUNDS, { 4, 2 } },
    { "normal", 1, { ANY }, apply_part, expect_normal, 0, { 7, 1 } },
    { "gelu_of_normal", 2, { ANY, ANY }, apply_part, expect_gelu_of_normal, ROW_ANY_ZERO, { 21, 2 } },
    { "normal_of_bell", 2, { { -1.2, -0.1 }, { 0.2, 1 } }, apply_part, expect_normal_of_bell, ROW_ORDINARY, { 22, 2 } },
    { "normal_of_bell", 2, { { 0.1, 1.2 }, { 0.2, 1 } }, apply_part, expect_normal_of_bell, ROW_ORDINARY, { 22, 2 } },
    { "silu_slope", 1, { ANY }, apply_part, expect_silu_slope, ROW_ANY_ZERO, { 8, 1 } },
    { "runge", 1, { ANY }, apply_part, expect_runge, 0, { 9, 1 } },
    { "one_minus_square", 1, { ANY }, apply_part, expect_one_minus_square, 0, { 10, 1 } },
    { "polar", 2, { ANY, { 0.3, 3 } }, apply_part, expect_polar, ROW_ANY_ZERO, { 11, 2 } },
    { "within", 2, { { -0.9, 0.9 }, { 1, 2 } }, apply_part, expect_within, ROW_ORDINARY, { 12, 2 } },
    { "within", 2, { { -3, -1.1 }, { 0.2, 1 } }, apply_part, expect_within, ROW_ORDINARY, { 12, 2 } },
    { "within", 2, { { 1.1, 3 }, { 0.2, 1 } }, apply_part, expect_within, ROW_ORDINARY, { 12, 2 } },
    { "lerp", 3, { ANY, ANY, { 0, 1 } }, apply_part, expect_lerp, ROW_ROUNDS, { 13, 3 } },
    { "lerp_square", 3, { ANY, ANY, { 0, 1 } }, apply_part, expect_lerp_square, ROW_ROUNDS, { 14, 3 } },
    { "over_sqrt", 3, { { 0.2, 3 }, { 0.1, 1 }, ANY }, apply_part, expect_over_sqrt, 0, { 15, 3 } },
    { "bell", 1, { ANY }, build_bell, expect_bell, 0, { 0 } },
    { "exp_neg", 1, { ANY }, apply_part, expect_exp_neg, 0, { 5, 1 } },
    { "exp_neg_square", 1, { ANY }, apply_part, expect_exp_neg_square, ROW_ROUNDS, { 6, 1 } },
    { "polygamma", 1, { { 0.4, 6 } }, build_polygamma, expect_polygamma_0, ROW_ORDINARY, { 0 } },
    { "polygamma", 1, { { 0.4, 6 } }, build_polygamma, expect_polygamma_1, ROW_ORDINARY, { 1 } },
    { "polygamma", 1, { { 0.8, 6 } }, build_polygamma, expect_polygamma_4, ROW_ORDINARY, { 4 } },
};
const size_t op_points_count = COUNT(op_points);
