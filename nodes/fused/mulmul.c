/* (a b) c: what the planner makes of a product that only a product reads.  d/da = b c, d/db = a c, d/dc = a b. */
#include "node.h"

POINTWISE3(mulmul, a * b * c)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1], *c = y->in[2];
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, ag_mul(b, c));
    if (ag_wanted(y, 1)) gin[1] = ag_mul(gout, ag_mul(a, c));
    if (ag_wanted(y, 2)) gin[2] = ag_mul(gout, ag_mul(a, b));
}

const ag_op agi_mulmul = { .name = "mulmul",
                           .formula = "a b c",
                           .inputs = 3,
                           .flags = AG_POINTWISE | AG_SMOOTH,
                           .code = POINTWISE_CODE,
                           .gradient = gradient };
