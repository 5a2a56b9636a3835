/* Where the largest element along an axis is: the first of equals; a NaN counts as the largest.  No gradient. */
#include "reduction.h"

static ag_status shape(ag_infer *c)
{
    ag_status status = ag_infer_reduction(c);
    c->dtype = AG_I64;
    return status;
}

/* Rows of `inner` elements go by once; out holds the position of the best so far of each column. */
#define SEARCH(name, real)                                                                       \
    static void name(ag_split s, const real *x, int64_t *out)                                    \
    {                                                                                            \
        for (int64_t o = 0; o < s.outer; o++, x += s.extent * s.inner, out += s.inner) {         \
            memset(out, 0, (size_t)s.inner * sizeof *out);                                       \
            for (int64_t k = 1; k < s.extent; k++)                                               \
                for (int64_t i = 0; i < s.inner; i++) {                                          \
                    real v = x[k * s.inner + i], best = x[out[i] * s.inner + i];                 \
                    if (v > best || (v != v && best == best)) out[i] = k;                        \
                }                                                                                \
        }                                                                                        \
    }
SEARCH(search_f32, float)
SEARCH(search_f64, double)

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *x = c->node->in[0];
    ag_split s = ag_split_at(x, ag_reduced(c->node));
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
    return ag_argmax(in[0], ag_reduced(y) + 1);
}

const ag_op agi_argmax = { .name = "argmax",
                           .formula = "position of the largest",
                           .inputs = 1,
                           .flags = AG_LIBRARY,
                           .attribute_size = sizeof(ag_axis_attribute),
                           .shape = shape,
                           .run = run,
                           .flops = flops,
                           .gradient = ag_zero_gradient,
                           .batch = batch };

ag_node *ag_argmax(ag_node *x, int axis)
{
    return ag_reduce_axis(&agi_argmax, x, axis, 0);
}
