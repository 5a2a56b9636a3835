/* tan(x);  derivative 1 + y^2. */
#include "node.h"

POINTWISE1(tan, F(tan)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_add(ag_number(y->graph, 1), ag_square(y)));
}

const ag_op agi_tan = { .name = "tan",
                        .formula = "tan(x)",
                        .inputs = 1,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_tan(ag_node *x)
{
    return ag_unary(&agi_tan, x);
}
