/* a b, and 0 far left, where it may be Inf 0: what the planner makes of gelu at a where b = Phi(a) is there, too.
 * d/da = b, d/db = a, 0 far left. */
#include "node.h"

POINTWISE2(gelu_of_normal, a < -40 ? 0 : a * b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *zero = ag_number(y->graph, 0), *left = ag_less(y->in[0], ag_number(y->graph, -40));
    for (int k = 0; k < 2; k++)
        if (ag_wanted(y, k)) gin[k] = ag_mul(gout, ag_where(left, zero, y->in[1 - k]));
}

const ag_op agi_gelu_of_normal = { .name = "gelu_of_normal",
                                   .formula = "a b, 0 far left",
                                   .inputs = 2,
                                   .flags = AG_POINTWISE | AG_SMOOTH,
                                   .code = POINTWISE_CODE,
                                   .gradient = gradient };
