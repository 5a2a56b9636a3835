/* c - a b, the product rounded before the difference: what the planner makes of a product that only a difference reads.
 * d/da = -b, d/db = -a, d/dc = 1. */
#include "node.h"

POINTWISE3(submul, c - a * b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = ag_neg(ag_mul(gout, y->in[1]));
    if (ag_wanted(y, 1)) gin[1] = ag_neg(ag_mul(gout, y->in[0]));
    gin[2] = gout;
}

const ag_op agi_submul = { .name = "submul",
                           .formula = "c - a b",
                           .inputs = 3,
                           .flags = AG_POINTWISE | AG_SMOOTH,
                           .code = POINTWISE_CODE,
                           .gradient = gradient };
