/* x^2;  derivative 2 x. */
#include "shared/integers.h"

POINTWISE1(square, x * x)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(ag_scale(gout, 2), y->in[0]);
}

const ag_op agi_square = { .name = "square",
                           .formula = "x^2",
                           .inputs = 1,
                           .flags = AG_POINTWISE | AG_SMOOTH,
                           .code = POINTWISE_CODE,
                           .integers = agi_integer_square,
                           .gradient = gradient };

ag_node *ag_square(ag_node *x)
{
    return ag_unary(&agi_square, x);
}
