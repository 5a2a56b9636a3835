/* a b (1 - b): what the planner makes of the gradient a of a sigmoid with value b.
 * d/da = b (1 - b), d/db = a (1 - 2 b). */
#include "node.h"

POINTWISE2(sigmoid_slope, a * (b * (1 - b)))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *b = y->in[1];
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, ag_mul(b, ag_one_minus(b)));
    if (ag_wanted(y, 1)) gin[1] = ag_mul(gout, ag_mul(y->in[0], ag_one_minus(ag_scale(b, 2))));
}

const ag_op agi_sigmoid_slope = { .name = "sigmoid_slope",
                       .formula = "a b (1 - b)",
                       .inputs = 2,
                       .flags = AG_POINTWISE | AG_SMOOTH,
                       .code = POINTWISE_CODE,
                       .gradient = gradient };
