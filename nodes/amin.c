/* The smallest element over an axis or everything, NaN if any is;  equal ones share the gradient. */
#include "shared/extremum.h"

const ag_op agi_amin = { .name = "amin",
                         .formula = "smallest of x",
                         .inputs = 1,
                         .flags = AG_REDUCTION,
                         .fold = AG_FOLD_MIN,
                         .attribute_size = sizeof(ag_axis_attribute),
                         .shape = agi_infer_reduction,
                         .simplify = agi_reduction_of_one,
                         .gradient = agi_extremum_gradient };

ag_node *ag_amin(ag_node *x)
{
    return agi_reduce_all(&agi_amin, x);
}

ag_node *ag_amin_axis(ag_node *x, int axis, int keepdims)
{
    return agi_reduce_axis(&agi_amin, x, axis, keepdims);
}
