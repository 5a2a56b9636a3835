/* sigmoid(x) = 1 / (1 + e^-x), which saturates without overflow on either side;  derivative y (1 - y). */
#include "node.h"

POINTWISE1(sigmoid, 1 / (1 + F(exp)(-x)))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_mul(y, ag_one_minus(y)));
}

const ag_op agi_sigmoid = { .name = "sigmoid",
                            .formula = "1 / (1 + e^-x)",
                            .inputs = 1,
                            .flags = AG_POINTWISE | AG_SMOOTH,
                            .code = POINTWISE_CODE,
                            .gradient = gradient };

ag_node *ag_sigmoid(ag_node *x)
{
    return ag_unary(&agi_sigmoid, x);
}
