/* Rows of reductions and of operations along an axis; arg: axis or EVERYTHING, keepdims. */
#include "op_table.h"
#include "shared/others.h"
#include "shared/recur.h"
#include "shared/softmax.h"

#define EVERYTHING 99

/* ---- reductions: gather the elements of each result, then one loop over them ------------------------------------ */

typedef double fold(int64_t n, const double *x);

/* A tensor seen as [outer, extent, inner] around the axis. */
typedef struct {
    int64_t outer, extent, inner;
} split;

static split split_at(const op_row *r)
{
    ag_shape s = r->in[0];
    split p = { 1, 1, 1 };
    if (r->arg[0] == EVERYTHING) return (split){ 1, op_count(s), 1 };
    int axis = r->arg[0] < 0 ? r->arg[0] + s.rank : r->arg[0];
    for (int i = 0; i < s.rank; i++) *(i < axis ? &p.outer : i == axis ? &p.extent : &p.inner) *= s.dim[i];
    return p;
}

static void reduce(const op_row *r, const double *x, double *out, fold *f)
{
    split p = split_at(r);
    double *line = malloc((size_t)p.extent * sizeof *line);
    for (int64_t o = 0; o < p.outer; o++)
        for (int64_t i = 0; i < p.inner; i++) {
            for (int64_t k = 0; k < p.extent; k++) line[k] = x[(o * p.extent + k) * p.inner + i];
            out[o * p.inner + i] = f(p.extent, line);
        }
    free(line);
}

static double sum(int64_t n, const double *x)
{
    long double s = 0;
    for (int64_t i = 0; i < n; i++) s += x[i];
    return (double)s;
}

static double mean(int64_t n, const double *x)
{
    return sum(n, x) / (double)n;
}

static double prod(int64_t n, const double *x)
{
    long double p = 1;
    for (int64_t i = 0; i < n; i++) p *= x[i];
    return (double)p;
}

static double amax(int64_t n, const double *x)
{
    double m = x[0];
    for (int64_t i = 1; i < n; i++) m = x[i] > m ? x[i] : m;
    return m;
}

static double amin(int64_t n, const double *x)
{
    double m = x[0];
    for (int64_t i = 1; i < n; i++) m = x[i] < m ? x[i] : m;
    return m;
}

static double logsumexp(int64_t n, const double *x)
{
    long double m = amax(n, x), s = 0;
    for (int64_t i = 0; i < n; i++) s += expl(x[i] - m);
    return (double)(m + logl(s));
}

static double norm_1(int64_t n, const double *x)
{
    long double s = 0;
    for (int64_t i = 0; i < n; i++) s += fabs(x[i]);
    return (double)s;
}

static double norm_2(int64_t n, const double *x)
{
    long double s = 0;
    for (int64_t i = 0; i < n; i++) s += (long double)x[i] * x[i];
    return (double)sqrtl(s);
}

static double norm_inf(int64_t n, const double *x)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++) m = fmax(m, fabs(x[i]));
    return m;
}

/* By pairs of differences, which knows no mean: n sum of x^2 - (sum of x)^2 = the sum over all pairs of (x - y)^2. */
static double variance(int64_t n, const double *x, int correction)
{
    long double s = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < i; k++) s += ((long double)x[i] - x[k]) * ((long double)x[i] - x[k]);
    return (double)(s / n / (n - correction));
}

static double var_0(int64_t n, const double *x)
{
    return variance(n, x, 0);
}

static double var_1(int64_t n, const double *x)
{
    return variance(n, x, 1);
}

static double std_1(int64_t n, const double *x)
{
    return sqrt(variance(n, x, 1));
}

static double argmax(int64_t n, const double *x)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return (double)best;
}

#define REDUCTION(name)                                                               \
    static ag_node *build_##name(ag_node *const in[], const int *arg)                 \
    {                                                                                 \
        if (arg[0] == EVERYTHING) return ag_##name(in[0]);                            \
        return ag_##name##_axis(in[0], arg[0], arg[1]);                               \
    }                                                                                 \
    static void expect_##name(const op_row *r, const double *const in[], double *out) \
    {                                                                                 \
        reduce(r, in[0], out, name);                                                  \
    }
REDUCTION(sum)
REDUCTION(mean)
REDUCTION(prod)
REDUCTION(amax)
REDUCTION(amin)
REDUCTION(logsumexp)

