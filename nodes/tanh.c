/* tanh(x);  derivative 1 - y^2. */
#include "node.h"

POINTWISE1(tanh, F(tanh)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_one_minus(ag_square(y)));
}

const ag_op agi_tanh = { .name = "tanh",
                         .formula = "tanh(x)",
                         .inputs = 1,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_tanh(ag_node *x)
{
    return ag_unary(&agi_tanh, x);
}
