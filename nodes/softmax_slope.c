/* y (g - sum of g y) along an axis or everything, y being a softmax: the product of its Jacobian, which is symmetric,
 * with g. Of a class whose share is nearly 1 it is a sum of the others, not what is left of 1: adding a number to all
 * of g changes nothing, so g is counted from its value there, and so is the gradient v of the result:
 * d/dg = y (v - sum of v y), d/dy = v g - g sum of v y - v sum of g y. */
#include "shared/softmax.h"

/* g less its value where y is more than 1/2, which is at one class of each row or at none. */
static ag_node *from_most(ag_node *y, ag_node *g, int axis)
{
    ag_node *most = ag_greater(y, ag_number(y->graph, 0.5));
    return ag_sub(g, agi_reduce_along(&agi_sum, ag_where(most, g, ag_number(y->graph, 0)), axis));
}

static ag_node *mean(ag_node *y, ag_node *g, int axis)
{
    return agi_reduce_along(&agi_sum, ag_mul(g, y), axis);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    int axis = *(const int *)y->attribute;
    ag_node *share = y->in[0], *g = from_most(share, y->in[1], axis), *v = from_most(share, gout, axis);
    if (ag_wanted(y, 1)) gin[1] = agi_new_softmax_slope(share, gout, axis);
    if (!ag_wanted(y, 0)) return;
    gin[0] = ag_sub(ag_mul(v, ag_sub(g, mean(share, g, axis))), ag_mul(g, mean(share, v, axis)));
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    int axis = *(const int *)y->attribute;
    for (int k = 0; k < 2; k++) {
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
        if (axis == AG_ALL) in[k] = ag_reshape(in[k], AG_SHAPE(count, -1));
    }
    ag_node *slope = agi_new_softmax_slope(in[0], in[1], axis == AG_ALL ? 1 : axis + 1);
    return axis == AG_ALL ? ag_reshape(slope, ag_batch_shape(y, count)) : slope;
}

const ag_op agi_softmax_slope = { .name = "softmax_slope",
                                  .formula = "y (g - sum of g y), y = softmax",
                                  .inputs = 2,
                                  .flags = AG_ALIAS | AG_SMOOTH,
                                  .attribute_size = sizeof(int),
                                  .gradient = gradient,
                                  .batch = batch };

ag_node *agi_new_softmax_slope(ag_node *y, ag_node *g, int axis)
{
    ag_node *in[] = { y, g };
    if (ag_is_bad(y) || ag_is_bad(g)) return ag_is_bad(y) ? y : g;
    ag_node *shifted = from_most(y, g, axis);
    return ag_define(&agi_softmax_slope, 2, in, &axis, ag_mul(y, ag_sub(shifted, mean(y, shifted, axis))));
}
