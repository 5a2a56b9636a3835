/* e^(-2|x|): what slopes of tanh are made of.  Derivative -2 sign(x) y. */
#include "node.h"

POINTWISE1(exp_even, F(exp)(-2 * F(fabs)(x)))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(ag_mul(ag_scale(gout, -2), ag_sign(y->in[0])), y);
}

const ag_op agi_exp_even = { .name = "exp_even",
                             .formula = "e^(-2|x|)",
                             .inputs = 1,
                             .flags = AG_POINTWISE | AG_SMOOTH,
                             .code = POINTWISE_CODE,
                             .gradient = gradient };
