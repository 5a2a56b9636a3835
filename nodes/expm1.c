/* e^x - 1;  derivative e^x, whose small values y + 1 would lose. */
#include "node.h"

POINTWISE1(expm1, F(expm1)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_exp(y->in[0]));
}

const ag_op agi_expm1 = { .name = "expm1",
                          .formula = "e^x - 1",
                          .inputs = 1,
                          .flags = AG_POINTWISE | AG_SMOOTH,
                          .code = POINTWISE_CODE,
                          .gradient = gradient };

ag_node *ag_expm1(ag_node *x)
{
    return ag_unary(&agi_expm1, x);
}
