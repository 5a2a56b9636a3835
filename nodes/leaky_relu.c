/* x where x > 0, else slope x, the slope being a literal, the second operand;  derivative 1 where x > 0, else slope. */
#include "node.h"

POINTWISE2(leaky_relu, a > 0 ? a : a * b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *positive = ag_greater(y->in[0], ag_number(y->graph, 0));
    gin[0] = ag_where(positive, gout, ag_mul(gout, y->in[1]));
}

const ag_op agi_leaky_relu = { .name = "leaky_relu",
                               .formula = "x if x > 0 else slope x",
                               .inputs = 2,
                               .flags = AG_POINTWISE,
                               .code = POINTWISE_CODE,
                               .gradient = gradient };

ag_node *ag_leaky_relu(ag_node *x, double slope)
{
    return ag_is_bad(x) ? x : ag_binary(&agi_leaky_relu, x, ag_number(x->graph, slope));
}
