/* log(sum of e^x) over an axis or everything, without overflow;  the gradient is gout softmax(x), of the exponentials
 * that the value is made of: e^(x - y) would have the rounding error of y, which may be large, as its relative error.
 * The sum over nothing but -Inf is -Inf, with gradient 0. */
#include "shared/softmax.h"

#include <math.h>

/* e^(x - shift) with the shift that the value has, and their sum. */
typedef struct {
    ag_node *shift, *below, *power, *sum;
} shifted;

static shifted shift(ag_node *x, ag_axis_attribute a)
{
    ag_node *max = agi_reduce(&agi_amax, x, a);
    ag_node *finite = ag_less(ag_abs(max), ag_number(x->graph, INFINITY));
    shifted s = { .shift = ag_where(finite, max, ag_number(x->graph, 0)) };
    s.below = ag_sub(x, ag_keepdims(s.shift, x, a.axis));
    s.power = ag_exp(s.below);
    s.sum = agi_reduce(&agi_sum, s.power, a);
    return s;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_axis_attribute a = *(const ag_axis_attribute *)y->attribute;
    shifted s = shift(y->in[0], a);
    ag_node *nothing = ag_equal(s.sum, ag_number(y->graph, 0)); /* 0 / 1, not 0 / 0 */
    ag_node *safe = ag_where(nothing, ag_number(y->graph, 1), s.sum);
    ag_node *value = ag_div(s.power, agi_put_axis_back(safe, y));
    ag_node *share = ag_define(&agi_softmax, 1, &y->in[0], &a.axis, value); /* a softmax, its value written otherwise */
    gin[0] = ag_mul(agi_put_axis_back(gout, y), share);
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
                              .shape = agi_infer_reduction,
                              .gradient = gradient,
                              .batch = batch };

static ag_node *define(ag_node *x, ag_axis_attribute a)
{
    x = ag_vet(&agi_logsumexp, 1, &x, &a);
    if (ag_is_bad(x)) return x;
    shifted s = shift(x, a);
    return ag_define(&agi_logsumexp, 1, &x, &a, ag_add(s.shift, agi_log_total(s.below, s.power, s.sum, a)));
}

ag_node *ag_logsumexp(ag_node *x)
{
    return define(x, agi_over_all());
}

ag_node *ag_logsumexp_axis(ag_node *x, int axis, int keepdims)
{
    ag_axis_attribute a = agi_over_axis(&x, &agi_logsumexp, axis, keepdims);
    return define(x, a);
}
