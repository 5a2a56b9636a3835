/* The reference's sums, products and extrema: in any order that an engine may choose. */
#include "fuzz.h"
#include "shared/gather.h"
#include "shared/positions.h"
#include "shared/reduction.h"
#include "shared/strew.h"

void fuzz_add(fuzz_summation *s, real value, real bound)
{
    s->sum += value;
    s->size += fabsl(value) + (bound < INFINITY ? bound : 0);
    s->spread += bound;
    s->n++;
}

void fuzz_add_product(fuzz_summation *s, real v, real e, real w, real f)
{
    real spread = (e > 0 ? e * (fabsl(w) + f) : 0) + (f > 0 ? f * fabsl(v) : 0);
    fuzz_add(s, v * w, isnan(spread) ? INFINITY : spread);
}

void fuzz_end(const fuzz_summation *s, ag_dtype dtype, real *value, real *bound)
{
    real unit = dtype == AG_F32 ? 0x1p-24L : 0x1p-53L;
    real spread = s->spread + (s->n > 1 && isfinite(s->size) ? 2 * ((real)s->n + 1) * unit * s->size : 0);
    fuzz_round(dtype, 0, s->sum, spread, value, bound);
}

static void fold_extremum(const fuzz_value *x, int64_t from, int64_t n, int64_t step, int sign, real *value,
                          real *bound)
{
    real best = -INFINITY, low = -INFINITY, high = -INFINITY;
    int nan = 0, unknown = 0;
    for (int64_t k = 0; k < n; k++) {
        real v = sign * x->value[from + k * step], e = x->bound[from + k * step];
        nan |= isnan(v);
        unknown |= !(e < INFINITY);
        if (isnan(v) || unknown) continue;
        best = fmaxl(best, v);
        low = fmaxl(low, v - e);
        high = fmaxl(high, v + e);
    }
    *value = nan ? NAN : unknown ? 0 : sign * best;
    *bound = nan ? 0 : unknown ? INFINITY : best == low && best == high ? 0 : fmaxl(high - best, best - low);
}

static void fold_product(const fuzz_value *x, int64_t from, int64_t n, int64_t step, ag_dtype dtype, real *value,
                         real *bound)
{
    real v = 1, with = 1, size = 1, spread = 0, e = 0;
    for (int64_t k = 0; k < n; k++) {
        v *= x->value[from + k * step];
        e = x->bound[from + k * step];
        with *= fabsl(x->value[from + k * step]) + e;
        if (!(e < INFINITY)) spread = INFINITY;
    }
    size = fabsl(v);
    if (spread == 0 && with != size) spread = isfinite(with) ? with - size : INFINITY;
    fuzz_round(dtype, 2 * (real)n, v, spread, value, bound);
    if (isfinite(*bound) && !isfinite(v) && n > 1) *bound = INFINITY; /* orders of factors overflow differently */
}

static void fold(const ag_node *y, const fuzz_value *x, fuzz_value *out)
{
    ag_extents s = ag_split_at(y->in[0], ((const ag_axis_attribute *)y->attribute)->axis);
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t i = 0; i < s.inner; i++) {
            int64_t from = o * s.extent * s.inner + i, to = o * s.inner + i;
            fuzz_summation sum = { 0 };
            if (y->op->fold == AG_FOLD_SUM) {
                for (int64_t k = 0; k < s.extent; k++)
                    fuzz_add(&sum, x->value[from + k * s.inner], x->bound[from + k * s.inner]);
                fuzz_end(&sum, (ag_dtype)y->dtype, &out->value[to], &out->bound[to]);
            } else if (y->op->fold == AG_FOLD_PROD) {
                fold_product(x, from, s.extent, s.inner, (ag_dtype)y->dtype, &out->value[to], &out->bound[to]);
            } else {
                int sign = y->op->fold == AG_FOLD_MAX ? 1 : -1;
                fold_extremum(x, from, s.extent, s.inner, sign, &out->value[to], &out->bound[to]);
            }
        }
}

static void argmax(const ag_node *y, const fuzz_value *x, fuzz_value *out)
{
    ag_extents s = ag_split_at(y->in[0], ((const ag_axis_attribute *)y->attribute)->axis);
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t i = 0; i < s.inner; i++) {
            int64_t from = o * s.extent * s.inner + i, best = 0, to = o * s.inner + i;
            int doubt = 0, nan = 0;
            for (int64_t k = 0; k < s.extent && !nan; k++) {
                nan = isnan(x->value[from + k * s.inner]);
                if (nan || x->value[from + k * s.inner] > x->value[from + best * s.inner]) best = k;
            }
            for (int64_t k = 0; k < s.extent; k++) {
                real e = x->bound[from + k * s.inner] + x->bound[from + best * s.inner];
                real gap = x->value[from + best * s.inner] - x->value[from + k * s.inner];
                doubt |= k != best && e > 0 && !(gap > 4 * e);
            }
            out->value[to] = best;
            if (doubt || (nan && s.extent > 1)) fuzz_unknown(out, to);
        }
}

