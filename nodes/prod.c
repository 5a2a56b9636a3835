/* Product over an axis or everything; the derivative by one element is the product of the others. Neither overflows or
 * vanishes on the way: that of (b, b, 1/b, 1/b) is 1 for b = 1e200. What does so in the type of x is multiplied up once
 * more, fractions and powers of two apart. */
#include "shared/others.h"
#include "shared/reduction.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *x = y->in[0];
    int all = agi_reduced(y) == AG_ALL;
    ag_shape flat = AG_SHAPE(-1);
    ag_node *line = all ? ag_reshape(x, flat) : x;
    if (ag_is_bad(line)) return;
    ag_node *others = agi_new_others(1, &line, all ? 0 : agi_reduced(y));
    gin[0] = ag_mul(agi_put_axis_back(gout, y), all ? ag_reshape(others, ag_shape_in(x)) : others);
}

const ag_op agi_prod = { .name = "prod",
                         .formula = "product of x",
                         .inputs = 1,
                         .flags = AG_REDUCTION | AG_SMOOTH,
                         .fold = AG_FOLD_PROD,
                         .attribute_size = sizeof(ag_axis_attribute),
                         .shape = agi_infer_reduction,
                         .simplify = agi_reduction_of_one,
                         .gradient = gradient };

ag_node *ag_prod(ag_node *x)
{
    return agi_reduce_all(&agi_prod, x);
}

ag_node *ag_prod_axis(ag_node *x, int axis, int keepdims)
{
    return agi_reduce_axis(&agi_prod, x, axis, keepdims);
}
