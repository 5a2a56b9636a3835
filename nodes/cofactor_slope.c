/* How the cofactors of a change along v, of any matrix a, singular ones, too: the second derivative of |a|, which is
 * symmetric: d/dv is the same along gout. d/da takes a regular matrix, but for order 3, where y is linear in a.
 *
 * With a = L D U, L and U of diagonals 1, the cofactors of a + t v are L^-T cofactors(D + t W) U^-T, W = L^-1 v U^-1.
 * Those of D + t W change by sums of W's elements times products of all pivots but two: nothing is divided by a pivot
 * that is 0. */
#include "shared/elimination.h"
#include "shared/matrix.h"

#include <math.h>

#define SHARED(name, ...)                                      \
    const char agi_##name##_text[] = "static " #__VA_ARGS__; \
    static __VA_ARGS__

/* The product of all pivots but i and j, in units of that of all but the two lowest. */
SHARED(pivots_without, double agi_pivots_without(int64_t n, const double *w, const int64_t *low, int64_t i, int64_t j)
{
    const double first = w[low[0] * (n + 1)], second = w[low[1] * (n + 1)];
    const int64_t other = i == low[0] ? j : i;
    if (first != 0) return first / w[i * (n + 1)] * (second / w[j * (n + 1)]);
    if (i != low[0] && j != low[0]) return 0;
    return second != 0 ? second / w[other * (n + 1)] : other == low[1];
})

/* By W, v, in those units: how the cofactors of D change, k. */
SHARED(slope_of_diagonal, void agi_slope_of_diagonal(int64_t n, const double *w, const int64_t *low, const double *v,
                                                     double *k)
{
    int64_t i, j;
    for (i = 0; i < n; i++) k[i * (n + 1)] = 0;
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++) {
            double without;
            if (i == j) continue;
            without = agi_pivots_without(n, w, low, i, j);
            k[i * n + j] = -v[j * n + i] * without;
            k[i * (n + 1)] += v[j * (n + 1)] * without;
        }
})

/* v = W: rows and columns in the pivots' order, of one size by powers of two, and 2^what is returned on top. */
SHARED(take_along, int64_t agi_take_along(int64_t n, const double *w, const double *from, double *v,
                                          const int64_t *place)
{
    const int64_t *row = place, *column = row + n, *down = column + n, *across = down + n;
    int64_t i, j, k, top = 0, any = 0;
    int power;
    for (i = 0; i < n * n; i++) {
        frexp(from[i], &power);
        if (!(fabs(from[i]) > 0 && fabs(from[i]) <= 1.7976931348623157e308)) continue;
        if (!any || power - down[i / n] - across[i % n] > top) top = power - down[i / n] - across[i % n];
        any = 1;
    }
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++)
            v[i * n + j] = ldexp(from[row[i] * n + column[j]], (int)-(down[row[i]] + across[column[j]] + top));
    for (i = 0; i < n; i++)
        for (k = 0; k < i; k++)
            for (j = 0; j < n; j++) v[i * n + j] -= w[i * n + k] * v[k * n + j];
    for (i = 0; i < n; i++)
        for (k = 0; k < n; k++)
            for (j = k + 1; j < n; j++) v[i * n + j] -= v[i * n + k] * w[k * n + j];
    return top;
})

/* k = L^-T k U^-T */
SHARED(put_along, void agi_put_along(int64_t n, const double *w, double *k)
{
    int64_t i, j, p;
    for (i = n - 1; i >= 0; i--)
        for (p = i + 1; p < n; p++)
            for (j = 0; j < n; j++) k[i * n + j] -= w[p * n + i] * k[p * n + j];
    for (i = 0; i < n; i++)
        for (j = n - 1; j >= 0; j--)
            for (p = j + 1; p < n; p++) k[i * n + j] -= k[i * n + p] * w[j * n + p];
})

/* out = how the cofactors of w change along v; w, v and k, of n n numbers each, are lost. */
SHARED(cofactor_slopes, void agi_cofactor_slopes(int64_t n, double *w, double *v, double *k, double *out,
                                                 int64_t *place)
{
    const int64_t *row = place, *column = row + n, *down = column + n, *across = down + n;
    int64_t i, j, low[2], power = 0;
    int sign, step;
    double fraction;
    const int64_t rank = agi_eliminate(n, w, place, &sign);
    for (i = 0; i < n * n; i++) out[i] = rank < 0 ? NAN : 0;
    if (rank < n - 2) return;
    for (low[0] = n - 1, low[1] = n - 2, i = n - 1; i >= 0; i--) {
        const double size = fabs(w[i * (n + 1)]);
        if (size < fabs(w[low[0] * (n + 1)])) { low[1] = low[0]; low[0] = i; }
        else if (i != low[0] && size < fabs(w[low[1] * (n + 1)])) low[1] = i;
    }
    for (fraction = sign, i = 0; i < n; i++) {
        power += down[i] + across[i];
        if (i != low[0] && i != low[1]) { fraction = frexp(fraction * w[i * (n + 1)], &step); power += step; }
        for (j = i + 1; j < n && i < rank; j++) w[i * n + j] /= w[i * (n + 1)];
    }
    power += agi_take_along(n, w, v, k, place);
    agi_slope_of_diagonal(n, w, low, k, v);
    agi_put_along(n, w, v);
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++)
            out[row[i] * n + column[j]] = ldexp(fraction * v[i * n + j],
                                                (int)(power - down[row[i]] - across[column[j]]));
})

