/* The reference's convolutions and windows. */
#include "fuzz.h"
#include "shared/convolution.h"
#include "shared/pool.h"

static void indices(const ag_node *x, int64_t k, int64_t at[])
{
    for (int i = x->rank - 1; i >= 0; k /= x->dim[i--]) at[i] = k % x->dim[i];
}

static int64_t element(const ag_node *x, const int64_t at[])
{
    int64_t k = 0;
    for (int i = 0; i < x->rank; i++) k = k * x->dim[i] + at[i];
    return k;
}

/* x [n, g, c, *size], w [g, o, c, *kernel]: y [n, g, o, *result]. */
static void conv(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const ag_node *x = y->in[0], *w = y->in[1];
    const agi_conv_form *f = y->attribute;
    const int64_t terms = ag_count(w) / (w->dim[0] * w->dim[1]);
    for (int64_t k = 0; k < out->n; k++) {
        int64_t to[AG_MAX_RANK], from[AG_MAX_RANK], tap[AG_MAX_RANK];
        fuzz_summation sum = { 0 };
        indices(y, k, to);
        for (int64_t l = 0; l < terms; l++) {
            int inside = 1;
            indices(w, l, tap);
            from[0] = to[0], from[1] = tap[0] = to[1], from[2] = tap[2], tap[1] = to[2];
            for (int i = 0; i < x->rank - 3; i++) {
                const int64_t at = to[3 + i] * f->stride[i] + tap[3 + i] * f->dilation[i] - f->pad[i];
                inside &= at >= 0 && at % f->spread[i] == 0 && at / f->spread[i] < x->dim[3 + i];
                from[3 + i] = at / f->spread[i];
            }
            if (!inside) continue;
            const int64_t of_x = element(x, from), of_w = element(w, tap);
            fuzz_add_product(&sum, in[0]->value[of_x], in[0]->bound[of_x], in[1]->value[of_w], in[1]->bound[of_w]);
        }
        sum.n += 2;
        fuzz_end(&sum, (ag_dtype)y->dtype, &out->value[k], &out->bound[k]);
        const real tiny = (real)terms * (y->dtype == AG_F32 ? 0x1p-149L : 0x1p-1074L);
        if (sum.size > 0 && out->bound[k] < INFINITY) out->bound[k] += tiny;
    }
}

/* ---- windows ----------------------------------------------------------------------------------------------------- */

/* The elements of one window, from the first. */
static int64_t window(const agi_windows *w, int64_t point, int64_t at[])
{
    const int64_t points = w->result[0] * w->result[1] * w->result[2], size = w->size[0] * w->size[1] * w->size[2];
    int64_t n = 0, p[3], left = point % points;
    for (int i = 2; i >= 0; left /= w->result[i--]) p[i] = left % w->result[i];
    for (int64_t k = 0; k < w->kernel[0] * w->kernel[1] * w->kernel[2]; k++) {
        const int64_t tap[] = { k / w->kernel[2] / w->kernel[1], k / w->kernel[2] % w->kernel[1], k % w->kernel[2] };
        int64_t here = 0;
        int inside = 1;
        for (int i = 0; i < 3; i++) {
            const int64_t x = p[i] * w->stride[i] + tap[i] * w->dilation[i] - w->pad[i];
            inside &= x >= 0 && x < w->size[i];
            here = here * w->size[i] + x;
        }
        if (inside) at[n++] = point / points * size + here;
    }
    return n;
}

/* Which element of a window is the first largest one; doubt: the values are not known well enough to tell. */
static int64_t largest(const fuzz_value *x, int64_t n, const int64_t at[], int *doubt)
{
    int64_t best = at[0];
    *doubt = 0;
    for (int64_t k = 1; k < n; k++)
        if (x->value[at[k]] > x->value[best] || (isnan(x->value[at[k]]) && !isnan(x->value[best]))) best = at[k];
    for (int64_t k = 0; k < n; k++) {
        const real e = x->bound[at[k]] + x->bound[best], gap = x->value[best] - x->value[at[k]];
        *doubt |= at[k] != best && e > 0 && !(gap > 4 * e);
    }
    return best;
}

enum { MOST = 256 }; /* elements of a window */

static void max_pool(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const agi_windows w = agi_windows_of(y);
    for (int64_t p = 0; p < out->n; p++) {
        int64_t at[MOST], n = window(&w, p, at);
        int doubt;
        const int64_t best = largest(in[0], n, at, &doubt);
        out->value[p] = in[1]->value[best];
        out->bound[p] = in[1]->bound[best];
        if (doubt && !(in[0] == in[1] && fuzz_is_known(in[0], best))) fuzz_unknown(out, p);
        for (int64_t k = 0; k < n && doubt && in[0] == in[1]; k++)
            out->bound[p] = fmaxl(out->bound[p], in[0]->bound[at[k]]); /* whichever it is, it is as large */
    }
}

static void max_pool_slope(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const agi_windows w = agi_windows_of(y);
    fuzz_summation *sum = calloc((size_t)out->n, sizeof *sum);
    for (int64_t p = 0; p < in[1]->n; p++) {
        int64_t at[MOST], n = window(&w, p, at);
        int doubt;
        const int64_t best = largest(in[0], n, at, &doubt);
        fuzz_add(&sum[best], in[1]->value[p], in[1]->bound[p]);
        for (int64_t k = 0; k < n && doubt; k++) sum[at[k]].spread = INFINITY;
    }
    for (int64_t k = 0; k < out->n; k++) fuzz_end(&sum[k], (ag_dtype)y->dtype, &out->value[k], &out->bound[k]);
    free(sum);
}

static void divide(const ag_node *y, const fuzz_summation *sum, int64_t k, fuzz_value *out)
{
    const real divisor = agi_windows_of(y).divisor;
    fuzz_end(sum, (ag_dtype)y->dtype, &out->value[k], &out->bound[k]);
    fuzz_round((ag_dtype)y->dtype, 4, out->value[k] / divisor, out->bound[k] / divisor, &out->value[k], &out->bound[k]);
}

static void avg_pool(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const agi_windows w = agi_windows_of(y);
    for (int64_t p = 0; p < out->n; p++) {
        int64_t at[MOST], n = window(&w, p, at);
        fuzz_summation sum = { 0 };
        for (int64_t k = 0; k < n; k++) fuzz_add(&sum, in[0]->value[at[k]], in[0]->bound[at[k]]);
        divide(y, &sum, p, out);
    }
}

static void avg_pool_slope(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const agi_windows w = agi_windows_of(y);
    fuzz_summation *sum = calloc((size_t)out->n, sizeof *sum);
    for (int64_t p = 0; p < in[0]->n; p++) {
        int64_t at[MOST], n = window(&w, p, at);
        for (int64_t k = 0; k < n; k++) fuzz_add(&sum[at[k]], in[0]->value[p], in[0]->bound[p]);
    }
    for (int64_t k = 0; k < out->n; k++) sum[k].n += 2, divide(y, &sum[k], k, out);
    free(sum);
}

int fuzz_windows(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    if (y->op == &agi_conv) conv(y, in, out);
    else if (y->op == &agi_max_pool) max_pool(y, in, out);
    else if (y->op == &agi_max_pool_slope) max_pool_slope(y, in, out);
    else if (y->op == &agi_avg_pool) avg_pool(y, in, out);
    else if (y->op == &agi_avg_pool_slope) avg_pool_slope(y, in, out);
    else return 0;
    return 1;
}
