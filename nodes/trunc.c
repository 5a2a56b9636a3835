/* The integer part of x, towards zero;  zero gradient everywhere. */
#include "node.h"

POINTWISE1(trunc, F(trunc)(x))

const ag_op agi_trunc = { .name = "trunc",
                          .formula = "trunc(x)",
                          .inputs = 1,
                          .flags = AG_POINTWISE,
                          .code = POINTWISE_CODE,
                          .gradient = ag_zero_gradient };

ag_node *ag_trunc(ag_node *x)
{
    return ag_unary(&agi_trunc, x);
}
