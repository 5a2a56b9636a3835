/* The largest element over an axis or everything, NaN if any is;  equal ones share the gradient. */
#include "shared/extremum.h"

const ag_op agi_amax = { .name = "amax",
                         .formula = "largest of x",
                         .inputs = 1,
                         .flags = AG_REDUCTION,
                         .fold = AG_FOLD_MAX,
                         .attribute_size = sizeof(ag_axis_attribute),
                         .shape = agi_infer_reduction,
                         .simplify = agi_reduction_of_one,
                         .gradient = agi_extremum_gradient };

ag_node *ag_amax(ag_node *x)
{
    return agi_reduce_all(&agi_amax, x);
}

ag_node *ag_amax_axis(ag_node *x, int axis, int keepdims)
{
    return agi_reduce_axis(&agi_amax, x, axis, keepdims);
}
