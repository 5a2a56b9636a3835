/* x tanh(softplus(x)), 0 far left, also at -Inf;  derivative mish_slope. */
#include "shared/slopes.h"

POINTWISE1(mish, F(agi_mish_of)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, agi_new_mish_slope(y->in[0]));
}

const ag_op agi_mish = { .name = "mish",
                         .formula = "x tanh(log(1 + e^x))",
                         .inputs = 1,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_mish(ag_node *x)
{
    return ag_unary(&agi_mish, x);
}
