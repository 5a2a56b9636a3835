/* a b;  d/da = b, d/db = a. */
#include "node.h"

POINTWISE2(mul, a * b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, y->in[1]);
    if (ag_wanted(y, 1)) gin[1] = ag_mul(gout, y->in[0]);
}

const ag_op agi_mul = { .name = "mul",
                        .formula = "a b",
                        .inputs = 2,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_mul(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_mul, a, b);
}
