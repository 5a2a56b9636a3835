/* e^-x: what the planner makes of the exponential of a negative that nothing else reads.  Derivative -y. */
#include "node.h"

POINTWISE1(exp_neg, F(exp)(-x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_neg(ag_mul(gout, y));
}

const ag_op agi_exp_neg = { .name = "exp_neg",
                            .formula = "e^-x",
                            .inputs = 1,
                            .flags = AG_POINTWISE | AG_SMOOTH,
                            .code = POINTWISE_CODE,
                            .gradient = gradient };
