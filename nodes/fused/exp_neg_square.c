/* e^(-x^2): what the planner makes of exp_neg of a square that nothing else reads.  Derivative -2 x y. */
#include "node.h"

POINTWISE1(exp_neg_square, F(exp)(-(x * x)))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(ag_scale(gout, -2), ag_mul(y->in[0], y));
}

const ag_op agi_exp_neg_square = { .name = "exp_neg_square",
                                   .formula = "e^(-x^2)",
                                   .inputs = 1,
                                   .flags = AG_POINTWISE | AG_SMOOTH,
                                   .code = POINTWISE_CODE,
                                   .gradient = gradient };
