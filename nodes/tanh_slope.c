/* a (1 - b^2): what the planner makes of the gradient a of a tanh with value b.  d/da = 1 - b^2, d/db = -2 a b. */
#include "node.h"

POINTWISE2(tanh_slope, a * (1 - b * b))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *b = y->in[1];
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, ag_one_minus(ag_square(b)));
    if (ag_wanted(y, 1)) gin[1] = ag_mul(gout, ag_mul(ag_scale(y->in[0], -2), b));
}

const ag_op agi_tanh_slope = { .name = "tanh_slope",
                       .formula = "a (1 - b^2)",
                       .inputs = 2,
                       .flags = AG_POINTWISE | AG_SMOOTH,
                       .code = POINTWISE_CODE,
                       .gradient = gradient };
