/* a b - c, the product rounded before the difference: what the planner makes of a product that only a difference reads.
 * d/da = b, d/db = a, d/dc = -1. */
#include "node.h"

POINTWISE3(mulsub, a * b - c)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, y->in[1]);
    if (ag_wanted(y, 1)) gin[1] = ag_mul(gout, y->in[0]);
    if (ag_wanted(y, 2)) gin[2] = ag_neg(gout);
}

const ag_op agi_mulsub = { .name = "mulsub",
                           .formula = "a b - c",
                           .inputs = 3,
                           .flags = AG_POINTWISE | AG_SMOOTH,
                           .code = POINTWISE_CODE,
                           .gradient = gradient };