static void matmul(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const ag_node *a = y->in[0], *b = y->in[1];
    int64_t rows = y->dim[y->rank - 2], columns = y->dim[y->rank - 1], inner = a->dim[a->rank - 1];
    ag_node batch = { .rank = y->rank - 2, .dim = y->dim }, of_a = { .rank = a->rank - 2, .dim = a->dim },
            of_b = { .rank = b->rank - 2, .dim = b->dim };
    for (int64_t i = 0; i < out->n; i++) {
        int64_t m = i / (rows * columns), row = i / columns % rows, column = i % columns;
        int64_t at_a = (fuzz_broadcast(&batch, &of_a, m) * rows + row) * inner;
        int64_t at_b = fuzz_broadcast(&batch, &of_b, m) * inner * columns + column;
        fuzz_summation sum = { 0 };
        for (int64_t k = 0; k < inner; k++) {
            const int64_t i_a = at_a + k, i_b = at_b + k * columns;
            fuzz_add_product(&sum, in[0]->value[i_a], in[0]->bound[i_a], in[1]->value[i_b], in[1]->bound[i_b]);
        }
        sum.n += 2;
        fuzz_end(&sum, (ag_dtype)y->dtype, &out->value[i], &out->bound[i]);
        real tiny = (real)inner * (y->dtype == AG_F32 ? 0x1p-149L : 0x1p-1074L);
        if (sum.size > 0 && out->bound[i] < INFINITY) out->bound[i] += tiny;
    }
}

static void scatter_add(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    ag_extents s = ag_split_at(y, *(const int *)y->attribute);
    int known = 1;
    for (int64_t k = 0; k < in[1]->n; k++) known &= fuzz_is_known(in[1], k);
    for (int64_t i = 0; i < out->n; i++) {
        int64_t row = i / s.inner % s.extent, o = i / s.inner / s.extent;
        fuzz_summation sum = { 0 };
        fuzz_add(&sum, in[0]->value[i], in[0]->bound[i]);
        for (int64_t k = 0; k < in[1]->n && known; k++) {
            int64_t from = (o * in[1]->n + k) * s.inner + i % s.inner;
            int here = agi_counted((int64_t)in[1]->value[k], s.extent) == row;
            if (here) fuzz_add(&sum, in[2]->value[from], in[2]->bound[from]);
        }
        fuzz_end(&sum, (ag_dtype)y->dtype, &out->value[i], &out->bound[i]);
        if (!known) fuzz_unknown(out, i);
    }
}

static void assemble(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const agi_places *p = y->attribute;
    ag_extents s = ag_split_at(y, (int)p->axis);
    for (int64_t i = 0; i < out->n; i++) {
        int64_t at = i / s.inner % s.extent, o = i / s.inner / s.extent;
        fuzz_summation sum = { 0 };
        fuzz_add(&sum, in[0]->value[i], in[0]->bound[i]);
        for (int64_t k = 0; k < p->parts; k++) {
            int64_t way = at - p->part[k].start, j = way / p->part[k].step, count = y->in[k + 1]->dim[p->axis];
            if (way % p->part[k].step || j < 0 || j >= count) continue;
            int64_t from = (o * count + j) * s.inner + i % s.inner;
            fuzz_add(&sum, in[k + 1]->value[from], in[k + 1]->bound[from]);
        }
        fuzz_end(&sum, (ag_dtype)y->dtype, &out->value[i], &out->bound[i]);
    }
}

static void scatter_onto(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    ag_extents s = ag_split_at(y, *(const int *)y->attribute);
    int known = 1;
    for (int64_t k = 0; k < in[1]->n; k++) known &= fuzz_is_known(in[1], k);
    for (int64_t i = 0; i < out->n; i++) {
        int64_t row = i / s.inner % s.extent, o = i / s.inner / s.extent;
        fuzz_summation updates = { 0 }, sum = { 0 };
        real value, bound;
        for (int64_t k = 0; k < in[1]->n && known; k++) {
            int64_t from = (o * in[1]->n + k) * s.inner + i % s.inner;
            int here = agi_counted((int64_t)in[1]->value[k], s.extent) == row;
            if (here) fuzz_add(&updates, in[2]->value[from], in[2]->bound[from]);
        }
        fuzz_end(&updates, (ag_dtype)y->dtype, &value, &bound);
        fuzz_add(&sum, in[0]->value[i], in[0]->bound[i]);
        fuzz_add_product(&sum, in[3]->value[0], in[3]->bound[0], value, bound);
        sum.n += 2;
        fuzz_end(&sum, (ag_dtype)y->dtype, &out->value[i], &out->bound[i]);
        if (!known) fuzz_unknown(out, i);
    }
}

/* Element `flat` of x, told by its index on every axis. */
static int64_t strewn_at(const ag_node *x, const ag_strides *s, int64_t flat)
{
    int64_t at = s->offset;
    for (int i = x->rank; i-- > 0; flat /= x->dim[i]) at += flat % x->dim[i] * s->stride[i];
    return at;
}

static void strew(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const agi_strewn *p = y->attribute;
    for (int64_t i = 0; i < out->n; i++) {
        fuzz_summation sum = { 0 };
        fuzz_add(&sum, in[0]->value[i], in[0]->bound[i]);
        for (int64_t k = 0; k < p->values; k++)
            for (int64_t j = 0; j < in[k + 1]->n; j++)
                if (strewn_at(y->in[k + 1], &p->at[k], j) == i)
                    fuzz_add(&sum, in[k + 1]->value[j], in[k + 1]->bound[j]);
        fuzz_end(&sum, (ag_dtype)y->dtype, &out->value[i], &out->bound[i]);
    }
}

int fuzz_sums(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    if (y->op->flags & AG_REDUCTION) fold(y, in[0], out);
    else if (y->op == &agi_argmax) argmax(y, in[0], out);
    else if (y->op == &agi_scatter_add) scatter_add(y, in, out);
    else if (y->op == &agi_assemble) assemble(y, in, out);
    else if (y->op == &agi_strew) strew(y, in, out);
    else if (y->op == &agi_scatter_onto) scatter_onto(y, in, out);
    else if (y->op == &agi_others) fuzz_others(y, in, out);
    else if (y->op == &agi_matmul) matmul(y, in, out);
    else return 0;
    return 1;
}
