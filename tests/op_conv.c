/* Rows of convolutions: each product of the definition goes where it belongs, for ag_conv_transpose the other way. */
#include "op_table.h"

static const ag_conv_options options[] = {
    { .groups = 1 },
    { .stride = { 2 }, .padding = { 1 } },
    { .dilation = { 2 }, .padding = { 2 } },
    { .stride = { 1, 2 }, .padding = { 1, 0 }, .dilation = { 1, 1 } },
    { .stride = { 2, 2 }, .padding = { 1, 1 } },
    { .padding = { 2, 2 }, .groups = 2 },
    { .stride = { 2, 1, 2 }, .padding = { 1, 0, 1 }, .dilation = { 1, 2, 1 } },
    { .stride = { 3 }, .output_padding = { 2 }, .padding = { 1 } },
    { .stride = { 2, 3 }, .dilation = { 2, 1 }, .padding = { 1, 1 }, .output_padding = { 1, 0 }, .groups = 2 },
    { .padding = { 1, 1 }, .groups = 3 },
};

static ag_node *build_conv(ag_node *const in[], const int *arg)
{
    return (arg[1] ? ag_conv_transpose : ag_conv)(in[0], in[1], &options[arg[0]]);
}

static int64_t or_one(int64_t n)
{
    return n ? n : 1;
}

/* The element of `of` with these indices, by axis of its shape. */
static int64_t element(ag_shape of, const int64_t at[])
{
    int64_t k = 0;
    for (int i = 0; i < of.rank; i++) k = k * of.dim[i] + at[i];
    return k;
}

static void indices(ag_shape of, int64_t k, int64_t at[])
{
    for (int i = of.rank - 1; i >= 0; k /= of.dim[i--]) at[i] = k % of.dim[i];
}

/* For each sample, each element of a group of the filters, and each position of the smaller image. */
static void expect_conv(const op_row *r, const double *const in[], double *out)
{
    const ag_conv_options *o = &options[r->arg[0]];
    const int turned = r->arg[1];
    const ag_shape x = r->in[0], w = r->in[1], y = r->out, few = turned ? x : y, many = turned ? y : x;
    const int64_t groups = or_one(o->groups), in_group = few.dim[1] / groups;
    for (int64_t k = 0; k < op_count(y); k++) out[k] = 0;
    for (int64_t k = 0; k < op_count(few); k++)
        for (int64_t l = 0; l < op_count(w); l++) {
            int64_t at[AG_MAX_RANK], tap[AG_MAX_RANK], to[AG_MAX_RANK] = { 0 };
            int inside = 1;
            indices(few, k, at);
            indices(w, l, tap);
            if (tap[0] != at[1]) continue; /* the filter's first axis is the smaller image's channel */
            to[0] = at[0];
            to[1] = at[1] / in_group * w.dim[1] + tap[1];
            for (int i = 0; i < few.rank - 2; i++) {
                to[2 + i] = at[2 + i] * or_one(o->stride[i]) + tap[2 + i] * or_one(o->dilation[i]) - o->padding[i];
                inside &= to[2 + i] >= 0 && to[2 + i] < many.dim[2 + i];
            }
            if (!inside) continue;
            if (turned) out[element(y, to)] += in[0][k] * in[1][l];
            else out[k] += in[0][element(x, to)] * in[1][l];
        }
}

/* ---- windows ----------------------------------------------------------------------------------------------------- */

static const ag_pool_options windows[] = {
    { .kernel = { 2 } },
    { .kernel = { 3 }, .stride = { 2 }, .padding = { 1 } },
    { .kernel = { 2, 2 } },
    { .kernel = { 3, 2 }, .stride = { 1, 3 }, .padding = { 1, 1 }, .exclude_padding = 1 },
    { .kernel = { 2, 3 }, .stride = { 3, 1 }, .dilation = { 2, 1 }, .padding = { 0, 1 } },
    { .kernel = { 2, 1, 2 }, .stride = { 1, 1, 2 } },
};

