/* sin(x);  derivative cos(x). */
#include "node.h"

POINTWISE1(sin, F(sin)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_cos(y->in[0]));
}

const ag_op agi_sin = { .name = "sin",
                        .formula = "sin(x)",
                        .inputs = 1,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_sin(ag_node *x)
{
    return ag_unary(&agi_sin, x);
}
