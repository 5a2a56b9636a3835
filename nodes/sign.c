/* 1, -1 or, for zeros and NaN, x itself;  zero gradient everywhere. */
#include "shared/integers.h"

POINTWISE1(sign, x > 0 ? 1 : x < 0 ? -1 : x)

const ag_op agi_sign = { .name = "sign",
                         .formula = "sign of x",
                         .inputs = 1,
                         .flags = AG_POINTWISE,
                         .code = POINTWISE_CODE,
                         .integers = agi_integer_sign,
                         .gradient = ag_zero_gradient };

ag_node *ag_sign(ag_node *x)
{
    return ag_unary(&agi_sign, x);
}
