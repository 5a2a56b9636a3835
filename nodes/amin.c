/* The smallest element over an axis or everything, NaN if any is;  equal ones share the gradient. */
#include "shared/extremum.h"

const ag_op agi_amin = { .name = "amin",
                         .formula = "smallest of x",
                         .inputs = 1,
                         .flags = AG_REDUCTION,
                         .fold = AG_FOLD_MIN,
                         .attribute_size = sizeof(ag_axis_attribute),
                         .shape = ag_infer_reduction,
                         .simplify = ag_reduction_of_one,
                         .gradient = ag_extremum_gradient };

ag_node *ag_amin(ag_node *x)
{
    return ag_reduce_all(&agi_amin, x);
}

ag_node *ag_amin_axis(ag_node *x, int axis, int keepdims)
{
    return ag_reduce_axis(&agi_amin, x, axis, keepdims);
}
