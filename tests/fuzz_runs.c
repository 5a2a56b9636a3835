/* The reference's operations that run along an axis: sums, recurrences, sums of exponentials, orders. */
#include "fuzz.h"
#include "shared/order.h"

/* Elements of a line along an axis are `step` apart. */
typedef struct {
    int64_t first, step, n;
} line;

static line line_at(const ag_node *y, int axis, int64_t k)
{
    ag_extents s = ag_split_at(y, axis);
    return (line){ k / s.inner * s.extent * s.inner + k % s.inner, s.inner, s.extent };
}

static void cumsum(const ag_node *y, line l, const fuzz_value *const in[], fuzz_value *out)
{
    fuzz_summation sum = { 0 };
    for (int64_t k = 0, at = l.first; k < l.n; k++, at += l.step) {
        fuzz_add(&sum, in[0]->value[at], in[0]->bound[at]);
        fuzz_end(&sum, (ag_dtype)y->dtype, &out->value[at], &out->bound[at]);
    }
}

static void recur(const ag_node *y, line l, const fuzz_value *const in[], fuzz_value *out)
{
    for (int64_t k = 0, at = l.first; k < l.n; k++, at += l.step) {
        fuzz_summation sum = { 0 };
        fuzz_add(&sum, in[1]->value[at], in[1]->bound[at]);
        if (k) {
            const int64_t before = at - l.step;
            fuzz_add_product(&sum, in[0]->value[at], in[0]->bound[at], out->value[before], out->bound[before]);
        }
        fuzz_end(&sum, (ag_dtype)y->dtype, &out->value[at], &out->bound[at]);
        if (k && sum.size > 0 && out->bound[at] < INFINITY)
            out->bound[at] += y->dtype == AG_F32 ? 0x1p-149L : 0x1p-1074L;
    }
}

/* The sum's relative error is the logarithm's absolute one; the arithmetic is double's. */
static void logcumsumexp(const ag_node *y, line l, const fuzz_value *const in[], fuzz_value *out)
{
    for (int64_t k = 0; k < l.n; k++) {
        const int64_t last = l.first + k * l.step;
        real most = -INFINITY, sum = 0, spread = 0;
        int nan = 0, known = 1;
        for (int64_t at = l.first; at <= last; at += l.step) {
            nan |= isnan(in[0]->value[at]);
            known &= in[0]->bound[at] < INFINITY;
            most = fmaxl(most, in[0]->value[at]);
        }
        for (int64_t at = l.first; at <= last && isfinite(most); at += l.step) {
            sum += expl(in[0]->value[at] - most);
            spread += expl(in[0]->value[at] - most) * expm1l(in[0]->bound[at]);
        }
        const real v = nan ? NAN : isfinite(most) ? most + logl(sum) : most;
        const real rounded = isfinite(most) ? spread / sum + (2 * (real)k + 8) * 0x1p-53L * (1 + fabsl(most)) : 0;
        fuzz_round((ag_dtype)y->dtype, isfinite(most), v, rounded, &out->value[last], &out->bound[last]);
        if (!known) fuzz_unknown(out, last);
    }
}

/* Are a and b in an order that roundings do not change? */
static int apart(const fuzz_value *x, int64_t a, int64_t b)
{
    const real e = x->bound[a] + x->bound[b];
    return e < INFINITY && (e == 0 || fabsl(x->value[a] - x->value[b]) > 4 * e);
}

static int stands_before(const agi_sorting *r, real b, real a)
{
    if (isnan(a) || isnan(b)) return !isnan(r->descending ? a : b) && isnan(r->descending ? b : a);
    return r->descending ? b > a : b < a;
}

/* An element's place: how many come before it. Of lines where that is in doubt nothing is known. */
static void argsort(const ag_node *y, line l, const fuzz_value *const in[], fuzz_value *out)
{
    const agi_sorting *r = y->attribute;
    const fuzz_value *x = in[0];
    int64_t whole = 1;
    int doubt = 0;
    for (int k = r->from < 0 ? 0 : r->from; k < y->rank; k++) whole *= y->dim[k];
    for (int64_t i = 0, at = l.first; i < l.n; i++, at += l.step) {
        int64_t place = 0;
        for (int64_t k = 0, other = l.first; k < l.n; k++, other += l.step) {
            if (k == i) continue;
            doubt |= !apart(x, at, other);
            place += stands_before(r, x->value[other], x->value[at]) ||
                     (k < i && !stands_before(r, x->value[at], x->value[other]));
        }
        out->value[l.first + place * l.step] = r->from < 0 ? i : at % whole;
    }
    for (int64_t i = 0; i < l.n && doubt; i++) fuzz_unknown(out, l.first + i * l.step);
}

int fuzz_runs(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    static const struct {
        const ag_op *op;
        void (*of)(const ag_node *, line, const fuzz_value *const[], fuzz_value *);
    } table[] = { { &agi_cumsum, cumsum }, { &agi_recur, recur }, { &agi_logcumsumexp, logcumsumexp },
                  { &agi_argsort, argsort } };
    for (size_t k = 0; k < COUNT(table); k++) {
        if (y->op != table[k].op) continue;
        const int axis = y->op == &agi_argsort ? ((const agi_sorting *)y->attribute)->axis : *(const int *)y->attribute;
        const int64_t lines = out->n / y->dim[axis];
        for (int64_t i = 0; i < lines; i++) table[k].of(y, line_at(y, axis, i), in, out);
        return 1;
    }
    return 0;
}
