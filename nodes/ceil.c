/* The smallest integer that is at least x;  zero gradient everywhere. */
#include "node.h"

POINTWISE1(ceil, F(ceil)(x))

const ag_op agi_ceil = { .name = "ceil",
                         .formula = "ceil(x)",
                         .inputs = 1,
                         .flags = AG_POINTWISE,
                         .code = POINTWISE_CODE,
                         .gradient = ag_zero_gradient };

ag_node *ag_ceil(ag_node *x)
{
    return ag_unary(&agi_ceil, x);
}
