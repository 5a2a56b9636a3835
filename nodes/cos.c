/* cos(x);  derivative -sin(x). */
#include "node.h"

POINTWISE1(cos, F(cos)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_neg(ag_mul(gout, ag_sin(y->in[0])));
}

const ag_op agi_cos = { .name = "cos",
                        .formula = "cos(x)",
                        .inputs = 1,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_cos(ag_node *x)
{
    return ag_unary(&agi_cos, x);
}