static ag_node *build_max_pool(ag_node *const in[], const int *arg)
{
    return ag_max_pool(in[0], &windows[arg[0]]);
}

static ag_node *build_avg_pool(ag_node *const in[], const int *arg)
{
    return ag_avg_pool(in[0], &windows[arg[0]]);
}

/* The sum of a window, its largest element, or how many of its elements are in the image. */
typedef enum { SUM, LARGEST, COUNT_OF } what;

static double of_window(const op_row *r, const double *x, int64_t k, what w)
{
    const ag_pool_options *o = &windows[r->arg[0]];
    int64_t at[AG_MAX_RANK], taps = 1;
    double sum = 0, largest = -INFINITY, count = 0;
    indices(r->out, k, at);
    for (int i = 0; i < r->out.rank - 2; i++) taps *= o->kernel[i];
    for (int64_t tap = 0; tap < taps; tap++) {
        int64_t left = tap, from[AG_MAX_RANK] = { at[0], at[1] };
        int inside = 1;
        for (int i = 0; i < r->out.rank - 2; left /= o->kernel[i++]) {
            from[2 + i] = at[2 + i] * (o->stride[i] ? o->stride[i] : o->kernel[i]) - o->padding[i];
            from[2 + i] += left % o->kernel[i] * or_one(o->dilation[i]);
            inside &= from[2 + i] >= 0 && from[2 + i] < r->in[0].dim[2 + i];
        }
        if (!inside) continue;
        sum += x[element(r->in[0], from)];
        largest = fmax(largest, x[element(r->in[0], from)]);
        count++;
    }
    return w == SUM ? sum : w == LARGEST ? largest : o->exclude_padding ? count : (double)taps;
}

static void expect_max_pool(const op_row *r, const double *const in[], double *out)
{
    for (int64_t k = 0; k < op_count(r->out); k++) out[k] = of_window(r, in[0], k, LARGEST);
}

static void expect_avg_pool(const op_row *r, const double *const in[], double *out)
{
    for (int64_t k = 0; k < op_count(r->out); k++)
        out[k] = of_window(r, in[0], k, SUM) / of_window(r, in[0], k, COUNT_OF);
}

/* The gradients, which have no call of their own. */
static ag_node *build_gradient(ag_node *const in[], const int *arg)
{
    ag_node *y = arg[1] ? build_max_pool(in, arg) : build_avg_pool(in, arg), *d;
    if (ag_is_bad(y) || ag_is_bad(in[1])) return ag_is_bad(y) ? y : in[1];
    ck_assert_int_eq(ag_vjp(1, &y, &in[1], 1, in, &d), AG_OK);
    return d;
}

static void expect_gradient(const op_row *r, const double *const in[], double *out)
{
    op_row forward = *r;
    forward.out = r->in[1];
    for (int64_t k = 0; k < op_count(r->in[0]); k++) {
        double x[64], sum = 0;
        for (int64_t l = 0; l < op_count(r->in[0]); l++) x[l] = r->arg[1] ? in[0][l] : 0;
        for (int64_t p = 0; p < op_count(r->in[1]); p++) {
            const double before = of_window(&forward, x, p, r->arg[1] ? LARGEST : SUM), old = x[k];
            x[k] += r->arg[1] ? -1e6 : 1;
            const double after = of_window(&forward, x, p, r->arg[1] ? LARGEST : SUM);
            x[k] = old;
            if (r->arg[1]) sum += after < before ? in[1][p] : 0;
            else sum += (after - before) * in[1][p] / of_window(&forward, x, p, COUNT_OF);
        }
        out[k] = sum;
    }
}

