/* log(1 + e^x), written max(x, 0) + log(1 + e^-|x|), which never overflows;  derivative sigmoid(x). */
#include "node.h"

POINTWISE1(softplus, (x > 0 ? x : 0) + F(log1p)(F(exp)(-F(fabs)(x))))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_sigmoid(y->in[0]));
}

const ag_op agi_softplus = { .name = "softplus",
                             .formula = "log(1 + e^x)",
                             .inputs = 1,
                             .flags = AG_POINTWISE | AG_SMOOTH,
                             .code = POINTWISE_CODE,
                             .gradient = gradient };

ag_node *ag_softplus(ag_node *x)
{
    return ag_unary(&agi_softplus, x);
}
