/* Where the largest element along an axis is: the first of equals; a NaN counts as the largest.  No gradient. */
#include "shared/reduction.h"

static ag_status shape(ag_infer *c)
{
    ag_status status = agi_infer_reduction(c);
    c->dtype = AG_I64;
    return status;
}

enum { TOGETHER = 8 };

/* Contiguous lines of n, some at a time, none of which waits for another. Else rows of `inner` elements go by once, and
 * out holds the position of the best so far of each column. */
#define SEARCH(name, real)                                                                       \
    static void name##_lines(int lines, int64_t n, const real *x, int64_t *out)                  \
    {                                                                                            \
        real best[TOGETHER];                                                                     \
        int64_t at[TOGETHER] = { 0 };                                                            \
        for (int i = 0; i < lines; i++) best[i] = x[i * n];                                      \
        for (int64_t k = 1; k < n; k++)                                                          \
            for (int i = 0; i < lines; i++) {                                                    \
                const real v = x[i * n + k];                                                     \
                const int better = !(v <= best[i]) & (best[i] == best[i]);                       \
                at[i] = better ? k : at[i];                                                      \
                best[i] = better ? v : best[i];                                                  \
            }                                                                                    \
        memcpy(out, at, (size_t)lines * sizeof *at);                                             \
    }                                                                                            \
                                                                                                 \
    static void name(ag_extents s, const real *x, int64_t *out)                                  \
    {                                                                                            \
        const int64_t whole = s.inner == 1 ? s.outer / TOGETHER * TOGETHER : 0;                  \
        for (int64_t o = 0; o < whole; o += TOGETHER, x += TOGETHER * s.extent, out += TOGETHER) \
            name##_lines(TOGETHER, s.extent, x, out);                                            \
        if (s.inner == 1) name##_lines((int)(s.outer - whole), s.extent, x, out);                \
        for (int64_t o = 0; s.inner > 1 && o < s.outer; o++, x += s.extent * s.inner) {          \
            memset(out, 0, (size_t)s.inner * sizeof *out);                                       \
            for (int64_t k = 1; k < s.extent; k++)                                               \
                for (int64_t i = 0; i < s.inner; i++) {                                          \
                    real v = x[k * s.inner + i], best = x[out[i] * s.inner + i];                 \
                    if (v > best || (v != v && best == best)) out[i] = k;                        \
                }                                                                                \
            out += s.inner;                                                                      \
        }                                                                                        \
    }
SEARCH(search_f32, float)
SEARCH(search_f64, double)

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *x = c->node->in[0];
    ag_extents s = ag_split_at(x, agi_reduced(c->node));
    if (x->dtype == AG_F32) search_f32(s, c->in[0], c->out);
    else search_f64(s, c->in[0], c->out);
    return AG_OK;
}

static double flops(const ag_node *y)
{
    return (double)ag_count(y->in[0]);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)batched, (void)count;
    return ag_argmax(in[0], agi_reduced(y) + 1);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const ag_node *x = y->in[0];
    ag_extents split = ag_split_at(x, agi_reduced(y));
    (void)in_stride;
    ag_emit(s, "    int64_t i, j, k;\n    for (i = 0; i < %lld; i++)\n        for (j = 0; j < %lld; j++) {\n",
            (long long)split.outer, (long long)split.inner);
    ag_emit(s, "            const %s *const x = in0 + i * %lld + j;\n            int64_t best = 0;\n",
            ag_c_type((ag_dtype)x->dtype), (long long)(split.extent * split.inner));
    ag_emit(s, "            for (k = 1; k < %lld; k++) {\n", (long long)split.extent);
    ag_emit(s, "                const %s v = x[k * %lld], most = x[best * %lld];\n", ag_c_type((ag_dtype)x->dtype),
            (long long)split.inner, (long long)split.inner);
    ag_emit(s, "                if (v > most || (v != v && most == most)) best = k;\n            }\n");
    ag_emit(s, "            out[i * %lld + j] = best;\n        }\n    return 0;\n", (long long)split.inner);
}

const ag_op agi_argmax = { .name = "argmax",
                           .formula = "position of the largest",
                           .inputs = 1,
                           .flags = AG_LIBRARY | AG_SURE,
                           .attribute_size = sizeof(ag_axis_attribute),
                           .shape = shape,
                           .run = run,
                           .c = write_c,
                           .flops = flops,
                           .gradient = ag_zero_gradient,
                           .batch = batch };

ag_node *ag_argmax(ag_node *x, int axis)
{
    return agi_reduce_axis(&agi_argmax, x, axis, 0);
}
