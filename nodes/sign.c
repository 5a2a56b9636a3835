/* 1, -1 or, for zeros and NaN, x itself;  zero gradient everywhere. */
#include "node.h"

POINTWISE1(sign, x > 0 ? 1 : x < 0 ? -1 : x)

const ag_op agi_sign = { .name = "sign",
                         .formula = "sign of x",
                         .inputs = 1,
                         .flags = AG_POINTWISE,
                         .code = POINTWISE_CODE,
                         .gradient = ag_zero_gradient };

ag_node *ag_sign(ag_node *x)
{
    return ag_unary(&agi_sign, x);
}