#define ag_var_0(x) ag_var(x, 0)
#define ag_var_0_axis(x, axis, keepdims) ag_var_axis(x, axis, 0, keepdims)
#define ag_var_1(x) ag_var(x, 1)
#define ag_var_1_axis(x, axis, keepdims) ag_var_axis(x, axis, 1, keepdims)
#define ag_std_1(x) ag_std(x, 1)
#define ag_std_1_axis(x, axis, keepdims) ag_std_axis(x, axis, 1, keepdims)
#define ag_norm_1(x) ag_norm(x, 1)
#define ag_norm_1_axis(x, axis, keepdims) ag_norm_axis(x, 1, axis, keepdims)
#define ag_norm_2(x) ag_norm(x, 2)
#define ag_norm_2_axis(x, axis, keepdims) ag_norm_axis(x, 2, axis, keepdims)
#define ag_norm_inf(x) ag_norm(x, INFINITY)
#define ag_norm_inf_axis(x, axis, keepdims) ag_norm_axis(x, INFINITY, axis, keepdims)
REDUCTION(var_0)
REDUCTION(var_1)
REDUCTION(std_1)
REDUCTION(norm_1)
REDUCTION(norm_2)
REDUCTION(norm_inf)

static ag_node *build_argmax(ag_node *const in[], const int *arg)
{
    return ag_argmax(in[0], arg[0]);
}

static void expect_argmax(const op_row *r, const double *const in[], double *out)
{
    reduce(r, in[0], out, argmax);
}

/* ---- along an axis ---------------------------------------------------------------------------------------------- */

typedef void along(int64_t n, const double *x, double *out);

static void go_along(const op_row *r, const double *x, double *out, along *f)
{
    split p = split_at(r);
    double *line = malloc((size_t)p.extent * sizeof *line), *result = malloc((size_t)p.extent * sizeof *result);
    for (int64_t o = 0; o < p.outer; o++)
        for (int64_t i = 0; i < p.inner; i++) {
            for (int64_t k = 0; k < p.extent; k++) line[k] = x[(o * p.extent + k) * p.inner + i];
            f(p.extent, line, result);
            for (int64_t k = 0; k < p.extent; k++) out[(o * p.extent + k) * p.inner + i] = result[k];
        }
    free(line);
    free(result);
}

static void cumsum(int64_t n, const double *x, double *out)
{
    long double s = 0;
    for (int64_t i = 0; i < n; i++) out[i] = (double)(s += x[i]);
}

static void cumprod(int64_t n, const double *x, double *out)
{
    long double p = 1;
    for (int64_t i = 0; i < n; i++) out[i] = (double)(p *= x[i]);
}

static void logcumsumexp(int64_t n, const double *x, double *out)
{
    for (int64_t i = 0; i < n; i++) out[i] = logsumexp(i + 1, x);
}

/* Where each would stand: behind all that are less, and equal ones before it. */
static void argsort(int64_t n, const double *x, double *out)
{
    for (int64_t i = 0, at; i < n; i++) {
        at = 0;
        for (int64_t k = 0; k < n; k++) at += x[k] < x[i] || (x[k] == x[i] && k < i);
        out[at] = (double)i;
    }
}

static void ascending(int64_t n, const double *x, double *out)
{
    argsort(n, x, out);
    for (int64_t i = 0; i < n; i++) out[i] = x[(int64_t)out[i]];
}

static void descending(int64_t n, const double *x, double *out)
{
    ascending(n, x, out);
    for (int64_t i = 0; 2 * i < n - 1; i++) {
        double swap = out[i];
        out[i] = out[n - 1 - i];
        out[n - 1 - i] = swap;
    }
}

static void softmax(int64_t n, const double *x, double *out)
{
    double total = logsumexp(n, x);
    for (int64_t i = 0; i < n; i++) out[i] = exp(x[i] - total);
}

static void log_softmax(int64_t n, const double *x, double *out)
{
    double total = logsumexp(n, x);
    for (int64_t i = 0; i < n; i++) out[i] = x[i] - total;
}

static void flip(int64_t n, const double *x, double *out)
{
    for (int64_t i = 0; i < n; i++) out[i] = x[n - 1 - i];
}

