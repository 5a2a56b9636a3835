/* The nearest integer, the even one of two;  zero gradient everywhere. */
#include "node.h"

POINTWISE1(round, F(rint)(x))

const ag_op agi_round = { .name = "round",
                          .formula = "round(x)",
                          .inputs = 1,
                          .flags = AG_POINTWISE,
                          .code = POINTWISE_CODE,
                          .gradient = ag_zero_gradient };

ag_node *ag_round(ag_node *x)
{
    return ag_unary(&agi_round, x);
}