#define S OP_SHAPE
#define POOL(op, kind, x, out, option) \
    { #op, build_##kind##_pool, expect_##kind##_pool, 1, { x }, out, -2, 2, { option }, ROW_SPACED },
#define POOL_GRADIENT(op, x, g, option, is_max) \
    { #op, build_gradient, expect_gradient, 2, { x, g }, x, -2, 2, { option, is_max }, ROW_SPACED | ROW_INNER },
#define CONV(x, w, out, ...) { "conv", build_conv, expect_conv, 2, { x, w }, out, -1, 1, { __VA_ARGS__ }, 0 },

const op_row op_conv[] = {
    CONV(S(2, 3, 5), S(4, 3, 2), S(2, 4, 4), 0, 0)
    CONV(S(1, 1, 1), S(1, 1, 1), S(1, 1, 1), 0, 0)
    CONV(S(3, 2, 7), S(3, 2, 3), S(3, 3, 4), 1, 0)
    CONV(S(2, 2, 6), S(2, 2, 3), S(2, 2, 6), 2, 0)
    CONV(S(2, 2, 4, 6), S(3, 2, 3, 2), S(2, 3, 4, 3), 3, 0)
    CONV(S(2, 1, 5, 6), S(2, 1, 3, 3), S(2, 2, 3, 3), 4, 0)
    CONV(S(18, 2, 5, 4), S(3, 2, 3, 3), S(18, 3, 3, 2), 4, 0)
    CONV(S(2, 4, 3, 4), S(6, 2, 3, 3), S(2, 6, 5, 6), 5, 0)
    CONV(S(1, 2, 3, 5, 3), S(2, 2, 3, 2, 2), S(1, 2, 2, 3, 2), 6, 0)
    CONV(S(2, 3, 5, 9), S(3, 1, 3, 3), S(2, 3, 5, 9), 9, 0)
    CONV(S(2, 20, 6, 6), S(18, 20, 3, 3), S(2, 18, 4, 4), 0, 0)
    CONV(S(2, 3, 4), S(3, 2, 3), S(2, 2, 6), 0, 1)
    CONV(S(2, 2, 3), S(2, 3, 4), S(2, 3, 10), 7, 1)
    CONV(S(2, 4, 3, 2), S(4, 1, 2, 3), S(2, 2, 6, 4), 8, 1)
    CONV(S(2, 2, 3, 3), S(2, 2, 3, 3), S(2, 2, 5, 5), 4, 1)
    POOL(max_pool, max, S(2, 3, 6), S(2, 3, 3), 0)
    POOL(max_pool, max, S(2, 1, 6), S(2, 1, 3), 1)
    POOL(max_pool, max, S(1, 2, 4, 5), S(1, 2, 2, 2), 2)
    POOL(max_pool, max, S(2, 1, 4, 6), S(2, 1, 4, 3), 3)
    POOL(max_pool, max, S(1, 2, 6, 4), S(1, 2, 2, 4), 4)
    POOL(max_pool, max, S(1, 1, 3, 2, 5), S(1, 1, 2, 2, 2), 5)
    POOL(avg_pool, avg, S(2, 3, 6), S(2, 3, 3), 0)
    POOL(avg_pool, avg, S(2, 1, 6), S(2, 1, 3), 1)
    POOL(avg_pool, avg, S(1, 2, 4, 5), S(1, 2, 2, 2), 2)
    POOL(avg_pool, avg, S(2, 1, 4, 6), S(2, 1, 4, 3), 3)
    POOL(avg_pool, avg, S(1, 2, 6, 4), S(1, 2, 2, 4), 4)
    POOL(avg_pool, avg, S(1, 1, 3, 2, 5), S(1, 1, 2, 2, 2), 5)
    POOL_GRADIENT(max_pool_slope, S(1, 2, 4, 3), S(1, 2, 2, 1), 2, 1)
    POOL_GRADIENT(max_pool_slope, S(2, 1, 6), S(2, 1, 3), 1, 1)
    POOL_GRADIENT(avg_pool_slope, S(1, 2, 4, 3), S(1, 2, 2, 1), 2, 0)
    POOL_GRADIENT(avg_pool_slope, S(2, 1, 6), S(2, 1, 3), 1, 0)
};
const size_t op_conv_count = COUNT(op_conv);