#define ALONG(name)                                                                   \
    static ag_node *build_##name(ag_node *const in[], const int *arg)                 \
    {                                                                                 \
        return ag_##name(in[0], arg[0]);                                              \
    }                                                                                 \
    static void expect_##name(const op_row *r, const double *const in[], double *out) \
    {                                                                                 \
        go_along(r, in[0], out, name);                                                \
    }
#define ag_descending(x, axis) ag_sort(x, axis, 1)
#define ag_ascending(x, axis) ag_sort(x, axis, 0)
ALONG(cumsum)
ALONG(softmax)
ALONG(log_softmax)
ALONG(flip)
ALONG(cumprod)
ALONG(logcumsumexp)
ALONG(descending)
ALONG(ascending)

static ag_node *build_argsort(ag_node *const in[], const int *arg)
{
    return ag_argsort(in[0], arg[0], 0);
}

static void expect_argsort(const op_row *r, const double *const in[], double *out)
{
    go_along(r, in[0], out, argsort);
}

/* The largest three of the axis; or where they are. */
static ag_node *build_top_k(ag_node *const in[], const int *arg)
{
    ag_node *at, *largest = ag_top_k(in[0], 3, arg[0], &at);
    return arg[1] ? at : largest;
}

static void expect_top_k(const op_row *r, const double *const in[], double *out)
{
    split p = split_at(r);
    double *all = malloc((size_t)op_count(r->in[0]) * sizeof *all);
    go_along(r, in[0], all, r->arg[1] ? argsort : ascending);
    for (int64_t e = 0; e < op_count(r->out); e++) {
        int64_t o = e / p.inner / 3, k = e / p.inner % 3;
        out[e] = all[(o * p.extent + p.extent - 1 - k) * p.inner + e % p.inner];
    }
    free(all);
}

/* A product of running products: a recurrence whose factors and terms are anything. */
static ag_node *build_recur(ag_node *const in[], const int *arg)
{
    if (ag_is_bad(in[0]) || ag_is_bad(in[1])) return ag_mul(in[0], in[1]);
    return agi_new_recur(in[0], in[1], arg[0]);
}

static void expect_recur(const op_row *r, const double *const in[], double *out)
{
    split p = split_at(r);
    for (int64_t e = 0; e < op_count(r->out); e++)
        out[e] = in[1][e] + (e / p.inner % p.extent ? in[0][e] * out[e - p.inner] : 0);
}

/* a sigmoid(b), halves of the axis: the result is half as long. */
static ag_node *build_glu(ag_node *const in[], const int *arg)
{
    return ag_glu(in[0], arg[0]);
}

static void expect_glu(const op_row *r, const double *const in[], double *out)
{
    split p = split_at(r);
    int64_t half = p.extent / 2 * p.inner;
    for (int64_t o = 0; o < p.outer; o++)
        for (int64_t i = 0; i < half; i++) {
            const double *a = in[0] + o * 2 * half + i;
            out[o * half + i] = a[0] / (1 + exp(-a[half]));
        }
}

/* ---- cross-entropy: labels 0, 2, 1, 0, 2, ... ------------------------------------------------------------------- */

static ag_node *build_cross_entropy(ag_node *const in[], const int *arg)
{
    int64_t label[64];
    (void)arg;
    if (ag_is_bad(in[0])) return ag_cross_entropy(in[0], in[0]);
    int64_t n = in[0]->dim[0];
    for (int64_t i = 0; i < n; i++) label[i] = 2 * i % 3;
    return ag_cross_entropy(in[0], ag_constant(in[0]->graph, AG_I64, AG_SHAPE(n), label));
}

/* Of each the product of the others: without a direction, and with one. */
static ag_node *build_others(ag_node *const in[], const int *arg)
{
    ag_node *both[] = { in[0], arg[1] ? in[1] : NULL };
    if (arg[1] && (ag_is_bad(in[0]) || ag_is_bad(in[1]))) return ag_mul(in[0], in[1]);
    return ag_is_bad(in[0]) ? ag_prod_axis(in[0], arg[0], 0) : agi_new_others(arg[1] + 1, both, arg[0]);
}

static void expect_others(const op_row *r, const double *const in[], double *out)
{
    split p = split_at(r);
    for (int64_t e = 0; e < p.outer * p.extent * p.inner; e++) {
        int64_t first = e / (p.extent * p.inner) * p.extent * p.inner + e % p.inner, own = e / p.inner % p.extent;
        long double sum = 0;
        for (int64_t i = 0; i < (r->arg[1] ? p.extent : 1); i++) {
            long double product = 1;
            for (int64_t k = 0; k < p.extent; k++)
                if (k != own) product *= in[r->arg[1] && k == i][first + k * p.inner];
            if (!r->arg[1] || i != own) sum += product;
        }
        out[e] = (double)sum;
    }
}

