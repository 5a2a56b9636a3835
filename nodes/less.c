/* 1 where a < b, else 0 (also where one is NaN);  zero gradient everywhere. */
#include "shared/integers.h"

POINTWISE2(less, a < b ? 1 : 0)

const ag_op agi_less = { .name = "less",
                         .formula = "a < b",
                         .inputs = 2,
                         .flags = AG_POINTWISE,
                         .code = POINTWISE_CODE,
                         .integers = agi_integer_less,
                         .gradient = ag_zero_gradient };

ag_node *ag_less(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_less, a, b);
}
