/* cosh(x);  derivative sinh(x). */
#include "node.h"

POINTWISE1(cosh, F(cosh)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_sinh(y->in[0]));
}

const ag_op agi_cosh = { .name = "cosh",
                         .formula = "cosh(x)",
                         .inputs = 1,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_cosh(ag_node *x)
{
    return ag_unary(&agi_cosh, x);
}
