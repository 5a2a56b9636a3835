/* log(sum of e^x) over an axis or everything, without overflow;  the gradient is gout e^(x - y), which is softmax(x).
 * The sum over nothing but -Inf is -Inf, with gradient 0. */
#include "reduction.h"

#include <math.h>

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *nothing = ag_equal(y, ag_number(y->graph, -INFINITY));
    ag_node *safe = ag_where(nothing, ag_number(y->graph, 0), y); /* -Inf - 0, not -Inf - -Inf */
    gin[0] = ag_mul(ag_spread(gout, y), ag_exp(ag_sub(y->in[0], ag_spread(safe, y))));
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    ag_axis_attribute a = *(const ag_axis_attribute *)y->attribute;
    (void)batched;
    if (a.axis == AG_ALL) return ag_logsumexp_axis(ag_reshape(in[0], AG_SHAPE(count, -1)), 1, 0);
    return ag_logsumexp_axis(in[0], a.axis + 1, a.keepdims);
}

const ag_op agi_logsumexp = { .name = "logsumexp",
                              .formula = "log(sum of e^x)",
                              .inputs = 1,
                              .flags = AG_ALIAS | AG_SMOOTH,
                              .attribute_size = sizeof(ag_axis_attribute),
                              .shape = ag_infer_reduction,
                              .gradient = gradient,
                              .batch = batch };

static ag_node *define(ag_node *x, ag_axis_attribute a)
{
    x = ag_vet(&agi_logsumexp, 1, &x, &a);
    if (ag_is_bad(x)) return x;
    ag_node *max = ag_reduce(&agi_amax, x, a);
    ag_node *finite = ag_less(ag_abs(max), ag_number(x->graph, INFINITY));
    ag_node *shift = ag_where(finite, max, ag_number(x->graph, 0));
    ag_node *sum = ag_reduce(&agi_sum, ag_exp(ag_sub(x, ag_keepdims(shift, x, a.axis))), a);
    return ag_define(&agi_logsumexp, 1, &x, &a, ag_add(shift, ag_log(sum)));
}

ag_node *ag_logsumexp(ag_node *x)
{
    return define(x, ag_over_all());
}

ag_node *ag_logsumexp_axis(ag_node *x, int axis, int keepdims)
{
    ag_axis_attribute a = ag_over_axis(&x, &agi_logsumexp, axis, keepdims);
    return define(x, a);
}
