/* sqrt(x);  derivative 1 / (2 y). */
#include "node.h"

POINTWISE1(sqrt, F(sqrt)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(ag_scale(gout, 0.5), ag_div(ag_number(y->graph, 1), y)); /* see div.c */
}

const ag_op agi_sqrt = { .name = "sqrt",
                         .formula = "sqrt(x)",
                         .inputs = 1,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_sqrt(ag_node *x)
{
    return ag_unary(&agi_sqrt, x);
}
