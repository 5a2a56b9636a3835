/* 1 / (1 + x): the sigmoid of t where x = e^-t.  Derivative -y^2. */
#include "node.h"

POINTWISE1(sigmoid_of_exp, 1 / (1 + x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_neg(ag_mul(ag_mul(gout, y), y));
}

const ag_op agi_sigmoid_of_exp = { .name = "sigmoid_of_exp",
                                   .formula = "1 / (1 + x)",
                                   .inputs = 1,
                                   .flags = AG_POINTWISE | AG_SMOOTH,
                                   .code = POINTWISE_CODE,
                                   .gradient = gradient };