static ag_node *build_softmax_error(ag_node *const in[], const int *arg)
{
    int64_t label[] = { 0, 2 };
    (void)arg;
    if (ag_is_bad(in[0])) return ag_softmax(in[0], 1);
    ag_node *labels = ag_constant(in[0]->graph, AG_I64, AG_SHAPE(2), label);
    return agi_new_softmax_error(in[0], labels, &(agi_label_form){ 0, 0 });
}

static void expect_softmax_error(const op_row *r, const double *const in[], double *out)
{
    static const int label[] = { 0, 2 };
    (void)r;
    for (int i = 0; i < 2; i++) {
        softmax(3, in[0] + 3 * i, out + 3 * i);
        out[3 * i + label[i]] -= 1;
    }
}

/* Of shares that are a softmax. */
static ag_node *build_softmax_slope(ag_node *const in[], const int *arg)
{
    ag_node *y = arg[0] == EVERYTHING ? ag_exp(ag_sub(in[0], ag_logsumexp(in[0]))) : ag_softmax(in[0], arg[0]);
    if (ag_is_bad(y) || ag_is_bad(in[1])) return ag_mul(y, in[1]);
    return agi_new_softmax_slope(y, in[1], arg[0] == EVERYTHING ? AG_ALL : arg[0]);
}

static void expect_softmax_slope(const op_row *r, const double *const in[], double *out)
{
    split p = split_at(r);
    go_along(r, in[0], out, softmax);
    for (int64_t line = 0; line < p.outer * p.inner; line++) {
        int64_t first = line / p.inner * p.extent * p.inner + line % p.inner;
        long double mean = 0;
        for (int64_t k = 0; k < p.extent; k++)
            mean += (long double)out[first + k * p.inner] * in[1][first + k * p.inner];
        for (int64_t k = 0; k < p.extent; k++)
            out[first + k * p.inner] *= (double)(in[1][first + k * p.inner] - mean);
    }
}

static void expect_cross_entropy(const op_row *r, const double *const in[], double *out)
{
    int64_t n = r->in[0].dim[0], classes = r->in[0].dim[1];
    *out = 0;
    for (int64_t i = 0; i < n; i++)
        *out += (logsumexp(classes, in[0] + i * classes) - in[0][i * classes + 2 * i % 3]) / (double)n;
}

/* ---- the rows --------------------------------------------------------------------------------------------------- */

