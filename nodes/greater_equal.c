/* 1 where a >= b, else 0 (also where one is NaN);  zero gradient everywhere. */
#include "shared/integers.h"

POINTWISE2(greater_equal, a >= b ? 1 : 0)

const ag_op agi_greater_equal = { .name = "greater_equal",
                                  .formula = "a >= b",
                                  .inputs = 2,
                                  .flags = AG_POINTWISE,
                                  .code = POINTWISE_CODE,
                                  .integers = agi_integer_greater_equal,
                                  .gradient = ag_zero_gradient };

ag_node *ag_greater_equal(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_greater_equal, a, b);
}
