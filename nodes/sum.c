/* Sum over an axis or everything;  derivative 1. */
#include "shared/reduction.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_spread(gout, y);
}

const ag_op agi_sum = { .name = "sum",
                        .formula = "sum of x",
                        .inputs = 1,
                        .flags = AG_REDUCTION | AG_SMOOTH,
                        .fold = AG_FOLD_SUM,
                        .attribute_size = sizeof(ag_axis_attribute),
                        .shape = ag_infer_reduction,
                        .gradient = gradient };

ag_node *ag_sum(ag_node *x)
{
    return ag_reduce_all(&agi_sum, x);
}

ag_node *ag_sum_axis(ag_node *x, int axis, int keepdims)
{
    return ag_reduce_axis(&agi_sum, x, axis, keepdims);
}
