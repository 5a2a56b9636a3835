/* The largest integer that is at most x;  zero gradient everywhere. */
#include "node.h"

POINTWISE1(floor, F(floor)(x))

const ag_op agi_floor = { .name = "floor",
                          .formula = "floor(x)",
                          .inputs = 1,
                          .flags = AG_POINTWISE,
                          .code = POINTWISE_CODE,
                          .gradient = ag_zero_gradient };

ag_node *ag_floor(ag_node *x)
{
    return ag_unary(&agi_floor, x);
}
