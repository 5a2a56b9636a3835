/* 1 where a = b, else 0 (a NaN equals nothing);  zero gradient everywhere. */
#include "shared/integers.h"

POINTWISE2(equal, a == b ? 1 : 0)

const ag_op agi_equal = { .name = "equal",
                          .formula = "a = b",
                          .inputs = 2,
                          .flags = AG_POINTWISE,
                          .code = POINTWISE_CODE,
                          .integers = agi_integer_equal,
                          .gradient = ag_zero_gradient };

ag_node *ag_equal(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_equal, a, b);
}
