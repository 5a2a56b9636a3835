/* a - b;  d/da = 1, d/db = -1. */
#include "node.h"

POINTWISE2(sub, a - b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = gout;
    if (ag_wanted(y, 1)) gin[1] = ag_neg(gout);
}

const ag_op agi_sub = { .name = "sub",
                        .formula = "a - b",
                        .inputs = 2,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_sub(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_sub, a, b);
}
