/* x^2;  derivative 2 x. */
#include "node.h"

POINTWISE1(square, x * x)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_scale(y->in[0], 2));
}

const ag_op agi_square = { .name = "square",
                           .formula = "x^2",
                           .inputs = 1,
                           .flags = AG_POINTWISE | AG_SMOOTH,
                           .code = POINTWISE_CODE,
                           .gradient = gradient };

ag_node *ag_square(ag_node *x)
{
    return ag_unary(&agi_square, x);
}
