/* e^x;  derivative y. */
#include "node.h"

POINTWISE1(exp, F(exp)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, y);
}

const ag_op agi_exp = { .name = "exp",
                        .formula = "e^x",
                        .inputs = 1,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_exp(ag_node *x)
{
    return ag_unary(&agi_exp, x);
}
