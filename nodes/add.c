/* a + b;  d/da = 1, d/db = 1. */
#include "node.h"

POINTWISE2(add, a + b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y;
    gin[0] = gin[1] = gout;
}

const ag_op agi_add = { .name = "add",
                        .formula = "a + b",
                        .inputs = 2,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_add(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_add, a, b);
}
