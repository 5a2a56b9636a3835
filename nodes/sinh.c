/* sinh(x);  derivative cosh(x). */
#include "node.h"

POINTWISE1(sinh, F(sinh)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_cosh(y->in[0]));
}

const ag_op agi_sinh = { .name = "sinh",
                         .formula = "sinh(x)",
                         .inputs = 1,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_sinh(ag_node *x)
{
    return ag_unary(&agi_sinh, x);
}