#define S OP_SHAPE
#define REDUCED(name, low, high, flags, in, out, ...) \
    { #name, build_##name, expect_##name, 1, { in }, out, low, high, { __VA_ARGS__ }, flags },

/* Every shape that plans treat in their own way: all, rows, columns, the middle; short and longer than a tile. */
/* A row of another operation's name, away from kinks. */
#define NAMED(op, name, low, high, in, out, ...) \
    { op, build_##name, expect_##name, 1, { in }, out, low, high, { __VA_ARGS__ }, ROW_SPACED | ROW_INNER },

#define REDUCTIONS(name, low, high, flags)                             \
    REDUCED(name, low, high, flags, S(2, 3, 4), OP_SCALAR, EVERYTHING) \
    REDUCED(name, low, high, flags, OP_SCALAR, OP_SCALAR, EVERYTHING)  \
    REDUCED(name, low, high, flags, S(1), S(1), 0, 1)                  \
    REDUCED(name, low, high, flags, S(7), OP_SCALAR, 0, 0)             \
    REDUCED(name, low, high, flags, S(2, 3, 4), S(3, 4), 0, 0)         \
    REDUCED(name, low, high, flags, S(2, 3, 4), S(2, 1, 4), 1, 1)      \
    REDUCED(name, low, high, flags, S(2, 3, 4), S(2, 3), -1, 0)        \
    REDUCED(name, low, high, flags, S(5, 33), S(5, 1), 1, 1)           \
    REDUCED(name, low, high, flags, S(33, 5), S(5), 0, 0)
/* These grow with the number of elements or lose digits by it; others need not be tried with so many. */
#define LONG_REDUCTIONS(name, low, high, flags)                     \
    REDUCED(name, low, high, flags, S(1031), OP_SCALAR, EVERYTHING) \
    REDUCED(name, low, high, flags, S(3, 1031), S(3), 1, 0)         \
    REDUCED(name, low, high, flags, S(1031, 3), S(3), 0, 0)         \
    REDUCED(name, low, high, flags, S(3, 21, 40), S(3, 40), 1, 0)   \
    REDUCED(name, low, high, flags, S(2, 4100), S(2), -1, 0)
#define ALONG_AXES(name, flags)                             \
    REDUCED(name, -2, 2, flags, S(1), S(1), 0)              \
    REDUCED(name, -2, 2, flags, S(6), S(6), 0)              \
    REDUCED(name, -2, 2, flags, S(2, 3, 4), S(2, 3, 4), 0)  \
    REDUCED(name, -2, 2, flags, S(2, 3, 4), S(2, 3, 4), 1)  \
    REDUCED(name, -2, 2, flags, S(2, 3, 4), S(2, 3, 4), -1) \
    REDUCED(name, -2, 2, flags, S(3, 700), S(3, 700), 1)    \
    REDUCED(name, -2, 2, flags, S(70, 9), S(70, 9), 0)

const op_row op_reductions[] = {
    REDUCTIONS(sum, -2, 2, 0)
    LONG_REDUCTIONS(sum, -2, 2, 0)
    REDUCTIONS(mean, -2, 2, 0)
    LONG_REDUCTIONS(mean, -2, 2, 0)
    REDUCTIONS(prod, 0.7, 1.4, 0)
    REDUCED(prod, -2, 2, 0, S(3, 5), S(3), 1, 0)
    REDUCTIONS(amax, -2, 2, ROW_SPACED)
    LONG_REDUCTIONS(amax, -2, 2, ROW_SPACED)
    REDUCTIONS(amin, -2, 2, ROW_SPACED)
    LONG_REDUCTIONS(amin, -2, 2, ROW_SPACED)
    REDUCTIONS(logsumexp, -2, 2, 0)
    LONG_REDUCTIONS(logsumexp, -2, 2, 0)
    REDUCED(logsumexp, 700, 702, ROW_LOOSE, S(2, 5), S(2), 1, 0)
    NAMED("var", var_0, 999, 1001, S(2, 3, 4), OP_SCALAR, EVERYTHING)
    NAMED("var", var_1, -2, 2, S(2, 3), S(2), 1, 0)
    NAMED("var", var_0, -2, 2, S(1031), OP_SCALAR, EVERYTHING)
    NAMED("var", var_1, -2, 2, S(2, 3, 4), S(2, 1, 4), 1, 1)
    NAMED("var", var_1, -2, 2, S(5, 33), S(5), -1, 0)
    NAMED("std", std_1, -2, 2, S(7), OP_SCALAR, EVERYTHING)
    NAMED("std", std_1, -2, 2, S(2, 3, 4), S(2, 4), 1, 0)
    NAMED("std", std_1, 9, 11, S(33, 5), S(1, 5), 0, 1)
    NAMED("sum", norm_1, -2, 2, S(2, 3, 4), S(2, 4), 1, 0)
    NAMED("norm", norm_2, -2, 2, S(2, 3), S(3), 0, 0)
    NAMED("norm", norm_2, -2, 2, S(2, 3, 4), OP_SCALAR, EVERYTHING)
    NAMED("norm", norm_2, -2, 2, S(2, 3, 4), S(2, 1, 4), 1, 1)
    NAMED("norm", norm_2, -2, 2, S(3, 1031), S(3), -1, 0)
    NAMED("amax", norm_inf, 0.5, 2, S(2, 3, 4), OP_SCALAR, EVERYTHING)
    NAMED("amax", norm_inf, -3, -1, S(2, 3, 4), S(2, 4), 1, 0)
    REDUCED(argmax, -2, 2, ROW_NO_GRADIENT, S(7), OP_SCALAR, 0)
    REDUCED(argmax, -2, 2, ROW_NO_GRADIENT, S(2, 3, 4), S(2, 4), 1)
    REDUCED(argmax, -2, 2, ROW_NO_GRADIENT, S(2, 3, 4), S(3, 4), 0)
    REDUCED(argmax, -2, 2, ROW_NO_GRADIENT, S(5, 1031), S(5), -1)
    ALONG_AXES(cumsum, 0)
    NAMED("recur", cumprod, -2, 2, S(6), S(6), 0)
    NAMED("recur", cumprod, 0.8, 1.2, S(2, 3, 4), S(2, 3, 4), 1)
    NAMED("recur", cumprod, -1, 1, S(3, 700), S(3, 700), -1)
    NAMED("recur", cumprod, -1, 1, S(1), S(1), 0)
    { "recur", build_recur, expect_recur, 2, { S(6), S(6) }, S(6), -2, 2, { 0 }, ROW_INNER },
    { "recur", build_recur, expect_recur, 2, { S(2, 3, 4), S(2, 3, 4) }, S(2, 3, 4), -2, 2, { 1 }, ROW_INNER },
    ALONG_AXES(logcumsumexp, 0)
    NAMED("logcumsumexp", logcumsumexp, 700, 720, S(2, 5), S(2, 5), 1)
    NAMED("gather", ascending, -2, 2, S(7), S(7), 0)
    NAMED("gather", ascending, -2, 2, S(2, 3, 4), S(2, 3, 4), 1)
    NAMED("gather", descending, -2, 2, S(5, 31), S(5, 31), 1)
    NAMED("gather", descending, -2, 2, S(6, 2), S(6, 2), 0)
    REDUCED(argsort, -2, 2, ROW_NO_GRADIENT | ROW_INTEGERS, S(131), S(131), 0)
    REDUCED(argsort, -2, 2, ROW_NO_GRADIENT | ROW_INTEGERS, S(2, 3, 4), S(2, 3, 4), 1)
    NAMED("gather", top_k, -2, 2, S(2, 7, 3), S(2, 3, 3), 1)
    { "argsort", build_top_k, expect_top_k, 1, { S(4, 9) }, S(4, 3), -2, 2, { 1, 1 }, ROW_NO_GRADIENT | ROW_INTEGERS },
    ALONG_AXES(softmax, 0)
    REDUCED(softmax, -800, 800, 0, S(2, 5), S(2, 5), 1)
    ALONG_AXES(log_softmax, 0)
    REDUCED(log_softmax, -800, 800, 0, S(2, 5), S(2, 5), 1)
    ALONG_AXES(flip, ROW_INTEGERS)
    { "pick", build_cross_entropy, expect_cross_entropy, 1, { S(5, 3) }, OP_SCALAR, -2, 2, { 0 }, ROW_INNER },
    REDUCED(glu, -4, 4, 0, S(6), S(3), 0)
    REDUCED(glu, -4, 4, 0, S(2, 4, 3), S(2, 2, 3), 1)
    REDUCED(glu, -4, 4, 0, S(4, 350), S(4, 175), -1)
    { "others", build_others, expect_others, 2, { S(6), S(6) }, S(6), -2, 2, { 0, 1 }, ROW_INNER },
    { "others", build_others, expect_others, 2, { S(2, 3, 4), S(2, 3, 4) }, S(2, 3, 4), -2, 2, { 1, 1 }, ROW_INNER },
    { "others", build_others, expect_others, 1, { S(4, 3) }, S(4, 3), -2, 2, { 1, 0 }, ROW_INNER },
    { "softmax_error", build_softmax_error, expect_softmax_error, 1, { S(2, 3) }, S(2, 3), -2, 2, { 0 }, ROW_INNER },
    { "softmax_slope", build_softmax_slope, expect_softmax_slope, 2, { S(7), S(7) }, S(7), -2, 2, { 0 }, ROW_INNER },
    { "softmax_slope", build_softmax_slope, expect_softmax_slope, 2, { S(2, 3), S(2, 3) }, S(2, 3), -6, 6,
      { EVERYTHING }, ROW_INNER },
    { "softmax_slope", build_softmax_slope, expect_softmax_slope, 2, { S(2, 3, 4), S(2, 3, 4) }, S(2, 3, 4), -6, 6,
      { 1 }, ROW_INNER },
    REDUCED(cross_entropy, -2, 2, 0, S(1, 3), OP_SCALAR, 0)
    REDUCED(cross_entropy, -2, 2, 0, S(5, 3), OP_SCALAR, 0)
    REDUCED(cross_entropy, -2, 2, 0, S(33, 40), OP_SCALAR, 0)
};
const size_t op_reductions_count = COUNT(op_reductions);
