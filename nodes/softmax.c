/* softmax(x) = e^x / sum of e^x along an axis;  the gradient is softmax_slope. A row of nothing but -Inf, or
 * with Inf, gives NaN.
 * Only the rule is differentiated, never the definition, so the maximum in it does not matter there. */
#include "shared/softmax.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_new_softmax_slope(y, gout, *(const int *)y->attribute);
}

/* The axis is AG_ALL in what logsumexp makes of it. */
static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    int axis = *(const int *)y->attribute;
    (void)batched;
    if (axis != AG_ALL) return ag_softmax(in[0], axis + 1);
    return ag_reshape(ag_softmax(ag_reshape(in[0], AG_SHAPE(count, -1)), 1), ag_batch_shape(y, count));
}

const ag_op agi_softmax = { .name = "softmax",
                            .formula = "e^x / sum of e^x",
                            .inputs = 1,
                            .flags = AG_ALIAS | AG_SMOOTH,
                            .attribute_size = sizeof(int),
                            .gradient = gradient,
                            .batch = batch };

ag_node *ag_softmax(ag_node *x, int axis)
{
    int counted = ag_axis(&x, &agi_softmax, axis);
    x = ag_vet(&agi_softmax, 1, &x, &counted);
    if (ag_is_bad(x)) return x;
    ag_node *e = ag_exp(agi_below_max(x, counted));
    return ag_define(&agi_softmax, 1, &x, &counted, ag_div(e, ag_sum_axis(e, counted, 1)));
}