/* ------------------------------------------------------------------------------------------------------------------ */

ag_node *agi_cofactor_slope_of(ag_node *a, ag_node *v)
{
    return ag_binary(&agi_cofactor_slope, a, v);
}

/* <gout, y> is trilinear for order 3. Else with r = a^-T, p = r v^T, q = r gout^T and traces of these:
 * (tr p tr q - tr p q + p q + q p - tr q p - tr p q) cofactors(a). */
static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *v = y->in[1];
    if (ag_wanted(y, 1)) gin[1] = agi_cofactor_slope_of(a, gout);
    if (!ag_wanted(y, 0)) return;
    if (agi_rows(y) == 3) {
        gin[0] = agi_cofactor_slope_of(v, gout);
        return;
    }
    ag_node *lu = agi_lu_of(a), *r = agi_transposed(agi_inverse_of(a, lu, 1)), *cofactor = agi_cofactor_of(a, lu);
    ag_node *p = ag_matmul(r, agi_transposed(v)), *q = ag_matmul(r, agi_transposed(gout)), *pq = ag_matmul(p, q);
    ag_node *trace_p = ag_trace(p), *trace_q = ag_trace(q);
    ag_node *number = ag_sub(ag_mul(trace_p, trace_q), ag_trace(pq));
    ag_node *products = ag_add(pq, ag_matmul(q, p));
    ag_node *matrix = ag_sub(products, ag_add(agi_times(trace_q, p), agi_times(trace_p, q)));
    gin[0] = ag_add(agi_times(number, cofactor), ag_matmul(matrix, cofactor));
}

static ag_status shape(ag_infer *c)
{
    if (!ag_same_shape(c->in[0], c->in[1]) || c->in[0]->dtype != c->in[1]->dtype)
        return ag_refuse(c, AG_ESHAPE, "a direction has the shape and type of the matrix");
    return agi_infer_matrix(c);
}

static ag_status run(const ag_kernel_call *c)
{
    int64_t n = agi_rows(c->node);
    double *w = c->scratch, *v = w + n * n, *k = v + n * n, *out = k + n * n;
    for (int64_t m = 0; m < agi_matrices(c->node); m++) {
        agi_take_matrix(c, 0, m, w);
        agi_take_matrix(c, 1, m, v);
        agi_cofactor_slopes(n, w, v, k, out, (int64_t *)(void *)(out + n * n));
        for (int64_t i = 0; i < n * n; i++) agi_put_number(c, m * n * n + i, out[i]);
    }
    return AG_OK;
}

static size_t scratch(const ag_node *y)
{
    return (size_t)(4 * agi_rows(y) * (agi_rows(y) + 1)) * sizeof(double);
}

static double flops(const ag_node *y)
{
    return 5 * (double)ag_count(y) * (double)agi_rows(y);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_emit(s, "    int64_t batch, i, j;\n");
    agi_write_loop(s, y);
    ag_emit(s, "        double *const w = scratch, *const v = w + n * n, *const k = v + n * n;\n"
               "        double *const slope = k + n * n;\n");
    for (int operand = 0; operand < 2; operand++) {
        const int64_t *stride = in_stride[operand].stride + y->rank - 2;
        agi_write_matrix(s, y, operand, in_stride, operand ? "along" : "a");
        ag_emit(s, "        for (i = 0; i < n; i++)\n            for (j = 0; j < n; j++)\n"
                   "                %s[i * n + j] = %s[i * %lld + j * %lld];\n", operand ? "v" : "w",
                operand ? "along" : "a", (long long)stride[0], (long long)stride[1]);
    }
    ag_emit(s, "        agi_cofactor_slopes(n, w, v, k, slope, (int64_t *)(void *)(slope + n * n));\n"
               "        for (i = 0; i < n * n; i++) x[i] = %sslope[i];\n    }\n    return 0;\n",
            y->dtype == AG_F32 ? "(float)" : "");
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)y;
    for (int k = 0; k < 2; k++)
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
    return agi_cofactor_slope_of(in[0], in[1]);
}

const ag_op agi_cofactor_slope = { .name = "cofactor_slope",
                                   .formula = "how |a| a^-T changes along v",
                                   .inputs = 2,
                                   .flags = AG_LIBRARY | AG_STRIDED | AG_SMOOTH | AG_SURE,
                                   .shape = shape,
                                   .run = run,
                                   .c = write_c,
                                   .scratch = scratch,
                                   .gradient = gradient,
                                   .batch = batch,
                                   .flops = flops };
